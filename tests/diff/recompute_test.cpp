// Checkpoints: the same bits as without, less memory.
#include <doctest/doctest.h>

#include "fovea/autograd/graph.hpp"
#include "fovea/base/error.hpp"
#include "fovea/diff/grad.hpp"
#include "fovea/memory/buffer.hpp"
#include "fovea/nn/dense.hpp"
#include "fovea/ops/ops.hpp"
#include "support/approx.hpp"
#include "support/generate.hpp"
#include "support/refusal.hpp"

using namespace fovea;
using support::bits_differ, support::Generate, support::refusal;

namespace {

using Inputs = const std::vector<Tensor>&;

// A chain of tanh x W with the segments between recomputed parts, or without any; the gradients by
// x and W.
std::vector<Array> chain_gradients(const Array& x0, const Array& w0, int segments, int length,
                                   bool recomputed, Index* bytes = nullptr) {
  const Tensor x = Tensor::parameter(x0), w = Tensor::parameter(w0);
  const auto segment = [&](Inputs in) {
    Tensor h = in[0];
    for (int i = 0; i < length; ++i) h = tanh(matmul(h, w) + h * real(0.5));
    return h + in[0];  // the input is used inside once more
  };
  Tensor h = x;
  for (int i = 0; i < segments; ++i) h = recomputed ? recompute(segment, {h}) : segment({h});
  const Tensor loss = sum(h * h);
  if (bytes) *bytes = memory::bytes_now();
  loss.backward();
  return {loss.value(), x.grad(), w.grad()};
}

}  // namespace

TEST_CASE("values and gradients are the same bits as without recomputation") {
  for (Index trial = 0; trial < 20; ++trial) {
    Generate g("recompute", trial);
    const Index rows = g.integer(1, 5), width = g.integer(1, 7);
    const Array x = g.array(Shape{rows, width}, {-1, 1}), w = g.array(Shape{width, width}, {-1, 1});
    const auto plain = chain_gradients(x, w, 3, 2, false),
               recomputed = chain_gradients(x, w, 3, 2, true);
    for (std::size_t i = 0; i < plain.size(); ++i)
      CHECK(bits_differ(recomputed[i], plain[i]) == "");
  }
}

TEST_CASE(
    "shares of a gradient are added up in the same order inside of a recomputation, also for "
    "inputs "
    "of different depth") {
  for (Index trial = 0; trial < 20; ++trial) {
    Generate g("depth", trial);
    const Array start = g.array(Shape{9}, {-1, 1}), c1 = g.array(Shape{9}, {-1, 1}),
                c2 = g.array(Shape{9}, {-1, 1});
    const auto gradient = [&](bool recomputed) {
      const Tensor shallow = Tensor::parameter(start);
      const Tensor deep = sin(sin(sin(Tensor::parameter(c1))));
      const auto f = [&](Inputs in) {
        return in[0] * Tensor(c1) + (in[0] * Tensor(c2) + in[0] * in[1]);
      };
      sum(recomputed ? recompute(f, {shallow, deep}) : f({shallow, deep})).backward();
      return shallow.grad();
    };
    CHECK(bits_differ(gradient(true), gradient(false)) == "");
  }
}

TEST_CASE("the graph keeps the inputs of recomputed parts and nothing in between") {
  const Array x = Array::full(Shape{64, 64}, real(0.1)), w = Array::full(Shape{64, 64}, real(0.01));
  const Index before = memory::bytes_now();
  Index plain = 0, recomputed = 0;
  chain_gradients(x, w, 4, 8, false, &plain);
  chain_gradients(x, w, 4, 8, true, &recomputed);
  const Index one = x.count() * static_cast<Index>(sizeof(real));
  CHECK(plain - before > 4 * 8 * one);
  CHECK(recomputed - before < 12 * one);
}

TEST_CASE(
    "several inputs, constants and frozen ones among them, and a function that makes nothing of "
    "its input") {
  const Tensor a = Tensor::parameter(Array(Shape{2}, {1, 2})), b(Array(Shape{2}, {3, 4}));
  Tensor frozen = Tensor::parameter(Array(Shape{2}, {5, 6}));
  frozen.set_requires_grad(false);
  const Tensor y = recompute([](Inputs in) { return in[0] * in[1] * in[2]; }, {a, b, frozen});
  sum(y).backward();
  CHECK(bits_differ(a.grad(), Array(Shape{2}, {15, 24})) == "");
  sum(recompute([](Inputs in) { return in[0]; }, {a})).backward();
  CHECK(bits_differ(a.grad(), Array(Shape{2}, {16, 25})) == "");
  CHECK(!recompute([](Inputs in) { return in[0] * real(2); }, {b}).requires_grad());
  const NoGrad no_grad;
  CHECK(!recompute([](Inputs in) { return in[0] * real(2); }, {a}).requires_grad());
}

TEST_CASE(
    "modules inside learn, also where no input needs a gradient, and a retained graph may run "
    "twice") {
  Dense dense{3, Activation::tanh};
  dense.build(Shape{2}, Rng(1));
  const Tensor x(Array(Shape{1, 2}, {1, -1}));
  sum(dense(x)).backward();
  const Array expected = dense.kernel.grad();
  zero_grad(dense);
  const Tensor loss = sum(recompute([&](Inputs in) { return dense(in[0]); }, {x}));
  loss.backward(true);
  CHECK(bits_differ(dense.kernel.grad(), expected) == "");
  loss.backward();
  CHECK(bits_differ(dense.kernel.grad(), (Tensor(expected) * real(2)).value()) == "");
}

TEST_CASE("recomputations nest") {
  const Tensor x = Tensor::parameter(Array(Shape{2}, {real(0.3), real(-0.2)})),
               z = Tensor::parameter(x.value());
  const auto inner = [](Inputs in) { return tanh(in[0] * in[0]); };
  const auto outer = [&](Inputs in) { return recompute(inner, {sin(in[0])}) * in[0]; };
  sum(recompute(outer, {x})).backward();
  sum(inner({sin(z)}) * z).backward();
  CHECK(bits_differ(x.grad(), z.grad()) == "");
}

TEST_CASE(
    "a parameter that is written to in between is noticed, and so is a function that changes its "
    "mind") {
  Tensor w = Tensor::parameter(Array(Shape{2}, {1, 2}));
  const Tensor x = Tensor::parameter(Array(Shape{2}, {1, 1}));
  const Tensor loss = sum(recompute([&](Inputs in) { return in[0] * w; }, {x}));
  w.assign(Array(Shape{2}, {3, 4}));
  CHECK(refusal<StateError>([&] {
          loss.backward();
        }).starts_with("backward: an input of recompute, a parameter"));
  int calls = 0;
  const Tensor fickle =
      sum(recompute([&](Inputs in) { return ++calls == 1 ? in[0] : sum(in[0]); }, {x}));
  CHECK(
      refusal<StateError>([&] { fickle.backward(); }) ==
      "recompute: the function returned other values, of shape (), in backward than in forward, of "
      "shape (2,); it must compute the same each time, from the same values");
  Tensor frozen = Tensor::parameter(Array(Shape{2}, {2, 3}));
  frozen.set_requires_grad(false);
  const Tensor hidden = sum(recompute([&](Inputs in) { return in[0] * (frozen * real(1)); }, {x}));
  frozen.assign(Array(Shape{2}, {100, 100}));
  CHECK(refusal<StateError>([&] {
          hidden.backward();
        }).starts_with("recompute: the function returned other values"));
}

TEST_CASE("a recomputation does not reorder what stands behind it") {
  for (Index trial = 0; trial < 20; ++trial) {
    Generate g("behind", trial);
    const Array a = g.array(Shape{9}, {-1, 1}), b = g.array(Shape{9}, {-1, 1});
    const auto gradient = [&](bool recomputed) {
      const Tensor p = Tensor::parameter(a), q = Tensor::parameter(b);
      const auto deep = [](Inputs in) { return sin(sin(sin(sin(sin(in[0]))))); };
      sum((recomputed ? recompute(deep, {q}) : deep({q})) * p + sin(sin(sin(q))) * p + sin(q) * p)
          .backward();
      return p.grad();
    };
    CHECK(bits_differ(gradient(true), gradient(false)) == "");
  }
}

TEST_CASE(
    "what was frozen since counts no more, and what leaves the function besides its result is "
    "refused") {
  Tensor x = Tensor::parameter(Array(Shape{2}, {1, 2})),
         other = Tensor::parameter(Array(Shape{2}, {1, 1}));
  const Tensor loss = sum(recompute([](Inputs in) { return exp(in[0]); }, {x}) * real(0) + other);
  x.set_requires_grad(false);
  loss.backward();
  CHECK(bits_differ(other.grad(), Array(Shape{2}, {1, 1})) == "");
  x.set_requires_grad(true);
  Tensor aside;
  const Tensor y = recompute(
      [&](Inputs in) {
        aside = sum(in[0]);
        return exp(in[0]);
      },
      {x});
  CHECK(refusal<StateError>([&] {
          (sum(y) + aside).backward();
        }).starts_with("backward: an input of sum, a recompute input of shape (2,)"));
}

TEST_CASE("results from outside must be given as inputs") {
  const Tensor x = Tensor::parameter(Array(Shape{2}, {1, 1})), outside = exp(x);
  CHECK(refusal<ValueError>([&] { recompute([&](Inputs in) { return in[0] * outside; }, {x}); }) ==
        "recompute: the function uses the result of exp, of shape (2,), which was computed "
        "outside; give it as an input");
}
