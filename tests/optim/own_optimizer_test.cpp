// An optimiser of one's own gets exact rows, state and the same bits on any number of threads from
// the framework.
#include <doctest/doctest.h>
#include <malloc.h>

#include <cmath>

#include "fovea/ops/ops.hpp"
#include "fovea/optim/adam.hpp"
#include "fovea/parallel/threads.hpp"
#include "optim/momentum.hpp"
#include "optim/twins.hpp"
#include "support/approx.hpp"
#include "support/generate.hpp"

using namespace fovea;
using optim_twins::Twins;
using support::bits_differ;
using support::Generate;
using toy::Momentum;

namespace {

std::size_t heap_in_use() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

}  // namespace

TEST_CASE("an optimiser of one's own follows its formula") {
  const Tensor p = Tensor::parameter(Array(Shape{2}, {1, -2}));
  Momentum optimizer{{.learning_rate = 0.5, .momentum = 0.25}};
  optimizer.attach({{"p", p}});
  p.gradient().add(Array(Shape{2}, {2, 4}));
  optimizer.step();
  CHECK(p.value().at(0) == 0);
  CHECK(p.value().at(1) == -4);
  optimizer.zero_grad();
  optimizer.step();
  CHECK(p.value().at(0) == real(-0.25));
  CHECK(p.value().at(1) == real(-4.5));
  CHECK(optimizer.slots()[0]["velocity"].at(1) == 1);
  CHECK(optimizer.slot_elements() == 2);
}

TEST_CASE(
    "rows under an optimiser of one's own that are made up for when read have the bits of a table "
    "that is swept in every step") {
  for (Index trial = 0; trial < 12; ++trial) {
    Generate g("rows of one's own", trial);
    CAPTURE(trial);
    const Index rows = g.integer(1, 40), width = g.integer(1, 600);
    Twins<Momentum> twins(g.array(Shape{rows, width}, {-1, 1}),
                          toy::MomentumOptions{.learning_rate = g.uniform(0.01, 0.1),
                                               .momentum = g.uniform(0, 0.99)});
    for (Index step = 0; step < 80; ++step) {
      if (step % 20 == 10) {
        const double rate = g.uniform(0, 0.1);
        twins.on_rows.set_learning_rate(rate);
        twins.on_full.set_learning_rate(rate);
      }
      const Ids ids = g.ids(Shape{g.integer(1, 5)}, rows);  // some of them more than once
      twins.step(ids, g.array(Shape{ids.count(), width}, {-1, 1}));
      if (step % 17 == 16) REQUIRE(twins.slots_differ() + twins.differ() == "");
    }
    REQUIRE(twins.slots_differ() + twins.differ() == "");
  }
}

TEST_CASE("an optimiser of one's own gives the same bits on 1, 2, 3 and 8 threads") {
  const auto trained = [](Index count) {
    set_threads(count);
    Generate g("threads of one's own", 0);
    const Tensor table = Tensor::parameter(g.array(Shape{500, 33}, {-1, 1})),
                 weight = Tensor::parameter(g.array(Shape{33, 1000}, {-1, 1}));
    Momentum optimizer{{.learning_rate = 1e-6}};
    optimizer.attach({{"table", table}, {"weight", weight}});
    for (Index step = 0; step < 20; ++step) {
      optimizer.zero_grad();
      sum(square(matmul(gather_rows(table, g.ids(Shape{100}, 500)), weight))).backward();
      optimizer.step();
    }
    return std::pair(table.value().clone(), weight.value().clone());
  };
  const Index before = threads();
  const auto one = trained(1);
  for (const Index count : {2, 3, 8}) {
    const auto other = trained(count);
    CHECK(bits_differ(other.first, one.first) == "");
    CHECK(bits_differ(other.second, one.second) == "");
  }
  set_threads(before);
}

TEST_CASE(
    "200,000 steps at a rate that changes in each hold no more memory than 70,000, and rows stay "
    "those of a sweep") {
  const auto check = [](auto twins) {
    Generate g("many steps", 0);
    std::size_t held = 0;
    for (Index step = 0; step < 200'000; ++step) {
      const double rate = 1e-3 / (1 + 1e-4 * static_cast<double>(step));
      twins.on_rows.set_learning_rate(rate);
      twins.on_full.set_learning_rate(rate);
      // Row 0 is touched throughout, 1 seldom, 2 at first, and 3 never.
      const std::int32_t row = step < 3 ? 2 : step % 50'000 == 49'999 ? 1 : 0;
      twins.step(Ids(Shape{1}, {row}), Array::full(Shape{1, 3}, real(step % 7 - 3)));
      if (step == 70'000) held = heap_in_use();
    }
    CHECK(heap_in_use() <= held + 4096);
    CHECK(twins.slots_differ() + twins.differ() == "");
  };
  const Array start(Shape{4, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
  check(Twins<Momentum>(start, toy::MomentumOptions{}));
  check(Twins<Adam>(start, AdamOptions{}));
  check(Twins<Adam>(start, AdamOptions{.weight_decay = 0.01}));
}

TEST_CASE("lazy rows keep no list of steps, whatever the rate") {
  const Tensor table = Tensor::parameter(Array::zeros(Shape{4, 3}));
  Adam adam{{.learning_rate = [](Index step) { return 1e-3 / static_cast<double>(1 + step); },
             .lazy = true}};
  adam.attach({{"table", table}});
  std::size_t held = 0;
  for (Index step = 0; step < 20'000; ++step) {
    table.zero_grad();
    table.gradient().add_rows(Ids(Shape{1}, {1}), Array::full(Shape{1, 3}, 1));
    adam.step();
    if (step == 100) held = heap_in_use();
  }
  CHECK(heap_in_use() <= held + 4096);
}

TEST_CASE(
    "an optimiser that takes over a table finds all rows up to date, those included that lagged "
    "behind the one before") {
  for (const bool attached_before : {false, true}) {
    CAPTURE(attached_before);
    Generate g("taking over", attached_before);
    Twins<Adam> first(g.array(Shape{6, 5}, {-1, 1}), AdamOptions{.learning_rate = 0.1});
    Momentum rows_second{{.learning_rate = 0.1}}, full_second{{.learning_rate = 0.1}};
    const auto attach = [&] {
      rows_second.attach({{"table", first.rows}});
      full_second.attach({{"table", first.full}});
    };
    if (attached_before) attach();
    first.step(Ids(Shape{6}, {0, 1, 2, 3, 4, 5}), g.array(Shape{6, 5}, {-1, 1}));
    for (int i = 0; i < 20; ++i) first.step(Ids(Shape{1}, {1}), g.array(Shape{1, 5}, {-1, 1}));
    if (!attached_before) attach();
    for (int i = 0; i < 20; ++i) {
      const Ids ids = g.ids(Shape{2}, 6);
      const Array values = g.array(Shape{2, 5}, {-1, 1});
      first.rows.zero_grad();
      first.full.zero_grad();
      first.rows.gradient().add_rows(ids, values);
      first.full.gradient().add(first.rows.gradient().array());
      rows_second.step();
      full_second.step();
    }
    CHECK(bits_differ(first.rows.value(), first.full.value()) == "");
  }
}

TEST_CASE("lazy rows stand still also when another optimiser has taken over their table") {
  Generate g("lazy, taken over", 0);
  const Array start = g.array(Shape{4, 3}, {-1, 1});
  const Tensor table = Tensor::parameter(start);
  Adam lazy{{.lazy = true}};
  Momentum other{{.learning_rate = 0}};
  const auto step = [&](auto& optimizer, std::int32_t row) {
    table.zero_grad();
    table.gradient().add_rows(Ids(Shape{1}, {row}), Array::full(Shape{1, 3}, 1));
    optimizer.step();
  };
  lazy.attach({{"table", table}});
  step(lazy, 0);
  other.attach({{"table", table}});
  step(other, 1);
  const Array before = table.value().clone();
  step(lazy, 2);
  CHECK(bits_differ(table.value().rows(0, 2), before.rows(0, 2)) == "");
  CHECK(bits_differ(table.value().rows(2, 3), before.rows(2, 3)) != "");
  CHECK(bits_differ(table.value().rows(3, 4), start.rows(3, 4)) == "");
}

TEST_CASE("a rule with too many slots is refused") {
  struct Greedy : UpdateRule {
    const char* name() const override { return "Greedy"; }
    std::span<const char* const> slots() const override {
      static constexpr const char* names[] = {"a", "b", "c", "d", "e"};
      return names;
    }
    StepFactors factors(double, Index) const override { return {}; }
    void update(const StepFactors&, const real*, const Cells&) const override {}
  };
  CHECK_THROWS_WITH_AS(SlotOptimizer(std::make_shared<Greedy>(), 0.1),
                       "Greedy: expected at most 4 slots, got 5", ValueError);
}
