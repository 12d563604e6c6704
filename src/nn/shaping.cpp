#include "fovea/nn/shaping.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>

#include "fovea/autograd/surroundings.hpp"
#include "fovea/base/error.hpp"
#include "fovea/ops/ops.hpp"
#include "nn/checks.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

// The shape of one sample of x.
Shape sample_of(const char* layer, const Shape& x) {
  if (x.rank() < 1)
    throw ShapeError(fmt::format("{}: x is a scalar; it must be (batch, sample...)", layer));
  return x.without(0);
}

Tensor reshaped(const Tensor& x, const Shape& sample) {
  const Shape whole = sample.inserted(0, x.shape()[0]);
  return reshape(x, {whole.sizes().begin(), whole.sizes().end()});
}

[[noreturn]] void refuse_target(const std::vector<Index>& sizes, const Shape& sample) {
  throw ShapeError(
      fmt::format("Reshape: a sample is {}, of {} elements; target_shape is ({}), which must have "
                  "as many, with at most one -1",
                  to_string(sample), sample.count(), fmt::join(sizes, ", ")));
}

// The target's sizes, with -1 replaced by what is left of the sample.
Shape target(const std::vector<Index>& sizes, const Shape& sample) {
  std::vector<Index> result = sizes;
  const auto open = std::ranges::find(result, Index(-1));
  if (open != result.end()) *open = 1;
  Index others = 1;
  for (const Index size : result) {
    if (size < 0 || (size > 0 && others > std::numeric_limits<Index>::max() / size))
      refuse_target(sizes, sample);
    others *= size;
  }
  if (open != result.end()) {
    if (others == 0) refuse_target(sizes, sample);  // any size would do
    *open = sample.count() / others;
    others *= *open;
  }
  if (others != sample.count()) refuse_target(sizes, sample);
  return Shape(result);
}

void check_dims(const std::vector<Index>& dims, const Shape& sample) {
  std::vector<Index> sorted = dims;
  std::ranges::sort(sorted);
  bool all = static_cast<int>(dims.size()) == sample.rank();
  for (std::size_t i = 0; i < sorted.size(); ++i)
    all = all && sorted[i] == static_cast<Index>(i) + 1;
  if (!all)
    throw ShapeError(
        fmt::format("Permute: dims is ({}), a sample {}; dims must name each of the axes 1 to {} "
                    "once",
                    fmt::join(dims, ", "), to_string(sample), sample.rank()));
}

}  // namespace

Shape Flatten::build(const Shape& sample, const Rng&) const { return Shape{sample.count()}; }
Tensor Flatten::operator()(const Tensor& x, const Context&) const {
  return reshaped(x, Shape{sample_of("Flatten", x.shape()).count()});
}

Shape Reshape::build(const Shape& sample, const Rng&) const { return target(target_shape, sample); }
Tensor Reshape::operator()(const Tensor& x, const Context&) const {
  return reshaped(x, target(target_shape, sample_of("Reshape", x.shape())));
}

Shape Permute::build(const Shape& sample, const Rng&) const {
  check_dims(dims, sample);
  std::vector<Index> sizes;
  for (const Index axis : dims) sizes.push_back(sample[static_cast<int>(axis) - 1]);
  return Shape(sizes);
}
Tensor Permute::operator()(const Tensor& x, const Context&) const {
  check_dims(dims, sample_of("Permute", x.shape()));
  std::vector<int> order = {0};
  for (const Index axis : dims) order.push_back(static_cast<int>(axis));
  return permute_dims(x, order);
}

Shape ActivationLayer::build(const Shape& sample, const Rng&) const {
  if (sample.rank() > 0) check_softmax_units("ActivationLayer", activation, sample[-1]);
  // Rejects an activation that does not exist.
  activate(Tensor(Array::zeros(Shape{0})), activation);
  return sample;
}
Tensor ActivationLayer::operator()(const Tensor& x, const Context&) const {
  return activate(x, activation);
}

Shape Lambda::build(const Shape& sample, const Rng&) const {
  const NoGrad no_grad;
  const Shape one = (*this)(Tensor(Array::zeros(sample.inserted(0, 1)))).shape();
  if (one.rank() < 1 || one[0] != 1)
    throw ShapeError(
        fmt::format("Lambda: of one sample {} the function makes {}; it must keep the first axis, "
                    "the batch: (1, ...)",
                    to_string(sample.inserted(0, 1)), to_string(one)));
  return one.without(0);
}
Tensor Lambda::operator()(const Tensor& x, const Context&) const {
  if (!function) throw ValueError("Lambda: there is no function; give one");
  return function(x);
}

}}  // namespace fovea
