// y = (x - m) s gamma + beta over the last axis, m the mean and s = 1 / sqrt(variance + epsilon);
// rms_norm: m = 0, no beta. With n = (x - m) s, g = dy gamma:   dx = s (g - mean g - n mean(g n))
// dgamma = sum dy n   dbeta = sum dy
#include "kernels/norm.hpp"

#include <fmt/format.h>

#include <utility>

#include "fovea/autograd/graph.hpp"
#include "fovea/base/error.hpp"
#include "fovea/ops/ops.hpp"
#include "ops/shape_rules.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace shape { namespace {

// Refuses a gamma or beta that is not (width) for x (..., width), and an epsilon below 0.
void norm(const char* operation, const Shape& x, const Shape& gamma, const Shape& beta,
          real epsilon) {
  if (x.rank() < 1)
    throw ShapeError(fmt::format("{}: x is a scalar; it needs an axis to normalise", operation));
  for (const auto& [name, parameter] : {std::pair("gamma", &gamma), std::pair("beta", &beta)})
    if (*parameter != Shape{x[-1]})
      throw ShapeError(fmt::format("{}: x is {}, {} is {}; it must be ({},), the last size of x",
                                   operation, to_string(x), name, to_string(*parameter), x[-1]));
  if (!(epsilon >= 0))
    throw ValueError(fmt::format("{}: epsilon is {}; it must be at least 0", operation, epsilon));
}

}}  // namespace shape

namespace {

kernels::NormSizes sizes_of(const Shape& x, bool centred) {
  return {x[-1] == 0 ? 0 : x.count() / x[-1], x[-1], centred};
}

// What the rules of both ops keep. The three gradients share their row sums: one rule.
struct NormRule {
  kernels::NormSizes sizes;
  Array x, gamma, statistics;

  void operator()(const Array& dy, Gradient* dx, Gradient* dgamma,
                  Gradient* dbeta = nullptr) const {
    Array dgamma_sum(gamma.shape()), dbeta_sum(gamma.shape());
    kernels::NormGradients to{nullptr, false, dgamma ? dgamma_sum.mutable_data() : nullptr,
                              dbeta ? dbeta_sum.mutable_data() : nullptr};
    if (dx) {
      const auto [view, add] = dx->dense();
      to.dx = view.data;
      to.add_dx = add;
    }
    kernels::norm_slopes(sizes, dy.data(), x.data(), gamma.data(), statistics.data(), to);
    if (dgamma) dgamma->add(dgamma_sum);
    if (dbeta) dbeta->add(dbeta_sum);
  }
};

}  // namespace

Tensor layer_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta, real epsilon) {
  shape::norm("layer_norm", x.shape(), gamma.shape(), beta.shape(), epsilon);
  const kernels::NormSizes sizes = sizes_of(x.shape(), true);
  Array y(x.shape()), statistics(Shape{sizes.rows, kernels::statistics_per_row});
  kernels::norm(sizes, {x.value().data(), gamma.value().data(), beta.value().data(), epsilon},
                y.mutable_data(), statistics.mutable_data());
  return record("layer_norm", y,
                wrt({x, gamma, beta}, NormRule{sizes, x.value(), gamma.value(), statistics}));
}

Tensor rms_norm(const Tensor& x, const Tensor& gamma, real epsilon) {
  shape::norm("rms_norm", x.shape(), gamma.shape(), gamma.shape(), epsilon);
  const kernels::NormSizes sizes = sizes_of(x.shape(), false);
  Array y(x.shape()), statistics(Shape{sizes.rows, kernels::statistics_per_row});
  kernels::norm(sizes, {x.value().data(), gamma.value().data(), nullptr, epsilon}, y.mutable_data(),
                statistics.mutable_data());
  return record("rms_norm", y,
                wrt({x, gamma}, NormRule{sizes, x.value(), gamma.value(), statistics}));
}

}}  // namespace fovea
