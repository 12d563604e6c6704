// Words and their sounds: the file cmudict-0.4.out of Debian's package festlex-cmu, an American
// English dictionary. A line is a word, its part of speech and its syllables, each with a stress:
//
//     ("tomato" nil (((t ax) 0) ((m ey) 1) ((t ow) 1)))
//
// Stress and syllables are left out: the sounds of tomato are t ax m ey t ow. Words of letters a to
// z count. A word with several lines has several pronunciations. The split is a hash of the word,
// so all of its lines are on one side.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "fovea/base/real.hpp"
#include "support/data_file.hpp"

namespace examples {

inline constexpr const char* debian_pronunciations =
    "/usr/share/festival/dicts/cmu/cmudict-0.4.out";

/// Ids of sounds in their order: positions in Pronunciations::phonemes.
using Sounds = std::vector<std::int32_t>;

struct Word {
  std::string letters;         // a to z
  std::vector<Sounds> sounds;  // the pronunciations, which differ, in the order of the file
};

struct Pronunciations {
  std::vector<std::string> phonemes;          // ascending
  std::vector<Word> train, validation, test;  // in the order of the file
  fovea::Index bytes = 0;                     // size of the file
  std::string sha256;
  bool published = false;  // whether it is the file that the documentation's figures are of
};

/// Throws DataMissing; IoError for what cannot be read; FormatError for what breaks the format, is
/// larger than 1 GiB, or leaves a split without a word. Another file that parses is accepted: see
/// `published`.
Pronunciations read_pronunciations(const std::filesystem::path& path = debian_pronunciations);

/// The same from bytes in memory; `name` stands for the file in messages.
Pronunciations parse_pronunciations(const std::string& bytes, const std::string& name);

/// Returns the names of sounds with a space between: "t ax m ey t ow". Throws std::out_of_range for
/// an id that has no name.
std::string spoken(const Sounds& sounds, const std::vector<std::string>& phonemes);

}  // namespace examples
