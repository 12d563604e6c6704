#include "fovea/nn/pooling.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

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

namespace {

// Of a sequence the features, which are last.
Shape features_of(const char* name, const Shape& sample) {
  if (sample.rank() != 2)
    throw ShapeError(
        fmt::format("{}: a sample is {}; it must be (time, features)", name, to_string(sample)));
  return Shape{sample[1]};
}

void check_sequences(const char* name, const Shape& x, const std::optional<Mask>& mask) {
  if (x.rank() != 3)
    throw ShapeError(
        fmt::format("{}: x is {}; it must be (batch, time, features)", name, to_string(x)));
  if (mask && mask->shape() != x.without(-1))
    throw ShapeError(fmt::format("{}: the mask has shape {}; it must be ({}, {})", name,
                                 to_string(mask->shape()), x[0], x[1]));
}

Shape channels_of(const char* name, const Shape& sample) {
  check_windowed(name, sample, 3);
  return Shape{sample[2]};
}

const Tensor& pictures(const char* name, const Tensor& x) {
  if (x.shape().rank() != 4)
    throw ShapeError(fmt::format("{}: x is {}; it must be (batch, rows, columns, channels)", name,
                                 to_string(x.shape())));
  return x;
}

}  // namespace

Shape GlobalAveragePooling1D::build(const Shape& sample, const Rng&) const {
  return features_of("GlobalAveragePooling1D", sample);
}

Tensor GlobalAveragePooling1D::operator()(const Tensor& x, const std::optional<Mask>& mask,
                                          const Context&) const {
  check_sequences("GlobalAveragePooling1D", x.shape(), mask);
  if (!mask) return mean(x, 1);
  const Index batch = x.shape()[0], time = x.shape()[1];
  Array counts(Shape{batch, 1});
  for (Index sample = 0; sample < batch; ++sample) {
    Index kept = 0;
    for (Index t = 0; t < time; ++t)
      kept += mask->keep()[static_cast<std::size_t>(sample * time + t)] != 0;
    counts.mutable_data()[sample] =
        static_cast<real>(std::max<Index>(kept, 1));  // of nothing the sum is 0, and so is the mean
  }
  return sum(without_dropped(x, mask), 1) / Tensor(counts);
}

Shape GlobalAveragePooling2D::build(const Shape& sample, const Rng&) const {
  return channels_of("GlobalAveragePooling2D", sample);
}
Tensor GlobalAveragePooling2D::operator()(const Tensor& x, const Context&) const {
  return mean(pictures("GlobalAveragePooling2D", x), {1, 2});
}

Shape GlobalMaxPooling1D::build(const Shape& sample, const Rng&) const {
  return features_of("GlobalMaxPooling1D", sample);
}

Tensor GlobalMaxPooling1D::operator()(const Tensor& x, const std::optional<Mask>& mask,
                                      const Context&) const {
  check_sequences("GlobalMaxPooling1D", x.shape(), mask);
  if (!mask) return max(x, 1);
  const Index batch = x.shape()[0], time = x.shape()[1];
  Mask any(Shape{batch, 1});
  for (Index sample = 0; sample < batch; ++sample) {
    const std::uint8_t* const keep = mask->data() + sample * time;
    any.mutable_data()[sample] =
        std::any_of(keep, keep + time, [](std::uint8_t byte) { return byte != 0; });
  }
  const Tensor kept = where(mask->reshaped(Shape{batch, time, 1}), x,
                            scalar(-std::numeric_limits<real>::infinity()));
  return where(any, max(kept, 1), scalar(0));
}

Shape GlobalMaxPooling2D::build(const Shape& sample, const Rng&) const {
  return channels_of("GlobalMaxPooling2D", sample);
}
Tensor GlobalMaxPooling2D::operator()(const Tensor& x, const Context&) const {
  return max(pictures("GlobalMaxPooling2D", x), {1, 2});
}

}}  // namespace fovea
