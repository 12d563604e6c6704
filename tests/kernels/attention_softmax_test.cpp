// Softmax over the positions that each query looks at, against its definition in long double.
#include "kernels/attention_softmax.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "support/approx.hpp"
#include "support/generate.hpp"

using namespace fovea;
using kernels::AttentionRows;
using support::Generate;
using support::Plain;
using support::wide;

namespace {

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

// Positions that the query of a row looks at, one by one.
bool looks(const AttentionRows& r, Index row, Index position) {
  const Index query = row % r.queries, sample = row / r.rows_a_sample;
  if (r.causal && position > query) return false;
  if (r.window > 0 && (position <= query - r.window || position >= query + r.window)) return false;
  if (r.keep && r.keep[sample * r.time + position] == 0) return false;
  return !r.keep_queries || r.keep_queries[sample * r.queries + query] != 0;
}

Plain weights(const Array& x, const AttentionRows& r) {
  Plain y(x.shape());
  for (Index row = 0; row < r.rows; ++row) {
    wide total = 0;
    for (Index t = 0; t < r.time; ++t)
      if (looks(r, row, t))
        total += y.values[at(row * r.time + t)] = std::exp(wide(x.at(row * r.time + t)));
    for (Index t = 0; t < r.time; ++t)
      if (total > 0) y.values[at(row * r.time + t)] /= total;
  }
  return y;
}

// y (dy - sum y dy), with what its rounding is measured by.
Plain slopes(const Array& dy, const Array& y, const AttentionRows& r) {
  Plain dx(y.shape());
  dx.scales.resize(dx.values.size());
  for (Index row = 0; row < r.rows; ++row) {
    wide sum = 0;
    for (Index t = 0; t < r.time; ++t)
      if (looks(r, row, t)) sum += wide(y.at(row * r.time + t)) * dy.at(row * r.time + t);
    for (Index t = 0; t < r.time; ++t) {
      const Index i = row * r.time + t;
      if (looks(r, row, t)) dx.values[at(i)] = wide(y.at(i)) * (wide(dy.at(i)) - sum);
      dx.scales[at(i)] = y.at(i);
    }
  }
  return dx;
}

}  // namespace

TEST_CASE("attention_softmax and its slopes see exactly the positions that a query looks at") {
  for (Index trial = 0; trial < 120; ++trial) {
    Generate g("attention softmax kernel", trial);
    const Index samples = g.integer(1, 3), queries = g.integer(1, 90), time = g.integer(1, 200),
                heads = g.integer(1, 2);
    const Mask keep = g.mask(Shape{samples, time}, 0.6),
               asked = g.mask(Shape{samples, queries}, 0.8);
    const AttentionRows rows{samples * heads * queries,
                             heads * queries,
                             queries,
                             time,
                             g.chance(0.5),
                             g.chance(0.5) ? g.integer(1, time) : 0,
                             g.chance(0.5) ? keep.keep().data() : nullptr,
                             g.chance(0.5) ? asked.keep().data() : nullptr};
    const Shape shape{rows.rows, time};
    const Array x = g.array(shape, {-3, 3}), dy = g.array(shape, {-1, 1});
    Array y(shape), dx(shape), added = Array::full(shape, 1);
    kernels::attention_softmax(x.data(), rows, y.mutable_data());
    kernels::attention_softmax_slopes(dy.data(), y.data(), rows, dx.mutable_data(), false);
    kernels::attention_softmax_slopes(dy.data(), y.data(), rows, added.mutable_data(), true);
    INFO("trial ", trial, ", FOVEA_SEED=", support::seed());
    CHECK(support::differs(y, weights(x, rows), 32) == "");
    CHECK(support::differs(dx, slopes(dy, y, rows), 32) == "");
    for (Index i = 0; i < dx.count(); ++i) CHECK(added.at(i) == 1 + dx.at(i));
    for (Index i = 0; i < rows.rows * time; ++i)
      CHECK(rows.keeps(i / time, i % time) == looks(rows, i / time, i % time));
  }
}
