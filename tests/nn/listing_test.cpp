// The well-known listing taken literally: softmax over an axis of size 1, and a product that
// conforms at time 1 only.
#include <doctest/doctest.h>

#include "fovea/base/error.hpp"
#include "fovea/nn/dense.hpp"
#include "fovea/ops/ops.hpp"
#include "fovea/optim/adam.hpp"
#include "support/approx.hpp"
#include "support/generate.hpp"

using namespace fovea;
using support::bits_differ;
using support::Generate;

namespace {

// As it stands there, line by line.
struct LiteralAttention {
  Dense W1{4}, W2{4}, V{1};

  Shape build(const Shape& sample, const Rng& random) {
    W1.build(sample, random.split("W1"));
    W2.build(sample, random.split("W2"));
    V.build(Shape{sample[0], 4}, random.split("V"));
    return sample;
  }

  Tensor weights(const Tensor& inputs) const {
    const Tensor score = V(tanh(W1(inputs) + W2(inputs)));
    return softmax(score, -1);
  }

  Tensor operator()(const Tensor& inputs) const { return matmul(weights(inputs), inputs); }

  static void parameters(auto& self, auto&& visit) {
    visit("W1", self.W1);
    visit("W2", self.W2);
    visit("V", self.V);
  }
};

LiteralAttention built(Index time) {
  LiteralAttention layer;
  layer.build(Shape{time, 6}, Rng(3));
  return layer;
}

}  // namespace

TEST_CASE("read literally, every attention weight is exactly 1, whatever the inputs") {
  Generate g("literal", 0);
  const Tensor weights = built(9).weights(g.array(Shape{5, 9, 6}, {-20, 20}));
  CHECK(bits_differ(weights.value(), Array::full(Shape{5, 9, 1}, 1)) == "");
}

TEST_CASE("read literally, time beyond 1 does not conform, and the message says where") {
  const LiteralAttention layer = built(3);
  CHECK_THROWS_WITH_AS(layer(Array::full(Shape{2, 3, 6}, 1)),
                       "matmul: inner sizes differ: a is (2, 3, 1), b is (2, 3, 6); the last size "
                       "of a must equal the second-to-last of b",
                       ShapeError);
}

TEST_CASE("read literally at time 1, the layer is the identity, and nothing in it ever learns") {
  Generate g("literal", 1);
  const LiteralAttention layer = built(1);
  const Array inputs = g.array(Shape{5, 1, 6}, {-2, 2});
  std::vector<Array> before;
  for (const NamedParameter& parameter : parameters_of(layer))
    before.push_back(parameter.tensor.value().clone());
  Adam adam;
  adam.attach(layer);
  for (int step = 0; step < 10; ++step) {
    const Tensor x = Tensor::parameter(inputs);
    const Tensor y = layer(x);
    CHECK(bits_differ(y.value(), inputs) == "");
    adam.zero_grad();
    sum(y * y * y).backward();
    CHECK(mean(Tensor(x.grad()) * Tensor(x.grad())).item() > 0);
    for (const NamedParameter& parameter : parameters_of(layer))
      for (const real number : parameter.tensor.grad().values()) CHECK(number == 0);
    adam.step();
  }
  std::size_t next = 0;
  for (const NamedParameter& parameter : parameters_of(layer))
    CHECK(bits_differ(parameter.tensor.value(), before[next++]) == "");
  CHECK(next == 6);
}

TEST_CASE("read literally with transpose_a, the context is the plain sum over time") {
  Generate g("literal", 2);
  const LiteralAttention layer = built(4);
  const Tensor x(g.array(Shape{2, 4, 6}, {-2, 2}));
  const Array context = matmul(layer.weights(x), x, {.transpose_a = true}).value(),
              total = sum(x, 1, true).value();
  for (Index i = 0; i < total.count(); ++i)
    CHECK(context.at(i) == doctest::Approx(static_cast<double>(total.at(i))).epsilon(1e-5));
}

// alpha_ij = exp(e_ij) / sum_k exp(e_ik), i an input and j an output: the printed index normalises
// over outputs.
TEST_CASE("normalised over the printed index, an output is no weighted mean of the inputs") {
  Generate g("printed", 0);
  const Tensor scores(g.array(Shape{4, 4}, {-2, 2}));  // (i, j)
  const Array printed = sum(softmax(scores, 1), 0).value(),
              meant = sum(softmax(scores, 0), 0).value();
  real farthest = 0;
  for (Index j = 0; j < 4; ++j) {
    farthest = std::max(farthest, std::abs(printed.at(j) - 1));
    CHECK(meant.at(j) == doctest::Approx(1).epsilon(1e-6));
  }
  CHECK(farthest > real(0.1));
}
