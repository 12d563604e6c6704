// The curve of find_learning_rate.
#pragma once

#include <string>

#include "fovea/train/find_learning_rate.hpp"
#include "fovea/viz/plot_svg.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Returns a chart of losses over rates on a logarithmic axis as an SVG document: of each batch as
/// dots, smoothed as a line, and the suggestion. The label of the x axis is "learning rate" where
/// none is given. Throws ValueError for a sweep of less than 2 rates, and for a size below that of
/// plot_svg.
std::string rate_sweep_svg(const RateSweep& sweep, const PlotOptions& options = {});

}}  // namespace fovea
