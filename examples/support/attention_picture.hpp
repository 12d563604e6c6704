// Where a model looked: the words of a text, each shaded by its attention weight, for a terminal or
// as SVG.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/base/real.hpp"

namespace examples {

struct AttentionSample {
  std::vector<std::string> words;
  std::vector<fovea::real> weights;  // one per word, from 0
  std::string predicted, actual;     // names of classes
};

/// Whether standard output is a terminal that shows colours, and nobody asked for none (NO_COLOR).
bool colours();

/// One line per sample: the predicted class (with the actual one where that differs), then the
/// words. In colour, a word's background is the stronger the larger its weight is in comparison
/// with the line's largest; otherwise the three largest weights follow their words in percent. A
/// byte outside of printable ASCII appears as '?', so that no text can steer the terminal. Throws
/// ValueError when the weights are not as many as the words, or one is negative or not finite.
std::string attention_text(std::span<const AttentionSample> samples, bool colour);

/// The same as an SVG document: each word on a rectangle whose opacity is its weight divided by the
/// line's largest. Its colours follow the reader's light or dark scheme. The same bytes appear as
/// '?', and the same errors are thrown.
std::string attention_svg(std::span<const AttentionSample> samples, std::string_view title);

/// Throws IoError when the file could not be written, so that a program can say so before it works
/// for minutes. What was in the file stays.
void check_writable(const std::filesystem::path& path);

/// Writes a file, over what was there. Throws IoError when the system refuses, also at the last
/// byte.
void write_text(const std::filesystem::path& path, std::string_view text);

}  // namespace examples
