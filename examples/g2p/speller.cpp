#include "g2p/speller.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>

namespace examples {

using namespace fovea;

namespace {

std::vector<std::vector<std::int32_t>> ids_of(std::span<const std::string> words) {
  std::vector<std::vector<std::int32_t>> ids;
  for (const std::string& word : words) {
    if (word.empty()) throw ValueError("g2p: a word is empty");
    std::vector<std::int32_t>& letters = ids.emplace_back();
    for (const char c : word) {
      if (c < 'a' || c > 'z')
        throw ValueError(fmt::format("g2p: \"{}\" is not a word of letters a to z", word));
      letters.push_back(static_cast<std::int32_t>(c - 'a' + 1));
    }
  }
  return ids;
}

// The beginnings of pronunciations that are followed: `beam` for each word, the likeliest first.
class Search {
 public:
  Search(std::span<const std::string> words, Index beam)
      : words_(words), beam_(beam), beginnings_(words.size() * static_cast<std::size_t>(beam)) {
    for (std::size_t i = 0; i < beginnings_.size(); ++i)
      if (i % static_cast<std::size_t>(beam) != 0) beginnings_[i].score = -infinity;
  }

  // Returns what was heard, once for each beginning.
  Speller::Heard repeated(const Speller::Heard& heard) const {
    std::vector<Index> rows;
    for (Index i = 0; i < count(); ++i) rows.push_back(i / beam_);
    const Ids ids = Ids(Shape{count()}, std::span<const std::int64_t>(rows));
    return {take(heard.letters, ids), heard.mask->rows(rows), take(heard.state, ids)};
  }

  // Returns the last sound of each beginning, (beginnings, 1): padding for one that has ended.
  Ids told() const {
    Ids ids(Shape{count(), 1});
    for (Index i = 0; i < count(); ++i) {
      const Beginning& one = beginnings_[static_cast<std::size_t>(i)];
      ids.mutable_data()[i] = one.ended            ? 0
                              : one.sounds.empty() ? Speller::end
                                                   : one.sounds.back() + Speller::specials;
    }
    return ids;
  }

  bool ended() const { return std::ranges::all_of(beginnings_, &Beginning::ended); }

  // Adds a sound to each, for probabilities (beginnings, 1, sounds), and keeps the likeliest of
  // each word. Returns the beginning that each was made of.
  Ids extend(const Array& probabilities) {
    const Index ids = probabilities.shape()[2];
    std::vector<Beginning> kept;
    Ids parents(Shape{count()});
    for (Index word = 0; word < count(); word += beam_) {
      std::vector<Step> steps;
      for (Index from = word; from < word + beam_; ++from)
        add_steps(from,
                  probabilities.values().subspan(static_cast<std::size_t>(from * ids),
                                                 static_cast<std::size_t>(ids)),
                  steps);
      std::ranges::partial_sort(steps, steps.begin() + beam_, [](const Step& a, const Step& b) {
        return std::tuple(-a.score, a.from, a.id) < std::tuple(-b.score, b.from, b.id);
      });
      for (Index i = 0; i < beam_; ++i) {
        const Step& step = steps[static_cast<std::size_t>(i)];
        Beginning one = beginnings_[static_cast<std::size_t>(step.from)];
        one.score = step.score;
        if (step.id > Speller::end) one.sounds.push_back(step.id - Speller::specials);
        one.ended = step.id <= Speller::end || one.sounds.size() == longest(word / beam_);
        parents.mutable_data()[word + i] = static_cast<std::int32_t>(step.from);
        kept.push_back(std::move(one));
      }
    }
    beginnings_ = std::move(kept);
    return parents;
  }

  std::vector<Sounds> best() const {
    std::vector<Sounds> sounds;
    for (Index i = 0; i < count(); i += beam_)
      sounds.push_back(beginnings_[static_cast<std::size_t>(i)].sounds);
    return sounds;
  }

 private:
  static constexpr double infinity = std::numeric_limits<double>::infinity();

  struct Beginning {
    Sounds sounds;
    double score = 0;  // the logarithm of its probability
    bool ended = false;
  };
  struct Step {
    double score;
    Index from;
    std::int32_t id;
  };

  Index count() const { return std::ssize(beginnings_); }

  void add_steps(Index from, std::span<const real> probabilities, std::vector<Step>& steps) const {
    const Beginning& one = beginnings_[static_cast<std::size_t>(from)];
    if (one.ended) steps.push_back({one.score, from, 0});  // padding
    for (std::size_t id = Speller::end; id < probabilities.size() && !one.ended; ++id)
      steps.push_back({one.score + std::log(static_cast<double>(probabilities[id])), from,
                       static_cast<std::int32_t>(id)});
  }

  // The sounds after which a word is ended, where the model does not end it.
  std::size_t longest(Index word) const {
    return 2 * words_[static_cast<std::size_t>(word)].size() + 4;
  }

  std::span<const std::string> words_;
  Index beam_;
  std::vector<Beginning> beginnings_;
};

}  // namespace

Speller::Heard Speller::hear(const Ids& letters, const Caller<Speller>& call) const {
  const Tensor embedded = call(letter, letters);
  const std::optional<Mask> mask = letter.mask(letters);
  const Unrolled there = call.within(
      forward, embedded, [&](const Context&) { return forward.unroll(embedded, {.mask = mask}); });
  const Unrolled back = call.within(backward, embedded, [&](const Context&) {
    return backward.unroll(embedded, {.mask = mask, .go_backwards = true});
  });
  return {concat({there.outputs, flip(back.outputs, {1})}, 2), mask,
          call(start, concat({there.states[0], back.states[0]}, 1))};
}

Speller::Said Speller::say(const Ids& told, const Heard& heard, const Caller<Speller>& call) const {
  const Tensor before = call(sound, told);
  const Unrolled states = call.within(decoder, before, [&](const Context&) {
    return decoder.unroll(before, {.mask = sound.mask(told), .states = {heard.state}});
  });
  const Tensor found = call.within(attention, heard.letters, [&](const Context& inside) {
    return attention
        .attend(heard.letters, {.query = states.outputs, .mask = {.keep = heard.mask}}, inside)
        .context;
  });
  const Tensor both = call(hidden, concat({found, states.outputs}, 2));
  return {call(next, call(dropout, both)), states.states[0]};
}

Signal Speller::operator()(const Ids& letters, const Ids& told, const Context& context) const {
  const Caller call(*this, context);
  return {say(told, hear(letters, call), call).next, sound.mask(told)};
}

Lesson lesson(std::span<const Word> words) {
  std::vector<std::string> letters;
  std::vector<std::vector<std::int32_t>> told, target;
  std::size_t longest = 1;
  for (const Word& word : words) {
    letters.push_back(word.letters);
    std::vector<std::int32_t>& sounds = target.emplace_back();
    for (const std::int32_t sound : word.sounds.front())
      sounds.push_back(sound + Speller::specials);
    told.push_back(sounds);
    told.back().insert(told.back().begin(), Speller::end);
    sounds.push_back(Speller::end);
    longest = std::max({longest, word.letters.size(), sounds.size()});
  }
  const auto padded = [&](const std::vector<std::vector<std::int32_t>>& ids) {
    return pad_sequences(ids, {.maxlen = static_cast<Index>(longest), .padding = SequenceEnd::post})
        .ids;
  };
  return {padded(ids_of(letters)), padded(told), padded(target)};
}

Ids letter_ids(std::span<const std::string> words) {
  return pad_sequences(ids_of(words), {.padding = SequenceEnd::post}).ids;
}

std::vector<Sounds> speak(const Speller& speller, std::span<const std::string> words, Index beam) {
  const NoGrad no_grad;
  const Context context;
  const Caller call(speller, context);
  Search search(words, beam);
  Speller::Heard heard = search.repeated(speller.hear(letter_ids(words), call));
  while (!search.ended()) {
    const Speller::Said said = speller.say(search.told(), heard, call);
    heard.state = take(said.state, search.extend(said.next.value()));
  }
  return search.best();
}

}  // namespace examples
