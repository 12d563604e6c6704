#include "viz/chart.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace fovea { inline namespace FOVEA_PRECISION { namespace viz {

namespace {

constexpr double width = 440, height = 230, left = 76, right = width - 12, top = 10,
                 bottom = height - 44;

struct Point {
  double x, y;
};

// The points of a curve, a few hundred at most; those that are not finite break the line.
std::vector<Point> thinned(const std::vector<double>& y) {
  constexpr std::size_t most = 400;
  const std::size_t stride = (y.size() + most - 1) / most;
  std::vector<Point> points;
  for (std::size_t begin = 0; begin < y.size(); begin += stride) {
    std::size_t low = begin, high = begin;
    for (std::size_t i = begin; i < std::min(begin + stride, y.size()); ++i) {
      if (!std::isfinite(y[i])) continue;
      if (!(std::isfinite(y[low]) && y[low] <= y[i])) low = i;
      if (!(std::isfinite(y[high]) && y[high] >= y[i])) high = i;
    }
    for (const std::size_t i : {std::min(low, high), std::max(low, high)})
      if (points.empty() || points.back().x != static_cast<double>(i + 1))
        points.push_back({static_cast<double>(i + 1), y[i]});
  }
  return points;
}

std::string axes(Bounds bounds, double longest, const auto& x_of, const auto& y_of) {
  std::string text;
  const double y_step = tick_step(bounds.high - bounds.low),
               x_step = std::max(1.0, tick_step(longest));
  // As many digits as neighbours need to differ.
  const double most = std::max(std::abs(bounds.low), std::abs(bounds.high));
  const int digits = std::clamp(static_cast<int>(std::log10(most / y_step)) + 2, 3, 9);
  for (double tick = std::ceil(bounds.low / y_step); tick * y_step <= bounds.high; ++tick)
    text += fmt::format(
        "<path class=\"grid\" d=\"M{0} {1:.1f}H{2}\"/><text x=\"{3}\" y=\"{4:.1f}\" "
        "text-anchor=\"end\">{5:.{6}g}</text>\n",
        left, y_of(tick * y_step), right, left - 6, y_of(tick * y_step) + 4,
        tick == 0 ? 0.0 : tick * y_step, digits);
  for (double x = longest > x_step ? x_step : 1; x <= longest; x += x_step)
    text += fmt::format("<text x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">{:g}</text>\n", x_of(x),
                        bottom + 17, x);
  return text + fmt::format(
                    "<path class=\"axis\" d=\"M{0} {1}H{2}\"/><text x=\"{3}\" y=\"{4}\" "
                    "text-anchor=\"middle\">epoch</text>\n",
                    left, bottom, right, (left + right) / 2, height - 8);
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text)
    result += c == '<'   ? "&lt;"
              : c == '>' ? "&gt;"
              : c == '&' ? "&amp;"
              : c == '"' ? "&quot;"
                         : std::string(1, c);
  return result;
}

double tick_step(double range) {
  const double step = range / 5, power = std::pow(10, std::floor(std::log10(step))),
               part = step / power;
  return power * (part < 1.5 ? 1 : part < 3.5 ? 2 : part < 7.5 ? 5 : 10);
}

// Room above and below, and more than rounding between the bounds of a curve that is flat.
Bounds bounds_of(const std::vector<const std::vector<double>*>& curves) {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const auto* curve : curves)
    for (const double y : *curve)
      if (std::isfinite(y)) low = std::min(low, y), high = std::max(high, y);
  if (low > high || !std::isfinite(high - low)) return {low, high};
  const double slack =
      std::max({(high - low) * 0.05, 1e-9 * std::max(std::abs(low), std::abs(high)),
                high > low ? 0.0 : 1e-3 * std::max(1.0, std::abs(high))});
  return {low - slack, high + slack};
}

std::string small_chart(const std::vector<Curve>& curves) {
  std::vector<const std::vector<double>*> all;
  std::size_t longest = 1;
  for (const Curve& curve : curves) {
    all.push_back(&curve.y);
    longest = std::max(longest, curve.y.size());
  }
  const Bounds bounds = bounds_of(all);
  if (!(bounds.low < bounds.high) || !std::isfinite(bounds.high - bounds.low))
    return "<p class=\"none\">no finite value yet</p>\n";
  const auto count = static_cast<double>(longest);
  const auto x_of = [&](double x) {
    return left + (count > 1 ? (x - 1) / (count - 1) : 0.5) * (right - left);
  };
  const auto y_of = [&](double y) {
    return bottom - (y - bounds.low) / (bounds.high - bounds.low) * (bottom - top);
  };
  std::string text = fmt::format("<svg viewBox=\"0 0 {} {}\" role=\"img\">\n", width, height) +
                     axes(bounds, count, x_of, y_of);
  for (const Curve& curve : curves) {
    std::string path, dots;
    bool joined = false;
    const std::vector<Point> points = thinned(curve.y);
    for (std::size_t i = 0; i < points.size(); ++i) {
      const Point& point = points[i];
      const bool finite = std::isfinite(point.y);
      const bool goes_on = i + 1 < points.size() && std::isfinite(points[i + 1].y);
      if (finite) {
        path += fmt::format("{}{:.1f} {:.1f}", joined ? 'L' : 'M', x_of(point.x), y_of(point.y));
        if (longest <= 40 || (!joined && !goes_on))
          dots += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\"/>", x_of(point.x),
                              y_of(point.y));
      }
      joined = finite;
    }
    text += fmt::format("<g class=\"{}\"><path d=\"{}\"/>{}</g>\n", curve.style, path, dots);
  }
  return text + "</svg>\n";
}

}}}  // namespace fovea::viz
