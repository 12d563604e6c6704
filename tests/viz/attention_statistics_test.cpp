// Statistics of attention weights, rollout, and weights beside their gradients, against plain
// loops and hand-worked cases.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

#include "fovea/fovea.hpp"
#include "support/approx.hpp"
#include "support/generate.hpp"
#include "support/refusal.hpp"
#include "viz/drawn_weights.hpp"

using namespace fovea;
using drawn::weights_like;
using support::bits_differ;
using support::Generate;
using support::refusal;

namespace {

using Row = std::vector<double>;

Row row_of(const Array& weights, Index row) {
  const Index time = weights.shape()[-1];
  return Row(weights.data() + row * time, weights.data() + (row + 1) * time);
}

double entropy(const Row& row) {
  double sum = 0;
  for (const double w : row) sum += w > 0 ? -w * std::log(w) : 0;
  return sum;
}

double distance(const Row& row, double position) {
  double sum = 0;
  for (std::size_t j = 0; j < row.size(); ++j)
    sum += row[j] * std::abs(position - static_cast<double>(j));
  return sum;
}

// The positions above 0, by weight, of equals the first one first.
std::vector<Index> ordered(const Row& row) {
  std::vector<Index> order;
  for (std::size_t j = 0; j < row.size(); ++j)
    if (row[j] > 0) order.push_back(static_cast<Index>(j));
  std::ranges::stable_sort(order, [&](Index a, Index b) {
    return row[static_cast<std::size_t>(a)] > row[static_cast<std::size_t>(b)];
  });
  return order;
}

void check_row(const AttentionStatistics& got, const AttentionStatisticsOptions& options,
               const Row& row, Index place, Index query) {
  const double tolerance = 20 * static_cast<double>(std::numeric_limits<real>::epsilon());
  const auto close = [&](real value, double expected) {
    return std::abs(static_cast<double>(value) - expected) <= tolerance * (1 + expected);
  };
  CHECK(close(got.entropy.at(place), entropy(row)));
  CHECK(close(got.mean_distance.at(place),
              distance(row, static_cast<double>(options.first_position + query))));
  const std::vector<Index> order = ordered(row);
  double total = 0, held = 0;
  for (const double w : row) total += w;
  // Rounding may put a sum on either side of the part that is wanted.
  Index low = 0, high = 0;
  for (const Index j : order) {
    if (held < options.span_share * total * (1 - tolerance)) ++low;
    if (held < options.span_share * total * (1 + tolerance)) ++high;
    held += row[static_cast<std::size_t>(j)];
  }
  CHECK(got.effective_span.at(place) >= static_cast<real>(low));
  CHECK(got.effective_span.at(place) <= static_cast<real>(high));
  for (Index k = 0; k < options.top; ++k) {
    const bool exists = k < static_cast<Index>(order.size());
    const Index position = exists ? order[static_cast<std::size_t>(k)] : -1;
    CHECK(got.top_positions.at(place * options.top + k) == position);
    CHECK(got.top_weights.at(place * options.top + k) ==
          (exists ? static_cast<real>(row[static_cast<std::size_t>(position)]) : 0));
  }
}

}  // namespace

TEST_CASE("statistics of weights are those of plain loops, for any range that is asked at once") {
  Index rows = 0;
  const Index before = threads();
  for (Index trial = 0; trial < 120; ++trial) {
    Generate generate("attention statistics", trial);
    CAPTURE(trial);
    CAPTURE(support::seed());
    const Shape shape{generate.integer(1, 3), generate.integer(1, 3), generate.integer(0, 9),
                      generate.integer(trial % 9 == 0 ? 0 : 1, 40)};
    const Array weights = weights_like(generate, shape);
    const AttentionStatisticsOptions options{.top = generate.integer(0, 5),
                                             .span_share = generate.uniform(0.05, 1),
                                             .first_position = generate.integer(0, 5),
                                             .queries_at_once = generate.integer(1, 10)};
    set_threads(1);
    const auto got = attention_statistics(weights_of_queries(weights), shape[2], options);
    AttentionStatisticsOptions whole = options;
    whole.queries_at_once = 100;
    set_threads(3);
    const auto again = attention_statistics(weights_of_queries(weights), shape[2], whole);
    CHECK(bits_differ(again.entropy, got.entropy) == "");
    CHECK(bits_differ(again.head_entropy, got.head_entropy) == "");
    CHECK(bits_differ(again.mean_distance, got.mean_distance) == "");
    CHECK(bits_differ(again.effective_span, got.effective_span) == "");
    CHECK(bits_differ(again.top_weights, got.top_weights) == "");
    CHECK(got.entropy.shape() == shape.without(3));
    for (Index row = 0; row < shape.without(3).count(); ++row, ++rows)
      check_row(got, options, row_of(weights, row), row, row % shape[2]);
  }
  set_threads(before);
  std::printf("figure: rows of attention statistics checked = %lld\n",
              static_cast<long long>(rows));
}

TEST_CASE(
    "one position has entropy 0 and span 1; weights that are all alike have ln time and time") {
  const Array weights({1, 2, 2, 4},
                      {0, 0, 1, 0, 0, 0, 0, 0, .25, .25, .25, .25, real(.9), real(.1), 0, 0});
  const auto got = attention_statistics(weights_of_queries(weights), 2, {.top = 3});
  CHECK(got.entropy.at(0) == 0);
  CHECK(got.effective_span.at(0) == 1);
  CHECK(got.mean_distance.at(0) == 2);
  CHECK(got.entropy.at(1) == 0);  // looks at nothing
  CHECK(got.effective_span.at(1) == 0);
  CHECK(got.top_positions.at(3) == -1);
  CHECK(got.entropy.at(2) == doctest::Approx(std::log(4)));
  CHECK(got.effective_span.at(2) == 4);
  CHECK(got.mean_distance.at(2) == doctest::Approx(1.5));
  CHECK(got.effective_span.at(3) == 1);  // 0.9 is 90 %
  CHECK(got.top_positions.at(9) == 0);
  CHECK(got.top_positions.at(10) == 1);
  CHECK(got.top_positions.at(11) == -1);
  // The query that looks at nothing does not count in the mean of its head.
  CHECK(got.head_entropy.at(0) == 0);
  const double second = -.9 * std::log(.9) - .1 * std::log(.1);
  CHECK(got.head_entropy.at(1) == doctest::Approx((std::log(4) + second) / 2));
}

TEST_CASE("a query that looks at nothing is left out of the mean of its head") {
  const Array weights({1, 1, 2, 2}, {.5, .5, 0, 0});
  const auto got = attention_statistics(weights_of_queries(weights), 2);
  CHECK(got.head_entropy.at(0) == doctest::Approx(std::log(2)));
}

TEST_CASE(
    "what is not asked for takes no memory, and the source is asked for one range at a time") {
  std::vector<std::pair<Index, Index>> asked;
  const WeightsOfQueries source = [&](Index first, Index last) {
    asked.emplace_back(first, last);
    return Array::full({1, 2, last - first, 8}, real(0.125));
  };
  const auto got = attention_statistics(
      source, 10, {.mean_distance = false, .effective_span = false, .queries_at_once = 4});
  CHECK(asked == std::vector<std::pair<Index, Index>>{{0, 4}, {4, 8}, {8, 10}});
  CHECK(got.entropy.shape() == Shape{1, 2, 10});
  for (const Array* none : {&got.mean_distance, &got.effective_span, &got.top_weights})
    CHECK(none->count() == 0);
  CHECK(got.top_positions.count() == 0);
}

TEST_CASE("statistics of 4,096 queries of 4,096 positions need one range of weights") {
  constexpr Index time = 4096, range = 32;
  const Index before = memory::bytes_now();
  memory::reset_peak();
  const auto got = attention_statistics(
      [](Index first, Index last) {
        return Array::full({1, 1, last - first, time}, real(1) / time);
      },
      time, {.top = 4, .queries_at_once = range});
  const Index used = memory::bytes_peak() - before;
  const Index range_bytes = range * time * static_cast<Index>(sizeof(real));
  CHECK(used < 3 * range_bytes);
  std::printf("figure: peak of streamed statistics / one range of weights = %.2f\n",
              static_cast<double>(used) / static_cast<double>(range_bytes));
  CHECK(got.effective_span.at(7) == doctest::Approx(std::ceil(0.9 * time)));
  CHECK(got.top_positions.at(4 * 7 + 3) == 3);
}

TEST_CASE("weights of layers without heads or queries are read as one") {
  const Array pooled({2, 3}, {.5, .25, .25, 0, 1, 0});
  const auto got = attention_statistics(weights_of_queries(pooled), 1, {.top = 1});
  CHECK(got.entropy.shape() == Shape{2, 1, 1});
  CHECK(got.top_positions.at(1) == 1);
  const Array per_position({1, 2, 2}, {.5, .5, 0, 1});
  CHECK(attention_statistics(weights_of_queries(per_position), 2).entropy.shape() ==
        Shape{1, 1, 2});
}

TEST_CASE("rollout of two layers, worked by hand") {
  // A1 = ((1, 0), (1/2, 1/2)), A2 = ((1/2, 1/2), (0, 1)); with half of the identity:
  // ((1, 0), (1/4, 3/4)) and ((3/4, 1/4), (0, 1)); their product A2 A1.
  const std::vector<Array> layers = {Array({1, 1, 2, 2}, {1, 0, .5, .5}),
                                     Array({1, 1, 2, 2}, {.5, .5, 0, 1})};
  const Array got = attention_rollout(layers);
  CHECK(got.shape() == Shape{1, 2, 2});
  const double expected[] = {.75 + .25 / 4, .25 * .75, .25, .75};
  for (Index i = 0; i < 4; ++i) CHECK(got.at(i) == doctest::Approx(expected[i]));
  // Without residual connections the product is that of the weights.
  const Array plain = attention_rollout(layers, {.residual = false});
  const double products[] = {.75, .25, .5, .5};
  for (Index i = 0; i < 4; ++i) CHECK(plain.at(i) == doctest::Approx(products[i]));
}

TEST_CASE("rollout of two layers of two heads is that of NumPy, with padding and without") {
  // w = A / A.sum(-1, keepdims=True); a = w.mean(0) + eye(3); a *= keep[None] * keep[:, None];
  // a /= a.sum(-1, keepdims=True); r = a2 @ a1
  const auto normalised = [](std::vector<double> rows) {
    std::vector<real> result;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const std::size_t row = i / 3 * 3;
      result.push_back(static_cast<real>(rows[i] / (rows[row] + rows[row + 1] + rows[row + 2])));
    }
    return Array({1, 2, 3, 3}, result);
  };
  const std::vector<Array> layers = {
      normalised({5, 5, 7, 4, 7, 1, 5, 3, 1, 5, 4, 1, 3, 7, 1, 7, 8, 1}),
      normalised({2, 7, 1, 2, 7, 6, 5, 2, 2, 6, 3, 8, 4, 8, 3, 6, 2, 2})};
  const auto check = [&](const AttentionRolloutOptions& options,
                         const std::vector<double>& expected) {
    const Array got = attention_rollout(layers, options);
    for (Index i = 0; i < 9; ++i)
      CHECK(got.at(i) == doctest::Approx(expected[static_cast<std::size_t>(i)]).epsilon(1e-6));
  };
  check({}, {0.514439881623, 0.316843838471, 0.168716279905, 0.220728888146, 0.652296122995,
             0.126974988859, 0.368128228775, 0.261252351951, 0.370619419274});
  check({.keep = Mask({1, 3}, {1, 1, 0})},
        {0.636780589192, 0.363219410808, 0, 0.234015366619, 0.765984633381, 0, 0, 0, 0});
  check({.residual = false},
        {0.384230114729, 0.482081236238, 0.133688649034, 0.379885249554, 0.49933600713,
         0.120778743316, 0.398207359543, 0.417231630026, 0.184561010431});
}

TEST_CASE("rows of a rollout sum to 1, and to 0 for padding, in each sample") {
  for (Index trial = 0; trial < 30; ++trial) {
    Generate generate("rollout", trial);
    CAPTURE(trial);
    const Index batch = generate.integer(1, 3), time = generate.integer(1, 12);
    const Mask keep = generate.mask({batch, time}, 0.7);
    std::vector<Array> layers;
    for (Index layer = generate.integer(1, 4); layer > 0; --layer)
      layers.push_back(weights_like(generate, {batch, generate.integer(1, 3), time, time}));
    const Array got = attention_rollout(layers, {.keep = keep});
    for (Index row = 0; row < batch * time; ++row) {
      double sum = 0;
      for (const double value : row_of(got, row)) sum += value;
      CHECK(sum == doctest::Approx(keep.at(row)));
    }
  }
}

TEST_CASE("gradient times weight of fused attention is that of the composition") {
  for (const bool fused : {true, false}) {
    Generate generate("gradient times weight", fused);
    AttentionLayer layer{4, fused ? Reading::pool : Reading::per_position};
    layer.build({5, 3}, Rng(1));
    const Tensor x = generate.array({2, 5, 3}, {-1, 1});
    const Mask mask({2, 5}, {1, 1, 1, 1, 1, 1, 1, 0, 0, 0});
    const Attended attended = layer.attend(x, {.mask = {.keep = mask}, .weights = true});
    const Array weight = attended.weights().value();
    const Array dcontext = grad(sum(attended.context * attended.context), {attended.context})[0];
    const Array got = gradient_times_weight(dcontext, weight, x.value());
    CHECK(got.shape() == weight.shape());

    // The same from a graph that begins with the weights.
    const Tensor leaf = Tensor::parameter(weight);
    const Tensor context = fused ? sum(expand_dims(leaf, 2) * x, 1) : matmul(leaf, x);
    const Array dweight = grad(sum(context * context), {leaf})[0];
    for (Index i = 0; i < got.count(); ++i)
      CHECK(got.at(i) ==
            doctest::Approx(static_cast<double>(dweight.at(i)) * static_cast<double>(weight.at(i)))
                .epsilon(1e-4));
  }
}

TEST_CASE("a value under a mask reaches no gradient times weight, NaN included") {
  const real nan = std::numeric_limits<real>::quiet_NaN();
  const Array got = gradient_times_weight(Array({1, 2}, {1, 1}), Array({1, 2}, {1, 0}),
                                          Array({1, 2, 2}, {2, 3, nan, nan}));
  CHECK(got.at(0) == 5);
  CHECK(got.at(1) == 0);
}

TEST_CASE("heads that share values take those of their group") {
  // 4 heads, 2 of values: heads 0 and 1 the first, 2 and 3 the second.
  const Array got =
      gradient_times_weight(Array({1, 4, 1, 1}, {1, 1, 1, 1}), Array({1, 4, 1, 1}, {1, 1, 1, 1}),
                            Array({1, 2, 1, 1}, {10, 20}));
  CHECK(bits_differ(got, Array({1, 4, 1, 1}, {10, 10, 20, 20})) == "");
}

TEST_CASE("heads that lie side by side give what heads on an axis of their own give") {
  Generate generate("side by side", 0);
  const Tensor q = Tensor::parameter(generate.array({2, 3, 8}, {-1, 1})),
               k = Tensor::parameter(generate.array({2, 5, 4}, {-1, 1})),
               v = Tensor::parameter(generate.array({2, 5, 6}, {-1, 1}));
  const Attended together =
      attention(q, k, v, {.num_heads = 4, .num_key_value_heads = 2, .weights = true});
  const Array d = grad(sum(together.context * together.context), {together.context})[0];
  const Array got = gradient_times_weight(d, together.weights().value(), v.value());
  const auto apart = [](const Array& x, Index heads) {
    const Tensor split = reshape(x, {x.shape()[0], x.shape()[1], heads, x.shape()[2] / heads});
    return permute_dims(split, {0, 2, 1, 3}).value();
  };
  CHECK(got.shape() == Shape{2, 4, 3, 5});
  CHECK(bits_differ(got, gradient_times_weight(apart(d, 4), together.weights().value(),
                                               apart(v.value(), 2))) == "");
}

TEST_CASE("statistics are streamed from queries and keys, as from the whole matrix") {
  Generate generate("streamed", 0);
  const Tensor q = generate.array({2, 3, 20, 4}, {-2, 2}),
               k = generate.array({2, 3, 30, 4}, {-2, 2});
  const AttentionOptions options{.mask = {.causal = true, .align = Alignment::last}};
  AttentionOptions with_weights = options;
  with_weights.weights = true;
  const Array whole = attention(q, k, k, with_weights).weights().value();
  const AttentionStatisticsOptions asked{.top = 3, .first_position = 10, .queries_at_once = 7};
  const auto streamed = attention_statistics(
      [&](Index first, Index last) { return attention_weights(q, k, options, first, last); }, 20,
      asked);
  const auto expected = attention_statistics(weights_of_queries(whole), 20, asked);
  for (Index i = 0; i < streamed.entropy.count(); ++i) {
    CHECK(streamed.entropy.at(i) == doctest::Approx(expected.entropy.at(i)).epsilon(1e-4));
    CHECK(streamed.mean_distance.at(i) ==
          doctest::Approx(expected.mean_distance.at(i)).epsilon(1e-4));
    CHECK(streamed.top_positions.at(3 * i) == expected.top_positions.at(3 * i));
  }
}
