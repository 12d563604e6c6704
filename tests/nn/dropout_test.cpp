// Dropout, and what it draws.
#include "fovea/nn/dropout.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "fovea/base/error.hpp"
#include "fovea/nn/attention_layer.hpp"
#include "fovea/ops/ops.hpp"
#include "support/approx.hpp"
#include "support/generate.hpp"

using namespace fovea;
using support::bits_differ;

namespace {

Context training(std::uint64_t step, Index first_sample = 0,
                 std::string_view path = "model/dropout") {
  return {.training = true, .seed = 11, .step = step, .first_sample = first_sample, .path = path};
}

Dropout built(real rate, std::uint64_t seed = 1) {
  Dropout dropout{rate};
  dropout.build(Shape{1}, Rng(seed));
  return dropout;
}

}  // namespace

TEST_CASE(
    "dropout drops its share of the numbers and divides the others by the rest, so that the mean "
    "stays") {
  const Array x = Array::full(Shape{100, 1000}, 3);
  for (const real rate : {real(0.1), real(0.5), real(0.9)}) {
    const Array y = built(rate)(x, training(0)).value();
    double dropped = 0, total = 0;
    for (const real number : y.values()) {
      CHECK((number == 0 ||
             number == doctest::Approx(static_cast<double>(3 / (1 - rate))).epsilon(1e-6)));
      dropped += number == 0;
      total += static_cast<double>(number);
    }
    const double p = static_cast<double>(rate), deviation = std::sqrt(p * (1 - p) / 1e5);
    CHECK(std::abs(dropped / 1e5 - p) < 5 * deviation);
    CHECK(std::abs(total / 1e5 - 3) < 5 * 3 * deviation / (1 - p));
  }
}

TEST_CASE("dropout is the identity outside of training and at rate 0, and all zeros at rate 1") {
  const Tensor x(support::Generate("x", 0).array(Shape{4, 5}, {1, 2}));
  CHECK(Dropout{real(0.5)}(x).value().data() == x.value().data());
  CHECK(Dropout{0}(x, training(0)).value().data() == x.value().data());
  CHECK(bits_differ(built(1)(x, training(0)).value(), Array::zeros(Shape{4, 5})) == "");
}

TEST_CASE("dropout draws the same for the same seed, path and step, and anew for another") {
  const Array x = Array::full(Shape{8, 9}, 1);
  const Dropout dropout = built(real(0.5));
  const Array y = dropout(x, training(3)).value();
  CHECK(bits_differ(dropout(x, training(3)).value(), y) == "");
  CHECK(bits_differ(dropout(x, training(4)).value(), y) != "");
  CHECK(bits_differ(dropout(x, training(3, 0, "model/dropout_1")).value(), y) != "");
  Context other = training(3);
  other.seed = 12;
  CHECK(bits_differ(dropout(x, other).value(), y) != "");
}

TEST_CASE("parts of a batch draw what the whole batch draws") {
  const Array x = support::Generate("x", 1).array(Shape{7, 3, 5}, {1, 2});
  const Dropout dropout = built(real(0.4));
  const Array whole = dropout(x, training(2)).value();
  for (const Index cut : {1, 3, 6}) {
    CHECK(bits_differ(dropout(x.rows(0, cut), training(2)).value(), whole.rows(0, cut)) == "");
    CHECK(bits_differ(dropout(x.rows(cut, 7), training(2, cut)).value(), whole.rows(cut, 7)) == "");
  }
}

TEST_CASE(
    "parts of a batch draw what the whole batch draws inside attention, and the weights shown are "
    "those before dropout") {
  const Array x = support::Generate("x", 2).array(Shape{7, 5, 6}, {-1, 1});
  for (const Reading reading : {Reading::pool, Reading::per_position}) {
    AttentionLayer layer{.units = 4, .reading = reading, .dropout = real(0.4)};
    layer.build(Shape{5, 6}, Rng(1));
    const Attended whole = layer.attend(x, {.weights = true}, training(2)),
                   calm = layer.attend(x, {.weights = true});
    for (const Index cut : {1, 4})
      CHECK(bits_differ(layer.attend(x.rows(cut, 7), {}, training(2, cut)).context.value(),
                        whole.context.value().rows(cut, 7)) == "");
    CHECK(bits_differ(whole.context.value(), calm.context.value()) != "");
    for (Index i = 0; i < whole.weights().value().count(); ++i)
      CHECK(whole.weights().value().at(i) ==
            doctest::Approx(static_cast<double>(calm.weights().value().at(i))).epsilon(1e-5));
  }
}

TEST_CASE("the gradient passes where numbers were kept") {
  const Tensor x = Tensor::parameter(Array::full(Shape{6, 7}, 2));
  const Tensor y = built(real(0.5))(x, training(0));
  sum(y).backward();
  for (Index i = 0; i < 42; ++i) CHECK(x.grad().at(i) == y.value().at(i) / 2);
}

TEST_CASE("a rate that is no probability is refused when the layer is built") {
  for (const real rate : {real(-0.5), real(1.5)})
    CHECK_THROWS_AS(Dropout{rate}.build(Shape{3}, Rng(1)), ValueError);
  CHECK_THROWS_WITH_AS(Dropout{2}.build(Shape{3}, Rng(1)),
                       "Dropout: the rate is 2; it must be 0 to 1", ValueError);
  CHECK_THROWS_AS(Dropout{static_cast<real>(std::nan(""))}.build(Shape{3}, Rng(1)), ValueError);
}

TEST_CASE(
    "two dropouts without a path differ, in a loop of one's own or in one module, and each is the "
    "same again when built anew") {
  const Array x = Array::full(Shape{8, 16}, 1);
  const Rng random(1);
  Dropout first{real(0.5)}, second{real(0.5)}, again{real(0.5)};
  first.build(Shape{16}, random.split("first"));
  second.build(Shape{16}, random.split("second"));
  again.build(Shape{16}, random.split("first"));
  for (const std::string_view path : {"", "sequential/block"}) {
    const Context context = training(0, 0, path);
    CHECK(bits_differ(first(x, context).value(), second(x, context).value()) != "");
    CHECK(bits_differ(first(x, context).value(), again(x, context).value()) == "");
  }
  AttentionLayer a{.units = 3, .dropout = real(0.5)}, b{.units = 3, .dropout = real(0.5)};
  a.build(Shape{9, 4}, random.split("a"));
  b.build(Shape{9, 4}, random.split("a"));
  b.stream = *a.stream + 1;  // the same weights
  const Array sequence = support::Generate("x", 3).array(Shape{5, 9, 4}, {-1, 1});
  CHECK(bits_differ(a(sequence, training(0, 0, "")).value(),
                    b(sequence, training(0, 0, "")).value()) != "");
  CHECK(bits_differ(a(sequence).value(), b(sequence).value()) == "");
}

TEST_CASE(
    "dropout without a step, as in model(x, {.training = true}), is refused: each step would draw "
    "the same mask") {
  const Array x = Array::full(Shape{2, 3}, 1);
  const char* const words =
      "the context has no step, so dropout would draw the same elements in each; call with "
      "optimizer.context(), or set .step to the number of the step";
  CHECK_THROWS_WITH_AS(built(real(0.5))(x, {.training = true}), words, StateError);
  AttentionLayer layer{.units = 2, .dropout = real(0.5)};
  layer.build(Shape{4, 3}, Rng(1));
  CHECK_THROWS_WITH_AS(layer(Array::full(Shape{1, 4, 3}, 1), {.training = true}), words,
                       StateError);
  CHECK(bits_differ(built(0)(x, {.training = true}).value(), x) == "");
  CHECK(bits_differ(built(real(0.5))(x, {}).value(), x) == "");
}

TEST_CASE("dropout that is not built is refused while training: it would drop what others drop") {
  const Array x = Array::full(Shape{2, 3}, 1);
  CHECK_THROWS_WITH_AS(Dropout{real(0.5)}(x, training(0)),
                       "Dropout: it is not built, so it would drop the same elements as other "
                       "layers; call build with "
                       "the shape of a sample, or put it into a Sequential",
                       StateError);
  CHECK(bits_differ(Dropout{real(0.5)}(x).value(), x) == "");
}
