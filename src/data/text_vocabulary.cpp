#include "data/text_vocabulary.hpp"

#include <algorithm>
#include <bit>
#include <unordered_map>

#include "data/content_hash.hpp"
#include "data/tokens.hpp"
#include "parallel/parallel.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

struct Count {
  std::int64_t count = 0, texts = 0;
  std::size_t last = 0;  // the number of the last text that held it, from 1
};
using Counts = std::unordered_map<std::string, Count, TextHash, std::equal_to<>>;

Counts counted(std::span<const std::string> texts, std::size_t begin, std::size_t end,
               const TextVectorizationOptions& options) {
  Counts counts;
  Tokens tokens(options);
  for (std::size_t i = begin; i < end; ++i) {
    tokens.read(texts[i], i);
    tokens.each([&](std::string_view token) {
      auto found = counts.find(token);
      if (found == counts.end()) found = counts.emplace(token, Count()).first;
      ++found->second.count;
      found->second.texts += found->second.last != i + 1;
      found->second.last = i + 1;
    });
  }
  return counts;
}

void merge(Counts& into, Counts&& from) {
  if (into.empty()) {
    into = std::move(from);
    return;
  }
  while (!from.empty()) {
    auto node = from.extract(from.begin());
    const Count added = node.mapped();
    if (const auto placed = into.insert(std::move(node)); !placed.inserted) {
      placed.position->second.count += added.count;
      placed.position->second.texts += added.texts;
    }
  }
}

}  // namespace

TextVocabulary::TextVocabulary(std::vector<std::string> list, Index specials,
                               std::vector<double> idf_weights)
    : tokens(std::move(list)),
      unknown(static_cast<std::int32_t>(specials - 1)),
      weights(std::move(idf_weights)),
      slots_(std::bit_ceil(2 * tokens.size() + 1), Slot{0, -1}) {
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const std::uint64_t hash = content_hash(tokens[i]);
    slots_[slot_of(tokens[i], hash)] = {hash, static_cast<std::int32_t>(i)};
  }
}

std::int32_t TextVocabulary::find(std::string_view token) const {
  const Slot& slot = slots_[slot_of(token, content_hash(token))];
  return slot.token < 0 ? unknown : slot.token + unknown + 1;
}

// Where the token is, or the empty slot at which the search for it ends.
std::size_t TextVocabulary::slot_of(std::string_view token, std::uint64_t hash) const {
  for (std::size_t i = hash & (slots_.size() - 1);; i = (i + 1) & (slots_.size() - 1)) {
    const Slot& slot = slots_[i];
    if (slot.token < 0) return i;
    if (slot.hash == hash && tokens[static_cast<std::size_t>(slot.token)] == token) return i;
  }
}

std::vector<CountedToken> most_frequent(std::span<const std::string> texts,
                                        const TextVectorizationOptions& options, Index most) {
  constexpr std::size_t pieces = 8;
  std::vector<Counts> counts(std::min(texts.size(), pieces));
  with_first_error(texts, options, [&] {
    parallel::run(static_cast<Index>(counts.size()), [&](Index piece) {
      const auto i = static_cast<std::size_t>(piece);
      counts[i] = counted(texts, texts.size() * i / counts.size(),
                          texts.size() * (i + 1) / counts.size(), options);
    });
  });
  Counts all;
  for (Counts& part : counts) merge(all, std::move(part));
  for (const std::string_view special : {std::string_view(), unknown_token})
    if (const auto found = all.find(special); found != all.end()) all.erase(found);
  std::vector<CountedToken> sorted;
  sorted.reserve(all.size());
  while (!all.empty()) {
    auto node = all.extract(all.begin());
    sorted.push_back({std::move(node.key()), node.mapped().count, node.mapped().texts});
  }
  std::ranges::sort(sorted, [](const CountedToken& a, const CountedToken& b) {
    return a.count != b.count ? a.count > b.count : a.token > b.token;
  });
  if (std::cmp_less(most, sorted.size())) sorted.resize(static_cast<std::size_t>(most));
  return sorted;
}

}}  // namespace fovea
