// What ops.hpp promises of the ops that move numbers, of norms and of pooling, where the table of
// ops does not ask: split, NaN, ties, and that what is fused equals its steps.
#include <doctest/doctest.h>

#include <limits>

#include "fovea/ops/ops.hpp"
#include "support/approx.hpp"
#include "support/generate.hpp"
#include "support/gradcheck.hpp"

using namespace fovea;
using support::bits_differ;
using support::Generate;

namespace {

const real not_a_number = std::numeric_limits<real>::quiet_NaN();

std::string close(const Array& got, const Array& expected) {
  support::Plain truth(expected);
  for (const real number : expected.values()) truth.scales.push_back(1 + std::abs(number));
  return support::differs(got, truth, 64);
}

}  // namespace

TEST_CASE(
    "split gives parts that concat joins again, of sizes or of a number, and the gradient reaches "
    "each") {
  const Tensor x = Tensor::parameter(Generate("split", 0).array(Shape{3, 6}, {-1, 1}));
  const std::vector<Tensor> equal = split(x, 3), rows = split(x, {1, 0, 2}, 0);
  CHECK(equal.size() == 3);
  CHECK(equal[1].shape() == Shape{3, 2});
  CHECK(rows[1].shape() == Shape{0, 6});
  CHECK(bits_differ(concat(equal).value(), x.value()) == "");
  CHECK(bits_differ(concat(rows, 0).value(), x.value()) == "");
  sum(equal[1] * real(2) + equal[2]).backward();
  CHECK(bits_differ(x.grad(), Array(Shape{3, 6},
                                    {0, 0, 2, 2, 1, 1, 0, 0, 2, 2, 1, 1, 0, 0, 2, 2, 1, 1})) == "");
}

TEST_CASE("layer_norm and rms_norm equal their steps, value and gradient") {
  Generate g("norm", 0);
  for (const bool centred : {true, false}) {
    const Array values = g.array(Shape{130, 37}, {-2, 3}),
                weights = g.array(Shape{130, 37}, {-1, 1}), scale = g.array(Shape{37}, {-1, 2}),
                shift = g.array(Shape{37}, {-1, 1});
    std::vector<Array> gradients[2];
    Array results[2];
    for (const bool fused : {true, false}) {
      const Tensor x = Tensor::parameter(values), gamma = Tensor::parameter(scale),
                   beta = Tensor::parameter(shift);
      const Tensor d = centred ? x - mean(x, -1, true) : x;
      const Tensor steps = d / sqrt(mean(d * d, -1, true) + real(1e-3)) * gamma;
      const Tensor y = !fused    ? (centred ? steps + beta : steps)
                       : centred ? layer_norm(x, gamma, beta)
                                 : rms_norm(x, gamma, real(1e-3));
      support::weighted_sum(y, weights).backward();
      results[fused] = y.value();
      gradients[fused] = {x.grad(), gamma.grad(), beta.grad()};
    }
    CHECK(close(results[1], results[0]) == "");
    for (std::size_t i = 0; i < 3; ++i) CHECK(close(gradients[1][i], gradients[0][i]) == "");
  }
}

TEST_CASE(
    "linear gives the bits of its steps, value and gradients, for each activation, with a bias and "
    "without") {
  struct Sizes {
    Shape x;
    Index units;
  };
  for (const Sizes& sizes :
       {Sizes{{70, 33}, 300}, {{3, 41, 20}, 5}, {{5000, 3}, 1}, {{1, 784}, 256}})
    for (int number = 0; number <= static_cast<int>(Activation::softplus); ++number)
      for (const bool biased : {true, false}) {
        Generate g("linear", number);
        INFO("x ", to_string(sizes.x), ", activation ", number, ", biased ", biased);
        const auto activation = static_cast<Activation>(number);
        const std::vector<Array> values = {g.array(sizes.x, {-1, 1}),
                                           g.array(Shape{sizes.x[-1], sizes.units}, {-1, 1}),
                                           g.array(Shape{sizes.units}, {-1, 1})};
        const Array weights = g.array(sizes.x.with(-1, sizes.units), {-1, 1});
        std::vector<Array> results[2];
        for (const bool fused : {true, false}) {
          const std::vector<Tensor> in = support::as_parameters(values);
          const Tensor product = fused ? Tensor() : matmul(in[0], in[1]);
          const Tensor y = fused ? linear(in[0], in[1], biased ? in[2] : Tensor(), activation)
                                 : activate(biased ? product + in[2] : product, activation);
          support::weighted_sum(y, weights).backward();
          results[fused] = {y.value(), in[0].grad(), in[1].grad()};
          if (biased) results[fused].push_back(in[2].grad());
        }
        for (std::size_t i = 0; i < results[0].size(); ++i)
          CHECK(bits_differ(results[1][i], results[0][i]) == "");
      }
}

TEST_CASE("linear with relu, sigmoid or tanh is one node, and keeps a NaN") {
  for (const Activation activation :
       {Activation::linear, Activation::relu, Activation::sigmoid, Activation::tanh}) {
    const Tensor w = Tensor::parameter(Array::full(Shape{2, 3}, 1)),
                 y = linear(Tensor({1, 2}, {1, not_a_number}), w, {}, activation);
    CHECK(std::string(y.node()->name) == "linear");
    CHECK(y.node()->edges()[1].parent.get() == w.node().get());
    for (const real value : y.value().values()) CHECK(std::isnan(value));
  }
}

TEST_CASE("layer_norm keeps its digits where the mean is large") {
  const Tensor ones = Array::full(Shape{4}, 1), zeros = Array::zeros(Shape{4});
  const Array y = layer_norm(Tensor({1, 4}, {10000, 10001, 10002, 10003}), ones, zeros).value(),
              small = layer_norm(Tensor({1, 4}, {0, 1, 2, 3}), ones, zeros).value();
  CHECK(close(y, small) == "");
}

TEST_CASE("the gradient of max_pool goes to the first of equals, and a NaN is the largest") {
  const Tensor x = Tensor::parameter(Array(Shape{1, 4, 1}, {2, 2, 1, 1}));
  sum(max_pool1d(x)).backward();
  CHECK(bits_differ(x.grad(), Array(Shape{1, 4, 1}, {1, 0, 1, 0})) == "");
  const Array y = max_pool1d(Array(Shape{1, 4, 1}, {not_a_number, 5, 6, not_a_number})).value();
  CHECK((std::isnan(y.at(0)) && std::isnan(y.at(1))));
}

TEST_CASE("matmul of two vectors is a scalar, and of a vector one row or one column") {
  const Tensor v({2}, {1, 2}), m({2, 3}, {1, 2, 3, 4, 5, 6});
  CHECK(bits_differ(matmul(v, v).value(), Array(Shape{}, {5})) == "");
  CHECK(bits_differ(matmul(v, m).value(), Array(Shape{3}, {9, 12, 15})) == "");
  CHECK(bits_differ(matmul(m, v, {.transpose_a = true}).value(), Array(Shape{3}, {9, 12, 15})) ==
        "");
}
