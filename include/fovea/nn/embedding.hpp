// Rows of a table by id.
#pragma once

#include <optional>

#include "fovea/array/ids.hpp"
#include "fovea/array/mask.hpp"
#include "fovea/nn/module.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// y = embeddings[ids] for ids (batch, time...); the result is (batch, time..., output_dim). Keras'
/// Embedding: rows start as U(-0.05, 0.05).
struct Embedding {
  Index input_dim;         ///< number of ids
  Index output_dim;        ///< width of a row
  bool mask_zero = false;  ///< id 0 is padding: later layers are told to ignore it
  Tensor embeddings = {};  ///< (input_dim, output_dim)

  /// Maps a sample (time...) to (time..., output_dim). Throws ValueError unless both sizes are at
  /// least 1.
  Shape build(const Shape& sample, const Rng& random);

  /// Throws IndexError for an id below 0 or at least input_dim.
  Tensor operator()(const Ids& ids, const Context& context = {}) const;

  /// Returns the positions that later layers keep: those whose id is not 0, if mask_zero.
  std::optional<Mask> mask(const Ids& ids) const;

  /// Throws IndexError for an id below 0 or at least input_dim, before any work is done with the
  /// others.
  void check(const Ids& ids) const;

  /// The gradient of the table is its touched rows.
  static constexpr bool gradient_is_rows = true;

  /// embeddings.
  static void parameters(auto& self, auto&& visit) { visit("embeddings", self.embeddings); }
};

}}  // namespace fovea
