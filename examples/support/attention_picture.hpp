// Where a model looked: the words of a text, each shaded by its attention weight, for a terminal or
// as SVG.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/base/real.hpp"
#include "fovea/io/text_file.hpp"
#include "fovea/viz/attention_text.hpp"

namespace examples {

struct AttentionSample {
  std::vector<std::string> words;
  std::vector<fovea::real> weights;  // one per word, from 0
  std::string predicted, actual;     // names of classes
};

/// Whether standard output is a terminal that shows colours, and nobody asked for none (NO_COLOR).
bool colours();

/// The samples for fovea::attention_text: the predicted class in front of the words, with the
/// actual one where that differs.
std::vector<fovea::ShadedText> shaded_texts(std::span<const AttentionSample> samples);

/// One line per sample as an SVG document: its label, and each word on a rectangle whose opacity is
/// its weight divided by the line's largest. Its colours follow the reader's light or dark scheme.
/// A byte outside of printable ASCII appears as '?'. Throws ValueError when the weights are not as
/// many as the words, or one is negative or not finite.
std::string attention_svg(std::span<const AttentionSample> samples, std::string_view title);

/// Throws IoError when the file could not be written, so that a program can say so before it works
/// for minutes. What was in the file stays.
void check_writable(const std::filesystem::path& path);

using fovea::write_text;

}  // namespace examples
