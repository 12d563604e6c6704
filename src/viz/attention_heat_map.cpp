// The heat map of one head as SVG.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "fovea/base/error.hpp"
#include "viz/attention_map.hpp"
#include "viz/chart.hpp"
#include "viz/token_text.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

constexpr int levels = 64;
constexpr double column_width = 7, margin = 16, legend_width = 14;  // pixels
constexpr Index longest_label = 16;                                 // columns

struct Colour {
  double red, green, blue;
};

// From white to dark blue in even steps of lightness: "Blues" of Brewer, "ColorBrewer" (2003).
constexpr std::array<Colour, 5> ramp = {
    {{247, 251, 255}, {198, 219, 239}, {107, 174, 214}, {33, 113, 181}, {8, 48, 107}}};

std::string colour_at(double part) {
  const double place = std::clamp(part, 0.0, 1.0) * static_cast<double>(ramp.size() - 1);
  const auto below = std::min(static_cast<std::size_t>(place), ramp.size() - 2);
  const double rest = place - static_cast<double>(below);
  const auto mixed = [&](double Colour::*channel) {
    return static_cast<int>(
        std::lround(ramp[below].*channel * (1 - rest) + ramp[below + 1].*channel * rest));
  };
  return fmt::format("#{:02x}{:02x}{:02x}", mixed(&Colour::red), mixed(&Colour::green),
                     mixed(&Colour::blue));
}

// Where things stand, in pixels.
struct Frame {
  double cell, left, top, width, height;  // of the cells
  double label_size;
  Index label_step;  // tokens from one label to the next
};

struct Labels {
  std::vector<std::string> texts;
  Index columns = 0;  // of the longest

  explicit Labels(const std::vector<std::string>& tokens) {
    for (const std::string& token : tokens) {
      texts.push_back(viz::cut_to(viz::shown_token(token), longest_label));
      columns = std::max(columns, viz::columns_of(texts.back()));
    }
  }
};

Frame frame_of(const Labels& queries, const Labels& keys) {
  const auto rows = static_cast<double>(queries.texts.size()),
             columns = static_cast<double>(keys.texts.size());
  const double cell = std::clamp(std::floor(720 / std::max({rows, columns, 1.0})), 2.0, 44.0);
  const double size = cell < 13 ? 10 : 12, letter = column_width * size / 12;
  return {cell,
          margin + static_cast<double>(queries.columns) * letter + 8,
          64 + static_cast<double>(keys.columns) * letter * 0.87 + 10,
          cell * columns,
          cell * rows,
          size,
          static_cast<Index>(std::ceil(11 / cell))};
}

std::string labels_of(const Labels& queries, const Labels& keys, const Frame& f) {
  std::string text = fmt::format("<g font-size=\"{}\" direction=\"ltr\">\n", f.label_size);
  for (std::size_t i = 0; i < queries.texts.size(); i += static_cast<std::size_t>(f.label_step))
    text += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>\n",
                        f.left - 6, f.top + (static_cast<double>(i) + 0.5) * f.cell + 4,
                        viz::escaped(queries.texts[i]));
  for (std::size_t j = 0; j < keys.texts.size(); j += static_cast<std::size_t>(f.label_step))
    text += fmt::format("<text transform=\"translate({:.1f} {:.1f}) rotate(-60)\">{}</text>\n",
                        f.left + (static_cast<double>(j) + 0.5) * f.cell + 4, f.top - 6,
                        viz::escaped(keys.texts[j]));
  return text + "</g>\n";
}

int level_of(real weight, double largest) {
  return largest > 0
             ? static_cast<int>(std::lround(static_cast<double>(weight) / largest * (levels - 1)))
             : 0;
}

// One path for each level but the lowest, which is the ground.
std::string cells_of(std::span<const real> weights, std::size_t columns, double largest,
                     const Frame& f) {
  std::array<std::string, levels> paths;
  const std::size_t rows = columns == 0 ? 0 : weights.size() / columns;
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t j = 0, end = 0; j < columns; j = end) {
      const int level = level_of(weights[i * columns + j], largest);
      for (end = j + 1; end < columns && level_of(weights[i * columns + end], largest) == level;)
        ++end;
      paths[static_cast<std::size_t>(level)] +=
          fmt::format("M{} {}h{}v1h-{}z", j, i, end - j, end - j);
    }
  std::string text = fmt::format(
      "<rect x=\"{0:.1f}\" y=\"{1:.1f}\" width=\"{2:.1f}\" height=\"{3:.1f}\" fill=\"{4}\"/>\n"
      "<g transform=\"translate({0:.1f} {1:.1f}) scale({5})\" shape-rendering=\"crispEdges\">\n",
      f.left, f.top, f.width, f.height, colour_at(0), f.cell);
  for (std::size_t level = 1; level < levels; ++level)
    if (!paths[level].empty())
      text += fmt::format("<path fill=\"{}\" d=\"{}\"/>\n",
                          colour_at(static_cast<double>(level) / (levels - 1)), paths[level]);
  return text + fmt::format(
                    "</g>\n<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" "
                    "height=\"{:.1f}\" fill=\"none\" stroke=\"#57606a\"/>\n",
                    f.left, f.top, f.width, f.height);
}

// The weights above 0 in their cells, in white on dark ones.
std::string values_of(std::span<const real> weights, std::size_t columns, double largest,
                      const Frame& f) {
  std::string text = "<g font-size=\"10\" text-anchor=\"middle\">\n";
  for (std::size_t at = 0; at < weights.size(); ++at) {
    if (weights[at] == 0) continue;
    const std::size_t row = at / columns, column = at % columns;
    std::string value = fmt::format("{:.2f}", static_cast<double>(weights[at]));
    if (value.starts_with("0.")) value.erase(0, 1);
    text += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" fill=\"{}\">{}</text>\n",
                        f.left + (static_cast<double>(column) + 0.5) * f.cell,
                        f.top + (static_cast<double>(row) + 0.5) * f.cell + 4,
                        level_of(weights[at], largest) > 0.55 * levels ? "#fff" : "#1b1f24", value);
  }
  return text + "</g>\n";
}

std::string legend_of(double largest, const Frame& f) {
  const double x = f.left + f.width + 32, height = std::clamp(f.height, 80.0, 240.0);
  std::string text = "<g shape-rendering=\"crispEdges\">\n";
  for (int level = 0; level < levels; ++level)
    text += fmt::format(
        "<rect x=\"{:.1f}\" y=\"{:.2f}\" width=\"{}\" height=\"{:.2f}\" fill=\"{}\"/>\n", x,
        f.top + height * (levels - 1 - level) / levels, legend_width, height / levels + 0.1,
        colour_at(static_cast<double>(level) / (levels - 1)));
  text += "</g>\n";
  const double step = largest > 0 ? viz::tick_step(largest) : 1;
  for (double tick = 0; tick * step <= largest * (1 + 1e-6); ++tick)
    text += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\">{:.3g}</text>\n", x + legend_width + 5,
                        f.top + height * (1 - (largest > 0 ? tick * step / largest : 0)) + 4,
                        tick * step);
  return text + fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\">weight, to {:.3g}</text>\n", x,
                            f.top - 12, largest);
}

std::string header(const AttentionMap& map, Index head, const HeatMapOptions& options,
                   const std::array<double, 2>& size) {
  const std::string title =
      viz::escaped(viz::shown_token(options.title.empty() ? map.name : options.title));
  const Index last = map.weights.shape()[0] - 1;
  const std::string which = last > 0 ? fmt::format("head {} (0 to {}); ", head, last) : "";
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"{0:.0f}\" "
      "height=\"{1:.0f}\" viewBox=\"0 0 {0:.0f} {1:.0f}\" font-family=\"sans-serif\" "
      "font-size=\"12\" fill=\"#1b1f24\">\n<title>{2}</title>\n"
      "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
      "<text x=\"{3}\" y=\"26\" font-size=\"15\">{2}</text>\n"
      "<text x=\"{3}\" y=\"44\" fill=\"#57606a\">{4}rows look at columns</text>\n",
      std::ceil(size[0]), std::ceil(size[1]), title, margin, which);
}

}  // namespace

std::string attention_heat_map_svg(const AttentionMap& map, Index head,
                                   const HeatMapOptions& options) {
  viz::check_map("attention_heat_map_svg", map);
  const Index heads = map.weights.shape()[0];
  if (head < 0 || head >= heads)
    throw IndexError(fmt::format("attention_heat_map_svg: expected a head from 0 to {}, got {}",
                                 heads - 1, head));
  const Index count = map.weights.shape()[1] * map.weights.shape()[2];
  if (count > Index(1) << 20)
    throw ValueError(
        fmt::format("attention_heat_map_svg: expected at most 1048576 cells, got {} by {}; show a "
                    "part of them, or use attention_statistics",
                    map.weights.shape()[1], map.weights.shape()[2]));
  const auto weights = map.weights.values().subspan(static_cast<std::size_t>(head * count),
                                                    static_cast<std::size_t>(count));
  const double largest =
      weights.empty() ? 0 : static_cast<double>(*std::ranges::max_element(weights));
  const Labels queries(map.queries), keys(map.keys);
  const Frame frame = frame_of(queries, keys);
  const double slanted = static_cast<double>(keys.columns) * column_width / 2;
  std::string text =
      header(map, head, options,
             {std::max(frame.left + frame.width + std::max(slanted, 140.0) + margin, 360.0),
              frame.top + std::max(frame.height, 80.0) + margin});
  if (weights.empty())
    return text + fmt::format("<text x=\"{}\" y=\"80\">no tokens</text>\n</svg>\n", margin);
  text += labels_of(queries, keys, frame) + cells_of(weights, keys.texts.size(), largest, frame);
  if (options.values && frame.cell >= 30)
    text += values_of(weights, keys.texts.size(), largest, frame);
  return text + legend_of(largest, frame) + "</svg>\n";
}

}}  // namespace fovea
