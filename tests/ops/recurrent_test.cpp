// Recurrent layers, fused, beside the same unrolled with elementary ops: values and gradients by
// all inputs, on drawn shapes, masks, states and directions.
#include "fovea/ops/recurrent.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdio>
#include <limits>

#include "fovea/base/error.hpp"
#include "fovea/memory/buffer.hpp"
#include "fovea/parallel/threads.hpp"
#include "support/approx.hpp"
#include "support/generate.hpp"
#include "support/gradcheck.hpp"
#include "support/refusal.hpp"
#include "support/unroll.hpp"

using namespace fovea;
using support::Generate;
using support::of;
using support::Plain;
using support::refusal;

namespace {

enum class Kind { gru, gru_reset_before, lstm };
constexpr Kind kinds[] = {Kind::gru, Kind::gru_reset_before, Kind::lstm};

struct Sizes {
  Index batch, time, features, units;
};

// A layer and its inputs; `given` are x, kernel, recurrent_kernel, then bias and the states at the
// start, where there are any.
struct Drawn {
  Kind kind;
  bool has_bias, has_states;
  UnrollOptions options;
  std::vector<Array> given;

  Drawn(Kind which, Generate& g, const Sizes& s, double range = 1)
      : kind(which), has_bias(g.chance(0.7)), has_states(g.chance(0.5)) {
    const Index gates = kind == Kind::lstm ? 4 : 3;
    const auto add = [&](const Shape& shape) { given.push_back(g.array(shape, {-range, range})); };
    add(Shape{s.batch, s.time, s.features});
    add(Shape{s.features, gates * s.units});
    add(Shape{s.units, gates * s.units});
    if (has_bias) add(kind == Kind::gru ? Shape{2, gates * s.units} : Shape{gates * s.units});
    if (has_states)
      for (int i = 0; i < (kind == Kind::lstm ? 2 : 1); ++i) add(Shape{s.batch, s.units});
    options.go_backwards = g.chance(0.4);
    if (g.chance(0.6)) options.mask = g.mask(Shape{s.batch, s.time}, g.chance(0.7) ? 0.7 : 0.1);
  }

  UnrollOptions options_with(support::Inputs t) const {
    UnrollOptions all = options;
    all.states.assign(t.begin() + (has_bias ? 4 : 3), t.end());
    return all;
  }
  Tensor bias(support::Inputs t) const { return has_bias ? t[3] : Tensor(); }
  Reset reset() const { return kind == Kind::gru ? Reset::after : Reset::before; }

  Unrolled fused(support::Inputs t) const {
    if (kind == Kind::lstm) return lstm(t[0], t[1], t[2], bias(t), options_with(t));
    return gru(t[0], t[1], t[2], bias(t), options_with(t), reset());
  }
  Unrolled unrolled(support::Inputs t) const {
    if (kind == Kind::lstm)
      return support::unrolled_lstm(t[0], t[1], t[2], bias(t), options_with(t));
    return support::unrolled_gru(t[0], t[1], t[2], bias(t), options_with(t), reset());
  }
};

// The outputs, the states, and the gradients of the inputs.
using Results = std::vector<Array>;

// `weights` are the gradients of the outputs and the states; without elements where nothing depends
// on one.
Results results(const Unrolled& all, const std::vector<Tensor>& leaves,
                const std::vector<Array>& weights) {
  std::vector<Tensor> values{all.outputs};
  values.insert(values.end(), all.states.begin(), all.states.end());
  Results arrays;
  Tensor loss = scalar(0);
  for (std::size_t i = 0; i < values.size(); ++i) {
    arrays.push_back(values[i].value());
    if (weights[i].count() > 0) loss = loss + support::weighted_sum(values[i], weights[i]);
  }
  if (loss.requires_grad()) loss.backward();
  for (const Tensor& leaf : leaves)
    arrays.push_back(leaf.requires_grad() ? leaf.grad() : Array::zeros(leaf.shape()));
  return arrays;
}

// Gradients of some of the results; of one at least.
std::vector<Array> draw_weights(const Unrolled& all, Generate& g, double part) {
  std::vector<Array> weights{g.array(all.outputs.shape(), {-1, 1})};
  for (const Tensor& state : all.states) weights.push_back(g.array(state.shape(), {-1, 1}));
  const std::size_t sure = g.bits() % weights.size();
  for (std::size_t i = 0; i < weights.size(); ++i)
    if (i != sure && !g.chance(part)) weights[i] = Array();
  return weights;
}

Results run(const Drawn& drawn, const std::vector<Array>& weights) {
  const std::vector<Tensor> leaves = support::as_parameters(drawn.given);
  return results(drawn.fused(leaves), leaves, weights);
}

std::vector<Array> draw_weights(const Drawn& drawn, Generate& g, double part) {
  const NoGrad no_grad;
  return draw_weights(drawn.fused({drawn.given.begin(), drawn.given.end()}), g, part);
}

// Whether all are close, measured by the largest number of each.
std::string differ(const Results& got, const Results& expected) {
  for (std::size_t i = 0; i < got.size(); ++i) {
    Plain plain(expected[i]);
    support::wide largest = 1;
    for (const support::wide value : plain.values) largest = std::max(largest, std::abs(value));
    plain.scales.assign(plain.values.size(), largest);
    if (const std::string what = support::differs(got[i], plain, 400); !what.empty())
      return fmt::format("result {}: {}", i, what);
  }
  return "";
}

std::string bits_differ(const Results& got, const Results& expected) {
  for (std::size_t i = 0; i < got.size(); ++i)
    if (const std::string what = support::bits_differ(got[i], expected[i]); !what.empty())
      return fmt::format("result {}: {}", i, what);
  return "";
}

Index drawn_size(Generate& g, Index most) { return g.chance(0.2) ? 1 : g.integer(1, most); }

}  // namespace

TEST_CASE(
    "gru and lstm are their unrolling, value and gradient, whichever results and inputs count") {
  Index compared = 0;
  for (Index trial = 0; trial < 300; ++trial) {
    Generate g("recurrent", trial);
    const Sizes sizes{trial % 25 == 3 ? 0 : drawn_size(g, 19),
                      trial % 25 == 7 ? 0 : drawn_size(g, 7), drawn_size(g, 6),
                      drawn_size(g, g.chance(0.2) ? 70 : 9)};
    const Drawn drawn(kinds[trial % 3], g, sizes);
    std::vector<Tensor> fused = support::as_parameters(drawn.given),
                        unrolled = support::as_parameters(drawn.given);
    for (std::size_t i = 0; i < fused.size(); ++i)
      if (g.chance(0.2)) {
        fused[i].set_requires_grad(false);
        unrolled[i].set_requires_grad(false);
      }
    const std::vector<Array> weights = draw_weights(drawn, g, 0.6);
    INFO("trial ", trial, ", FOVEA_SEED=", support::seed());
    CHECK(differ(results(drawn.fused(fused), fused, weights),
                 results(drawn.unrolled(unrolled), unrolled, weights)) == "");
    ++compared;
  }
  std::printf("figure: recurrent comparisons with unrolling = %lld\n",
              static_cast<long long>(compared));
}

TEST_CASE("what is masked reaches nothing: NaN there leaves values and gradients bit for bit") {
  for (Index trial = 0; trial < 120; ++trial) {
    Generate g("recurrent NaN", trial);
    const Sizes sizes{g.integer(1, 12), g.integer(1, 9), g.integer(1, 6), g.integer(1, 20)};
    Drawn drawn(kinds[trial % 3], g, sizes);
    const Mask mask = g.mask(Shape{sizes.batch, sizes.time}, g.chance(0.7) ? 0.6 : 0);
    drawn.options.mask = mask;
    const std::vector<Array> weights = draw_weights(drawn, g, 0.6);
    const Results expected = run(drawn, weights);
    constexpr real bad[] = {std::numeric_limits<real>::quiet_NaN(),
                            std::numeric_limits<real>::infinity()};
    for (Index i = 0; i < drawn.given[0].count(); ++i)
      if (!mask.at(i / sizes.features)) drawn.given[0].mutable_data()[i] = bad[g.bits() % 2];
    INFO("trial ", trial, ", FOVEA_SEED=", support::seed());
    const Results got = run(drawn, weights);
    CHECK(bits_differ(got, expected) == "");
    const Array& dx = got[drawn.kind == Kind::lstm ? 3 : 2];
    for (Index i = 0; i < dx.count(); ++i)
      if (!mask.at(i / sizes.features)) CHECK(dx.at(i) == 0);
  }
}

TEST_CASE("a gradient of NaN that arrives before the first kept position goes nowhere") {
  for (const Kind kind : kinds) {
    Generate g("recurrent NaN gradient", static_cast<Index>(kind));
    Drawn drawn(kind, g, {2, 4, 3, 5});
    drawn.options = {.mask = Mask(Shape{2, 4}, {0, 0, 1, 1, 0, 0, 0, 0})};
    std::vector<Array> weights = draw_weights(drawn, g, 1);
    for (Index i = 0; i < 2 * 5; ++i) weights[0].mutable_data()[i] = 0;
    const Results expected = run(drawn, weights);
    for (const Index sample : {0, 1})
      for (Index i = 0; i < (sample == 0 ? 2 : 4) * 5; ++i)
        weights[0].mutable_data()[sample * 20 + i] = std::numeric_limits<real>::quiet_NaN();
    const std::vector<Tensor> leaves = support::as_parameters(drawn.given);
    const Unrolled all = drawn.fused(leaves);
    const Results got = results(all, leaves, weights);
    CHECK(bits_differ(got, expected) == "");
  }
}

TEST_CASE("x that is masked has a gradient of exactly 0, even where the kernel is infinite") {
  for (const Kind kind : kinds) {
    Generate g("recurrent infinite kernel", static_cast<Index>(kind));
    Drawn drawn(kind, g, {2, 3, 2, 4});
    drawn.options = {.mask = Mask(Shape{2, 3}, {1, 0, 0, 0, 0, 0})};
    drawn.given[1].mutable_data()[0] = std::numeric_limits<real>::infinity();
    const Results got = run(drawn, draw_weights(drawn, g, 1));
    const Array& dx = got[kind == Kind::lstm ? 3 : 2];
    for (Index i = 2; i < dx.count(); ++i) CHECK(dx.at(i) == 0);
  }
}

TEST_CASE("values and gradients have the same bits on 1, 2, 3 and 8 threads") {
  const Index before = threads();
  for (Index trial = 0; trial < 6; ++trial) {
    Generate g("recurrent threads", trial);
    const Drawn drawn(kinds[trial % 3], g, {g.integer(17, 40), 24, 33, g.integer(40, 70)}, 0.3);
    const std::vector<Array> weights = draw_weights(drawn, g, 0.8);
    set_threads(1);
    const Results alone = run(drawn, weights);
    for (const Index count : {2, 3, 8}) {
      set_threads(count);
      CHECK(bits_differ(run(drawn, weights), alone) == "");
    }
  }
  set_threads(before);
}

TEST_CASE("a sequence in two parts, the states handed on, has the bits of the whole") {
  for (const Kind kind : kinds) {
    Generate g("recurrent parts", static_cast<Index>(kind));
    Drawn drawn(kind, g, {5, 7, 3, 19});
    drawn.options = {};
    const std::vector<Tensor> all(drawn.given.begin(), drawn.given.end());
    const Unrolled whole = drawn.fused(all);
    std::vector<Tensor> part = all;
    part[0] = slice(all[0], 1, 0, 3);
    const Unrolled first = drawn.fused(part);
    part.resize(drawn.has_bias ? 4 : 3);
    part[0] = slice(all[0], 1, 3, 7);
    part.insert(part.end(), first.states.begin(), first.states.end());
    const Unrolled second = drawn.fused(part);
    CHECK(support::bits_differ(concat({first.outputs, second.outputs}, 1).value(),
                               whole.outputs.value()) == "");
    for (std::size_t i = 0; i < whole.states.size(); ++i)
      CHECK(support::bits_differ(second.states[i].value(), whole.states[i].value()) == "");
  }
}

TEST_CASE("inputs of 1e4 saturate the gates: values stay within their bounds, gradients finite") {
  for (const Kind kind : kinds) {
    Generate g("recurrent saturation", static_cast<Index>(kind));
    const Drawn drawn(kind, g, {3, 5, 4, 6}, 1e4);
    if (drawn.has_states) continue;
    for (const Array& array : run(drawn, draw_weights(drawn, g, 1)))
      for (Index i = 0; i < array.count(); ++i) CHECK(std::isfinite(array.at(i)));
  }
}

TEST_CASE("memory of forward and backward grows with the length alone") {
  for (const Kind kind : kinds) {
    const auto peak = [&](Index time) {
      Generate g("recurrent memory", static_cast<Index>(kind));
      const Drawn drawn(kind, g, {16, time, 8, 32});
      const std::vector<Array> weights = draw_weights(drawn, g, 1);
      memory::reset_peak();
      const Index begin = memory::bytes_now();
      run(drawn, weights);
      return static_cast<double>(memory::bytes_peak() - begin);
    };
    const double growth = peak(1024) / peak(512);
    std::printf("figure: memory of a recurrent layer of twice the length = %.3f\n", growth);
    CHECK(growth <= 2.1);
  }
}

TEST_CASE("recurrent ops say which of their sizes do not fit") {
  CHECK(refusal<ShapeError>([] {
          gru(of({2, 3, 4}), of({5, 6}), of({2, 6}), Tensor());
        }) ==
        "gru: x is (2, 3, 4), kernel (5, 6), recurrent_kernel (2, 6); they must be (batch, time, "
        "features), (features, 3 units), (units, 3 units)");
  CHECK(refusal<ShapeError>([] {
          lstm(of({2, 3}), of({3, 8}), of({2, 8}), Tensor());
        }) ==
        "lstm: x is (2, 3), kernel (3, 8), recurrent_kernel (2, 8); they must be (batch, time, "
        "features), (features, 4 units), (units, 4 units)");
  CHECK(refusal<ShapeError>([] {
          gru(of({2, 3, 4}), of({4, 6}), of({2, 6}), of({6}));
        }) == "gru: bias is (6,); with 2 units it must be (2, 6), or undefined");
  CHECK(refusal<ShapeError>([] {
          gru(of({2, 3, 4}), of({4, 6}), of({2, 6}), of({2, 6}), {}, Reset::before);
        }) == "gru: bias is (2, 6); with 2 units it must be (6,), or undefined");
  CHECK(refusal<ShapeError>([] {
          lstm(of({2, 3, 4}), of({4, 8}), of({2, 8}), of({8}), {.mask = Mask(Shape{2, 4})});
        }) == "lstm: the mask is (2, 4); for x of (2, 3, 4) it must be (2, 3)");
  CHECK(refusal<ValueError>([] {
          lstm(of({2, 3, 4}), of({4, 8}), of({2, 8}), of({8}), {.states = {of({2, 2})}});
        }) == "lstm: 1 states are given; it has 2; give h and c");
  CHECK(refusal<ShapeError>([] {
          gru(of({2, 3, 4}), of({4, 6}), of({2, 6}), Tensor(), {.states = {of({3, 2})}});
        }) == "gru: a state is (3, 2); it must be (2, 2)");
}
