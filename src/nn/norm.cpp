#include "fovea/nn/norm.hpp"

#include <fmt/format.h>

#include <string_view>
#include <utility>
#include <vector>

#include "fovea/autograd/surroundings.hpp"
#include "fovea/base/error.hpp"
#include "fovea/ops/ops.hpp"
#include "nn/checks.hpp"
#include "nn/masked.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

void check_epsilon(const char* module, real epsilon) {
  if (!(epsilon >= 0))
    throw ValueError(fmt::format("{}: epsilon is {}; it must be at least 0", module, epsilon));
}

// Makes a parameter (features) if there is none, and rejects one of another size.
void build_vector(const char* module, const Shape& sample, real value, Tensor& parameter) {
  if (sample.rank() < 1)
    throw ShapeError(fmt::format("{}: a sample is a scalar; it must be (..., features)", module));
  if (!parameter.defined()) parameter = Tensor::parameter(Array::full(Shape{sample[-1]}, value));
  if (parameter.shape() != Shape{sample[-1]})
    throw ShapeError(fmt::format("{}: built for {} features; now a sample is {}", module,
                                 parameter.shape()[0], to_string(sample)));
}

}  // namespace

Shape LayerNormalization::build(const Shape& sample, const Rng&) {
  check_epsilon("LayerNormalization", epsilon);
  build_vector("LayerNormalization", sample, 1, gamma);
  build_vector("LayerNormalization", sample, 0, beta);
  return sample;
}

Tensor LayerNormalization::operator()(const Tensor& x, const Context&) const {
  check_built("LayerNormalization", beta);
  return layer_norm(x, gamma, beta, epsilon);
}

Shape RMSNormalization::build(const Shape& sample, const Rng&) {
  check_epsilon("RMSNormalization", epsilon);
  build_vector("RMSNormalization", sample, 1, gamma);
  return sample;
}

Tensor RMSNormalization::operator()(const Tensor& x, const Context&) const {
  check_built("RMSNormalization", gamma);
  return rms_norm(x, gamma, epsilon);
}

namespace {

// A vector of moving statistics: a leaf of its own kind, which stays frozen, and of which all
// handles see what is written.
void build_moving(const Shape& sample, real value, Tensor& moving) {
  constexpr const char* kind = "statistics";
  build_vector("BatchNormalization", sample, value, moving);
  if (moving.node() && moving.node()->name == std::string_view(kind)) return;
  NodePtr leaf(new Leaf(kind, moving.value().clone()));
  leaf->requires_grad = false;
  moving = Tensor(Array(), std::move(leaf));
}

Axes all_but_last(const Shape& x) {
  std::vector<int> axes;
  for (int axis = 0; axis + 1 < x.rank(); ++axis) axes.push_back(axis);
  return Axes(std::move(axes));
}

// Mean and variance of each feature, over kept positions.
struct Moments {
  Tensor mean, variance;
};

Moments moments(const Tensor& x, const std::optional<Mask>& mask) {
  const Axes axes = all_but_last(x.shape());
  if (!mask) return {mean(x, axes), var(x, axes)};
  const Index of_each = x.shape().count() / mask->count() / x.shape()[-1];
  const auto count = static_cast<real>(mask->kept() * of_each);
  const auto mean_of = [&](const Tensor& t) { return sum(without_dropped(t, mask), axes) / count; };
  const Tensor centre = mean_of(x);
  return {centre, mean_of(square(without_dropped(x, mask) - centre))};
}

void move_towards(const Tensor& statistics, real momentum, Tensor moving) {
  const NoGrad no_grad;
  moving.assign((moving * momentum + statistics.detach() * (1 - momentum)).value());
}

}  // namespace

Shape BatchNormalization::build(const Shape& sample, const Rng&) {
  check_epsilon("BatchNormalization", epsilon);
  if (!(momentum >= 0 && momentum <= 1))
    throw ValueError(
        fmt::format("BatchNormalization: momentum is {}; it must be 0 to 1", momentum));
  build_vector("BatchNormalization", sample, 1, gamma);
  build_vector("BatchNormalization", sample, 0, beta);
  build_moving(sample, 0, moving_mean);
  build_moving(sample, 1, moving_variance);
  return sample;
}

Tensor BatchNormalization::operator()(const Tensor& x, const std::optional<Mask>& mask,
                                      const Context& context) const {
  check_built("BatchNormalization", moving_variance);
  check_features("BatchNormalization", "x", x.shape(), gamma.shape()[0]);
  if (mask && (!lies_over(*mask, x.shape()) || mask->shape().rank() == x.shape().rank()))
    throw ShapeError(fmt::format(
        "BatchNormalization: the mask has shape {}, x is {}; its axes must be the first of x, "
        "without the features",
        to_string(mask->shape()), to_string(x.shape())));
  const bool any = x.shape().count() > 0 && (!mask || mask->kept() > 0);
  Moments used{moving_mean, moving_variance};
  if (context.training && any && gamma.requires_grad()) {
    if (surroundings().graph != 0)
      throw StateError(
          "BatchNormalization: it trains inside recompute, which would count each batch twice in "
          "the moving statistics; call it outside, or freeze it");
    used = moments(x, mask);
    if (grad_enabled()) {
      move_towards(used.mean, momentum, moving_mean);
      move_towards(used.variance, momentum, moving_variance);
    }
  }
  const Tensor kept = mask && drops_nan(x, *mask) ? without_dropped(x, mask) : x;
  return (kept - used.mean) * (rsqrt(used.variance + epsilon) * gamma) + beta;
}

}}  // namespace fovea
