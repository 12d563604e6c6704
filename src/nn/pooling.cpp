#include "fovea/nn/pooling.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "fovea/base/error.hpp"
#include "fovea/ops/ops.hpp"
#include "nn/checks.hpp"
#include "nn/masked.hpp"
#include "nn/result_shape.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

template <class Module>
Shape pooled(const char* name, const Module& module, const Shape& sample, int rank) {
  check_windowed(name, sample, rank);
  return result_shape(module, sample);
}

}  // namespace

Shape MaxPooling1D::build(const Shape& sample, const Rng&) const {
  return pooled("MaxPooling1D", *this, sample, 2);
}
Tensor MaxPooling1D::operator()(const Tensor& x, const Context&) const {
  return max_pool1d(x, options);
}

Shape MaxPooling2D::build(const Shape& sample, const Rng&) const {
  return pooled("MaxPooling2D", *this, sample, 3);
}
Tensor MaxPooling2D::operator()(const Tensor& x, const Context&) const {
  return max_pool2d(x, options);
}

Shape AveragePooling1D::build(const Shape& sample, const Rng&) const {
  return pooled("AveragePooling1D", *this, sample, 2);
}
Tensor AveragePooling1D::operator()(const Tensor& x, const Context&) const {
  return average_pool1d(x, options);
}

Shape AveragePooling2D::build(const Shape& sample, const Rng&) const {
  return pooled("AveragePooling2D", *this, sample, 3);
}
Tensor AveragePooling2D::operator()(const Tensor& x, const Context&) const {
  return average_pool2d(x, options);
}

Shape GlobalAveragePooling1D::build(const Shape& sample, const Rng&) const {
  if (sample.rank() != 2)
    throw ShapeError(fmt::format(
        "GlobalAveragePooling1D: a sample is {}; it must be (time, features)", to_string(sample)));
  return Shape{sample[1]};
}

Tensor GlobalAveragePooling1D::operator()(const Tensor& x, const std::optional<Mask>& mask,
                                          const Context&) const {
  if (x.shape().rank() != 3)
    throw ShapeError(
        fmt::format("GlobalAveragePooling1D: x is {}; it must be (batch, time, features)",
                    to_string(x.shape())));
  if (!mask) return mean(x, 1);
  const Index batch = x.shape()[0], time = x.shape()[1];
  if (mask->shape() != Shape{batch, time})
    throw ShapeError(
        fmt::format("GlobalAveragePooling1D: the mask has shape {}; it must be ({}, {})",
                    to_string(mask->shape()), batch, time));
  Array counts(Shape{batch, 1});
  for (Index sample = 0; sample < batch; ++sample) {
    Index kept = 0;
    for (Index t = 0; t < time; ++t)
      kept += mask->keep()[static_cast<std::size_t>(sample * time + t)];
    counts.mutable_data()[sample] =
        static_cast<real>(std::max<Index>(kept, 1));  // of nothing the sum is 0, and so is the mean
  }
  return sum(without_dropped(x, mask), 1) / Tensor(counts);
}

}}  // namespace fovea
