#include "support/attention_picture.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "fovea/io/error.hpp"

namespace examples {

using fovea::real;

namespace {

// Sizes of the picture, in pixels. A monospaced glyph is about 0.6 em wide; `textLength` holds the
// renderer to it.
constexpr double glyph = 8.4, font_size = 14, line_height = 26, box_height = 20, gap = 4,
                 margin = 12;

constexpr std::string_view style =
    ".paper{fill:#ffffff}.ink{fill:#1f2328}.wrong{fill:#b3261e}.weight{fill:#ffb454}"
    "@media(prefers-color-scheme:dark){.paper{fill:#0d1117}.ink{fill:#e6edf3}.wrong{fill:#ff8a80}."
    "weight{fill:#8a5200}}";

std::string printable(std::string_view text) {
  std::string result(text);
  std::ranges::replace_if(
      result, [](char c) { return c < ' ' || c > '~'; }, '?');
  return result;
}

// For printable text, as an element's content or an attribute's value.
std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      default:
        result += c;
    }
  }
  return result;
}

// Weights divided by the largest: from 0 to 1, or all 0.
std::vector<real> relative_weights(const AttentionSample& sample) {
  if (sample.words.size() != sample.weights.size())
    throw fovea::ValueError(fmt::format("attention picture: {} words, but {} weights",
                                        sample.words.size(), sample.weights.size()));
  for (std::size_t i = 0; i < sample.weights.size(); ++i)
    if (!std::isfinite(sample.weights[i]) || sample.weights[i] < 0)
      throw fovea::ValueError(fmt::format(
          "attention picture: the weight of word {} is {}; it must be finite and at least 0", i,
          sample.weights[i]));

  std::vector<real> relative = sample.weights;
  const real largest = relative.empty() ? 0 : std::ranges::max(relative);
  for (real& weight : relative) weight = largest > 0 ? weight / largest : 0;
  return relative;
}

std::string label_of(const AttentionSample& sample) {
  if (sample.predicted == sample.actual) return printable(sample.predicted);
  return printable(fmt::format("predicted {}, is {}", sample.predicted, sample.actual));
}

std::size_t widest_label(std::span<const AttentionSample> samples) {
  std::size_t widest = 0;
  for (const AttentionSample& sample : samples) widest = std::max(widest, label_of(sample).size());
  return widest;
}

// One word on its rectangle, at the left end `x` of line `top`.
std::string svg_word(const std::string& word, double x, double top, real weight, real relative) {
  const double width = static_cast<double>(word.size()) * glyph;
  return fmt::format(
      "<g><title>{:.1f} %</title><rect class=\"weight\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" "
      "height=\"{:.1f}\" rx=\"3\" "
      "fill-opacity=\"{:.3f}\"/><text class=\"ink\" x=\"{:.1f}\" y=\"{:.1f}\" "
      "textLength=\"{:.1f}\">{}</text></g>\n",
      static_cast<double>(weight) * 100, x, top, width + gap, box_height, relative, x + gap / 2,
      top + font_size + 1, width, escaped(word));
}

}  // namespace

bool colours() {
  const char* terminal = std::getenv("TERM");
  return isatty(STDOUT_FILENO) && !std::getenv("NO_COLOR") && terminal &&
         std::string_view(terminal) != "dumb";
}

std::vector<fovea::ShadedText> shaded_texts(std::span<const AttentionSample> samples) {
  std::vector<fovea::ShadedText> texts;
  for (const AttentionSample& sample : samples)
    texts.push_back({label_of(sample), sample.words, sample.weights});
  return texts;
}

std::string attention_svg(std::span<const AttentionSample> samples, std::string_view title) {
  const double words_begin =
      margin + static_cast<double>(widest_label(samples)) * glyph + 2 * glyph;
  std::string body;
  double right = std::max(words_begin, margin + static_cast<double>(title.size()) * glyph),
         top = margin + line_height;
  for (const AttentionSample& sample : samples) {
    const std::vector<real> relative = relative_weights(sample);
    const char* const label_class = sample.predicted == sample.actual ? "ink" : "wrong";
    body += fmt::format("<text class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n", label_class,
                        margin, top + font_size + 1, escaped(label_of(sample)));
    double x = words_begin;
    for (std::size_t i = 0; i < sample.words.size(); ++i) {
      const std::string word = printable(sample.words[i]);
      body += svg_word(word, x, top, sample.weights[i], relative[i]);
      x += static_cast<double>(word.size()) * glyph + 2 * gap;
    }
    right = std::max(right, x);
    top += line_height;
  }

  const std::string heading = escaped(printable(title));
  return fmt::format(
             "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" viewBox=\"0 0 {0:.0f} "
             "{1:.0f}\" width=\"{0:.0f}\" height=\"{1:.0f}\" "
             "font-family=\"ui-monospace,monospace\" "
             "font-size=\"{2:.0f}\">\n<title>{3}</title>\n<style>{4}</style>\n"
             "<rect class=\"paper\" width=\"100%\" height=\"100%\"/>\n<text class=\"ink\" "
             "x=\"{5:.1f}\" y=\"{6:.1f}\" "
             "font-weight=\"bold\">{3}</text>\n",
             std::ceil(right + margin), std::ceil(top + margin), font_size, heading, style, margin,
             margin + font_size) +
         body + "</svg>\n";
}

void check_writable(const std::filesystem::path& path) {
  std::FILE* const file = std::fopen(path.c_str(), "ab");
  if (!file) throw fovea::IoError(path.string(), "write", errno);
  std::fclose(file);
}

}  // namespace examples
