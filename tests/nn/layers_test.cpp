// Dense, Embedding, and how both are initialised.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "fovea/base/error.hpp"
#include "fovea/nn/attention_layer.hpp"
#include "fovea/nn/dense.hpp"
#include "fovea/nn/embedding.hpp"
#include "fovea/nn/init.hpp"
#include "fovea/ops/ops.hpp"
#include "support/approx.hpp"
#include "support/generate.hpp"

using namespace fovea;
using support::bits_differ;
using support::Generate;

namespace {

// All within the limit, close to it on both sides, and around 0.
void check_uniform(const Array& array, double limit) {
  const auto [low, high] = std::ranges::minmax(array.values());
  CHECK(static_cast<double>(low) >= -limit * 1.0000001);
  CHECK(static_cast<double>(high) <= limit * 1.0000001);
  const double slack =
      20 * limit / static_cast<double>(array.count());  // e^-10 that no number is as close
  CHECK(static_cast<double>(low) < -limit + slack);
  CHECK(static_cast<double>(high) > limit - slack);
  double total = 0, squares = 0;
  for (const real number : array.values())
    total += static_cast<double>(number), squares += static_cast<double>(number * number);
  const double count = static_cast<double>(array.count());
  CHECK(std::abs(total / count) < 5 * limit / std::sqrt(3 * count));
  CHECK(squares / count == doctest::Approx(limit * limit / 3).epsilon(5 / std::sqrt(count)));
}

}  // namespace

TEST_CASE("the documented model starts within Keras' limits, and its biases at 0") {
  Embedding embedding{10000, 128};
  AttentionLayer attention{64};
  Dense dense{10, Activation::softmax};
  const Rng random(0);
  embedding.build(Shape{20}, random.split("embedding"));
  attention.build(Shape{20, 128}, random.split("attention_layer"));
  dense.build(Shape{128}, random.split("dense"));
  check_uniform(embedding.embeddings.value(), 0.05);
  check_uniform(attention.W1.kernel.value(), 0.176777);
  check_uniform(attention.W2.kernel.value(), 0.176777);
  check_uniform(attention.V.kernel.value(), 0.303822);
  check_uniform(dense.kernel.value(), 0.208514);
  for (const Tensor& bias : {attention.W1.bias, attention.W2.bias, attention.V.bias, dense.bias})
    CHECK(bits_differ(bias.value(), Array::zeros(bias.shape())) == "");
  CHECK(bits_differ(attention.W1.kernel.value(), attention.W2.kernel.value()) != "");
  CHECK(embedding.embeddings.shape().count() + parameter_count(attention) +
            parameter_count(dense) ==
        1297867);
}

TEST_CASE("initial weights are a function of the generator, and take inputs and outputs") {
  CHECK(bits_differ(init::uniform(Shape{3, 4}, -1, 2, Rng(5)),
                    init::uniform(Shape{3, 4}, -1, 2, Rng(5))) == "");
  CHECK(bits_differ(init::uniform(Shape{3, 4}, -1, 2, Rng(5)),
                    init::uniform(Shape{3, 4}, -1, 2, Rng(6))) != "");
  for (const real number : init::uniform(Shape{100, 100}, -1, 2, Rng(5)).values())
    CHECK((number >= -1 && number <= 2));
  CHECK_THROWS_WITH_AS(init::glorot_uniform(Shape{3}, Rng(5)),
                       "glorot_uniform: the shape is (3,); it must be (inputs, outputs)",
                       ShapeError);
}

TEST_CASE("Dense is x W + b for any leading axes, with each activation") {
  Generate g("dense", 0);
  Dense dense{4};
  CHECK(dense.build(Shape{5, 3}, Rng(1)) == Shape{5, 4});
  dense.bias.assign(g.array(Shape{4}, {-1, 1}));
  const Array x = g.array(Shape{2, 5, 3}, {-1, 1});
  const Array y = dense(x).value();
  CHECK(y.shape() == Shape{2, 5, 4});
  for (Index row = 0; row < 10; ++row)
    for (Index unit = 0; unit < 4; ++unit) {
      double expected = static_cast<double>(dense.bias.value().at(unit));
      for (Index i = 0; i < 3; ++i)
        expected += static_cast<double>(x.at(row * 3 + i) * dense.kernel.value().at(i * 4 + unit));
      CHECK(static_cast<double>(y.at(row * 4 + unit)) == doctest::Approx(expected).epsilon(1e-5));
    }
  const auto with = [&](Activation activation) {
    Dense same = dense;
    same.activation = activation;
    return same(x).value();
  };
  CHECK(bits_differ(with(Activation::relu), relu(y).value()) == "");
  CHECK(bits_differ(with(Activation::sigmoid), sigmoid(y).value()) == "");
  CHECK(bits_differ(with(Activation::tanh), fovea::tanh(y).value()) == "");
  CHECK(bits_differ(with(Activation::softmax), softmax(y).value()) == "");
  CHECK(bits_differ(with(Activation::gelu), gelu(y).value()) == "");
  CHECK(bits_differ(with(Activation::silu), silu(y).value()) == "");
  CHECK(bits_differ(with(Activation::elu), elu(y).value()) == "");
  CHECK(bits_differ(with(Activation::leaky_relu), leaky_relu(y).value()) == "");
  CHECK(bits_differ(with(Activation::softplus), softplus(y).value()) == "");
  CHECK_THROWS_WITH_AS(with(static_cast<Activation>(99)),
                       "Activation: there is none with the value 99", ValueError);
}

TEST_CASE("Dense is one node with an activation that is fused, and two with another") {
  Dense dense{4, Activation::relu};
  dense.build(Shape{3}, Rng(1));
  const Tensor y = dense(Array::full(Shape{2, 3}, 1));
  CHECK(std::string(y.node()->name) == "linear");
  CHECK(y.node()->edges()[1].parent.get() == dense.kernel.node().get());
  CHECK(y.node()->edges()[2].parent.get() == dense.bias.node().get());
  dense.activation = Activation::gelu;
  CHECK(std::string(dense(Array::full(Shape{2, 3}, 1)).node()->name) == "gelu");
}

TEST_CASE("Dense without a bias has none") {
  Dense dense{.units = 4, .use_bias = false};
  dense.build(Shape{3}, Rng(1));
  CHECK(parameter_count(dense) == 12);
  CHECK(bits_differ(dense(Array::zeros(Shape{2, 3})).value(), Array::zeros(Shape{2, 4})) == "");
}

TEST_CASE("Dense refuses what it cannot be") {
  Dense dense{0};
  CHECK_THROWS_WITH_AS(dense.build(Shape{3}, Rng(1)), "Dense: units is 0; it must be at least 1",
                       ValueError);
  dense.units = 4;
  CHECK_THROWS_WITH_AS(dense.build(Shape{}, Rng(1)),
                       "Dense: a sample is a scalar; it must be (..., inputs)", ShapeError);
  CHECK_THROWS_WITH_AS(dense(Array::zeros(Shape{2, 3})),
                       "Dense: it is not built; call build with the shape of a sample, put it into "
                       "a Sequential, or call it by a Caller inside a module",
                       StateError);
  dense.build(Shape{3}, Rng(1));
  CHECK_THROWS_WITH_AS(dense.build(Shape{5}, Rng(1)),
                       "Dense: built for 3 inputs and 4 units; now a sample is (5,) and units is 4",
                       ShapeError);
  CHECK_THROWS_WITH_AS(dense(Array::zeros(Shape{2, 5})),
                       "Dense: x is (2, 5), built for 3 features; the last size of x must be 3",
                       ShapeError);
}

TEST_CASE(
    "Embedding gives the rows that ids name, and its gradient is the touched rows, repeated ids "
    "added up") {
  Embedding embedding{7, 3};
  CHECK(embedding.build(Shape{2}, Rng(1)) == Shape{2, 3});
  const Ids ids(Shape{2, 2}, {6, 0, 2, 6});
  const Tensor y = embedding(ids);
  for (Index i = 0; i < 4; ++i)
    CHECK(bits_differ(y.value().reshaped(Shape{4, 3}).rows(i, i + 1),
                      embedding.embeddings.value().rows(ids.at(i), ids.at(i) + 1)) == "");
  sum(y).backward();
  CHECK(embedding.embeddings.gradient().has_rows_only());
  const TouchedRows rows = embedding.embeddings.gradient().rows();
  CHECK(std::ranges::equal(rows.ids.values(), std::vector<std::int32_t>{0, 2, 6}));
  CHECK(bits_differ(rows.values, Array(Shape{3, 3}, {1, 1, 1, 1, 1, 1, 2, 2, 2})) == "");
}

TEST_CASE("Embedding refuses ids beyond its table on both sides, and sizes below 1") {
  Embedding embedding{7, 3};
  CHECK_THROWS_WITH_AS(embedding(Ids(Shape{1, 1}, {0})),
                       "Embedding: it is not built; call build with the shape of a sample, put it "
                       "into a Sequential, or call it by a Caller inside a module",
                       StateError);
  embedding.build(Shape{2}, Rng(1));
  CHECK_THROWS_WITH_AS(embedding.check(Ids(Shape{2, 2}, {0, 6, 7, 1})),
                       "Embedding: the id at position 2 of ids of shape (2, 2) is 7; input_dim is "
                       "7, so ids are 0 to 6",
                       IndexError);
  CHECK_THROWS_WITH_AS(embedding(Ids(Shape{2}, {0, -1})),
                       "Embedding: the id at position 1 of ids of shape (2,) is -1; input_dim is "
                       "7, so ids are 0 to 6",
                       IndexError);
  Embedding none{0, 3}, thin{7, 0};
  CHECK_THROWS_WITH_AS(none.build(Shape{2}, Rng(1)),
                       "Embedding: input_dim is 0, output_dim is 3; both must be at least 1",
                       ValueError);
  CHECK_THROWS_WITH_AS(thin.build(Shape{2}, Rng(1)),
                       "Embedding: input_dim is 7, output_dim is 0; both must be at least 1",
                       ValueError);
}

TEST_CASE("Embedding refuses a table of one's own that is not of its sizes") {
  Embedding embedding{
      .input_dim = 7, .output_dim = 3, .embeddings = Tensor::parameter(Array::zeros(Shape{5, 3}))};
  CHECK_THROWS_WITH_AS(
      embedding.build(Shape{2}, Rng(1)),
      "Embedding: built for a table of shape (5, 3); input_dim is 7 and output_dim is 3",
      ShapeError);
}

TEST_CASE("Embedding masks id 0 if asked to") {
  const Ids ids(Shape{2, 3}, {1, 0, 2, 0, 0, 6});
  CHECK(!Embedding{7, 3}.mask(ids));
  const std::optional<Mask> mask =
      Embedding{.input_dim = 7, .output_dim = 3, .mask_zero = true}.mask(ids);
  REQUIRE(mask);
  CHECK(mask->shape() == Shape{2, 3});
  CHECK(std::ranges::equal(mask->keep(), std::vector<std::uint8_t>{1, 0, 1, 0, 0, 1}));
}
