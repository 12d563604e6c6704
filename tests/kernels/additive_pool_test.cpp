// Additive pooling against its formulas in long double, masked and not, with gradients of the
// context, of the weights, and of both.
#include "kernels/additive_pool.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "support/approx.hpp"
#include "support/generate.hpp"

using namespace fovea;
using kernels::PoolSizes;
using support::Generate;
using support::Plain;
using support::wide;

namespace {

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

struct Drawn {
  PoolSizes s;
  Array x, w, b, v, dcontext, dweights;
  Mask mask;
  bool masked;

  explicit Drawn(Generate& g)
      : s{g.integer(0, 9), g.integer(1, 9), g.integer(1, 20), g.integer(1, 20)},
        x(g.array(Shape{s.batch, s.time, s.features}, {-1, 1})),
        w(g.array(Shape{s.features, s.units}, {-1, 1})),
        b(g.array(Shape{s.units}, {-1, 1})),
        v(g.array(Shape{s.units}, {-1, 1})),
        dcontext(g.array(Shape{s.batch, s.features}, {-1, 1})),
        dweights(g.array(Shape{s.batch, s.time}, {-1, 1})),
        mask(g.mask(Shape{s.batch, s.time}, 0.6)),
        masked(g.chance(0.7)) {}

  kernels::PoolInputs inputs() const {
    return {x.data(), w.data(), b.data(), v.data(), masked ? mask.keep().data() : nullptr};
  }
  bool keeps(Index sample, Index t) const { return !masked || mask.at(sample * s.time + t); }
};

// What pooling and its slopes should give, with a scale that is generous to sums.
struct Truth {
  Plain context, weights, dx, dw, db, dv;

  Truth(const Drawn& d, bool of_weights)
      : context(d.dcontext.shape()),
        weights(d.dweights.shape()),
        dx(d.x.shape()),
        dw(d.w.shape()),
        db(d.b.shape()),
        dv(d.v.shape()) {
    for (Plain* plain : {&context, &weights, &dx, &dw, &db, &dv})
      plain->scales.assign(plain->values.size(),
                           static_cast<wide>(1 + d.s.batch * (d.s.features + d.s.units)));
    for (Index i = 0; i < d.s.batch; ++i) sample(d, i, of_weights);
  }

  void sample(const Drawn& d, Index i, bool of_weights) {
    const PoolSizes s = d.s;
    const auto x = [&](Index t, Index f) {
      return wide(d.x.at((i * s.time + t) * s.features + f));
    };
    std::vector<wide> h(at(s.time * s.units)), dweight(at(s.time));
    wide total = 0, dot = 0;
    for (Index t = 0; t < s.time; ++t) {
      wide e = 0;
      for (Index u = 0; u < s.units; ++u) {
        wide z = wide(d.b.at(u));
        for (Index f = 0; f < s.features; ++f) z += x(t, f) * wide(d.w.at(f * s.units + u));
        h[at(t * s.units + u)] = std::tanh(z);
        e += wide(d.v.at(u)) * std::tanh(z);
      }
      if (d.keeps(i, t)) total += weights.values[at(i * s.time + t)] = std::exp(e);
    }
    for (Index t = 0; t < s.time; ++t) {
      wide& weight = weights.values[at(i * s.time + t)];
      if (total > 0) weight /= total;
      if (of_weights) dweight[at(t)] = wide(d.dweights.at(i * s.time + t));
      for (Index f = 0; f < s.features; ++f) {
        context.values[at(i * s.features + f)] += weight * x(t, f);
        dweight[at(t)] += x(t, f) * wide(d.dcontext.at(i * s.features + f));
      }
      dot += weight * dweight[at(t)];
    }
    for (Index t = 0; t < s.time; ++t) {
      const wide weight = weights.values[at(i * s.time + t)], de = weight * (dweight[at(t)] - dot);
      for (Index f = 0; f < s.features; ++f)
        dx.values[at((i * s.time + t) * s.features + f)] +=
            weight * wide(d.dcontext.at(i * s.features + f));
      for (Index u = 0; u < s.units; ++u) {
        const wide y = h[at(t * s.units + u)], dz = de * wide(d.v.at(u)) * (1 - y * y);
        db.values[at(u)] += dz;
        dv.values[at(u)] += de * y;
        for (Index f = 0; f < s.features; ++f) {
          dx.values[at((i * s.time + t) * s.features + f)] += dz * wide(d.w.at(f * s.units + u));
          dw.values[at(f * s.units + u)] += x(t, f) * dz;
        }
      }
    }
  }
};

}  // namespace

TEST_CASE("additive_pool and its slopes agree with their formulas, with the weights and without") {
  for (Index trial = 0; trial < 120; ++trial) {
    Generate g("additive pool kernel", trial);
    Drawn d(g);
    const bool of_weights = g.chance(0.5), of_context = !of_weights || g.chance(0.7);
    if (!of_context) d.dcontext = Array::zeros(d.dcontext.shape());
    const Truth truth(d, of_weights);
    Array hidden(Shape{d.s.batch, d.s.time, d.s.units}), context(d.dcontext.shape()),
        alone(d.dcontext.shape()), weights(d.dweights.shape());
    kernels::additive_pool(d.s, d.inputs(),
                           {hidden.mutable_data(), context.mutable_data(), weights.mutable_data()});
    kernels::additive_pool(d.s, d.inputs(), {hidden.mutable_data(), alone.mutable_data(), nullptr});
    Array dx(d.x.shape()), added = Array::full(d.x.shape(), 1), dw(d.w.shape()), db(d.b.shape()),
                           dv(d.v.shape());
    const kernels::PoolAdjoints adjoints{hidden.data(), weights.data(),
                                         of_context ? d.dcontext.data() : nullptr,
                                         of_weights ? d.dweights.data() : nullptr};
    kernels::additive_pool_slopes(
        d.s, d.inputs(), adjoints,
        {dx.mutable_data(), false, dw.mutable_data(), db.mutable_data(), dv.mutable_data()});
    kernels::additive_pool_slopes(d.s, d.inputs(), adjoints,
                                  {added.mutable_data(), true, nullptr, nullptr, nullptr});
    INFO("trial ", trial, ", FOVEA_SEED=", support::seed());
    CHECK(support::bits_differ(alone, context) == "");
    CHECK(support::differs(context, truth.context, 16) == "");
    CHECK(support::differs(weights, truth.weights, 16) == "");
    CHECK(support::differs(dx, truth.dx, 16) == "");
    CHECK(support::differs(dw, truth.dw, 16) == "");
    CHECK(support::differs(db, truth.db, 16) == "");
    CHECK(support::differs(dv, truth.dv, 16) == "");
    for (Index i = 0; i < dx.count(); ++i)
      if (std::abs(1 + dx.at(i) - added.at(i)) > 16 * std::numeric_limits<real>::epsilon())
        FAIL_CHECK("element ", i, " of dx is not added");
  }
}
