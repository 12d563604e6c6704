#include "fovea/viz/attention_statistics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "fovea/base/error.hpp"
#include "parallel/parallel.hpp"
#include "viz/attention_rows.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

using viz::WeightRow;
using Order = std::vector<std::int32_t>;

void check(Index queries, const AttentionStatisticsOptions& options) {
  if (queries < 0)
    throw ValueError(
        fmt::format("attention_statistics: expected a number of queries, got {}", queries));
  if (options.top < 0)
    throw ValueError(fmt::format(
        "attention_statistics: expected a `top` of at least 0, got {}; 0 keeps none", options.top));
  if (!(options.span_share > 0 && options.span_share <= 1))
    throw ValueError(
        fmt::format("attention_statistics: expected a span_share above 0 and up to 1, got {}; 0.9 "
                    "stands for 90 % of the weight",
                    options.span_share));
  if (options.queries_at_once < 1)
    throw ValueError(
        fmt::format("attention_statistics: expected queries_at_once of at least 1, got {}",
                    options.queries_at_once));
}

double entropy_of(std::span<const real> row) {
  double sum = 0;
  for (const real value : row)
    if (value > 0) sum -= static_cast<double>(value) * std::log(static_cast<double>(value));
  return std::max(0.0, sum);
}

double distance_of(std::span<const real> row, Index position) {
  double sum = 0;
  for (std::size_t j = 0; j < row.size(); ++j)
    sum += static_cast<double>(row[j]) *
           std::abs(static_cast<double>(position - static_cast<Index>(j)));
  return sum;
}

// The statistics of all queries, and how they are computed.
class Collector {
 public:
  Collector(Index queries, const AttentionStatisticsOptions& options)
      : queries_(queries), options_(options) {}

  // Adds the weights of queries that begin with `first`.
  void add(const Array& weights, Index first) {
    if (first == 0) begin(weights.shape());
    const Index count = weights.shape()[2], time = weights.shape()[3],
                rows = batch_ * heads_ * count;
    std::vector<WeightRow> kinds(static_cast<std::size_t>(rows));
    parallel::for_range(rows, parallel::grain(8 * time), [&](Index from, Index to) {
      Order order;
      for (Index row = from; row < to; ++row) {
        const std::span<const real> values(weights.data() + row * time,
                                           static_cast<std::size_t>(time));
        const WeightRow kind = viz::kind_of_row(values);
        kinds[static_cast<std::size_t>(row)] = kind;
        const Index query = first + row % count, place = row / count * queries_ + query;
        if (kind != WeightRow::looks) continue;
        looks_[static_cast<std::size_t>(place)] = true;
        if (options_.entropy) entropy_[place] = static_cast<real>(entropy_of(values));
        if (options_.mean_distance)
          distance_[place] =
              static_cast<real>(distance_of(values, options_.first_position + query));
        if (options_.effective_span || options_.top > 0) largest(values, place, order);
      }
    });
    viz::check_rows("attention_statistics", weights, kinds, first);
  }

  AttentionStatistics result() {
    if (options_.entropy && batch_ >= 0) add_head_entropy();
    return std::move(result_);
  }

  bool fits(const Shape& shape, Index count) const {
    return shape.rank() == 4 && shape[2] == count &&
           (batch_ < 0 || (shape[0] == batch_ && shape[1] == heads_ && shape[3] == time_));
  }

 private:
  void begin(const Shape& shape) {
    batch_ = shape[0];
    heads_ = shape[1];
    time_ = shape[3];
    const Shape each{batch_, heads_, queries_};
    looks_.assign(static_cast<std::size_t>(each.count()), false);
    const auto zeros = [](Array& array, const Shape& wanted) {
      array = Array::zeros(wanted);
      return array.mutable_data();
    };
    if (options_.entropy) entropy_ = zeros(result_.entropy, each);
    if (options_.mean_distance) distance_ = zeros(result_.mean_distance, each);
    if (options_.effective_span) span_ = zeros(result_.effective_span, each);
    if (options_.top == 0) return;
    const Shape each_top = each.inserted(3, options_.top);
    top_weights_ = zeros(result_.top_weights, each_top);
    result_.top_positions = Ids(each_top);
    top_positions_ = result_.top_positions.mutable_data();
    std::fill_n(top_positions_, each_top.count(), -1);
  }

  // Takes the largest weights from a heap, until there are enough for `top` and for the span.
  void largest(std::span<const real> row, Index place, Order& order) {
    order.clear();
    double total = 0;
    for (std::size_t j = 0; j < row.size(); ++j) {
      if (row[j] > 0) order.push_back(static_cast<std::int32_t>(j));
      total += static_cast<double>(row[j]);
    }
    const auto weight = [&](std::int32_t j) { return row[static_cast<std::size_t>(j)]; };
    const auto below = [&](std::int32_t a, std::int32_t b) {
      return weight(a) < weight(b) || (weight(a) == weight(b) && a > b);
    };
    std::ranges::make_heap(order, below);
    // A weight of 0.9 is 90 % of the whole, though the nearest real may be below.
    const double rounding = 4 * static_cast<double>(std::numeric_limits<real>::epsilon());
    const double wanted = options_.span_share * total * (1 - rounding);
    double held = 0;
    Index span = 0;
    for (Index taken = 0; !order.empty() && (taken < options_.top || held < wanted); ++taken) {
      std::ranges::pop_heap(order, below);
      const std::int32_t position = order.back();
      order.pop_back();
      if (taken < options_.top) {
        top_positions_[place * options_.top + taken] = position;
        top_weights_[place * options_.top + taken] = weight(position);
      }
      if (held < wanted) span = taken + 1;
      held += static_cast<double>(weight(position));
      if (!options_.effective_span && taken + 1 >= options_.top) break;
    }
    if (options_.effective_span) span_[place] = static_cast<real>(span);
  }

  void add_head_entropy() {
    result_.head_entropy = Array::zeros({heads_});
    real* const means = result_.head_entropy.mutable_data();
    for (Index head = 0; head < heads_; ++head) {
      double sum = 0, count = 0;
      for (Index sample = 0; sample < batch_; ++sample)
        for (Index query = 0; query < queries_; ++query) {
          const Index place = (sample * heads_ + head) * queries_ + query;
          if (!looks_[static_cast<std::size_t>(place)]) continue;
          sum += static_cast<double>(entropy_[place]);
          ++count;
        }
      means[head] = static_cast<real>(count > 0 ? sum / count : 0);
    }
  }

  Index queries_;
  const AttentionStatisticsOptions& options_;
  Index batch_ = -1, heads_ = 0, time_ = 0;
  AttentionStatistics result_;
  std::vector<std::uint8_t> looks_;
  real *entropy_ = nullptr, *distance_ = nullptr, *span_ = nullptr, *top_weights_ = nullptr;
  std::int32_t* top_positions_ = nullptr;
};

}  // namespace

WeightsOfQueries weights_of_queries(const Array& weights) {
  const Array all = viz::with_heads("weights_of_queries", weights);
  return [all](Index first, Index last) {
    const Index queries = all.shape()[2], time = all.shape()[3];
    if (first < 0 || first > last || last > queries)
      throw IndexError(fmt::format("weights_of_queries: queries [{}, {}) of {}, which has {}",
                                   first, last, to_string(all.shape()), queries));
    Array part(all.shape().with(2, last - first));
    real* out = part.mutable_data();
    for (Index map = 0; map < all.shape()[0] * all.shape()[1]; ++map)
      out = std::copy_n(all.data() + (map * queries + first) * time, (last - first) * time, out);
    return part;
  };
}

AttentionStatistics attention_statistics(const WeightsOfQueries& source, Index queries,
                                         const AttentionStatisticsOptions& options) {
  check(queries, options);
  if (!source) throw ValueError("attention_statistics: the source of weights is empty");
  Collector collector(queries, options);
  Index first = 0;
  do {
    const Index last = std::min(queries, first + options.queries_at_once);
    Array weights = source(first, last);
    if (weights.shape().rank() == 3) weights = weights.reshaped(weights.shape().inserted(1, 1));
    if (!collector.fits(weights.shape(), last - first))
      throw ShapeError(
          fmt::format("attention_statistics: expected weights (batch, heads, {}, time) of queries "
                      "[{}, {}), as many in each range, got {}",
                      last - first, first, last, to_string(weights.shape())));
    collector.add(weights, first);
    first = last;
  } while (first < queries);
  return collector.result();
}

}}  // namespace fovea
