// The rows of attention weights, and what is no weight.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "fovea/array/array.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace viz {

/// Returns weights (batch, queries, time) or (batch, time) as (batch, heads, queries, time), with
/// one head and one query where there is no such axis. Throws ShapeError for another rank.
Array with_heads(std::string_view call, const Array& weights);

/// What a row of weights is.
enum class WeightRow : std::uint8_t {
  looks,      ///< weights that sum to 1
  nothing,    ///< zeros: a query that looks at nothing
  no_weight,  ///< has a value that is negative or not finite
  no_sum,     ///< sums to neither 1 nor 0
};

/// Returns what a row is. The sum of `time` rounded weights can be off by 1e-3, or by an ulp for
/// each if that is more.
WeightRow kind_of_row(std::span<const real> row);

/// Throws ValueError for the first row that is no row of weights. `kinds` are those of weights
/// (batch, heads, queries, time), the first of whose queries is number `first_query`.
void check_rows(std::string_view call, const Array& weights, const std::vector<WeightRow>& kinds,
                Index first_query = 0);

/// Throws ValueError, on the same terms.
void check_rows(std::string_view call, const Array& weights);

}}}  // namespace fovea::viz
