// What flows between layers.
#pragma once

#include <optional>
#include <variant>

#include "fovea/array/ids.hpp"
#include "fovea/array/mask.hpp"
#include "fovea/autograd/tensor.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Ids or a tensor, and which positions count.
struct Signal {
  std::variant<Ids, Tensor> value;  ///< what it carries
  std::optional<Mask> mask = {};    ///< over its first axes; none: all count

  /// The tensor that it carries. Throws std::bad_variant_access for ids.
  const Tensor& tensor() const& { return std::get<Tensor>(value); }
  Tensor tensor() const&& { return std::get<Tensor>(value); }  ///< the same, of a temporary
};

}}  // namespace fovea
