// Fused attention of the scores that are dot products.
#pragma once

#include "ops/attention_sizes.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace ops {

/// attention(q, k, v, options) for Score::dot and scaled_dot; `s` are its sizes.
Attended dot_attention(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionSizes& s,
                       const AttentionOptions& options);

/// The weights of the queries [first, last), on the same terms.
Array dot_attention_weights(const Tensor& q, const Tensor& k, const AttentionSizes& s,
                            const AttentionOptions& options, Index first, Index last);

}}}  // namespace fovea::ops
