#include "fovea/viz/rate_sweep_svg.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "fovea/base/error.hpp"
#include "viz/chart.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

// Where rates and losses stand, in pixels.
struct RateFrame {
  double left, right, top, bottom, low, high;  // powers of ten
  viz::Bounds losses;

  double x(double rate) const {
    return left + (std::log10(rate) - low) / (high - low) * (right - left);
  }
  // Losses that are far above those of the smoothed line are out of the chart.
  bool shows(double loss) const { return loss >= losses.low && loss <= losses.high; }
  double y(double loss) const {
    return bottom - (loss - losses.low) / (losses.high - losses.low) * (bottom - top);
  }
};

std::string grid(const RateFrame& f) {
  std::string text;
  const double step = viz::tick_step(f.losses.high - f.losses.low);
  for (double tick = std::ceil(f.losses.low / step); tick * step <= f.losses.high; ++tick)
    text += fmt::format(
        "<path d=\"M{0:.1f} {1:.1f}H{2:.1f}\" stroke=\"#ddd\"/><text x=\"{3:.1f}\" y=\"{4:.1f}\" "
        "text-anchor=\"end\">{5:.4g}</text>\n",
        f.left, f.y(tick * step), f.right, f.left - 6, f.y(tick * step) + 4, tick * step);
  const double decades = std::max(1.0, std::ceil((f.high - f.low) / 8));
  for (double power = std::ceil(f.low - 1e-9); power <= f.high + 1e-9; power += decades)
    text += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">1e{:g}</text>\n",
                        f.x(std::pow(10, power)), f.bottom + 16, power);
  return text;
}

// Losses as dots, the smoothed ones as a line, and the suggestion.
std::string curves(const RateSweep& sweep, const RateFrame& f) {
  std::string text, path;
  for (std::size_t i = 0; i < sweep.rates.size(); ++i) {
    const double x = f.x(sweep.rates[i]);
    path += fmt::format("{}{:.1f} {:.1f}", i == 0 ? 'M' : 'L', x, f.y(sweep.smoothed[i]));
    if (f.shows(sweep.losses[i]))
      text += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"2\" fill=\"#56b4e9\"/>", x,
                          f.y(sweep.losses[i]));
  }
  text +=
      fmt::format("\n<path d=\"{}\" fill=\"none\" stroke=\"#0072b2\" stroke-width=\"2\"/>\n", path);
  if (sweep.suggestion) {
    const double x = f.x(*sweep.suggestion);
    const bool to_the_left = x > (f.left + f.right) / 2;
    text += fmt::format(
        "<path d=\"M{0:.1f} {1:.1f}V{2:.1f}\" stroke=\"#d55e00\" stroke-dasharray=\"6 4\"/>"
        "<text x=\"{3:.1f}\" y=\"{4:.1f}\" text-anchor=\"{5}\" fill=\"#d55e00\">{6:.2g}</text>\n",
        x, f.top, f.bottom, to_the_left ? x - 6 : x + 6, f.top + 14, to_the_left ? "end" : "start",
        *sweep.suggestion);
  }
  return text;
}

}  // namespace

std::string rate_sweep_svg(const RateSweep& sweep, const PlotOptions& options) {
  if (sweep.rates.size() < 2)
    throw ValueError(fmt::format("rate_sweep_svg: a sweep of {} rates; it must have at least 2",
                                 sweep.rates.size()));
  if (options.width < 200 || options.height < 150)
    throw ValueError(fmt::format("rate_sweep_svg: {} by {} pixels; it must be at least 200 by 150",
                                 options.width, options.height));
  const RateFrame f{64,
                    options.width - 24.0,
                    options.title.empty() ? 16.0 : 40.0,
                    options.height - 48.0,
                    std::log10(sweep.rates.front()),
                    std::log10(sweep.rates.back()),
                    viz::bounds_of({&sweep.smoothed})};
  std::string text = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} "
      "{1}\" font-family=\"sans-serif\" font-size=\"12\">\n"
      "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
      options.width, options.height);
  const double middle = (f.left + f.right) / 2;
  text += grid(f);
  text += fmt::format(
      "<text x=\"{:.1f}\" y=\"22\" text-anchor=\"middle\" font-size=\"15\">{}</text>"
      "<text x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">{}</text>\n",
      middle, viz::escaped(options.title), middle, options.height - 10,
      options.x_label.empty() ? "learning rate" : viz::escaped(options.x_label));
  return text + curves(sweep, f) + "</svg>\n";
}

}}  // namespace fovea
