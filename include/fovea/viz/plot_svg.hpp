// Drawing curves.
#pragma once

#include <string>
#include <vector>

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// One curve: y over 1, 2, 3 ...
struct Series {
  std::string name;       ///< in the legend
  std::vector<double> y;  ///< values that are not finite leave gaps
};

/// Options of plot_svg.
struct PlotOptions {
  std::string title = {};    ///< above the chart
  std::string x_label = {};  ///< below the chart
  int width = 720;           ///< pixels; at least 200
  int height = 400;          ///< pixels; at least 150
};

/// Returns a line chart, such as of the curves of a History, as an SVG document. Throws ValueError
/// when no series has a finite value, and for a size below the minimum.
std::string plot_svg(const std::vector<Series>& series, const PlotOptions& options = {});

}}  // namespace fovea
