// Layers that change the shape of each sample, or each element. No parameters.
#pragma once

#include <functional>
#include <vector>

#include "fovea/nn/module.hpp"
#include "fovea/ops/options.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// All axes of a sample as one: (batch, ...) -> (batch, elements). Takes no mask.
struct Flatten {
  /// Maps a sample to (elements).
  Shape build(const Shape& sample, const Rng& random) const;
  /// Throws ShapeError for a scalar.
  Tensor operator()(const Tensor& x, const Context& context = {}) const;
};

/// The elements of a sample under other sizes: (batch, ...) -> (batch, target_shape...). Takes no
/// mask.
struct Reshape {
  /// The sizes of a result's sample, without the batch axis. One can be -1: it is computed from the
  /// others.
  std::vector<Index> target_shape;

  /// Maps a sample to target_shape. Throws ShapeError for another number of elements.
  Shape build(const Shape& sample, const Rng& random) const;
  /// Throws ShapeError for another number of elements.
  Tensor operator()(const Tensor& x, const Context& context = {}) const;
};

/// The axes of a sample in another order. Takes no mask.
struct Permute {
  /// Axis i of the result is axis dims[i] of x. As in Keras, the axes of a sample count from 1: the
  /// batch axis is 0, and stays.
  std::vector<Index> dims;

  /// Maps a sample to its sizes in the new order. Throws ShapeError unless dims names each axis of
  /// the sample once.
  Shape build(const Shape& sample, const Rng& random) const;
  /// Throws ShapeError as `build` does.
  Tensor operator()(const Tensor& x, const Context& context = {}) const;
};

/// An activation as a layer of its own: Keras' Activation. (Activation names the functions.)
struct ActivationLayer {
  Activation activation;  ///< applied to x; softmax along the last axis

  /// Returns the shape of the sample. Throws ValueError for a softmax over one element.
  Shape build(const Shape& sample, const Rng& random) const;
  /// Returns activation(x).
  Tensor operator()(const Tensor& x, const Context& context = {}) const;

  /// Returns x, which the activation is applied to.
  Tensor linear(const Tensor& x) const { return x; }

  /// Keeps the mask: positions stay positions.
  static constexpr MaskFlow mask_flow() { return MaskFlow::keeps; }
};

/// A function as a layer, which may change shapes:
///
///     named("first", Lambda{[](const Tensor& x) { return slice(x, 1, 0, 1); }})
///
/// The function must not have parameters: nothing would find them. It maps each sample of a batch
/// by itself. A file cannot hold it: the program that loads the model makes the model.
struct Lambda {
  std::function<Tensor(const Tensor& x)> function;  ///< (batch, sample...) -> (batch, result...)
  /// What happens to a mask. The function itself gets none.
  MaskFlow masks = MaskFlow::loses;

  /// Returns the shape that the function makes of one sample of zeros. Throws ValueError without a
  /// function, ShapeError for a function whose result is not one sample.
  Shape build(const Shape& sample, const Rng& random) const;
  /// Returns function(x).
  Tensor operator()(const Tensor& x, const Context& context = {}) const;

  /// Returns `masks`.
  MaskFlow mask_flow() const { return masks; }
};

}}  // namespace fovea
