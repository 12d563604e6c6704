// Options of ops.
#pragma once

#include <array>
#include <concepts>
#include <optional>
#include <vector>

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// The axes of a reduction: one, several, or {} for all. Negative axes count from the end.
class Axes {
 public:
  Axes() = default;
  /// Names one axis.
  Axes(int axis) : list_{axis} {}  // NOLINT: implicit on purpose
  /// Rejects a bool, which would be meant for keepdims, and a fraction.
  template <class T>
  requires(std::same_as<T, bool> || std::floating_point<T>) Axes(T)
  = delete;
  /// Names several axes; {} means all.
  Axes(std::initializer_list<int> axes) : list_(axes) {}  // NOLINT: implicit on purpose
  /// Names several axes; an empty list means all.
  explicit Axes(std::vector<int> axes) : list_(std::move(axes)) {}
  /// Returns the axes as named; an empty list means all.
  const std::vector<int>& list() const& { return list_; }
  /// Returns the axes of a temporary.
  std::vector<int> list() const&& { return list_; }

 private:
  std::vector<int> list_;
};

/// Whether reduced axes stay, with size 1. Only a bool converts to it, so sum(x, 0, 1) does not
/// compile: two axes are sum(x, {0, 1}).
class KeepDims {
 public:
  /// Keeps the axes if true.
  template <std::same_as<bool> Bool>
  KeepDims(Bool keep) : keep_(keep) {}  // NOLINT: implicit on purpose
  /// Returns whether the axes stay.
  operator bool() const { return keep_; }  // NOLINT: implicit on purpose

 private:
  bool keep_;
};

/// A part of an axis, as Python's begin:end:step: every step-th position from begin on, before end.
/// Negative positions count from the end; a negative step goes backwards. Omitted ends are those of
/// the axis: {} is the whole axis, {.step = -1} the axis reversed. Unlike in Python, a range must
/// not reach beyond the axis.
struct Range {
  std::optional<Index> begin = {};  ///< the first position
  std::optional<Index> end = {};    ///< one past the last position
  Index step = 1;                   ///< not 0
};

/// The numbers of elements to insert before and after those of an axis.
struct PadWidth {
  Index before = 0;  ///< in front of the first element
  Index after = 0;   ///< behind the last element
};

/// The function applied after a linear map: elementwise, or softmax along the last axis. Each is
/// the function of ops.hpp with Keras' defaults.
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

/// The padding of an axis over which windows slide.
enum class Padding {
  valid,  ///< none: windows stay inside
  /// Enough for ceil(size / strides) windows. An odd element goes to the end, as in TensorFlow.
  same,
  causal,  ///< at the front only, so that no window looks ahead
};

/// How windows slide over one axis.
struct Conv1DOptions {
  Index strides = 1;                 ///< from one window to the next
  Padding padding = Padding::valid;  ///< around the axis
  Index dilation_rate = 1;           ///< distance between the elements of a window
};

/// How windows slide over rows and columns.
struct Conv2DOptions {
  std::array<Index, 2> strides = {1, 1};  ///< from one window to the next: rows, columns
  Padding padding = Padding::valid;       ///< around both axes
  /// The distance between the elements of a window: rows, columns.
  std::array<Index, 2> dilation_rate = {1, 1};
};

/// Windows over one axis, each of which is reduced to one element.
struct Pool1DOptions {
  Index pool_size = 2;  ///< of a window
  Index strides = 0;    ///< from one window to the next; 0: pool_size
  /// Around the axis. Padding is never the maximum and does not count in an average.
  Padding padding = Padding::valid;
};

/// Windows over rows and columns.
struct Pool2DOptions {
  std::array<Index, 2> pool_size = {2, 2};  ///< of a window: rows, columns
  std::array<Index, 2> strides = {0, 0};    ///< from one window to the next; 0: pool_size
  Padding padding = Padding::valid;         ///< around both axes
};

}}  // namespace fovea
