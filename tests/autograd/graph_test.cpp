// What `record` keeps: rules, edges and captures, and for how long.
#include "fovea/autograd/graph.hpp"
#include "fovea/ops/record_many.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <optional>

#include "autograd/tiny_ops.hpp"
#include "fovea/base/error.hpp"
#include "fovea/memory/buffer.hpp"

using namespace fovea;
using tiny::numbers, tiny::plus, tiny::scaled, tiny::times, tiny::total;

using Numbers = std::vector<real>;

namespace {

constexpr Index mebibyte = Index(1) << 20;

Array large() { return Array::full(Shape{mebibyte / static_cast<Index>(sizeof(real))}, 1); }

// x, recorded with a rule that captures a mebibyte.
Tensor hoarding(const Tensor& x) {
  return record("hoarding", x.value(),
                wrt(x, [kept = large()](const Array& dy, Gradient& dx) { dx.add(dy); }));
}

Tensor number(real value) { return Tensor::parameter(Array(Shape(), {value})); }

// More than a capture is in use, or less than one.
bool holds(Index before) { return memory::bytes_now() - before >= mebibyte; }

}  // namespace

TEST_CASE("a rule and what it captured are dropped where its input needs no gradient") {
  const Tensor constant(Shape(), {1}), parameter = number(1);
  const Index before = memory::bytes_now();
  {
    const Tensor y = hoarding(constant);
    CHECK(!y.requires_grad());
    CHECK(!holds(before));
  }
  {
    const NoGrad scope;
    const Tensor y = hoarding(parameter);
    CHECK(!holds(before));
  }
  {
    const Tensor y = hoarding(parameter);
    CHECK(holds(before));
  }
  CHECK(memory::bytes_now() == before);
}

TEST_CASE("of two rules only the one that is needed is kept") {
  const Tensor constant(Shape(), {1}), parameter = number(1);
  const auto both = [&](const Tensor& cheap, const Tensor& dear) {
    return record("both", cheap.value(),
                  wrt(cheap, [](const Array& dy, Gradient& dx) { dx.add(dy); }),
                  wrt(dear, [kept = large()](const Array& dy, Gradient& dx) { dx.add(dy); }));
  };
  const Index before = memory::bytes_now();
  const Tensor without = both(parameter, constant);
  CHECK(without.requires_grad());
  CHECK(!holds(before));
  const Tensor with = both(constant, parameter);
  CHECK(holds(before));
  without.backward();
  with.backward();
  CHECK(numbers(parameter.grad()) == Numbers{2});
}

TEST_CASE("captures go when backward has used them, or stay with retain_graph") {
  const Tensor x = number(1);
  total(x).backward();  // the leaf's gradient exists from here on
  const Index before = memory::bytes_now();
  const Tensor y = hoarding(x), loss = total(y);  // both are still held when their captures go
  CHECK(holds(before));
  loss.backward(true);
  CHECK(holds(before));
  loss.backward();
  CHECK(!holds(before));
  CHECK(numbers(x.grad()) == Numbers{3});
}

TEST_CASE("captures go with the last handle when backward never runs") {
  const Tensor x = number(1);
  const Index before = memory::bytes_now();
  {
    const Tensor loss = total(hoarding(hoarding(x)));
    CHECK(memory::bytes_now() - before >= 2 * mebibyte);
  }
  CHECK(memory::bytes_now() == before);
}

TEST_CASE("the graph keeps what its rules captured and no other numbers") {
  const Tensor x = Tensor::parameter(large());
  const Index before = memory::bytes_now();
  const Tensor loss = total(scaled(scaled(scaled(x, 2), 2), 2));  // neither rule needs numbers
  CHECK(!holds(before));
  loss.backward();
  CHECK(x.grad().at(0) == 8);
}

TEST_CASE("training steps leave nothing behind and ask nothing of the system") {
  Tensor x = Tensor::parameter(Array(Shape{64}, std::vector<real>(64, 1)));
  const auto step = [&] {
    const Tensor y = times(x, x);
    total(plus(y, scaled(times(y, x), 2))).backward();
    x.assign(Array::full(Shape{64}, 1));
    x.zero_grad();
  };
  step();
  step();
  const Index now = memory::bytes_now(), held = memory::bytes_held();
  for (int i = 0; i < 100; ++i) step();
  CHECK(memory::bytes_now() == now);
  CHECK(memory::bytes_held() == held);
}

TEST_CASE("a node knows its operation, its edges and its depth") {
  const Tensor x = number(2), constant(Shape(), {3});
  CHECK(x.node()->is_leaf());
  CHECK(std::string(x.node()->name) == "parameter");
  CHECK(x.node()->edges().empty());
  const Tensor y = times(x, constant), z = plus(y, x);
  CHECK(std::string(z.node()->name) == "plus");
  CHECK(!z.node()->is_leaf());
  CHECK(y.node()->number == 1);
  CHECK(z.node()->number == 2);
  REQUIRE(y.node()->edges().size() == 2);
  CHECK(y.node()->edges()[0].parent.get() == x.node().get());
  CHECK(!y.node()->edges()[1].parent);
  CHECK(z.node()->edges()[0].parent.get() == y.node().get());
  CHECK(z.node()->gradient.shape() == Shape());
  z.backward();
  CHECK(z.node()->edges().empty());
  CHECK(z.node()->released);
}

TEST_CASE("a joint rule gets null for inputs that need no gradient") {
  const Tensor parameter = number(2), other = number(5), constant(Shape(), {3});
  int calls = 0;
  // y = x + 10 gamma + 100 beta; each call checks which of the three are wanted.
  const auto joint = [&](const Tensor& x, const Tensor& gamma, const Tensor& beta) {
    const std::array<bool, 3> wanted = {x.requires_grad(), gamma.requires_grad(),
                                        beta.requires_grad()};
    return record("joint", Array(Shape(), {x.item() + 10 * gamma.item() + 100 * beta.item()}),
                  wrt({x, gamma, beta}, [wanted, &calls](const Array& dy, Gradient* dx,
                                                         Gradient* dgamma, Gradient* dbeta) {
                    ++calls;
                    CHECK((dx != nullptr) == wanted[0]);
                    CHECK((dgamma != nullptr) == wanted[1]);
                    CHECK((dbeta != nullptr) == wanted[2]);
                    const auto share = [&](Gradient* to, real factor) {
                      if (to) tiny::add_each(*to, [&](Index) { return factor * dy.at(0); });
                    };
                    share(dx, 1);
                    share(dgamma, 10);
                    share(dbeta, 100);
                  }));
  };
  joint(parameter, constant, other).backward();
  CHECK(numbers(parameter.grad()) == Numbers{1});
  CHECK(numbers(other.grad()) == Numbers{100});
  joint(constant, scaled(parameter, 2), constant).backward();
  CHECK(numbers(parameter.grad()) == Numbers{21});
  CHECK(!joint(constant, constant, constant).requires_grad());
  joint(parameter, parameter, parameter).backward();
  CHECK(numbers(parameter.grad()) == Numbers{21 + 111});
  CHECK(calls == 3);
}

TEST_CASE("a joint rule beside single ones takes the edges that are its own") {
  const Tensor a = number(1), b = number(1), c = number(1), d = number(1);
  const auto share = [](real factor) {
    return [factor](const Array& dy, Gradient& dx) {
      tiny::add_each(dx, [&](Index) { return factor * dy.at(0); });
    };
  };
  record("mixed", Array(Shape(), {0}), wrt(a, share(2)),
         wrt({b, c},
             [&](const Array& dy, Gradient* db, Gradient* dc) {
               share(3)(dy, *db);
               share(5)(dy, *dc);
             }),
         wrt(d, share(7)))
      .backward();
  CHECK(numbers(a.grad()) == Numbers{2});
  CHECK(numbers(b.grad()) == Numbers{3});
  CHECK(numbers(c.grad()) == Numbers{5});
  CHECK(numbers(d.grad()) == Numbers{7});
}

TEST_CASE("record_many hands each input of a list its share, by position") {
  const Tensor a = number(1), b = number(2), constant(Shape(), {3});
  std::vector<std::size_t> seen;
  const std::vector<Tensor> inputs = {a, constant, scaled(b, 2), a};
  const Tensor y = record_many(
      "many", Array(Shape(), {0}), inputs, [&](const Array& dy, std::size_t i, Gradient& dx) {
        seen.push_back(i);
        tiny::add_each(dx, [&](Index) { return dy.at(0) * static_cast<real>(i + 1); });
      });
  CHECK(y.node()->edges().size() == 4);
  CHECK(y.node()->number == 2);
  y.backward();
  CHECK(seen == std::vector<std::size_t>{0, 2, 3});
  CHECK(numbers(a.grad()) == Numbers{1 + 4});
  CHECK(numbers(b.grad()) == Numbers{2 * 3});
  CHECK_THROWS_AS(y.backward(), StateError);
  CHECK(!record_many("many", Array(Shape(), {0}), {constant},
                     [](const Array&, std::size_t, Gradient&) {})
             .requires_grad());
  CHECK(!record_many("many", Array(Shape(), {0}), {}, [](const Array&, std::size_t, Gradient&) {
         }).requires_grad());
}

TEST_CASE("record_many lets go of its rule's captures") {
  const Tensor x = number(1);
  const Index before = memory::bytes_now();
  const Tensor y =
      record_many("many", Array(Shape(), {0}), {x},
                  [kept = large()](const Array& dy, std::size_t, Gradient& dx) { dx.add(dy); });
  CHECK(holds(before));
  y.backward();
  CHECK(!holds(before));
}

TEST_CASE("memory that runs out while recording leaves nothing behind") {
  const Tensor x = number(1);
  const Index before = memory::bytes_now();
  memory::set_cap(before + mebibyte / 2);
  CHECK_THROWS_AS(hoarding(x), MemoryError);
  memory::set_cap(0);
  CHECK(memory::bytes_now() == before);
  hoarding(x).backward();
  CHECK(numbers(x.grad()) == Numbers{1});
}
