// The loss types: which op each of them is, what targets it takes, and what it refuses.
#include "fovea/train/losses.hpp"

#include <doctest/doctest.h>

#include <string>

#include "fovea/base/error.hpp"
#include "support/approx.hpp"

using namespace fovea;
using support::bits_differ;

namespace {

template <class E, class F>
std::string refusal(const F& call) {
  try {
    call();
  } catch (const E& error) {
    return error.what();
  }
  return "nothing was thrown";
}

const Array prediction({2, 3}, {real(0.2), real(0.5), real(0.3), real(0.6), real(0.1), real(0.3)});
const Array target({2, 3}, {0, 1, 0, real(0.5), 0, real(0.5)});

}  // namespace

TEST_CASE("each loss type is its op, with a value for each sample, and has Keras' name") {
  const auto check = [](const Loss& loss, const char* name, const Tensor& expected) {
    INFO(std::string(name));
    CHECK(loss.name() == name);
    CHECK_NOTHROW(loss.check(prediction.shape(), target));
    CHECK(bits_differ(loss(prediction, target).value(), expected.value()) == "");
    CHECK(expected.shape() == Shape{2});
  };
  const CrossentropyOptions smooth{.label_smoothing = real(0.1)};
  check(CategoricalCrossentropy(), "categorical_crossentropy",
        categorical_crossentropy_from_probabilities(prediction, target));
  check(CategoricalCrossentropy{.from_logits = true, .label_smoothing = real(0.1)},
        "categorical_crossentropy", categorical_crossentropy(prediction, target, smooth));
  check(BinaryCrossentropy{.label_smoothing = real(0.1)}, "binary_crossentropy",
        binary_crossentropy_from_probabilities(prediction, target, smooth));
  check(BinaryCrossentropy{.from_logits = true}, "binary_crossentropy",
        binary_crossentropy(prediction, target));
  check(MeanSquaredError(), "mean_squared_error", mean_squared_error(prediction, target));
  check(MeanAbsoluteError(), "mean_absolute_error", mean_absolute_error(prediction, target));
  check(Huber{.delta = real(0.3)}, "huber_loss", huber(prediction, target, real(0.3)));
  check(KLDivergence(), "kl_divergence", kl_divergence(prediction, target));
}

TEST_CASE(
    "cross-entropies of distributions take the logits of a softmax, of independent probabilities "
    "those of a sigmoid, others none") {
  const Loss categorical = CategoricalCrossentropy{.label_smoothing = real(0.1)},
             binary = BinaryCrossentropy{.label_smoothing = real(0.1)};
  CHECK(categorical.after() == Activation::softmax);
  CHECK(Loss(SparseCategoricalCrossentropy()).after() == Activation::softmax);
  CHECK(binary.after() == Activation::sigmoid);
  const CrossentropyOptions smooth{.label_smoothing = real(0.1)};
  CHECK(bits_differ(categorical.of_logits(prediction, target).value(),
                    categorical_crossentropy(prediction, target, smooth).value()) == "");
  CHECK(bits_differ(binary.of_logits(prediction, target).value(),
                    binary_crossentropy(prediction, target, smooth).value()) == "");
  for (const Loss& other :
       {Loss(MeanSquaredError()), Loss(MeanAbsoluteError()), Loss(Huber()), Loss(KLDivergence())})
    CHECK(other.after() == std::nullopt);
}

TEST_CASE("targets may lack a last axis of size 1, and may be ids") {
  const Array p({3, 1}, {real(0.25), real(0.5), real(0.75)});
  const Array column({3, 1}, {1, 0, 1});
  for (const Loss& loss : {Loss(BinaryCrossentropy()), Loss(MeanSquaredError()),
                           Loss(MeanAbsoluteError()), Loss(Huber()), Loss(KLDivergence())}) {
    INFO(loss.name());
    for (const Samples& same : {Samples(column.reshaped({3})), Samples(Ids({3}, {1, 0, 1})),
                                Samples(Ids({3, 1}, {1, 0, 1}))}) {
      CHECK_NOTHROW(loss.check(p.shape(), same));
      CHECK(bits_differ(loss(p, same).value(), loss(p, column).value()) == "");
    }
  }
}

TEST_CASE(
    "losses refuse targets of another shape, and class labels where distributions are wanted") {
  const Samples wide_target = Array::zeros({2, 4});
  for (const Loss& loss :
       {Loss(CategoricalCrossentropy()), Loss(BinaryCrossentropy()), Loss(MeanSquaredError()),
        Loss(MeanAbsoluteError()), Loss(Huber()), Loss(KLDivergence())})
    CHECK(refusal<ShapeError>([&] {
            loss.check({2, 3}, wide_target);
          }) ==
          loss.name() + ": predictions are (2, 3), targets (2, 4); they must have the same shape");
  CHECK_THROWS_AS(CategoricalCrossentropy().check({2, 3}, Ids({2}, {0, 1})), ValueError);
  CHECK(refusal<ShapeError>([] {
          MeanSquaredError().check({2, 3}, Array::zeros({2}));
        }) ==
        "mean_squared_error: predictions are (2, 3), targets (2,); they must have the same shape");
}
