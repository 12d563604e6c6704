// Softmax over the positions that each query looks at, which are told by few numbers rather than
// by a byte for each query and position.
#pragma once

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

/// Scores of `rows` queries against `time` positions. Rows belong to samples, as many to each, and
/// every `queries` of them are numbered from 0.
struct AttentionRows {
  Index rows, rows_a_sample, queries, time;
  bool causal;                       ///< query i looks at positions up to i only
  Index window;                      ///< and at those less than so far from i; 0: at any distance
  const std::uint8_t* keep;          ///< (samples, time): positions to look at; null: all
  const std::uint8_t* keep_queries;  ///< (samples, queries): the others look at nothing; null: all

  /// Whether the query of a row looks at a position.
  bool keeps(Index row, Index position) const {
    const Index sample = row / rows_a_sample, query = row % queries;
    const Index distance = position < query ? query - position : position - query;
    return (!causal || position <= query) && (window == 0 || distance < window) &&
           (!keep || keep[sample * time + position]) &&
           (!keep_queries || keep_queries[sample * queries + query]);
  }
};

/// y = e^x / sum e^x over the positions that each query looks at; 0 elsewhere. The bits of
/// `softmax` with a mask that says the same.
void attention_softmax(const real* x, const AttentionRows& rows, real* y);

/// dx (+)= y (dy - sum y dy).
void attention_softmax_slopes(const real* dy, const real* y, const AttentionRows& rows, real* dx,
                              bool add);

}}}  // namespace fovea::kernels
