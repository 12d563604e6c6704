// A table whose gradient is rows, against the same table with the same gradient in full: the same
// bits, whenever somebody looks.
#include <doctest/doctest.h>

#include <cmath>
#include <latch>
#include <limits>
#include <thread>
#include <vector>

#include "fovea/base/error.hpp"
#include "fovea/memory/buffer.hpp"
#include "fovea/ops/ops.hpp"
#include "fovea/optim/adam.hpp"
#include "fovea/parallel/threads.hpp"
#include "optim/twins.hpp"
#include "support/approx.hpp"
#include "support/generate.hpp"

using namespace fovea;
using optim_twins::Twins;
using support::bits_differ;
using support::Generate;

namespace {

const AdamOptions forms[] = {
    {},
    {.learning_rate = 0.05, .epsilon = 1e-8, .form = AdamForm::pytorch},
    {.learning_rate = 0.01, .weight_decay = 0.1},
    {.learning_rate = 0.01, .l2 = 0.1},
    {.learning_rate = 0.01, .beta_1 = 0.95, .beta_2 = 0.5},  // moments that never let a row rest
    {.learning_rate = 0.5, .beta_1 = 0, .beta_2 = 0.9}};

}  // namespace

TEST_CASE(
    "rows that are made up for when read have the bits of a table that is swept in every step") {
  for (const AdamOptions& form : forms)
    for (Index trial = 0; trial < 6; ++trial) {
      Generate g("adam rows", trial);
      const Index rows = g.integer(1, 40), width = g.integer(1, 40);
      CAPTURE(trial);
      CAPTURE(form.beta_2);
      CAPTURE(form.weight_decay);
      Twins<Adam> twins(g.array(Shape{rows, width}, {-1, 1}), form);
      for (Index step = 0; step < 60; ++step) {
        if (step % 20 == 10) {
          const double rate = g.uniform(0, 0.1);
          twins.on_rows.set_learning_rate(rate);
          twins.on_full.set_learning_rate(rate);
        }
        const Ids ids = g.ids(Shape{g.integer(1, 5)}, rows);  // some of them more than once
        twins.step(ids, g.array(Shape{ids.count(), width}, {-1, 1}), trial % 2 == 0);
        if (step % 17 == 16) REQUIRE(twins.differ() == "");
      }
      REQUIRE(twins.differ() == "");
    }
}

TEST_CASE(
    "a row that is left alone for thousands of steps has the bits of one that was swept thousands "
    "of times") {
  for (const AdamOptions& form : forms) {
    CAPTURE(form.beta_2);
    CAPTURE(form.weight_decay);
    Generate g("adam rows left alone", 0);
    Twins<Adam> twins(g.array(Shape{3, 21}, {-1, 1}), form);
    for (Index step = 0; step < 3000; ++step) {
      const bool all = step < 5 || step == 1700;
      twins.step(all ? Ids(Shape{3}, {0, 1, 2}) : Ids(Shape{1}, {1}),
                 g.array(Shape{all ? 3 : 1, 21}, {-1, 1}), true);
    }
    CHECK(twins.differ() == "");
  }
}

TEST_CASE("rows, a full gradient and no gradient may follow each other") {
  for (const AdamOptions& form : forms) {
    Generate g("adam rows mixed", 0);
    Twins<Adam> twins(g.array(Shape{6, 5}, {-1, 1}), form);
    for (Index step = 0; step < 30; ++step) {
      twins.on_rows.zero_grad();
      twins.on_full.zero_grad();
      if (step % 3 == 0)
        twins.rows.gradient().add_rows(Ids(Shape{2}, {4, 1}), g.array(Shape{2, 5}, {-1, 1}));
      if (step % 5 == 1) twins.rows.gradient().add(g.array(Shape{6, 5}, {-1, 1}));
      if (!twins.rows.gradient().empty()) twins.full.gradient().add(twins.rows.gradient().array());
      twins.on_rows.step();
      twins.on_full.step();
    }
    CHECK(twins.differ() == "");
  }
}

TEST_CASE(
    "a step that runs out of memory, wherever it does, has changed nothing and can be made again") {
  Generate g("out of memory", 0);
  Twins<Adam> twins(g.array(Shape{30, 20}, {-1, 1}), AdamOptions{});
  for (int step = 0; step < 6; ++step) {
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

TEST_CASE("a step that runs out of memory at one parameter has moved none of the others either") {
  struct Cap {
    ~Cap() { memory::set_cap(0); }
  } const lifted;
  Generate g("out of memory among several", 0);
  const Tensor before = Tensor::parameter(g.array(Shape{4, 3}, {-1, 1})),
               table = Tensor::parameter(g.array(Shape{50, 8}, {-1, 1})),
               after = Tensor::parameter(g.array(Shape{5}, {-1, 1}));
  Adam adam{AdamOptions{}};
  adam.attach({{"before", before}, {"table", table}, {"after", after}});
  const auto numbers = [&] {
    return std::vector<Array>{before.value().clone(), table.value().clone(), after.value().clone()};
  };
  const Ids ids = g.ids(Shape{2000}, 50);  // several pieces
  const Array dbefore = g.array(Shape{4, 3}, {-1, 1}), dtable = g.array(Shape{2000, 8}, {-1, 1}),
              dafter = g.array(Shape{5}, {-1, 1});
  for (int step = 0; step < 3; ++step) {
    adam.zero_grad();
    before.gradient().add(dbefore);
    table.gradient().add_rows(ids, dtable);
    after.gradient().add(dafter);
    const std::vector<Array> was = numbers();
    const Index before_step = memory::bytes_now();
    int failures = 0;
    for (bool made = false; !made;) {
      memory::set_cap(memory::bytes_now() + 1024 * failures);
      try {
        adam.step();
        made = true;
      } catch (const MemoryError&) {
        REQUIRE(++failures < 1000);
        memory::set_cap(0);
        REQUIRE(memory::bytes_now() == before_step);
        const std::vector<Array> now = numbers();
        for (std::size_t i = 0; i < was.size(); ++i) REQUIRE(bits_differ(now[i], was[i]) == "");
      }
    }
    memory::set_cap(0);
    CHECK(failures > 3);
    for (std::size_t i = 0; i < was.size(); ++i) CHECK(bits_differ(numbers()[i], was[i]) != "");
  }
}

TEST_CASE(
    "whoever reads a table sees rows that are up to date: copies, gathers, and a second "
    "optimiser") {
  Generate g("adam rows readers", 0);
  Twins<Adam> twins(g.array(Shape{9, 4}, {-1, 1}), AdamOptions{});
  const Tensor alias = twins.rows;
  const auto train = [&] {
    for (Index step = 0; step < 10; ++step)
      twins.step(Ids(Shape{1}, {static_cast<std::int32_t>(step % 4)}),
                 g.array(Shape{1, 4}, {-1, 1}), true);
  };
  train();
  CHECK(bits_differ(alias.value(), twins.full.value()) == "");
  train();
  const Ids ids(Shape{3}, {8, 0, 3});
  CHECK(bits_differ(gather_rows(alias, ids).value(), gather_rows(twins.full, ids).value()) == "");
  train();
  const AdamOptions decaying{.learning_rate = 0.1, .weight_decay = 1};
  Adam second{decaying}, third{decaying};
  second.attach({{"table", twins.rows}});
  third.attach({{"table", twins.full}});
  for (Index step = 0; step < 10; ++step) {
    twins.rows.zero_grad();
    twins.full.zero_grad();
    twins.rows.gradient().add_rows(Ids(Shape{1}, {static_cast<std::int32_t>(step / 2 % 3)}),
                                   Array::full(Shape{1, 4}, 1));
    twins.full.gradient().add(twins.rows.gradient().array());
    second.step();
    third.step();
    if (step % 2 == 0) continue;
    twins.on_rows.step();  // the first has not gone: both move the same table
    twins.on_full.step();
  }
  CHECK(bits_differ(twins.rows.value(), twins.full.value()) == "");
}

TEST_CASE("the rows of a table are the same bits on any number of threads") {
  const auto trained = [](Index count) {
    set_threads(count);
    Generate g("adam rows threads", 0);
    const Tensor table = Tensor::parameter(g.array(Shape{500, 33}, {-1, 1}));
    Adam adam;
    adam.attach({{"table", table}});
    for (Index step = 0; step < 20; ++step) {
      adam.zero_grad();
      sum(gather_rows(table, g.ids(Shape{100}, 500))).backward();
      adam.step();
    }
    return table.value().clone();
  };
  const Index before = threads();
  const Array one = trained(1);
  for (const Index count : {2, 3, 8}) CHECK(bits_differ(trained(count), one) == "");
  set_threads(before);
}

TEST_CASE("a row that one thread brings up to date is not read by another before it is done") {
  constexpr Index wide = 200'000;  // it takes some 10 ms to bring such a row up to date
  Generate g("waited for", 0);
  Twins<Adam> twins(g.array(Shape{2, wide}, {-1, 1}),
                    AdamOptions{.learning_rate = 0.01, .weight_decay = 0.1});
  const Array values = g.array(Shape{1, wide}, {-1, 1});
  twins.step(Ids({1}, {0}), values, false);
  for (int i = 0; i < 100; ++i) twins.step(Ids({1}, {1}), values, false);
  std::vector<Tensor> read(4);
  std::latch together(4);
  std::vector<std::thread> threads;
  for (Tensor& row : read)
    threads.emplace_back([&] {
      together.arrive_and_wait();
      row = gather_rows(twins.rows, Ids({1}, {0})).detach();
    });
  for (std::thread& thread : threads) thread.join();
  const Array expected = gather_rows(twins.full, Ids({1}, {0})).value();
  for (const Tensor& row : read) CHECK(bits_differ(row.value(), expected) == "");
}

TEST_CASE(
    "rows may be told to stand still where no gradient touches them, which is another algorithm") {
  Generate g("adam rows still", 0);
  const Array start = g.array(Shape{3, 4}, {-1, 1});
  const Tensor table = Tensor::parameter(start);
  Adam adam{{.lazy = true}};
  adam.attach({{"table", table}});
  const auto step = [&](const Ids& ids) {
    adam.zero_grad();
    sum(gather_rows(table, ids)).backward();
    adam.step();
  };
  step(Ids(Shape{2}, {0, 1}));
  const Array after = table.value().clone();
  for (int i = 0; i < 5; ++i) step(Ids(Shape{1}, {1}));
  CHECK(bits_differ(table.value().rows(0, 1), after.rows(0, 1)) == "");
  CHECK(bits_differ(table.value().rows(1, 2), after.rows(1, 2)) != "");
  CHECK(bits_differ(table.value().rows(2, 3), start.rows(2, 3)) == "");
}

TEST_CASE("two optimisers that take on one table before either has made a step both count") {
  Generate g("two optimisers", 0);
  const Array start = g.array(Shape{7, 5}, {-1, 1});
  const Tensor rows = Tensor::parameter(start), full = Tensor::parameter(start);
  Adam rows_a, rows_b, full_a, full_b;
  for (Adam* adam : {&rows_a, &rows_b}) adam->attach({{"table", rows}});
  for (Adam* adam : {&full_a, &full_b}) adam->attach({{"table", full}});
  for (Index step = 0; step < 40; ++step) {
    const Ids ids = g.ids(Shape{2}, 7);
    const Array values = g.array(Shape{2, 5}, {-1, 1});
    for (const bool second : {false, true}) {
      rows.zero_grad();
      full.zero_grad();
      rows.gradient().add_rows(ids, values);
      full.gradient().add(rows.gradient().array());
      (second ? rows_b : rows_a).step();
      (second ? full_b : full_a).step();
    }
  }
  CHECK(bits_differ(rows.value(), full.value()) == "");
}

TEST_CASE("a subnormal parameter that nothing touches ends as in a sweep") {
  const real subnormal = std::numeric_limits<real>::denorm_min() * 1000;
  const Array start = Array::full(Shape{3, 5}, subnormal);
  const Tensor rows = Tensor::parameter(start), full = Tensor::parameter(start);
  Adam on_rows, on_full;
  on_rows.attach({{"table", rows}});
  on_full.attach({{"table", full}});
  for (int step = 0; step < 3; ++step) {
    rows.zero_grad();
    full.zero_grad();
    rows.gradient().add_rows(Ids(Shape{1}, {1}), Array::full(Shape{1, 5}, 1));
    full.gradient().add(rows.gradient().array());
    on_rows.step();
    on_full.step();
  }
  CHECK(bits_differ(rows.value(), full.value()) == "");
}

TEST_CASE("a parameter that is set to infinity in a row that nothing touches ends as in a sweep") {
  Generate g("infinite parameter", 0);
  Twins<Adam> twins(g.array(Shape{2, 80}, {-1, 1}), AdamOptions{});
  twins.step(Ids(Shape{2}, {0, 1}), g.array(Shape{2, 80}, {-1, 1}), false);
  for (Tensor* table : {&twins.rows, &twins.full})
    table->mutable_value().mutable_data()[3] = std::numeric_limits<real>::infinity();
  for (int i = 0; i < 20; ++i)
    twins.step(Ids(Shape{1}, {1}), g.array(Shape{1, 80}, {-1, 1}), false);
  CHECK(!std::isfinite(twins.rows.value().at(3)));
  CHECK(std::isfinite(twins.rows.value().at(4)));
  CHECK(twins.differ() == "");
}

TEST_CASE("a row whose variance fades to nothing under a tiny epsilon ends as in a sweep") {
  Generate g("tiny epsilon", 0);
  Twins<Adam> twins(
      g.array(Shape{2, 80}, {-1, 1}),
      AdamOptions{.learning_rate = 1e-9, .beta_1 = 0.9, .beta_2 = 0.82, .epsilon = 1e-30});
  twins.step(Ids(Shape{2}, {0, 1}), g.array(Shape{2, 80}, {-1, 1}), false);
  for (int i = 0; i < 600; ++i)
    twins.step(Ids(Shape{1}, {1}), g.array(Shape{1, 80}, {-1, 1}), false);
  CHECK(twins.differ() == "");
}

TEST_CASE("rows stay those of a sweep when the rate changes in every step") {
  Generate g("changing rate", 0);
  Twins<Adam> twins(g.array(Shape{30, 20}, {-1, 1}), AdamOptions{});
  for (Index step = 0; step < 1500; ++step) {
    const double rate =
        1e-3 * (1 + 0.9 * static_cast<double>(step % 11)) * (step % 400 < 200 ? 1 : 30);
    twins.on_rows.set_learning_rate(rate);
    twins.on_full.set_learning_rate(rate);
    twins.step(g.ids(Shape{1}, step % 100 == 0 ? 30 : 3), g.array(Shape{1, 20}, {-1e-2, 1e-2}),
               true);
  }
  CHECK(twins.differ() == "");
}

TEST_CASE(
    "rows whose gradients are too large to be squared stay finite, and have the bits of a sweep") {
  for (const AdamOptions& form : forms) {
    CAPTURE(form.beta_2);
    CAPTURE(form.l2);
    Generate g("too large to be squared", 0);
    Twins<Adam> twins(g.array(Shape{5, 37}, {-1, 1}), form);
    const double root = std::sqrt(static_cast<double>(std::numeric_limits<real>::max()));
    for (Index step = 0; step < 300; ++step) {
      const Ids ids = step % 60 == 0 ? Ids(Shape{3}, {0, 1, 3})
                                     : Ids(Shape{1}, {static_cast<std::int32_t>(g.integer(2, 3))});
      Array values = g.array(Shape{ids.count(), 37}, {-1, 1});
      for (real& value : values.mutable_values())
        if (step < 100 && g.chance(0.3)) value *= static_cast<real>(root * g.uniform(0.5, 1e5));
      twins.step(ids, values, true);
      if (step % 50 == 49) REQUIRE(twins.differ() == "");
    }
    Index infinite = 0;
    for (const real v : twins.on_rows.slots()[0]["variance"].values()) infinite += std::isinf(v);
    CHECK(infinite > 10);
    for (const real p : twins.rows.value().values()) REQUIRE(std::isfinite(p));
  }
}
