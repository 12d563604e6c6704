// Tensors as handles: leaves, constants, results; writing, freezing, detaching; what is not
// recorded.
#include "fovea/autograd/tensor.hpp"

#include <doctest/doctest.h>

#include <latch>
#include <thread>

#include "autograd/tiny_ops.hpp"
#include "fovea/base/error.hpp"

using namespace fovea;
using tiny::numbers, tiny::plus, tiny::scaled, tiny::times, tiny::total;

using Numbers = std::vector<real>;

TEST_CASE("a tensor that is not built says so when it is read") {
  const Tensor tensor;
  CHECK(!tensor.defined());
  CHECK(!tensor.requires_grad());
  CHECK_THROWS_WITH_AS(tensor.value(),
                       "this tensor is undefined; a module's parameters exist once it is "
                       "built: call build, or put it into a Sequential",
                       StateError);
  CHECK_THROWS_AS(tensor.shape(), StateError);
  CHECK_THROWS_AS(tensor.item(), StateError);
  CHECK_THROWS_AS(tensor.grad(), StateError);
  CHECK_THROWS_AS(tensor.zero_grad(), StateError);
  CHECK_THROWS_AS(tensor.backward(), StateError);
  CHECK_THROWS_AS(tensor.detach(), StateError);
  CHECK_THROWS_AS(tensor.clone(), StateError);
  Tensor none;
  CHECK_THROWS_AS(none.mutable_value(), StateError);
  CHECK_THROWS_AS(Tensor().assign(Array()), StateError);
  CHECK_THROWS_AS(Tensor().set_requires_grad(true), StateError);
}

TEST_CASE("a parameter owns its numbers and starts with a gradient of zeros") {
  Array initial(Shape{2}, {1, 2});
  const Tensor x = Tensor::parameter(initial);
  initial.mutable_data()[0] = 9;
  CHECK(x.requires_grad());
  CHECK(numbers(x.value()) == Numbers{1, 2});
  CHECK(x.gradient().empty());
  CHECK(numbers(x.grad()) == Numbers{0, 0});
}

TEST_CASE("a constant gathers no gradient") {
  const Tensor x(Shape{2}, {1, 2});
  CHECK(!x.requires_grad());
  CHECK_THROWS_WITH_AS(x.grad(),
                       "grad: this is a constant; only leaves accumulate gradients, such as "
                       "Tensor::parameter returns",
                       StateError);
  const Tensor y = scaled(Tensor::parameter(x.value()), 2);
  CHECK_THROWS_AS(y.grad(), StateError);
  CHECK_THROWS_AS(y.zero_grad(), StateError);
}

TEST_CASE("item is the number of a tensor that holds one") {
  CHECK(Tensor(Shape(), {4}).item() == 4);
  CHECK(Tensor(Shape{1, 1}, {5}).item() == 5);
  CHECK_THROWS_WITH_AS(Tensor(Shape{2}, {1, 2}).item(),
                       "item: the tensor has shape (2,); only a tensor of one element has an item",
                       ShapeError);
  CHECK_THROWS_AS(Tensor(Array(Shape{0})).item(), ShapeError);
  CHECK_FALSE(Tensor(Array()).defined());
}

TEST_CASE("assigned numbers are seen by all copies of the handle") {
  Tensor x = Tensor::parameter(Array(Shape{2}, {1, 2}));
  const Tensor copy = x;
  x.assign(Array(Shape{2}, {3, 4}));
  CHECK(numbers(copy.value()) == Numbers{3, 4});
  x.assign(x.value());
  CHECK(numbers(copy.value()) == Numbers{3, 4});
  x.mutable_value().mutable_data()[1] = 7;
  CHECK(numbers(copy.value()) == Numbers{3, 7});
  CHECK_THROWS_WITH_AS(
      x.assign(Array(Shape{1, 2}, {5, 6})),
      "assign: a tensor of shape (2,) got values of shape (1, 2); they must be equal", ShapeError);
  CHECK(numbers(x.value()) == Numbers{3, 7});
}

TEST_CASE("a recorded result cannot be written to or frozen") {
  Tensor y = scaled(Tensor::parameter(Array(Shape{1}, {1})), 2);
  CHECK_THROWS_WITH_AS(
      y.mutable_value(),
      "assign: the result of scaled cannot be written to; write to a leaf, or to a detached clone",
      StateError);
  CHECK_THROWS_AS(y.assign(Array(Shape{1}, {1})), StateError);
  CHECK_THROWS_WITH_AS(y.set_requires_grad(false),
                       "set_requires_grad: this is the result of scaled; only leaves can be frozen",
                       StateError);
  CHECK(y.item() == 2);
  CHECK_NOTHROW(y.detach().clone().assign(Array(Shape{1}, {1})));
}

TEST_CASE("detaching shares the numbers and forgets the history") {
  const Tensor x = Tensor::parameter(Array(Shape{2}, {1, 2}));
  const Tensor y = scaled(x, 3), cut = y.detach();
  CHECK(!cut.requires_grad());
  CHECK(cut.value().data() == y.value().data());
  total(times(y, cut)).backward();
  CHECK(numbers(x.grad()) == Numbers{9, 18});  // d(3x c)/dx = 3c, with c = 3x held constant
}

TEST_CASE("a clone has numbers and a gradient of its own, and is a leaf if this is one") {
  const Tensor x = Tensor::parameter(Array(Shape{2}, {1, 2}));
  total(x).backward();
  Tensor copy = x.clone();
  CHECK(copy.requires_grad());
  CHECK(copy.gradient().empty());
  copy.assign(Array(Shape{2}, {8, 9}));
  CHECK(numbers(x.value()) == Numbers{1, 2});
  CHECK(!Tensor(Shape{1}, {1}).clone().requires_grad());
  CHECK(!scaled(x, 2).clone().requires_grad());
}

TEST_CASE("nothing is recorded under NoGrad, on this thread, until its end") {
  const Tensor x = Tensor::parameter(Array(Shape{2}, {1, 2}));
  CHECK(grad_enabled());
  {
    const NoGrad outer;
    CHECK(!grad_enabled());
    {
      const NoGrad inner;
      CHECK(!grad_enabled());
    }
    CHECK(!grad_enabled());
    const Tensor y = scaled(x, 2);
    CHECK(!y.requires_grad());
    CHECK(numbers(y.value()) == Numbers{2, 4});
    bool elsewhere = false;
    std::thread([&] { elsewhere = grad_enabled() && scaled(x, 2).requires_grad(); }).join();
    CHECK(elsewhere);
    CHECK(!tiny::record_many("many", x.value(), {x}, [](const Array&, std::size_t, Gradient&) {
           }).requires_grad());
  }
  CHECK(grad_enabled());
  CHECK(scaled(x, 2).requires_grad());
  try {
    const NoGrad scope;
    throw ValueError("out");
  } catch (const ValueError&) {
  }
  CHECK(grad_enabled());
}

TEST_CASE("backward runs under NoGrad: what was recorded before counts") {
  const Tensor x = Tensor::parameter(Array(Shape{2}, {1, 2}));
  const Tensor loss = total(scaled(x, 2));
  const NoGrad scope;
  loss.backward();
  CHECK(numbers(x.grad()) == Numbers{2, 2});
}

TEST_CASE("a frozen parameter is a constant to what is recorded from now on") {
  Tensor x = Tensor::parameter(Array(Shape{2}, {1, 2}));
  const Tensor y = Tensor::parameter(Array(Shape{2}, {3, 4}));
  const Tensor before = total(times(x, y));
  x.set_requires_grad(false);
  CHECK(!x.requires_grad());
  CHECK_THROWS_AS(x.grad(), StateError);
  CHECK(!scaled(x, 2).requires_grad());
  total(times(x, y)).backward();
  CHECK(numbers(y.grad()) == Numbers{1, 2});
  before.backward();
  CHECK(numbers(y.grad()) == Numbers{2, 4});

  x.set_requires_grad(true);
  x.set_requires_grad(true);
  CHECK(x.gradient().empty());
  total(times(x, y)).backward();
  CHECK(numbers(x.grad()) == Numbers{3, 4});
}

TEST_CASE("freezing reaches all handles of a parameter, and a graph that was recorded before") {
  Tensor x = Tensor::parameter(Array(Shape{1}, {1}));
  const Tensor copy = x, other = Tensor::parameter(Array(Shape{1}, {1}));
  const Tensor before = total(plus(scaled(copy, 5), other));
  x.set_requires_grad(false);
  CHECK(!copy.requires_grad());
  CHECK(!x.clone().requires_grad());
  CHECK(!scaled(copy, 5).requires_grad());
  before.backward();
  CHECK(numbers(other.grad()) == Numbers{1});
  CHECK_THROWS_AS(copy.grad(), StateError);
  x.set_requires_grad(true);
  CHECK(numbers(copy.grad()) == Numbers{0});
}

TEST_CASE("a constant may be made to gather gradients") {
  Tensor x(Shape{2}, {1, 2});
  x.set_requires_grad(true);
  total(scaled(x, 4)).backward();
  CHECK(numbers(x.grad()) == Numbers{4, 4});
}

TEST_CASE("handles may be copied and dropped on many threads at once") {
  const Tensor x = Tensor::parameter(Array(Shape{1}, {1}));
  std::vector<std::thread> threads;
  std::latch start(4);
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      start.arrive_and_wait();
      for (int i = 0; i < 400000; ++i) const NodePtr copy = x.node();
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(x.node()->references == 1);
  CHECK(x.value().unique());
}

TEST_CASE("rows that lag are brought up to date by whoever reads them, and by nobody else") {
  struct Log final : LaggingRows {
    std::vector<std::int32_t> rows;
    int all = 0;
    void settle(std::span<const std::int32_t> ids) override {
      rows.insert(rows.end(), ids.begin(), ids.end());
    }
    void settle_all() override { ++all; }
    void retire() override {}
  } log;
  Tensor table = Tensor::parameter(Array(Shape{3, 1}, {1, 2, 3}));
  const Tensor copy = table;
  table.node()->lagging = &log;

  CHECK(table.shape() == Shape{3, 1});
  CHECK(table.requires_grad());
  CHECK(table.gradient().empty());
  CHECK(log.all == 0);
  CHECK(numbers(copy.rows_value(Ids(Shape{2}, {2, 0}))) == Numbers{1, 2, 3});
  CHECK(log.rows == std::vector<std::int32_t>{2, 0});
  CHECK(log.all == 0);
  copy.value();
  CHECK(log.all == 1);
  table.detach();
  CHECK(log.all == 2);
  table.clone();
  CHECK(log.all == 3);
  table.mutable_value();
  CHECK(log.all == 4);
  table.assign(Array(Shape{3, 1}, {4, 5, 6}));
  CHECK(log.all > 4);

  table.node()->lagging = nullptr;
  CHECK(numbers(copy.rows_value(Ids(Shape{1}, {1}))) == Numbers{4, 5, 6});
  CHECK_THROWS_AS(Tensor().rows_value(Ids()), StateError);
}
