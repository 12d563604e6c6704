// Attention with the additive score, fused.
#pragma once

#include "ops/attention_sizes.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace ops {

/// `attention` with Score::additive, for sizes that were checked.
Attended additive_attention(const Tensor& q, const Tensor& k, const Tensor& v,
                            const AttentionOptions& options, const AttentionSizes& sizes);

/// `attention_weights` of queries [first, last) with Score::additive, on the same terms.
Array additive_attention_weights(const Tensor& q, const Tensor& k, const AttentionOptions& options,
                                 const AttentionSizes& sizes, Index first, Index last);

}}}  // namespace fovea::ops
