// A module beside which its input goes past: He et al., "Deep residual learning for image
// recognition" (2015).
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

/// y = x + module(x), for a module that keeps shapes. Residual{Dense{.units = 8}}
template <class M>
struct Residual {
  M module;  ///< what is added to x

  /// sample -> sample. Throws ShapeError for a module that makes another shape of it.
  Shape build(const Shape& sample, const Rng& random) {
    const Shape result = building::make(module, sample, random);
    if (result != sample)
      throw ShapeError("Residual: the module makes " + to_string(result) + " of a sample " +
                       to_string(sample) + "; the two are added and must be equal");
    return sample;
  }

  /// The mask goes to the module, if it takes one.
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
  Tensor operator()(const Tensor& x, const Context& context = {}) const {
    return (*this)(x, std::nullopt, context);
  }  ///< without a mask

  /// As the module does.
  MaskFlow mask_flow() const {
    if constexpr (requires { module.mask_flow(); })
      return module.mask_flow();
    else
      return MaskFlow::loses;
  }

  /// Those of the module.
  static void parameters(auto& self, auto&& visit) { visit("module", self.module); }
};

/// Residual{Dense{8}} is a Residual<Dense>, with compilers that do not deduce it (clang before 17)
/// as well.
template <class M>
Residual(M) -> Residual<M>;

}}  // namespace fovea
