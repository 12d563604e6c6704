#include "fovea/viz/plot_svg.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "fovea/base/error.hpp"
#include "viz/chart.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

// Colours that are told apart also by the colour-blind: Okabe and Ito, "Color universal design"
// (2008).
constexpr const char* colours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                   "#e69f00", "#56b4e9", "#000000"};

struct Frame {
  double left, right, top, bottom;  // pixels
  double longest, low, high;        // x from 1 to longest, y from low to high

  double x(double value) const {
    return left + (longest > 1 ? (value - 1) / (longest - 1) : 0.5) * (right - left);
  }
  double y(double value) const { return bottom - (value - low) / (high - low) * (bottom - top); }
};

Frame frame_of(const std::vector<Series>& series, const PlotOptions& options) {
  std::size_t longest = 1;
  std::vector<const std::vector<double>*> curves;
  for (const Series& one : series) {
    longest = std::max(longest, one.y.size());
    curves.push_back(&one.y);
  }
  const auto [low, high] = viz::bounds_of(curves);
  if (low > high) throw ValueError("plot_svg: no series has a finite number");
  if (!std::isfinite(high - low))
    throw ValueError(fmt::format("plot_svg: numbers from {} to {} are too far apart", low, high));
  return {64,
          options.width - 16.0,
          options.title.empty() ? 16.0 : 40.0,
          options.height - (options.x_label.empty() ? 32.0 : 48.0),
          static_cast<double>(longest),
          low,
          high};
}

std::string axes(const Frame& f, const PlotOptions& options) {
  std::string text;
  const double y_step = viz::tick_step(f.high - f.low),
               x_step = std::max(1.0, viz::tick_step(f.longest));
  for (double tick = std::ceil(f.low / y_step); tick * y_step <= f.high; ++tick) {
    const double y = tick * y_step;
    text += fmt::format(
        "<path d=\"M{0:.1f} {1:.1f}H{2:.1f}\" stroke=\"#ddd\"/><text x=\"{3:.1f}\" y=\"{4:.1f}\" "
        "text-anchor=\"end\">{5:.4g}</text>\n",
        f.left, f.y(y), f.right, f.left - 6, f.y(y) + 4, y);
  }
  for (double x = f.longest > x_step ? x_step : 1; x <= f.longest; x += x_step)
    text += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{:g}</text>\n",
                        f.x(x), f.bottom + 16, x);
  const double middle = (f.left + f.right) / 2;
  if (!options.title.empty())
    text += fmt::format(
        "<text x=\"{:.1f}\" y=\"22\" text-anchor=\"middle\" font-size=\"15\">{}</text>\n", middle,
        viz::escaped(options.title));
  if (!options.x_label.empty())
    text += fmt::format("<text x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">{}</text>\n", middle,
                        options.height - 10, viz::escaped(options.x_label));
  return text;
}

// A line through the finite points, each with a dot.
std::string curve(const Series& series, const Frame& f, const char* colour) {
  std::string path, dots;
  for (std::size_t i = 0; i < series.y.size(); ++i) {
    if (!std::isfinite(series.y[i])) continue;
    const bool joined = i > 0 && std::isfinite(series.y[i - 1]);
    const double x = f.x(static_cast<double>(i + 1)), y = f.y(series.y[i]);
    path += fmt::format("{}{:.1f} {:.1f}", joined ? 'L' : 'M', x, y);
    dots +=
        fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"2.5\" fill=\"{}\"/>", x, y, colour);
  }
  return fmt::format("<path d=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\"/>{}\n", path,
                     colour, dots);
}

}  // namespace

std::string plot_svg(const std::vector<Series>& series, const PlotOptions& options) {
  if (options.width < 200 || options.height < 150)
    throw ValueError(fmt::format("plot_svg: {} by {} pixels; it must be at least 200 by 150",
                                 options.width, options.height));
  const Frame frame = frame_of(series, options);
  std::string text = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} "
      "{1}\" font-family=\"sans-serif\" font-size=\"12\">\n"
      "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
      options.width, options.height);
  text += axes(frame, options);
  for (std::size_t i = 0; i < series.size(); ++i) {
    const char* const colour = colours[i % std::size(colours)];
    text += curve(series[i], frame, colour);
    text +=
        fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"end\" fill=\"{}\">{}</text>\n",
                    frame.right - 4, frame.top + 14 + 16 * static_cast<double>(i), colour,
                    viz::escaped(series[i].name));
  }
  return text + "</svg>\n";
}

}}  // namespace fovea
