// Gradients cut by value, norm and global norm: exact with rows, on any number of threads, and
// what becomes of NaN and infinity.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdio>
#include <limits>

#include "fovea/base/error.hpp"
#include "fovea/ops/ops.hpp"
#include "fovea/optim/adam.hpp"
#include "fovea/optim/sgd.hpp"
#include "fovea/parallel/threads.hpp"
#include "optim/twins.hpp"
#include "support/approx.hpp"
#include "support/generate.hpp"

using namespace fovea;
using optim_twins::Twins;
using support::bits_differ;
using support::Generate;

namespace {

constexpr real nan_value = std::numeric_limits<real>::quiet_NaN(),
               infinite = std::numeric_limits<real>::infinity();

template <class Options>
Options clipped(Options options, Index kind, double bound) {
  if (kind == 0) options.clipvalue = bound;
  if (kind == 1) options.clipnorm = bound;
  if (kind == 2) options.global_clipnorm = bound;
  return options;
}

// The parameters after one step of SGD at rate 1 from zeros: less the gradients that it took.
std::vector<Array> after_a_step(const SGDOptions& options, const std::vector<Array>& gradients) {
  SGD sgd{options};
  std::vector<Tensor> parameters;
  for (const Array& gradient : gradients) {
    parameters.push_back(Tensor::parameter(Array::zeros(gradient.shape())));
    parameters.back().gradient().add(gradient);
    sgd.attach({{"p", parameters.back()}});
  }
  sgd.step();
  std::vector<Array> result;
  for (const Tensor& parameter : parameters) result.push_back(parameter.value());
  return result;
}

}  // namespace

TEST_CASE("clipped rows of a table have the bits of the clipped gradient of the whole table") {
  Index agree = 0;
  constexpr Index trials = 200;
  for (Index trial = 0; trial < trials; ++trial) {
    CAPTURE(trial);
    Generate g("clipped rows", trial);
    const bool long_table = trial % 10 == 0, of_numbers = trial % 10 == 5;
    const Index rows = long_table ? g.integer(3000, 5000) : g.integer(1, of_numbers ? 2000 : 60),
                width = of_numbers ? 1 : g.integer(1, long_table ? 24 : 300);
    const Array start = g.array(Shape{rows, width}, {-1, 1});
    const double bound = g.uniform(0.05, 2);
    const auto check = [&](auto twins) {
      for (Index step = 0; step < 8; ++step) {
        const Ids ids = g.ids(Shape{g.integer(1, 40)}, rows);
        twins.step(ids, g.array(Shape{ids.count(), width}, {-1, 1}));
      }
      const std::string difference = twins.slots_differ() + twins.differ();
      CHECK(difference == "");
      agree += difference.empty();
    };
    if (trial % 2 == 0)
      check(Twins<Adam>(start, clipped(AdamOptions{.weight_decay = 0.1}, trial % 3, bound)));
    else
      check(Twins<SGD>(start, clipped(SGDOptions{.momentum = 0.9}, trial % 3, bound)));
  }
  std::printf("figure: exact rows, clipped = %lld of %lld\n", static_cast<long long>(agree),
              static_cast<long long>(trials));
}

TEST_CASE("a gradient within its bound is taken as it is, to the bit") {
  Generate g("within bounds", 0);
  const Array start = g.array(Shape{50, 7}, {-1, 1});
  for (Index kind = 0; kind < 3; ++kind) {
    Twins<Adam> plain(start, AdamOptions{}), bounded(start, clipped(AdamOptions{}, kind, 1e6));
    for (Index step = 0; step < 10; ++step) {
      const Ids ids = g.ids(Shape{9}, 50);
      const Array values = g.array(Shape{9, 7}, {-1, 1});
      plain.step(ids, values);
      bounded.step(ids, values);
    }
    CHECK(bits_differ(plain.rows.value(), bounded.rows.value()) == "");
    CHECK(bits_differ(plain.full.value(), bounded.full.value()) == "");
  }
}

TEST_CASE(
    "the norm of a table's gradient is that of its accumulated rows, not of its occurrences") {
  const Tensor table = Tensor::parameter(Array::zeros(Shape{3, 1}));
  SGD sgd{{.learning_rate = 1, .clipnorm = 1}};
  sgd.attach({{"table", table}});
  table.gradient().add_rows(Ids(Shape{3}, {1, 1, 2}), Array(Shape{3, 1}, {2, 1, 4}));  // 3 and 4
  sgd.step();
  CHECK(table.value().at(0) == 0);
  CHECK(table.value().at(1) == doctest::Approx(-0.6));
  CHECK(table.value().at(2) == doctest::Approx(-0.8));
  CHECK(table.grad().at(1) == 3);  // what is shown is not cut
}

TEST_CASE("clipnorm takes each parameter by itself, global_clipnorm all together") {
  const std::vector<Array> gradients = {Array(Shape{2}, {3, 4}), Array(Shape{1}, {12})};
  const auto each = after_a_step({.learning_rate = 1, .clipnorm = 1}, gradients);
  CHECK(each[0].at(0) == doctest::Approx(-0.6));
  CHECK(each[1].at(0) == doctest::Approx(-1));
  const auto all = after_a_step({.learning_rate = 1, .global_clipnorm = 1}, gradients);
  CHECK(all[0].at(0) == doctest::Approx(-3.0 / 13));
  CHECK(all[1].at(0) == doctest::Approx(-12.0 / 13));
}

TEST_CASE("squares that float cannot hold are no infinite norm") {
  const real huge = real(1e30);
  const auto result =
      after_a_step({.learning_rate = 1, .clipnorm = 1}, {Array(Shape{2}, {huge, -huge})});
  CHECK(result[0].at(0) == doctest::Approx(-std::sqrt(0.5)));
  CHECK(result[0].at(1) == doctest::Approx(std::sqrt(0.5)));
}

TEST_CASE("a norm that is NaN or infinite makes all elements NaN but those that are 0") {
  for (const real bad : {nan_value, infinite, -infinite}) {
    const std::vector<Array> gradients = {Array(Shape{3}, {1, bad, 0}), Array(Shape{2}, {1, 0})};
    const auto each = after_a_step({.learning_rate = 1, .clipnorm = 1}, gradients);
    CHECK(std::isnan(each[0].at(0)));
    CHECK(std::isnan(each[0].at(1)));
    CHECK(each[0].at(2) == 0);
    CHECK(each[1].at(0) == -1);  // another parameter, within the bound
    const auto all = after_a_step({.learning_rate = 1, .global_clipnorm = 1}, gradients);
    CHECK(std::isnan(all[0].at(0)));
    CHECK(std::isnan(all[1].at(0)));
    CHECK(all[1].at(1) == 0);
  }
  Generate g("rows of NaN", 0);
  Twins<SGD> twins(g.array(Shape{5, 3}, {-1, 1}), SGDOptions{.momentum = 0.9, .clipnorm = 0.1});
  Array values = g.array(Shape{2, 3}, {-1, 1});
  values.mutable_data()[1] = nan_value;
  twins.step(Ids(Shape{2}, {0, 3}), values);
  CHECK(twins.slots_differ() + twins.differ() == "");
  CHECK(std::isfinite(twins.rows.value().at(3)));
}

TEST_CASE("clipping by value keeps NaN where it is and cuts infinities") {
  const auto result =
      after_a_step({.learning_rate = 1, .clipvalue = 0.5},
                   {Array(Shape{5}, {nan_value, infinite, -infinite, 2, real(0.25)})});
  CHECK(std::isnan(result[0].at(0)));
  CHECK(result[0].at(1) == -0.5);
  CHECK(result[0].at(2) == 0.5);
  CHECK(result[0].at(3) == -0.5);
  CHECK(result[0].at(4) == -0.25);
}

TEST_CASE("clipping gives the same bits on 1, 2, 3 and 8 threads") {
  const auto trained = [](Index count, Index kind) {
    set_threads(count);
    Generate g("threads, clipped", 0);
    const Tensor table = Tensor::parameter(g.array(Shape{4000, 33}, {-1, 1})),
                 weight = Tensor::parameter(g.array(Shape{33, 3000}, {-1, 1})),
                 bias = Tensor::parameter(g.array(Shape{100'000}, {-1, 1}));
    SGD sgd{clipped(SGDOptions{.learning_rate = 0.1}, kind, 0.3)};
    sgd.attach({{"table", table}, {"weight", weight}, {"bias", bias}});
    for (Index step = 0; step < 3; ++step) {
      sgd.zero_grad();
      const Ids ids = g.ids(Shape{3000}, 4000);
      table.gradient().add_rows(ids, g.array(Shape{3000, 33}, {-1, 1}));
      weight.gradient().add(g.array(Shape{33, 3000}, {-1, 1}));
      bias.gradient().add(g.array(Shape{100'000}, {-1, 1}));
      sgd.step();
    }
    return std::vector<Array>{table.value(), weight.value(), bias.value()};
  };
  const Index before = threads();
  for (Index kind = 0; kind < 3; ++kind) {
    const auto one = trained(1, kind);
    for (const Index count : {2, 3, 8}) {
      const auto other = trained(count, kind);
      for (std::size_t i = 0; i < one.size(); ++i) CHECK(bits_differ(other[i], one[i]) == "");
    }
  }
  set_threads(before);
}

TEST_CASE(
    "parameters of no elements, of rank 0, frozen and without a gradient are clipped as well") {
  const Tensor none = Tensor::parameter(Array(Shape{0, 3})),
               scalar = Tensor::parameter(Array::full(Shape{}, 0)),
               without = Tensor::parameter(Array(Shape{2}, {1, 2}));
  SGD sgd{{.learning_rate = 1, .global_clipnorm = 2}};
  sgd.attach({{"none", none}, {"scalar", scalar}, {"without", without}});
  none.gradient().add_rows(Ids(), Array(Shape{0, 0}));
  scalar.gradient().add(Array::full(Shape{}, 8));
  sgd.step();
  CHECK(scalar.item() == -2);
  CHECK(without.value().at(0) == 1);
}

TEST_CASE("a clipped step that runs out of memory has changed nothing and can be made again") {
  Generate g("out of memory, clipped", 0);
  Twins<Adam> twins(g.array(Shape{30, 20}, {-1, 1}), AdamOptions{.global_clipnorm = 0.5});
  for (int step = 0; step < 4; ++step) {
    const Ids ids = g.ids(Shape{40}, 30);
    twins.on_rows.zero_grad();
    twins.on_full.zero_grad();
    twins.rows.gradient().add_rows(ids, g.array(Shape{40, 20}, {-1, 1}));
    twins.full.gradient().add(twins.rows.gradient().array());
    CHECK(optim_twins::step_under_rising_cap(twins.on_rows) > 3);
    twins.on_full.step();
  }
  CHECK(twins.differ() == "");
}

TEST_CASE("bounds out of range, and two of them at once, are refused") {
  CHECK_THROWS_WITH_AS(Adam({.clipnorm = 0}), "Adam: clipnorm is 0; it must be above 0 and finite",
                       ValueError);
  CHECK_THROWS_WITH_AS(SGD({.clipvalue = -1}),
                       "SGD: clipvalue is -1; it must be above 0 and finite", ValueError);
  CHECK_THROWS_AS(SGD({.global_clipnorm = static_cast<double>(nan_value)}), ValueError);
  CHECK_THROWS_AS(SGD({.global_clipnorm = static_cast<double>(infinite)}), ValueError);
  CHECK_THROWS_WITH_AS(SGD({.clipvalue = 1, .clipnorm = 1}),
                       "SGD: clipping: expected at most one of clipvalue, clipnorm and "
                       "global_clipnorm, got 2; leave the others out",
                       ValueError);
}
