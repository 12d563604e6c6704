// Operations with several results: the gradients of those that are used reach the inputs together.
#include <doctest/doctest.h>

#include <limits>

#include "fovea/base/error.hpp"
#include "fovea/diff/grad.hpp"
#include "fovea/ops/ops.hpp"
#include "fovea/ops/record_results.hpp"
#include "support/approx.hpp"
#include "support/generate.hpp"

using namespace fovea;
using support::bits_differ;

namespace {

// x + y, x - y and x y, as one operation. `broken` makes its rule throw.
std::array<Tensor, 3> three(const Tensor& x, const Tensor& y, const bool* broken = nullptr) {
  std::array<Array, 3> values;
  {
    const NoGrad constants;
    values = {(x + y).value(), (x - y).value(), (x * y).value()};
  }
  return record(
      "three", values,
      wrt({x, y}, [a = x.value(), b = y.value(), broken](
                      const std::array<std::optional<Array>, 3>& d, Gradient* dx, Gradient* dy) {
        if (broken && *broken) throw StateError("three: broken");
        const NoGrad constants;
        for (Gradient* each : {dx, dy}) {
          if (!each) continue;
          if (d[0]) each->add(*d[0]);
          if (d[1]) each->add(each == dx ? *d[1] : (-Tensor(*d[1])).value());
          if (d[2]) each->add((Tensor(*d[2]) * Tensor(each == dx ? b : a)).value());
        }
      }));
}

const Array a(Shape{2}, {3, -1}), b(Shape{2}, {5, 2});

Array values(std::initializer_list<real> numbers) { return Array(Shape{2}, numbers); }

}  // namespace

TEST_CASE("each result of an operation with several hands its gradient to the inputs") {
  const auto gradients = [](int wanted) {
    const Tensor x = Tensor::parameter(a), y = Tensor::parameter(b);
    const std::array<Tensor, 3> results = three(x, y);
    Tensor loss = scalar(0);
    for (int i = 0; i < 3; ++i)
      if (wanted & (1 << i)) loss = loss + sum(results[static_cast<std::size_t>(i)]);
    loss.backward();
    return std::array{x.grad(), y.grad()};
  };
  CHECK(bits_differ(gradients(1)[0], values({1, 1})) == "");
  CHECK(bits_differ(gradients(1)[1], values({1, 1})) == "");
  CHECK(bits_differ(gradients(2)[1], values({-1, -1})) == "");
  CHECK(bits_differ(gradients(4)[0], values({5, 2})) == "");
  CHECK(bits_differ(gradients(4)[1], values({3, -1})) == "");
  CHECK(bits_differ(gradients(6)[1], values({2, -2})) == "");
  CHECK(bits_differ(gradients(7)[0], values({7, 4})) == "");
  CHECK(bits_differ(gradients(7)[1], values({3, -1})) == "");
}

TEST_CASE("a result that nothing depends on is in no gradient, not as 0 times an infinite input") {
  const real infinity = std::numeric_limits<real>::infinity();
  const Tensor x = Tensor::parameter(values({infinity, 2})), y = Tensor::parameter(b);
  sum(three(x, y)[0]).backward();
  CHECK(bits_differ(x.grad(), values({1, 1})) == "");
  CHECK(bits_differ(y.grad(), values({1, 1})) == "");
}

TEST_CASE("grad refuses a result of the same operation on which the loss does not depend") {
  const Tensor x = Tensor::parameter(a), y = Tensor::parameter(b);
  const std::array<Tensor, 3> results = three(x, y);
  for (std::size_t used = 0; used < 3; ++used)
    for (std::size_t asked = 0; asked < 3; ++asked) {
      const auto gradient = [&] {
        return grad(sum(results[used] * 2), {results[asked]}, {.retain_graph = true}).front();
      };
      if (used == asked)
        CHECK(bits_differ(gradient(), values({2, 2})) == "");
      else
        CHECK_THROWS_AS(gradient(), StateError);
    }
}

TEST_CASE("results of one operation may feed each other's consumers, in any order") {
  const Tensor x = Tensor::parameter(a), y = Tensor::parameter(b);
  const auto [total, difference, product] = three(x, y);
  // (x + y)(x - y) + x y = x^2 - y^2 + x y
  sum(total * difference + product).backward();
  CHECK(bits_differ(x.grad(), values({2 * 3 + 5, 2 * -1 + 2})) == "");
  CHECK(bits_differ(y.grad(), values({-2 * 5 + 3, -2 * 2 - 1})) == "");
}

TEST_CASE("several results are constants where no input needs a gradient, or none is recorded") {
  for (const Tensor& result : three(Tensor(a), Tensor(b))) CHECK(!result.requires_grad());
  const NoGrad no_grad;
  for (const Tensor& result : three(Tensor::parameter(a), Tensor::parameter(b)))
    CHECK(!result.requires_grad());
}

TEST_CASE("a frozen input of an operation with several results gets no gradient") {
  Tensor x = Tensor::parameter(a);
  const Tensor y = Tensor::parameter(b);
  x.set_requires_grad(false);
  sum(three(x, y)[2]).backward();
  CHECK(bits_differ(y.grad(), a) == "");
}

TEST_CASE("a retained graph of several results adds the same gradient again") {
  const Tensor x = Tensor::parameter(a), y = Tensor::parameter(b);
  const auto [total, difference, product] = three(x, y);
  const Tensor loss = sum(difference + product);
  loss.backward(true);
  const Array once = x.grad();
  loss.backward(true);
  CHECK(bits_differ(x.grad(), (Tensor(once) * 2).value()) == "");
  x.zero_grad();
  sum(total).backward();  // what the other results had is not added once more
  CHECK(bits_differ(x.grad(), values({1, 1})) == "");
  CHECK_THROWS_AS(sum(product).backward(), StateError);
}

TEST_CASE("a backward run that ended in an exception leaves nothing to the next one") {
  bool broken = true;
  const Tensor x = Tensor::parameter(a), y = Tensor::parameter(b);
  const auto [total, difference, product] = three(x, y, &broken);
  CHECK_THROWS_AS(sum(product).backward(true), StateError);
  broken = false;
  sum(total).backward();
  CHECK(bits_differ(x.grad(), values({1, 1})) == "");
}

TEST_CASE("an infinite value does not reach the gradient of pooled weights alone") {
  const Tensor x =
      Tensor::parameter(Array(Shape{1, 2, 1}, {std::numeric_limits<real>::infinity(), real(0.5)}));
  const Tensor w(Array::full(Shape{1, 1}, 1));  // tanh is 1 at the infinite position
  const Attended pooled = additive_pool(x, w, {}, w, {}, w, {.weights = true});
  sum(pooled.weights() * Tensor(Array(Shape{1, 2}, {1, 2}))).backward();
  CHECK(x.grad().at(0) == 0);
  CHECK(x.grad().at(1) > 0);
}

TEST_CASE("additive_pool gives the same context and gradients with its weights and without") {
  for (Index trial = 0; trial < 20; ++trial) {
    support::Generate g("pool without weights", trial);
    const Index batch = g.integer(1, 9), time = g.integer(1, 9), features = g.integer(1, 9),
                units = g.integer(1, 9);
    const Mask mask = g.mask(Shape{batch, time}, 0.7);
    const std::vector<Shape> shapes = {{batch, time, features}, {features, units}, {units},
                                       {features, units},       {units},           {units, 1}};
    std::vector<Array> leaves;
    for (const Shape& shape : shapes) leaves.push_back(g.array(shape, {-1, 1}));
    const Array weights = g.array(Shape{batch, features}, {-1, 1});
    const auto results = [&](bool asked) {
      std::vector<Tensor> p;
      for (const Array& leaf : leaves) p.push_back(Tensor::parameter(leaf));
      const Attended pooled =
          additive_pool(p[0], p[1], p[2], p[3], p[4], p[5], {.mask = mask, .weights = asked});
      sum(pooled.context * Tensor(weights)).backward();
      std::vector<Array> all = {pooled.context.value()};
      for (const Tensor& parameter : p) all.push_back(parameter.grad());
      return all;
    };
    const std::vector<Array> with = results(true), without = results(false);
    for (std::size_t i = 0; i < with.size(); ++i) CHECK(bits_differ(without[i], with[i]) == "");
    const NoGrad no_grad;
    std::vector<Tensor> p(leaves.begin(), leaves.end());
    const Attended bare = additive_pool(p[0], p[1], p[2], p[3], p[4], p[5], {.mask = mask});
    CHECK(bits_differ(bare.context.value(), with[0]) == "");
    CHECK_THROWS_WITH_AS(
        bare.weights(),
        "attention: expected weights, but they were not asked for; pass {.weights = true}",
        StateError);
  }
}
