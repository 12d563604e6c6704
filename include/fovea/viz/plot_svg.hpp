// Curves as a picture.
#pragma once

#include <string>
#include <vector>

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// One curve: y over 1, 2, 3 ...
struct Series {
  std::string name;       ///< in the legend
  std::vector<double> y;  ///< what is not finite leaves a gap
};

/// How a chart looks.
struct PlotOptions {
  std::string title = {};    ///< above
  std::string x_label = {};  ///< below
  int width = 720;           ///< pixels; at least 200
  int height = 400;          ///< pixels; at least 150
};

/// A line chart as an SVG document of its own, such as of a History's curves. Throws ValueError
/// when no series has a finite number, or a size is too small.
std::string plot_svg(const std::vector<Series>& series, const PlotOptions& options = {});

}}  // namespace fovea
