// What flows between layers.
#pragma once

#include <optional>
#include <variant>

#include "fovea/array/ids.hpp"
#include "fovea/array/mask.hpp"
#include "fovea/autograd/tensor.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Ids or a tensor, and the mask of the positions to keep.
struct Signal {
  std::variant<Ids, Tensor> value;  ///< ids or a tensor
  std::optional<Mask> mask = {};    ///< over the first axes of the value; none: all are kept

  /// Returns the tensor. Throws std::bad_variant_access for ids.
  const Tensor& tensor() const& { return std::get<Tensor>(value); }
  /// The same, of a temporary.
  Tensor tensor() const&& { return std::get<Tensor>(value); }
};

}}  // namespace fovea
