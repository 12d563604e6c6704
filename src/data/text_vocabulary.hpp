// The vocabulary of a TextVectorization: tokens by id and ids by token.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/data/text_vectorization.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

constexpr std::string_view unknown_token = "[UNK]";

struct TextVocabulary {
  /// Takes the tokens without special ones, of which `specials` stand in front. The weights are
  /// those of all ids, or none.
  TextVocabulary(std::vector<std::string> tokens, Index specials, std::vector<double> idf_weights);

  /// Returns the id of a token, or that of the unknown token.
  std::int32_t find(std::string_view token) const;

  std::vector<std::string> tokens;
  std::int32_t unknown;  ///< its id; the tokens follow it
  std::vector<double> weights;

 private:
  // A table with open addresses, at most half full: a lookup takes one or two cache lines.
  struct Slot {
    std::uint64_t hash;
    std::int32_t token;  // its position, or none
  };
  std::size_t slot_of(std::string_view token, std::uint64_t hash) const;
  std::vector<Slot> slots_;
};

/// Counts the tokens of texts, and returns them by falling frequency, at most `most` of them. Those
/// that are equally frequent stand from the highest to the lowest bytes. Each has the number of
/// texts that hold it.
struct CountedToken {
  std::string token;
  std::int64_t count = 0, texts = 0;
};
std::vector<CountedToken> most_frequent(std::span<const std::string> texts,
                                        const TextVectorizationOptions& options, Index most);

}}  // namespace fovea
