// What the charts of plot_svg and LivePage have in common.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace viz {

/// Returns text for HTML and SVG, also within double quotes.
std::string escaped(std::string_view text);

/// Returns 1, 2 or 5 times a power of ten, about a fifth of the range.
double tick_step(double range);

/// Bounds of a chart's y axis.
struct Bounds {
  double low, high;
};

/// Returns bounds with room above and below; `low` above `high` where no number is finite.
Bounds bounds_of(const std::vector<const std::vector<double>*>& curves);

/// A curve of a small chart: y over epochs 1, 2, 3 ... `style` is a class of the page's styles.
struct Curve {
  const std::vector<double>& y;
  const char* style;
};

/// Returns an SVG element that takes its colours from the page. Long curves are thinned out, and
/// keep their highest and lowest points.
std::string small_chart(const std::vector<Curve>& curves);

}}}  // namespace fovea::viz
