// What ops take besides tensors and numbers.
#pragma once

#include <array>
#include <concepts>
#include <optional>
#include <vector>

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Axes to reduce: one, several, or none named, which means all. Negative axes count from the end.
class Axes {
 public:
  Axes() = default;
  /// One axis.
  Axes(int axis) : list_{axis} {}  // NOLINT: implicit on purpose
  /// Not of a bool, which would be meant for keepdims, nor of a fraction.
  template <class T>
  requires(std::same_as<T, bool> || std::floating_point<T>) Axes(T)
  = delete;
  /// Several; {} is all.
  Axes(std::initializer_list<int> axes) : list_(axes) {}  // NOLINT: implicit on purpose
  /// Several, from a list.
  explicit Axes(std::vector<int> axes) : list_(std::move(axes)) {}
  const std::vector<int>& list() const& { return list_; }  ///< as named; empty means all
  std::vector<int> list() const&& { return list_; }        ///< the same, of a temporary

 private:
  std::vector<int> list_;
};

/// Whether reduced axes stay, with size 1. Made of a bool alone, so that NumPy's sum(x, (0, 1))
/// without its brackets is no keepdims: sum(x, 0, 1) does not compile; several axes are sum(x, {0,
/// 1}).
class KeepDims {
 public:
  /// true: they stay.
  template <std::same_as<bool> Bool>
  KeepDims(Bool keep) : keep_(keep) {}  // NOLINT: implicit on purpose
  /// Whether they stay.
  operator bool() const { return keep_; }  // NOLINT: implicit on purpose

 private:
  bool keep_;
};

/// A part of an axis, as Python writes begin:end:step: every step-th position from begin on, before
/// end. Negative positions count from the end, a negative step walks backwards, and what is left
/// out is the axis' own end: {} is all of it, {.step = -1} all of it backwards. Unlike Python's, a
/// range may not reach beyond the axis.
struct Range {
  /// first position
  std::optional<Index> begin = {}, end = {};  ///< one past the last
  Index step = 1;                             ///< not 0
};

/// How many elements to put before and after those of an axis.
struct PadWidth {
  /// in front of the first element
  Index before = 0, after = 0;  ///< behind the last
};

/// What follows a linear map, element by element; softmax along the last axis. The functions of
/// ops.hpp with Keras' defaults.
enum class Activation {
  linear,
  relu,
  sigmoid,
  tanh,
  softmax,
  gelu,
  silu,
  elu,
  leaky_relu,
  softplus
};

/// What lies around an axis over which windows slide.
enum class Padding {
  valid,  ///< nothing: windows stay inside
  same,   ///< so much that there are ceil(size / stride) windows; the odd element at the end, as in
          ///< TensorFlow
  causal,  ///< at the front only, so that no window looks ahead
};

/// How windows slide over one axis.
struct Conv1DOptions {
  Index stride = 1;                  ///< from one window to the next
  Padding padding = Padding::valid;  ///< around the axis
  Index dilation = 1;                ///< distance between the elements of a window
};

/// How windows slide over rows and columns.
struct Conv2DOptions {
  std::array<Index, 2> stride = {1, 1};  ///< from one window to the next, down and right
  Padding padding = Padding::valid;      ///< around both axes
  std::array<Index, 2> dilation = {
      1, 1};  ///< distance between the elements of a window, down and right
};

/// Windows over one axis, of each of which one number is left.
struct Pool1DOptions {
  Index size = 2;                    ///< of a window
  Index stride = 0;                  ///< from one window to the next; 0: the size
  Padding padding = Padding::valid;  ///< around the axis; it is never the maximum and does not
                                     ///< count in an average
};

/// Windows over rows and columns.
struct Pool2DOptions {
  std::array<Index, 2> size = {2, 2};    ///< of a window, down and right
  std::array<Index, 2> stride = {0, 0};  ///< from one window to the next; 0: the size
  Padding padding = Padding::valid;      ///< around both axes
};

}}  // namespace fovea
