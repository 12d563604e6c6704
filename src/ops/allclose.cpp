#include "fovea/ops/allclose.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "fovea/base/error.hpp"
#include "fovea/ops/ops.hpp"
#include "ops/shape_rules.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

bool allclose(const Tensor& a, const Tensor& b, AllcloseOptions options) {
  for (const double tolerance : {options.rtol, options.atol})
    if (!(tolerance >= 0))
      throw ValueError(
          fmt::format("allclose: expected tolerances of at least 0, got {}", tolerance));
  const std::vector<Index> sizes = shape::broadcast("allclose", a.shape(), b.shape()).sizes();
  const Array left = broadcast_to(a.detach(), sizes).value(),
              right = broadcast_to(b.detach(), sizes).value();
  return std::ranges::equal(left.values(), right.values(), [&](double x, double y) {
    if (std::isnan(x) && std::isnan(y)) return options.equal_nan;
    if (std::isinf(x) || std::isinf(y)) return x == y;
    return std::abs(x - y) <= options.atol + options.rtol * std::abs(y);
  });
}

}}  // namespace fovea
