// Several attentions side by side: Vaswani et al., "Attention is all you need" (2017); heads that
// share keys and values: Shazeer, "Fast transformer decoding" (2019), Ainslie et al., "GQA" (2023).
// docs/attention.md compares all layers of attention.
#pragma once

#include <optional>

#include "fovea/nn/attention.hpp"
#include "fovea/nn/dense.hpp"
#include "fovea/nn/module.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// For each head h, context_h = softmax(q_h k_h^T / sqrt(key_dim)) v_h, of projections q, k and v
/// of the inputs; the contexts side by side are projected once more. Keras' MultiHeadAttention, and
/// its GroupQueryAttention with num_key_value_heads. Called with one x, x is query, key and value,
/// and masked positions neither look nor are looked at. A query that looks at nothing has weights
/// 0, and the bias of attention_output as its result, as in Keras where scores are returned.
///
/// The projections are Dense layers under Keras' names. Keras' kernels (features, heads, width) and
/// (heads, width, features) are the same numbers in the same order as these, (features, heads *
/// width) and (heads * width, features).
struct MultiHeadAttention {
  Index num_heads;                ///< heads of queries
  Index key_dim;                  ///< width of each head's queries and keys; PyTorch's divides
  Index value_dim = 0;            ///< width of each head's values; 0: key_dim
  bool use_bias = true;           ///< whether the projections have biases
  real dropout = 0;               ///< on the weights, while training
  Index num_key_value_heads = 0;  ///< heads of keys and values, which divide num_heads; 0: as many
  bool causal = false;            ///< query i looks at positions up to i; Keras' use_causal_mask
  Index window = 0;               ///< query i looks at positions less than this from i; 0: at all
  real soft_cap = 0;              ///< above 0: scores s become soft_cap tanh(s / soft_cap)
  Index output_dim = 0;           ///< features of the result; 0: as many as the query has
  Index value_features = 0;       ///< features of the value; 0: as many as the query has
  Index key_features = 0;         ///< features of the key; 0: as many as the value has

  Dense query = {};             ///< (features, num_heads * key_dim)
  Dense key = {};               ///< (key features, key heads * key_dim)
  Dense value = {};             ///< (value features, key heads * value_dim)
  Dense attention_output = {};  ///< (num_heads * value_dim, output_dim)
  /// Separates the draws of its dropout from those of other layers; exists once built.
  std::optional<std::uint64_t> stream = {};

  /// Makes its projections itself.
  static constexpr bool builds_children = true;

  /// sample: (time, features), of the query -> (time, output_dim). Throws ValueError for options
  /// that do not go together, ShapeError for a sample that is no sequence or has other features
  /// than the layer was built for.
  Shape build(const Shape& sample, const Rng& random);

  /// Returns the result of x over x: (batch, time, output_dim).
  Tensor operator()(const Tensor& x, const std::optional<Mask>& mask,
                    const Context& context = {}) const;
  /// Returns the result without a mask.
  Tensor operator()(const Tensor& x, const Context& context = {}) const {
    return (*this)(x, std::nullopt, context);
  }

  /// Returns the result for each query, (batch, queries, output_dim), and the weights if they are
  /// asked for:
  ///
  ///     attention.attend(x, {.value = memory, .mask = {.keep = words}}, context)
  ///
  /// Throws as `attention`, ShapeError for features that it was not built for, and StateError
  /// before it is built.
  Attended attend(const Tensor& x, const AttendOptions& options, const Context& context = {}) const;

  /// Keeps the mask: positions stay positions.
  static constexpr MaskFlow mask_flow() { return MaskFlow::keeps; }

  /// query, key, value and attention_output.
  static void parameters(auto& self, auto&& visit) {
    visit("query", self.query);
    visit("key", self.key);
    visit("value", self.value);
    visit("attention_output", self.attention_output);
  }
};

}}  // namespace fovea
