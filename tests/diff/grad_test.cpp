// grad, hooks on tensors, gradcheck.
#include "fovea/diff/grad.hpp"

#include <doctest/doctest.h>

#include "fovea/autograd/graph.hpp"
#include "fovea/base/error.hpp"
#include "fovea/diff/gradcheck.hpp"
#include "fovea/ops/ops.hpp"
#include "support/approx.hpp"
#include "support/refusal.hpp"

using namespace fovea;
using support::bits_differ, support::refusal;

namespace {

Array numbers(std::initializer_list<real> values) {
  return Array(Shape{static_cast<Index>(values.size())}, values);
}

}  // namespace

TEST_CASE("grad gives the gradients of leaves and results, and touches nobody's own") {
  const Tensor x = Tensor::parameter(numbers({1, 2})), y = Tensor::parameter(numbers({3, 4}));
  y.gradient().add(numbers({7, 7}));
  const Tensor product = x * y, loss = sum(product * product);
  const std::vector<Array> gradients = grad(loss, {product, y, loss, x}, {.retain_graph = true});
  CHECK(bits_differ(gradients[0], numbers({6, 16})) == "");
  CHECK(bits_differ(gradients[1], numbers({6, 32})) == "");
  CHECK(bits_differ(gradients[2], Array::full(Shape{}, 1)) == "");
  CHECK(bits_differ(gradients[3], numbers({18, 64})) == "");
  CHECK(bits_differ(y.grad(), numbers({7, 7})) == "");
  CHECK(bits_differ(x.grad(), numbers({0, 0})) == "");
  CHECK(grad(loss, {}).empty());
  CHECK(refusal<StateError>([&] { grad(loss, {x}); }) ==
        "backward: the graph behind sum was released by an earlier backward; pass retain_graph = "
        "true there to run it twice");
}

TEST_CASE("grad of a table is dense, and zero where a gradient stops on the way") {
  const Tensor table = Tensor::parameter(Array::full(Shape{3, 2}, 1)),
               x = Tensor::parameter(numbers({1, 2}));
  const Tensor loss =
      sum(gather_rows(table, Ids(Shape{2}, {2, 2}))) + sum(x.detach()) + sum(sign(x));
  const std::vector<Array> gradients = grad(loss, {table, x});
  CHECK(bits_differ(gradients[0], Array(Shape{3, 2}, {0, 0, 0, 0, 2, 2})) == "");
  CHECK(bits_differ(gradients[1], numbers({0, 0})) == "");
}

TEST_CASE("grad refuses inputs that the loss does not depend on, and losses without a graph") {
  const Tensor x = Tensor::parameter(numbers({1, 2})), other = Tensor::parameter(numbers({1}));
  CHECK(
      refusal<StateError>([&] {
        grad(sum(x), {x, other});
      }) ==
      "grad: the loss does not depend on input 1 of shape (1,); leave it out, or set allow_unused");
  CHECK(
      refusal<StateError>([&] {
        grad(sum(x), {Tensor(numbers({1, 2}))});
      }) ==
      "grad: the loss does not depend on input 0 of shape (2,); leave it out, or set allow_unused");
  CHECK(refusal<ShapeError>([&] { grad(x * x, {x}); }) ==
        "backward: the loss has shape (2,); it must be a scalar; take its sum or mean");
  CHECK(refusal<StateError>([&] { grad(sum(x.detach()), {x}); }) ==
        "backward: the loss depends on no parameter that requires gradients; make a leaf with "
        "Tensor::parameter, and run the forward pass outside the scope of any NoGrad");
}

TEST_CASE("grad gives zeros for what the loss does not depend on, where that is allowed") {
  const Tensor x = Tensor::parameter(numbers({1, 2})), other = Tensor::parameter(numbers({1}));
  const std::vector<Array> gradients =
      grad(sum(x), {other, exp(other), x, numbers({3})}, {.allow_unused = true});
  CHECK(bits_differ(gradients[0], numbers({0})) == "");
  CHECK(bits_differ(gradients[1], numbers({0})) == "");
  CHECK(bits_differ(gradients[2], numbers({1, 1})) == "");
  CHECK(bits_differ(gradients[3], numbers({0})) == "");
}

TEST_CASE("a hook sees the whole gradient once, and what it gives flows on") {
  const Tensor x = Tensor::parameter(numbers({1, 2}));
  std::vector<Array> seen;
  const Tensor watched = register_hook(x, [&](const Array& dx) {
    seen.push_back(dx);
    return numbers({10, 20});
  });
  sum(watched * watched + watched).backward();
  REQUIRE(seen.size() == 1);
  CHECK(bits_differ(seen[0], numbers({3, 5})) == "");
  CHECK(bits_differ(x.grad(), numbers({10, 20})) == "");
  CHECK(bits_differ(watched.value(), x.value()) == "");
}

TEST_CASE("a hook that gives another shape is refused") {
  const Tensor x = Tensor::parameter(numbers({1, 2}));
  const Tensor loss = sum(register_hook(x, [](const Array&) { return numbers({1}); }));
  CHECK(refusal<ShapeError>([&] { loss.backward(); }) ==
        "Gradient: a contribution of shape (1,) to a gradient of shape (2,)");
}

TEST_CASE("backward from a tensor of any shape takes its gradient") {
  const Tensor x = Tensor::parameter(numbers({1, 2}));
  square(x).backward(numbers({1, -3}));
  CHECK(bits_differ(x.grad(), numbers({2, -12})) == "");
  CHECK(refusal<ShapeError>([&] { square(x).backward(numbers({1})); }) ==
        "backward: a gradient of shape (1,) for a tensor of shape (2,); the two must be equal");
}

TEST_CASE(
    "gradcheck accepts right gradients and finds a wrong sign, a forgotten factor and a forgotten "
    "rule") {
  const std::vector<Array> at = {Array(Shape{2, 3}, {1, -2, real(0.5), 3, 1, -1}),
                                 numbers({2, 1, real(-0.5)})};
  const GradcheckResult right =
      gradcheck([](const std::vector<Tensor>& x) { return tanh(x[0] * x[1]); }, at);
  CHECK(right);
  CHECK(right.failure == "");
  CHECK(right.comparisons == 3 + 9);
  const auto wrong = [&](real factor) {
    return gradcheck(
        [factor](const std::vector<Tensor>& x) {
          const Tensor y = x[0] * x[1];
          return record("wrong", y.value(), wrt(y, [factor](const Array& dy, Gradient& dx) {
                          dx.add((Tensor(dy) * factor).value());
                        }));
        },
        at);
  };
  CHECK(wrong(1));
  CHECK(!wrong(-1));
  CHECK(!wrong(2));
  CHECK(wrong(-1).failure.starts_with("direction 0: analytic "));
  CHECK(!gradcheck([](const std::vector<Tensor>& x) { return x[0].detach() + x[1]; }, at));
}

TEST_CASE(
    "gradcheck touches nobody's gradients, and does not call a result right that is all NaN") {
  const Tensor w = Tensor::parameter(numbers({3, 4}));
  CHECK(gradcheck([&](const std::vector<Tensor>& x) { return x[0] * w; }, {numbers({1, 2})}));
  CHECK(w.gradient().empty());
  CHECK(gradcheck([](const std::vector<Tensor>& x) { return log(x[0]); }, {numbers({-1, -2})})
            .failure == "the result is all NaN");
  CHECK(refusal<ValueError>([] {
          gradcheck([](const std::vector<Tensor>& x) { return x[0]; }, {numbers({1})},
                    {.directions = 0});
        }) == "gradcheck: directions is 0; it must be at least 1");
}

TEST_CASE("what is empty or not defined is refused at the door") {
  const Tensor x = Tensor::parameter(numbers({1, 2}));
  CHECK(refusal<ValueError>([&] { register_hook(x, {}); }) == "register_hook: the hook is empty");
  CHECK(refusal<ValueError>([&] { recompute({}, {x}); }) == "recompute: the function is empty");
  const Tensor loss = sum(x);
  CHECK(refusal<StateError>([&] {
          grad(loss, {Tensor()}, {.allow_unused = true});
        }).starts_with("this tensor is undefined"));
  loss.backward();
}

TEST_CASE("gradcheck of few numbers moves each alone, and looks past what is not finite") {
  const GradcheckResult one = gradcheck(
      [](const std::vector<Tensor>& x) {
        return log_softmax(x[0], -1, Mask(Shape{3}, {1, 0, 1}));
      },
      {numbers({1, 2, 3})});
  CHECK(one);
  CHECK(one.comparisons == 6);
  const GradcheckResult many = gradcheck([](const std::vector<Tensor>& x) { return sum(x[0]); },
                                         {Array::zeros(Shape{30})}, {.directions = 2});
  CHECK(many.comparisons == 2);
}
