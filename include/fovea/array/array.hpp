// Numbers in memory. No mathematics, no graph.
#pragma once

#include "fovea/array/elements.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// A dense array of reals: a value. A copy never sees what is written to the other, nor training;
/// it costs memory only once one of the two is written to, or at once with `clone`.
class Array : public Elements<real, Array> {
 public:
  using Elements::Elements;

  static Array full(const Shape& shape, real value);  ///< every element equal to `value`
  static Array zeros(const Shape& shape) { return full(shape, 0); }  ///< every element 0

  Array clone() const { return Array(shape(), values()); }  ///< a copy of the numbers

  View view() const { return {data(), shape(), dense_strides(shape())}; }  ///< for kernels: to read
  MutableView mutable_view() & {
    return {mutable_data(), shape(), dense_strides(shape())};
  }  ///< for kernels: to write
};

}}  // namespace fovea
