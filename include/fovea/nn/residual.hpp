// A module with a skip connection: He et al., "Deep residual learning for image recognition"
// (2015).
#pragma once

#include <concepts>
#include <optional>

#include "fovea/array/mask.hpp"
#include "fovea/base/error.hpp"
#include "fovea/nn/caller.hpp"
#include "fovea/nn/in_layer.hpp"
#include "fovea/nn/module.hpp"
#include "fovea/ops/ops.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// y = x + module(x), for a module that keeps shapes: Residual{Dense{.units = 8}}.
template <class M>
struct Residual {
  M module;  ///< what is added to x

  /// Returns the shape of the sample. Throws ShapeError for a module whose output has another.
  Shape build(const Shape& sample, const Rng& random) {
    const Shape result = building::make(module, sample, random);
    if (result != sample)
      throw ShapeError("Residual: the module makes " + to_string(result) + " of a sample " +
                       to_string(sample) + "; the two are added and must be equal");
    return sample;
  }

  /// Passes the mask to the module, if the module takes one.
  Tensor operator()(const Tensor& x, const std::optional<Mask>& mask,
                    const Context& context = {}) const {
    return x + in_layer(context, "module", [&](const Context& inside) {
             if constexpr (std::invocable<const M&, const Tensor&, const std::optional<Mask>&,
                                          const Context&>)
               return module(x, mask, inside);
             else
               return module(x, inside);
           });
  }
  /// The same, without a mask.
  Tensor operator()(const Tensor& x, const Context& context = {}) const {
    return (*this)(x, std::nullopt, context);
  }

  /// Returns what the module declares. A module that reverses positions adds each to another one,
  /// and loses the mask.
  MaskFlow mask_flow() const {
    if constexpr (requires { module.mask_flow(); })
      return module.mask_flow() == MaskFlow::reverses ? MaskFlow::loses : module.mask_flow();
    else
      return MaskFlow::loses;
  }

  /// Visits the parameters of the module.
  static void parameters(auto& self, auto&& visit) { visit("module", self.module); }
};

/// Makes Residual{Dense{8}} a Residual<Dense> with clang before 17 as well.
template <class M>
Residual(M) -> Residual<M>;

}}  // namespace fovea
