// The engine: order, accumulation, refusals, sinks, exceptions.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "autograd/tiny_ops.hpp"
#include "fovea/autograd/graph.hpp"
#include "fovea/base/error.hpp"
#include "fovea/base/random.hpp"
#include "fovea/memory/buffer.hpp"
#include "support/seed.hpp"

using namespace fovea;
using tiny::logged, tiny::numbers, tiny::plus, tiny::same_bits, tiny::scaled, tiny::Shard,
    tiny::times, tiny::total;

using Numbers = std::vector<real>;
using Log = std::vector<std::string>;

namespace {

Tensor number(real value) { return Tensor::parameter(Array(Shape(), {value})); }

// x, with a rule that throws.
Tensor failing(const Tensor& x, const bool& fail) {
  return record("failing", x.value(), wrt(x, [&fail](const Array& dy, Gradient& dx) {
                  if (fail) throw ValueError("the rule failed");
                  dx.add(dy);
                }));
}

bool flushes_subnormals() {
  volatile float smallest = std::numeric_limits<float>::min();
  volatile float half = smallest * 0.5f;
  return half == 0;
}

}  // namespace

TEST_CASE("operations run newest first, and each after all that used it") {
  Log log;
  const Tensor x = number(1);
  const Tensor a = logged("a", log, {x}), b = logged("b", log, {a}), c = logged("c", log, {b});
  SUBCASE("along a chain") {
    logged("loss", log, {c}).backward();
    CHECK(log == Log{"loss0", "c0", "b0", "a0"});
  }
  SUBCASE("where a long and a short path meet, whichever is found first") {
    logged("loss", log, {a, c}).backward();
    CHECK(log == Log{"loss0", "loss1", "c0", "b0", "a0"});
    CHECK(numbers(x.grad()) == Numbers{2});
  }
  SUBCASE("with equals in the order of discovery, also where they have to be sorted") {
    std::vector<std::string> names;
    for (int i = 0; i < 50; ++i) names.push_back("leaf" + std::to_string(i * 7 % 50) + "_");
    std::vector<Tensor> inputs;
    for (const std::string& name : names) inputs.push_back(logged(name.c_str(), log, {x}));
    inputs.push_back(c);
    logged("loss", log, inputs).backward();
    log.erase(log.begin(), log.begin() + 51);
    Log expected = {"c0", "b0"};
    for (const std::string& name : names) expected.push_back(name + "0");
    expected.push_back("a0");
    CHECK(log == expected);
  }
  SUBCASE("with equals in the order of discovery") {
    const Tensor d = logged("d", log, {x}), e = logged("e", log, {d, a});
    logged("loss", log, {e, b}).backward();
    CHECK(log == Log{"loss0", "loss1", "e0", "e1", "b0", "d0", "a0"});
    CHECK(numbers(x.grad()) == Numbers{3});
  }
}

TEST_CASE("each operation runs once in a diamond, with all that has arrived") {
  Log log;
  const Tensor x = number(3);
  Tensor y = logged("y", log, {x});
  for (int i = 0; i < 62; ++i)
    y = plus(scaled(y, 1), y);  // 2^62 paths: who walked them all would not come back
  y.backward();
  CHECK(log == Log{"y0"});
  CHECK(numbers(x.grad()) == Numbers{0x1p62});
}

TEST_CASE("a tensor used twice by one operation gets both shares") {
  const Tensor x = number(3);
  times(x, x).backward();
  CHECK(numbers(x.grad()) == Numbers{6});
  x.zero_grad();
  const Tensor y = scaled(x, 2);
  times(y, plus(y, y)).backward();  // 8 x^2
  CHECK(numbers(x.grad()) == Numbers{48});
  x.zero_grad();
  plus(x, x).backward();
  CHECK(numbers(x.grad()) == Numbers{2});
}

TEST_CASE("gradients add up over calls until they are zeroed") {
  const Tensor x = Tensor::parameter(Array(Shape{2}, {1, 2}));
  total(times(x, x)).backward();
  const Array first = x.grad();
  total(scaled(x, 10)).backward();
  CHECK(numbers(x.grad()) == Numbers{12, 14});
  CHECK(numbers(first) == Numbers{2, 4});
  x.zero_grad();
  CHECK(x.gradient().empty());
  CHECK(numbers(x.grad()) == Numbers{0, 0});
}

TEST_CASE("a gradient that is handed to two parents is not written through by one of them") {
  const Tensor a = Tensor::parameter(Array(Shape{2}, {1, 2})),
               b = Tensor::parameter(Array(Shape{2}, {3, 4}));
  const Tensor early = scaled(a, 100);  // older than the sum: its share comes last
  total(plus(plus(a, b), early)).backward();
  CHECK(numbers(a.grad()) == Numbers{101, 101});
  CHECK(numbers(b.grad()) == Numbers{1, 1});
}

TEST_CASE("parameters that the loss does not depend on get nothing") {
  const Tensor x = number(1), y = number(1);
  const Tensor unused = scaled(y, 2);
  scaled(x, 2).backward();
  CHECK(y.gradient().empty());
  CHECK(unused.node()->gradient.empty());
}

TEST_CASE("a rule that adds nothing stops the way to what lies behind it") {
  Log log;
  const Tensor x = number(1);
  const Tensor y = logged("y", log, {x});
  record("silent", y.value(), wrt(y, [](const Array&, Gradient&) {})).backward();
  CHECK(log.empty());
  CHECK(numbers(x.grad()) == Numbers{0});
}

TEST_CASE("a leaf may be the loss") {
  const Tensor x = number(5);
  x.backward();
  x.backward();
  CHECK(numbers(x.grad()) == Numbers{2});
  CHECK_THROWS_AS(Tensor::parameter(Array(Shape{2}, {1, 2})).backward(), ShapeError);
}

TEST_CASE("a loss of any shape that holds one number will do, no other") {
  const Tensor x = Tensor::parameter(Array(Shape{1, 1}, {2}));
  scaled(x, 3).backward();
  CHECK(numbers(x.grad()) == Numbers{3});
  const Tensor wide = scaled(Tensor::parameter(Array(Shape{2, 3}, {1, 2, 3, 4, 5, 6})), 2);
  CHECK_THROWS_WITH_AS(
      wide.backward(),
      "backward: the loss has shape (2, 3); it must be a scalar; take its sum or mean", ShapeError);
  CHECK_THROWS_AS(scaled(Tensor::parameter(Array()), 2).backward(), ShapeError);
}

TEST_CASE("a loss without a history is refused") {
  const char* const message =
      "backward: the loss depends on no parameter that requires gradients; make a leaf with "
      "Tensor::parameter, and run the forward pass outside the scope of any NoGrad";
  CHECK_THROWS_WITH_AS(Tensor(Shape(), {1}).backward(), message, StateError);
  const Tensor x = number(1);
  CHECK_THROWS_WITH_AS(scaled(x, 2).detach().backward(), message, StateError);
  const NoGrad scope;
  CHECK_THROWS_WITH_AS(
      scaled(x, 2).backward(),
      "backward: gradient recording is disabled by NoGrad; run the forward pass outside its scope",
      StateError);
}

TEST_CASE("a released graph cannot run again") {
  const Tensor x = number(3);
  const Tensor y = times(x, x), loss = scaled(y, 2), other = scaled(y, 5);
  loss.backward();
  CHECK_THROWS_WITH_AS(loss.backward(),
                       "backward: the graph behind scaled was released by an earlier backward; "
                       "pass retain_graph = true there to run it twice",
                       StateError);
  CHECK_THROWS_WITH_AS(other.backward(),
                       "backward: the graph behind times was released by an earlier backward; pass "
                       "retain_graph = true there to run it twice",
                       StateError);
  CHECK(numbers(x.grad()) == Numbers{12});
  CHECK(loss.item() == 18);
}

TEST_CASE("a retained graph runs twice and gives twice the gradient, with the same bits") {
  Rng rng(support::seed());
  Array values(Shape{50});
  for (real& value : values.mutable_values()) value = rng.uniform(rng.next()) - real(0.5);
  // Behind the leaf stands one operation: a leaf gathers share by share, so the bits are twice the
  // first only where there is one.
  const Tensor x = Tensor::parameter(values), z = scaled(x, real(0.7));
  const Tensor y = times(z, plus(z, scaled(z, real(0.3)))), loss = total(plus(times(y, z), y));
  loss.backward(true);
  const Array once = x.grad();
  loss.backward(true);
  CHECK(same_bits(x.grad(), tiny::map(once, [&](Index i) { return 2 * once.at(i); })));
  x.zero_grad();
  loss.backward();
  CHECK(same_bits(x.grad(), once));
  CHECK_THROWS_AS(loss.backward(), StateError);
}

TEST_CASE("two losses over one retained graph") {
  const Tensor x = number(3);
  const Tensor y = times(x, x), first = scaled(y, 2), second = scaled(y, 5);
  first.backward(true);
  CHECK(numbers(x.grad()) == Numbers{12});
  second.backward();
  CHECK(numbers(x.grad()) == Numbers{42});
}

TEST_CASE("a parameter written between forward and backward is noticed before any work") {
  Tensor x = Tensor::parameter(Array(Shape{2}, {1, 2}));
  const Tensor y = Tensor::parameter(Array(Shape{2}, {3, 4}));
  const char* const message =
      "backward: an input of times, a parameter of shape (2,), was written to after the forward "
      "pass; run the forward pass again";
  const Tensor loss = total(times(y, x));
  SUBCASE("by assign") { x.assign(Array(Shape{2}, {5, 6})); }
  SUBCASE("by assign, with the same numbers") { x.assign(x.value().clone()); }
  SUBCASE("by mutable_value, through a copy of the handle") {
    Tensor copy = x;
    copy.mutable_value().mutable_data()[0] = 7;
  }
  CHECK_THROWS_WITH_AS(loss.backward(), message, StateError);
  CHECK_THROWS_WITH_AS(loss.backward(), message, StateError);
  CHECK(y.gradient().empty());
  CHECK(x.gradient().empty());
  const Array now = x.value().clone();
  total(times(y, x)).backward();
  CHECK(same_bits(y.grad(), now));
}

TEST_CASE("a refused write does not count as one") {
  Tensor x = number(2);
  const Tensor loss = times(x, x);
  CHECK_THROWS_AS(x.assign(Array(Shape{2}, {5, 6})), ShapeError);
  CHECK_NOTHROW(loss.backward());
}

TEST_CASE("a write after backward is free") {
  Tensor x = number(2);
  for (int i = 0; i < 3; ++i) {
    times(x, x).backward();
    x.assign(Array(Shape(), {x.item() + 1}));
  }
  CHECK(numbers(x.grad()) == Numbers{2 * (2 + 3 + 4)});
}

TEST_CASE("a sink receives the gradients of leaves, and the leaves stay as they are") {
  const Tensor x = number(3), y = number(4);
  Shard shard;
  backward(times(x, y), shard);
  backward(scaled(x, 10), shard);
  CHECK(numbers(shard.of(x)) == Numbers{14});
  CHECK(numbers(shard.of(y)) == Numbers{3});
  CHECK(shard.count() == 2);
  CHECK(x.gradient().empty());
  CHECK(y.gradient().empty());
  backward(x, shard);
  CHECK(numbers(shard.of(x)) == Numbers{15});
  CHECK(x.gradient().empty());
}

TEST_CASE("rows flow through a rule into the leaf") {
  const Tensor table = Tensor::parameter(Array(Shape{3, 2}, {1, 2, 3, 4, 5, 6}));
  const auto row = [&](std::int32_t id) {
    return record("row", table.value().rows(id, id + 1),
                  wrt(table, [id](const Array& dy, Gradient& dtable) {
                    dtable.add_rows(Ids(Shape{1}, {id}), dy);
                  }));
  };
  total(plus(scaled(row(2), 5), row(0))).backward();
  CHECK(table.gradient().has_rows_only());
  CHECK(numbers(table.grad()) == Numbers{1, 1, 0, 0, 5, 5});
  total(table).backward();
  CHECK(!table.gradient().has_rows_only());
  CHECK(numbers(table.grad()) == Numbers{2, 2, 1, 1, 6, 6});
}

TEST_CASE("an exception thrown by a rule comes through and leaves the engine usable") {
  bool fail = true;
  const Tensor x = number(3), other = number(1);
  const Tensor y = times(x, x);
  SUBCASE("without retain_graph") {
    const Tensor loss = plus(failing(y, fail), scaled(y, 2));
    CHECK_THROWS_WITH_AS(loss.backward(), "the rule failed", ValueError);
    CHECK_THROWS_AS(loss.backward(), StateError);
  }
  SUBCASE("with retain_graph, nothing of the first run is left in the second") {
    const Tensor loss = plus(failing(y, fail), scaled(y, 2));
    CHECK_THROWS_AS(loss.backward(true), ValueError);
    CHECK(y.node()->gradient.empty());
    fail = false;
    x.zero_grad();
    loss.backward();
    CHECK(numbers(x.grad()) == Numbers{18});
  }
  SUBCASE("and nothing in memory") {
    const Index before = memory::bytes_now();
    CHECK_THROWS_AS(failing(scaled(scaled(y, 2), 2), fail).backward(), ValueError);
    CHECK(memory::bytes_now() == before);
  }
  CHECK(grad_enabled());
  scaled(other, 7).backward();
  CHECK(numbers(other.grad()) == Numbers{7});
}

TEST_CASE("a rule may run backward itself, to compute anew what it did not keep") {
  // y = x^3, of which only x is kept
  const auto recomputed = [](const Tensor& x) {
    return record("recomputed",
                  tiny::map(x.value(), [&](Index i) { return std::pow(x.value().at(i), real(3)); }),
                  wrt(x, [x = x.value()](const Array& dy, Gradient& dx) {
                    const Tensor inner = Tensor::parameter(x);
                    total(times(times(inner, inner), times(inner, Tensor(dy)))).backward();
                    dx.add(inner.grad());
                  }));
  };
  const Tensor x = number(2);
  plus(recomputed(scaled(x, 2)), recomputed(x)).backward();  // 9 x^3
  CHECK(numbers(x.grad()) == Numbers{108});
}

#if defined(__SSE2__)
TEST_CASE("subnormal numbers are flushed while backward runs, and only then") {
  const Tensor x = number(1);
  bool inside = false;
  const auto watched = [&](bool fail) {
    return record("watched", x.value(), wrt(x, [&inside, fail](const Array& dy, Gradient& dx) {
                    inside = flushes_subnormals();
                    if (fail) throw ValueError("out");
                    dx.add(dy);
                  }));
  };
  watched(false).backward();
  CHECK(inside);
  CHECK(!flushes_subnormals());
  CHECK_THROWS_AS(watched(true).backward(), ValueError);
  CHECK(!flushes_subnormals());
}
#endif
