#include "viz/attention_rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "fovea/base/error.hpp"
#include "parallel/parallel.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace viz {

namespace {

// Whether a value can be a weight.
bool is_weight(real value) { return std::isfinite(value) && value >= 0; }

double sum_of(std::span<const real> row) {
  double sum = 0;
  for (const real value : row) sum += static_cast<double>(value);
  return sum;
}

}  // namespace

Array with_heads(std::string_view call, const Array& weights) {
  const Shape& shape = weights.shape();
  if (shape.rank() == 4) return weights;
  if (shape.rank() == 3) return weights.reshaped(shape.inserted(1, 1));
  if (shape.rank() == 2) return weights.reshaped({shape[0], 1, 1, shape[1]});
  throw ShapeError(fmt::format(
      "{}: expected weights (batch, heads, queries, time), (batch, queries, time) or (batch, "
      "time), got {}",
      call, to_string(shape)));
}

WeightRow kind_of_row(std::span<const real> row) {
  for (const real value : row)
    if (!is_weight(value)) return WeightRow::no_weight;
  const double sum = sum_of(row);
  const double slack = std::max(1e-3, static_cast<double>(std::numeric_limits<real>::epsilon()) *
                                          static_cast<double>(row.size()));
  return sum == 0                     ? WeightRow::nothing
         : std::abs(sum - 1) <= slack ? WeightRow::looks
                                      : WeightRow::no_sum;
}

void check_rows(std::string_view call, const Array& weights, const std::vector<WeightRow>& kinds,
                Index first_query) {
  const auto wrong = std::ranges::find_if(kinds, [](WeightRow kind) {
    return kind == WeightRow::no_weight || kind == WeightRow::no_sum;
  });
  if (wrong == kinds.end()) return;
  const Index row = wrong - kinds.begin(), heads = weights.shape()[1], queries = weights.shape()[2],
              time = weights.shape()[3];
  const std::string place = fmt::format("sample {}, head {}, query {}", row / queries / heads,
                                        row / queries % heads, first_query + row % queries);
  const std::span<const real> values(weights.data() + row * time, static_cast<std::size_t>(time));
  if (*wrong == WeightRow::no_sum)
    throw ValueError(fmt::format(
        "{}: expected weights that sum to 1, or to 0 where a query looks at nothing, got a sum of "
        "{:.6g} for {}; take them before dropout, with all positions",
        call, sum_of(values), place));
  const auto position = std::ranges::find_if_not(values, is_weight);
  throw ValueError(
      fmt::format("{}: expected weights that are finite and at least 0, got {} for {}, position "
                  "{}; take them behind the softmax",
                  call, *position, place, position - values.begin()));
}

void check_rows(std::string_view call, const Array& weights) {
  const Index time = weights.shape()[3], rows = weights.shape().without(-1).count();
  std::vector<WeightRow> kinds(static_cast<std::size_t>(rows));
  parallel::for_range(rows, parallel::grain(time), [&](Index begin, Index end) {
    for (Index row = begin; row < end; ++row)
      kinds[static_cast<std::size_t>(row)] =
          kind_of_row({weights.data() + row * time, static_cast<std::size_t>(time)});
  });
  check_rows(call, weights, kinds);
}

}}}  // namespace fovea::viz
