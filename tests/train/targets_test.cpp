// Targets and sample weights out of range are refused before any work, by position and value.
#include <doctest/doctest.h>

#include <limits>

#include "support/refusal.hpp"
#include "train/toy.hpp"

using namespace fovea;

namespace {

constexpr real not_a_number = std::numeric_limits<real>::quiet_NaN(),
               infinity = std::numeric_limits<real>::infinity();

std::string refusal_of(const Loss& loss, const Shape& prediction, const Samples& target) {
  return support::refusal<ValueError>([&] { loss.check(prediction, target); });
}

Sequential dense(const Loss& loss, Index units = 1) {
  Sequential model{Dense{units, Activation::sigmoid}};
  model.compile({.loss = loss});
  model.build(Shape{2});
  return model;
}

}  // namespace

TEST_CASE(
    "targets of cross-entropies and divergence outside 0 to 1 are refused by position and value, "
    "NaN included") {
  const std::string hint = "; it must be 0 to 1; give probabilities, 0 for no and 1 for yes";
  CHECK(refusal_of(BinaryCrossentropy{}, {3, 1}, Ids({3}, {1, 2, 1})) ==
        "binary_crossentropy: the target at position 1 of targets of shape (3,) is 2" + hint);
  CHECK(refusal_of(BinaryCrossentropy{}, {3, 1}, Array({3, 1}, {1, 0, -1})) ==
        "binary_crossentropy: the target at position 2 of targets of shape (3, 1) is -1" + hint);
  CHECK(
      refusal_of(CategoricalCrossentropy{}, {2, 2}, Array({2, 2}, {0, 1, real(1.5), real(-0.5)})) ==
      "categorical_crossentropy: the target at position 2 of targets of shape (2, 2) is 1.5" +
          hint);
  CHECK(refusal_of(KLDivergence{}, {1, 2}, Array({1, 2}, {infinity, 0})) ==
        "kl_divergence: the target at position 0 of targets of shape (1, 2) is inf" + hint);
  CHECK(refusal_of(BinaryCrossentropy{}, {2, 1}, Array({2, 1}, {0, not_a_number})) ==
        "binary_crossentropy: the target at position 1 of targets of shape (2, 1) is nan; it must "
        "be 0 to 1; give a sample without "
        "a target the sample weight 0");
}

TEST_CASE(
    "targets of squared and absolute errors may be any finite number; NaN and infinity are "
    "refused, for no loss would be finite "
    "again") {
  for (const Loss& loss : {Loss(MeanSquaredError{}), Loss(MeanAbsoluteError{}), Loss(Huber{})}) {
    CHECK_NOTHROW(loss.check({2, 1}, Array({2}, {-300, real(1e30)})));
    CHECK_NOTHROW(loss.check({2, 1}, Ids({2}, {-300, 5})));
    CHECK(refusal_of(loss, {2, 1}, Array({2}, {0, not_a_number})) ==
          loss.name() +
              ": the target at position 1 of targets of shape (2,) is nan; it must be finite; give "
              "a sample without a target the "
              "sample weight 0");
    CHECK(refusal_of(loss, {2, 1}, Array({2}, {-infinity, 0})) ==
          loss.name() +
              ": the target at position 0 of targets of shape (2,) is -inf; it must be finite; a "
              "loss would be infinite");
  }
}

TEST_CASE(
    "a target out of range is refused wherever it stands, by every call that takes targets, before "
    "any weight changes") {
  for (Index trial = 0; trial < 20; ++trial) {
    support::Generate g("targets", trial);
    const Index samples = g.integer(3, 12), units = g.integer(1, 3),
                at = g.integer(0, samples * units - 1);
    const Array x = g.array({samples, 2}, {.low = -1, .high = 1}),
                y = g.array({samples, units}, {.low = 0, .high = 1});
    Array bad = y.clone();
    bad.mutable_data()[at] =
        std::vector<real>{not_a_number, 2, -1, infinity}[static_cast<std::size_t>(trial % 4)];
    Sequential model = dense(BinaryCrossentropy{}, units);
    const std::vector<Array> before = toy::weights(model);
    const std::string place = "binary_crossentropy: the target at position " + std::to_string(at) +
                              " of targets of shape ";
    const auto is_refused = [&](const std::string& path, const auto& call) {
      CHECK(support::refusal<ValueError>(call).starts_with(path + ": " + place));
      CHECK(toy::bits_differ(toy::weights(model), before) == "");
    };
    is_refused("sequential", [&] { model.fit(x, bad, toy::quiet(1, 2)); });
    is_refused("sequential", [&] { model.train_on_batch(x, bad); });
    is_refused("sequential", [&] { model.evaluate(x, bad); });
    FitOptions options = toy::quiet(1, 2);
    options.validation_data = Validation{x, bad};
    is_refused("sequential: fit: validation_data", [&] { model.fit(x, y, options); });
    // A sample without a target has weight 0; with any other weight the target is wanted.
    std::vector<double> weight(static_cast<std::size_t>(samples), 0.5);
    is_refused("sequential", [&] { model.evaluate(x, bad, 4, weight); });
    weight[static_cast<std::size_t>(at / units)] = 0;
    CHECK_NOTHROW(model.evaluate(x, bad, 4, weight));
    options.validation_data->sample_weight = options.sample_weight = weight;
    CHECK_NOTHROW(model.fit(x, bad, options));
    CHECK_NOTHROW(model.train_on_batch(x, bad, weight));
  }
}

TEST_CASE(
    "sample weights that are negative, not finite, or all zero are refused by position and value") {
  const toy::Data data = toy::data(4);
  const Ids &x = data.x, &y = data.y;
  Sequential model = toy::model();
  const auto with = [&](std::vector<double> weight) {
    FitOptions options = toy::quiet(1, 2);
    options.sample_weight = std::move(weight);
    return support::refusal<ValueError>([&] { model.fit(x, y, options); });
  };
  const double bad = std::numeric_limits<double>::quiet_NaN();
  CHECK(with({1, -0.5, 1, 1}) ==
        "sequential: fit: the sample weight at position 1 is -0.5; weights must be finite and at "
        "least 0");
  CHECK(with({1, 1, 1, bad}) ==
        "sequential: fit: the sample weight at position 3 is nan; weights must be finite and at "
        "least 0");
  CHECK(with({0, 0, 0, 0}) ==
        "sequential: fit: all 4 sample weights are 0, and nothing counts; give one above 0");
  const auto all_zero = [](const std::string& call) {
    return "sequential: " + call +
           ": all 2 sample weights are 0, and nothing counts; give one above 0";
  };
  const auto split = [&](std::vector<double> weight) {
    FitOptions options = toy::quiet(1, 2);
    options.sample_weight = std::move(weight);
    options.validation_split = 0.5;
    return support::refusal<ValueError>([&] { model.fit(x, y, options); });
  };
  CHECK(split({0, 0, 1, 1}) == all_zero("fit: the samples before validation_split"));
  CHECK(split({1, 1, 0, 0}) == all_zero("fit: the samples of validation_split"));
  FitOptions options = toy::quiet(1, 2);
  options.validation_data = Validation{x.rows(0, 2), y.rows(0, 2), {0, 0}};
  CHECK(support::refusal<ValueError>([&] { model.fit(x, y, options); }) ==
        all_zero("fit: validation_data"));
  options.validation_data->sample_weight = {1};
  CHECK(support::refusal<ShapeError>([&] { model.fit(x, y, options); }) ==
        "sequential: fit: validation_data: 1 sample weights for 2 samples; give one for each "
        "sample, or none");
  CHECK(support::refusal<ValueError>([&] {
          model.evaluate(x.rows(0, 2), y.rows(0, 2), 2, {0, 0});
        }) == all_zero("evaluate"));
  CHECK(support::refusal<ValueError>([&] {
          model.evaluate(x.rows(0, 2), y.rows(0, 2), 2, {1, -2});
        }) ==
        "sequential: evaluate: the sample weight at position 1 is -2; weights must be finite and "
        "at least 0");
  CHECK(support::refusal<ValueError>([&] {
          model.train_on_batch(x.rows(0, 2), y.rows(0, 2), {1, -2});
        }) ==
        "sequential: train_on_batch: the sample weight at position 1 is -2; weights must be finite "
        "and at least 0");
  CHECK(support::refusal<ShapeError>([&] { model.train_on_batch(x, y, {1}); }) ==
        "sequential: train_on_batch: 1 sample weights for 4 samples; give one for each sample, or "
        "none");
}
