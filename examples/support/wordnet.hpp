// Definitions of nouns from WordNet, each with one of ten classes: the file data.noun of Debian's
// package wordnet-base, format wndb(5WN). A line is a synset: offset, number of the lexicographer's
// file, "n", words, pointers, " | ", gloss. The class is the lexicographer's file; the text is the
// gloss up to its examples. The split is a hash of the text, so equal definitions never straddle
// it, and every reader of the same file gets the same arrays.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/array/ids.hpp"
#include "support/data_file.hpp"

namespace examples {

inline constexpr const char* debian_wordnet = "/usr/share/wordnet/data.noun";

struct Split {
  fovea::Ids x;  // (samples, time): ids of words; 0 where the definition has ended
  fovea::Ids y;  // (samples,): classes
  std::vector<std::string>
      texts;  // the words behind each row of x, in lower case, one space between them
};

struct WordNet {
  static constexpr fovea::Index vocabulary =
      10000;  // padding, unknown, and the 9,998 most frequent words of the training split
  static constexpr fovea::Index time = 32;  // words of a definition that are read
  static constexpr fovea::Index padding = 0, unknown = 1;
  static constexpr std::array<std::string_view, 10> classes = {
      "noun.act",      "noun.animal", "noun.artifact", "noun.attribute", "noun.communication",
      "noun.location", "noun.person", "noun.plant",    "noun.state",     "noun.substance"};

  Split train, validation, test;
  std::vector<std::string> words;  // by id: "", "<unknown>", then by falling frequency, then
                                   // bytewise; at most `vocabulary`
  fovea::Index bytes = 0;          // size of the file
  std::string sha256;
  bool published =
      false;  // whether it is the file that the documentation's figures were measured on
};

/// Throws DataMissing; IoError for what cannot be read; FormatError for what breaks the format, is
/// larger than 1 GiB, or leaves a split without a sample or a class without a training sample.
/// Another file that parses is accepted: see `published`.
WordNet read_wordnet(const std::filesystem::path& path = debian_wordnet);

/// The same from bytes in memory; `name` stands for the file in messages.
WordNet parse_wordnet(std::string bytes, const std::string& name);

/// The words of one of a split's texts.
std::vector<std::string_view> words_of(std::string_view text);

/// FNV-1a of the ids as 32-bit integers, little endian, row-major.
std::uint64_t fnv1a(const fovea::Ids& ids);

/// Throws Error, with both numbers, when the checksum of an array is not that of the published
/// file's: then this reader is wrong.
void check_published(const WordNet& data);

}  // namespace examples
