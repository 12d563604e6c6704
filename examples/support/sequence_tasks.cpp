#include "support/sequence_tasks.hpp"

#include <algorithm>
#include <numeric>

namespace examples {

using namespace fovea;

namespace {

using Rows = std::vector<std::vector<std::int32_t>>;
using Kind = SequenceTask::Kind;

// Letters in places that are asked for from the first to the last.
void draw_places(const SequenceTask& task, Rng& random, std::vector<std::int32_t>& sequence,
                 std::vector<std::int32_t>& questions, std::vector<std::int32_t>& answers) {
  const Index length = task.shortest + random.below(task.longest - task.shortest + 1);
  for (Index i = 1; i <= length; ++i) {
    sequence.push_back(static_cast<std::int32_t>(1 + random.below(task.letters)));
    questions.push_back(static_cast<std::int32_t>(i));
  }
  answers = sequence;
  if (task.kind == Kind::reverse) std::ranges::reverse(answers);
}

// The first elements of a random permutation of 0 to `all` - 1.
std::vector<std::int32_t> chosen(Index count, Index all, Rng& random) {
  std::vector<std::int32_t> numbers(static_cast<std::size_t>(all));
  std::iota(numbers.begin(), numbers.end(), 0);
  for (Index i = 0; i < count; ++i)
    std::swap(numbers[static_cast<std::size_t>(i)],
              numbers[static_cast<std::size_t>(i + random.below(all - i))]);
  numbers.resize(static_cast<std::size_t>(count));
  return numbers;
}

// Pairs of a letter and a digit, no letter twice, and the letters once more in another order.
void draw_pairs(const SequenceTask& task, Rng& random, std::vector<std::int32_t>& sequence,
                std::vector<std::int32_t>& questions, std::vector<std::int32_t>& answers) {
  const Index pairs = (task.shortest + random.below(task.longest - task.shortest + 1)) / 2;
  for (const std::int32_t letter : chosen(pairs, task.letters, random)) {
    sequence.push_back(letter + 1);
    sequence.push_back(
        static_cast<std::int32_t>(task.letters + 1 + random.below(SequenceTask::digits)));
  }
  for (const std::int32_t pair : chosen(pairs, pairs, random)) {
    questions.push_back(sequence[static_cast<std::size_t>(2 * pair)]);
    answers.push_back(sequence[static_cast<std::size_t>(2 * pair + 1)]);
  }
}

Ids padded(const Rows& rows, Index time) {
  return pad_sequences(rows, {.maxlen = time, .padding = SequenceEnd::post}).ids;
}

// The place of each symbol, from 1, counted from either end; 0 for padding.
Ids places(const Ids& sequence, bool from_end) {
  Ids result(sequence.shape());
  const Index time = sequence.shape()[1];
  for (Index begin = 0; begin < sequence.count(); begin += time) {
    Index length = 0;
    while (length < time && sequence.at(begin + length) != 0) ++length;
    for (Index t = 0; t < time; ++t)
      result.mutable_data()[begin + t] = static_cast<std::int32_t>(t >= length ? 0
                                                                   : from_end  ? length - t
                                                                               : t + 1);
  }
  return result;
}

}  // namespace

std::string SequenceTask::name() const {
  return kind == Kind::copy ? "copy" : kind == Kind::reverse ? "reverse" : "recall";
}

std::string SequenceTask::symbol(Index id) const {
  return std::string(1, static_cast<char>(id > letters ? '0' + id - letters - 1 : 'a' + id - 1));
}

Index SequenceTask::place_of(std::span<const std::int32_t> sequence, Index question) const {
  if (kind == Kind::copy) return question - 1;
  if (kind == Kind::reverse) return std::ranges::find(sequence, 0) - sequence.begin() - question;
  return std::ranges::find(sequence, question) - sequence.begin() + 1;
}

SampleBatch SequenceTask::draw(Index samples, Rng random) const {
  Rows sequences(static_cast<std::size_t>(samples)), questions = sequences, answers = sequences;
  for (std::size_t i = 0; i < sequences.size(); ++i)
    if (kind == Kind::recall)
      draw_pairs(*this, random, sequences[i], questions[i], answers[i]);
    else
      draw_places(*this, random, sequences[i], questions[i], answers[i]);
  const Index asked = kind == Kind::recall ? longest / 2 : longest;
  return {{padded(sequences, longest), padded(questions, asked)}, padded(answers, asked)};
}

Signal Answers::operator()(const Ids& sequence, const Ids& questions,
                           const Context& context) const {
  const Caller call(*this, context);
  const Tensor read =
      call(window, call(symbol, sequence) + call(from_start, places(sequence, false)) +
                       call(from_end, places(sequence, true)));
  const std::optional<Mask> mask = symbol.mask(sequence);
  const Tensor asked = call(question, questions);
  Tensor found;
  if (way == Way::attention) {
    found = call.within(attention, read, [&](const Context& inside) {
      return attention.attend(read, {.query = asked, .mask = {.keep = mask}}, inside).context;
    });
  } else if (way == Way::mean) {
    const Tensor one = call(mean, read, mask);
    found = expand_dims(one, 1) + Tensor(Array::zeros({1, questions.shape()[1], 1}));
  } else {
    const Tensor heard = call(listener, read, mask);
    found = call.within(speaker, asked, [&](const Context&) {
      return speaker.unroll(asked, {.mask = question.mask(questions), .states = {heard}}).outputs;
    });
  }
  return {call(answer, call(hidden, concat({found, asked}, 2))), question.mask(questions)};
}

std::string_view name_of(Answers::Way way) {
  return way == Answers::Way::attention ? "attention"
         : way == Answers::Way::mean    ? "mean"
                                        : "recurrent";
}

Model model_of(const SequenceTask& task, Answers::Way way, Index width) {
  const auto of = [&](Answers::Way which, Index units) {
    Model model{Answers{.task = task, .way = which, .width = width, .units = units}};
    model.set_name(std::string(name_of(which)));
    return model;
  };
  const SampleBatch sample = task.draw(1, Rng(0));
  const auto parameters = [&](Answers::Way which, Index units) {
    Model model = of(which, units);
    model.build(sample.x);
    return parameter_count(model);
  };
  Index units = width;
  if (way != Answers::Way::attention)
    for (units = 4; parameters(way, units) < parameters(Answers::Way::attention, width);)
      units += 4;
  return of(way, units);
}

Exactness exactness(const Model& model, const SampleBatch& samples) {
  const Ids answers = argmax(Array(model.predict(samples.x))), &right = samples.y[0].samples.ids();
  const Index time = right.shape()[1];
  Index asked = 0, found = 0, exact = 0;
  for (Index begin = 0; begin < right.count(); begin += time) {
    bool all = true;
    for (Index i = begin; i < begin + time && right.at(i) != 0; ++i) {
      ++asked;
      found += answers.at(i) == right.at(i);
      all = all && answers.at(i) == right.at(i);
    }
    exact += all;
  }
  return {double(found) / double(asked), double(exact) / double(right.shape()[0])};
}

double weight_on_answers(const Model& model, const SequenceTask& task, const SampleBatch& samples) {
  const Ids &sequences = samples.x[0].samples.ids(), &questions = samples.x[1].samples.ids();
  const Index time = sequences.shape()[1], asked = questions.shape()[1];
  const AttentionWeights all = model.attention(samples.x);
  const Array& weights = all.begin()->second;  // (samples, questions, time)
  double sum = 0;
  Index count = 0;
  for (Index i = 0; i < questions.count(); ++i) {
    if (questions.at(i) == 0) continue;
    const Index place =
        task.place_of(sequences.values().subspan(static_cast<std::size_t>(i / asked * time),
                                                 static_cast<std::size_t>(time)),
                      questions.at(i));
    sum += static_cast<double>(weights.at(i * time + place));
    ++count;
  }
  return sum / static_cast<double>(count);
}

}  // namespace examples
