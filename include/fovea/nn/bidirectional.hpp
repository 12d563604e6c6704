// A recurrent layer in both directions: Schuster and Paliwal, "Bidirectional recurrent neural
// networks" (1997).
#pragma once

#include <optional>

#include "fovea/array/mask.hpp"
#include "fovea/base/error.hpp"
#include "fovea/nn/in_layer.hpp"
#include "fovea/nn/recurrent.hpp"
#include "fovea/ops/ops.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// How the results of both directions become one.
enum class Merge {
  concat,  ///< side by side: (..., 2 units)
  sum,     ///< added
  mul,     ///< multiplied
  ave,     ///< their mean
};

/// A GRU or an LSTM that runs forwards, and one of the same options that runs backwards:
/// Bidirectional{GRU{.units = 8}}. Of whole sequences, both results stand at the position that they
/// belong to, and are 0 where the mask drops it, as in Keras. x is (batch, time, features).
template <class M>
struct Bidirectional {
  M layer;                           ///< the options of both, and the layer that runs forwards
  Merge merge_mode = Merge::concat;  ///< of both results
  M backward = layer;                ///< the layer that runs backwards

  static constexpr bool builds_children = true;  ///< build makes both layers
  /// Maps a sample (time, features) to (width) or (time, width). Throws ValueError for a layer that
  /// was built before, whose weights both would share, that runs backwards itself or has other
  /// options than `backward`, and what the layers throw.
  Shape build(const Shape& sample, const Rng& random) {
    check();
    const Shape result = layer.build(sample, random.split("forward"));
    backward.build(sample, random.split("backward"));
    return merge_mode == Merge::concat ? result.with(-1, 2 * result[-1]) : result;
  }

  /// Returns both results as one. The mask is (batch, time).
  Tensor operator()(const Tensor& x, const std::optional<Mask>& mask,
                    const Context& context = {}) const {
    const Tensor a =
        in_layer(context, "forward", [&](const Context& inside) { return layer(x, mask, inside); });
    const Tensor b = in_layer(context, "backward", [&](const Context&) {
      const Unrolled all = backward.unroll(x, {.mask = mask, .go_backwards = true});
      return layer.return_sequences ? flip(all.outputs, 1) : all.states[0];
    });
    const Tensor y = merged(a, b);
    if (!mask || !layer.return_sequences) return y;
    return where(mask->reshaped(mask->shape().inserted(2, 1)), y, scalar(0));
  }
  /// The same, without a mask.
  Tensor operator()(const Tensor& x, const Context& context = {}) const {
    return (*this)(x, std::nullopt, context);
  }

  /// Keeps a mask with whole sequences.
  MaskFlow mask_flow() const { return layer.return_sequences ? MaskFlow::keeps : MaskFlow::ends; }

  /// Visits the parameters of both layers.
  static void parameters(auto& self, auto&& visit) {
    visit("forward", self.layer);
    visit("backward", self.backward);
  }

 private:
  Tensor merged(const Tensor& a, const Tensor& b) const {
    switch (merge_mode) {
      case Merge::concat:
        return concat({a, b});
      case Merge::sum:
        return a + b;
      case Merge::mul:
        return a * b;
      case Merge::ave:
        return (a + b) / 2;
    }
    throw ValueError("Bidirectional: merge_mode is none of concat, sum, mul and ave");
  }

  bool same_options() const {
    bool same = layer.units == backward.units && layer.use_bias == backward.use_bias &&
                layer.return_sequences == backward.return_sequences &&
                layer.go_backwards == backward.go_backwards;
    if constexpr (requires { layer.reset_after; })
      same = same && layer.reset_after == backward.reset_after;
    if constexpr (requires { layer.unit_forget_bias; })
      same = same && layer.unit_forget_bias == backward.unit_forget_bias;
    return same;
  }

  void check() const {
    if (!same_options())
      throw ValueError("Bidirectional: backward has other options than layer; leave it out");
    if (layer.kernel.defined() && layer.kernel.node().get() == backward.kernel.node().get())
      throw ValueError(
          "Bidirectional: the layer was built before, so both directions would share its weights; "
          "give one that is not built");
    if (layer.go_backwards)
      throw ValueError("Bidirectional: the layer runs backwards itself; leave go_backwards false");
  }
};

/// Makes Bidirectional{GRU{8}} a Bidirectional<GRU> with clang before 17 as well.
template <class M>
Bidirectional(M) -> Bidirectional<M>;
/// The same, with a mode.
template <class M>
Bidirectional(M, Merge) -> Bidirectional<M>;

}}  // namespace fovea
