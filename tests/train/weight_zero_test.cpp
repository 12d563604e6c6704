// What is masked or has weight zero takes no part: not in the loss, not in metrics, not in
// gradients.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "train/toy.hpp"

using namespace fovea;

namespace {

constexpr real not_a_number = std::numeric_limits<real>::quiet_NaN(),
               infinity = std::numeric_limits<real>::infinity();

// Puts a value where the mask drops a position.
struct Plant {
  real value;

  Tensor operator()(const Tensor& x, const std::optional<Mask>& mask, const Context& = {}) const {
    const Shape shape = mask->shape().inserted(2, 1);
    return where(mask->reshaped(shape), x, scalar(value));
  }
  Tensor operator()(const Tensor& x, const Context& = {}) const { return x; }
  static constexpr MaskFlow mask_flow() { return MaskFlow::keeps; }
};

// Samples act on each other: the batch is not cut, and none is taken out of it.
struct Together {
  static constexpr bool mixes_samples = true;
  Tensor operator()(const Tensor& x, const Context& = {}) const { return x; }
  static constexpr MaskFlow mask_flow() { return MaskFlow::keeps; }
};

// The root of the distance: its derivative is infinite where the target is met.
struct Root {
  static constexpr const char* name = "root";
  Tensor operator()(const Tensor& prediction, const Samples& target) const {
    return mean(sqrt(abs(prediction - Tensor(target.array()))), -1);
  }
};

struct Distance {
  static constexpr const char* name = "distance";
  Array operator()(const Array& prediction, const Samples& target) const {
    return mean(abs(Tensor(prediction) - Tensor(target.array())), -1).value();
  }
};

// What the model gives the label, which must be a class.
struct ProbabilityOfLabel {
  static constexpr const char* name = "probability_of_label";
  Array operator()(const Array& prediction, const Samples& target) const {
    const Ids& labels = target.ids();
    Array result(labels.shape());
    for (Index i = 0; i < labels.count(); ++i) {
      if (labels.at(i) < 0 || labels.at(i) >= prediction.shape()[-1]) throw IndexError("no class");
      result.mutable_data()[i] = prediction.at(i * prediction.shape()[-1] + labels.at(i));
    }
    return result;
  }
};

// A factor for each of three samples.
struct Gains {
  Tensor gain = {};
  Shape build(const Shape& sample, const Rng&) {
    if (!gain.defined()) gain = Tensor::parameter(Array::full({3, 1}, 0));
    return sample;
  }
  Tensor operator()(const Tensor& input, const Context& = {}) const { return input * gain; }
  static constexpr bool mixes_samples = true;
  static void parameters(auto& self, auto&& visit) { visit("gain", self.gain); }
};

// Weights after training, and the logs on the way.
struct Outcome {
  std::vector<Array> weights;
  std::vector<std::vector<double>> logs;
};

Outcome trained(Sequential model, const Samples& x, const Samples& y, const FitOptions& options) {
  const History history = model.fit(x, y, options);
  Outcome outcome{toy::weights(model), {}};
  for (const auto& entry : history.history) outcome.logs.push_back(entry.second);
  const Logs logs = model.evaluate(x, y, 3, options.sample_weight);
  for (const auto& entry : logs) outcome.logs.push_back({entry.second});
  for (const std::vector<double>& values : outcome.logs)
    for (const double value : values) CHECK(std::isfinite(value));
  return outcome;
}

// Ids of which about a third are padding, anywhere.
Ids padded(support::Generate& g, const Shape& shape) {
  std::vector<std::int32_t> ids;
  for (Index i = 0; i < shape.count(); ++i)
    ids.push_back(g.chance(0.35) ? 0
                                 : static_cast<std::int32_t>(g.integer(1, toy::vocabulary - 1)));
  return Ids(shape, ids);
}

void same(const Outcome& got, const Outcome& expected) {
  CHECK(toy::bits_differ(got.weights, expected.weights) == "");
  CHECK(got.logs == expected.logs);
}

}  // namespace

TEST_CASE(
    "a NaN or infinite prediction at a masked position changes no bit of loss, metrics and "
    "weights") {
  for (Index trial = 0; trial < 30; ++trial) {
    support::Generate g("planted predictions", trial);
    const Ids x = padded(g, {9, 5}), y = g.ids({9, 5}, 3);
    const auto model = [&](real value) {
      Sequential made{Embedding{toy::vocabulary, 4, true}, Dense{3, Activation::softmax},
                      Plant{value}};
      made.compile({.optimizer = Adam{{.learning_rate = 0.1}},
                    .loss = SparseCategoricalCrossentropy{},
                    .metrics = {Accuracy{}},
                    .seed = 1});
      return made;
    };
    const FitOptions options = toy::quiet(2, g.integer(1, 9));
    const Outcome expected = trained(model(real(0.5)), x, y, options);
    for (const real value : {not_a_number, infinity, -infinity})
      same(trained(model(value), x, y, options), expected);
  }
}

TEST_CASE("a NaN in what a mask drops reaches no gradient of the layers behind it") {
  for (const bool residual : {false, true})
    for (Index trial = 0; trial < 20; ++trial) {
      support::Generate g("planted embeddings", trial);
      const Ids x = padded(g, {8, 6}), y = g.ids({8, 6}, 3);
      const auto outcome = [&](real value) {
        Sequential model = residual
                               ? Sequential{Embedding{toy::vocabulary, 4, true},
                                            Residual<Dense>{Dense{4, Activation::tanh}},
                                            Dense{3, Activation::softmax}}
                               : Sequential{Embedding{toy::vocabulary, 4, true},
                                            LayerNormalization{}, Dense{3, Activation::softmax}};
        model.compile({.optimizer = Adam{{.learning_rate = 0.1}},
                       .loss = SparseCategoricalCrossentropy{},
                       .seed = 1});
        model.build(Shape{6});
        Tensor& table = model.layers()[0].as<Embedding>()->embeddings;
        Array rows = table.value().clone();
        std::fill_n(rows.mutable_data(), 4, value);  // the row of id 0
        table.assign(rows);
        const FitOptions options = toy::quiet(2, 4);
        Outcome result = trained(std::move(model), x, y, options);
        result.weights[0] = result.weights[0].rows(1, toy::vocabulary);
        return result;
      };
      const Outcome expected = outcome(real(0.25));
      same(outcome(not_a_number), expected);
      same(outcome(infinity), expected);
    }
}

TEST_CASE(
    "a missing target of a sample of weight 0, its NaN features and its infinite loss change no "
    "bit, whatever the loss") {
  const std::vector<Loss> losses = {MeanSquaredError{},
                                    MeanAbsoluteError{},
                                    Huber{},
                                    BinaryCrossentropy{.from_logits = true},
                                    BinaryCrossentropy{},
                                    CategoricalCrossentropy{},
                                    CategoricalCrossentropy{.from_logits = true},
                                    KLDivergence{},
                                    Root{}};
  for (const bool together : {false, true})
    for (std::size_t which = 0; which < losses.size(); ++which)
      for (Index trial = 0; trial < 6; ++trial) {
        support::Generate g("missing targets", trial);
        const Index samples = g.integer(3, 14);
        const Array x = g.array({samples, 3}, {.low = -1, .high = 1}),
                    y = g.array({samples, 2}, {.low = 0, .high = 1});
        FitOptions options = toy::quiet(2, g.integer(1, samples));
        for (Index i = 0; i < samples; ++i)
          options.sample_weight.push_back(g.chance(0.4) ? 0 : g.uniform(0.5, 2));
        options.sample_weight[0] = 1;
        const auto planted = [&](real target, real feature) {
          Array new_x = x.clone(), new_y = y.clone();
          for (Index i = 0; i < samples; ++i)
            if (options.sample_weight[static_cast<std::size_t>(i)] == 0) {
              new_y.mutable_data()[2 * i + g.integer(0, 1)] = target;
              if (!together)
                new_x.mutable_data()[3 * i] =
                    feature;  // where samples act on each other, x acts on all
            }
          Sequential model{Dense{2, Activation::softmax}, Together{}};
          if (!together) model = Sequential{Dense{2, Activation::softmax}};
          model.compile({.optimizer = Adam{{.learning_rate = 0.1}},
                         .loss = losses[which],
                         .metrics = {Distance{}},
                         .seed = 1});
          return trained(std::move(model), new_x, new_y, options);
        };
        INFO(losses[which].name());
        const Outcome expected = planted(real(0.5), real(0.5));
        same(planted(not_a_number, not_a_number), expected);
        same(planted(infinity, real(1e30)), expected);
        same(planted(-7, -infinity), expected);
      }
}

TEST_CASE("a missing target at a masked position changes no bit") {
  for (Index trial = 0; trial < 20; ++trial) {
    support::Generate g("missing targets under a mask", trial);
    const Ids x = padded(g, {7, 5});
    const Array y = g.array({7, 5, 2}, {.low = 0, .high = 1});
    const auto planted = [&](const Loss& loss, real value) {
      Array targets = y.clone();
      for (Index i = 0; i < x.count(); ++i)
        if (x.at(i) == 0) targets.mutable_data()[2 * i + g.integer(0, 1)] = value;
      Sequential model{Embedding{toy::vocabulary, 4, true}, Dense{2, Activation::sigmoid}};
      model.compile({.optimizer = Adam{{.learning_rate = 0.1}},
                     .loss = loss,
                     .metrics = {Distance{}},
                     .seed = 1});
      return trained(std::move(model), x, targets, toy::quiet(2, 3));
    };
    for (const Loss& loss : {Loss(MeanSquaredError{}), Loss(BinaryCrossentropy{}),
                             Loss(KLDivergence{}), Loss(Root{})}) {
      const Outcome expected = planted(loss, real(0.5));
      for (const real value : {not_a_number, infinity, real(-3)})
        same(planted(loss, value), expected);
    }
  }
}

TEST_CASE(
    "a label that is no class changes no bit at a masked position and in a sample of weight 0, and "
    "is refused elsewhere") {
  for (const bool together : {false, true})
    for (Index trial = 0; trial < 20; ++trial) {
      support::Generate g("missing labels", trial);
      const Ids x = padded(g, {7, 5}), y = g.ids({7, 5}, 3);
      FitOptions options = toy::quiet(2, g.integer(1, 7));
      options.shuffle = false;
      for (Index i = 0; i < 7; ++i) options.sample_weight.push_back(g.chance(0.3) ? 0 : 1);
      options.sample_weight[6] = 1;
      const auto planted = [&](std::int32_t label) {
        std::vector<std::int32_t> labels(y.values().begin(), y.values().end());
        for (std::size_t i = 0; i < labels.size(); ++i)
          if (x.values()[i] == 0 || options.sample_weight[i / 5] == 0) labels[i] = label;
        Sequential model{Embedding{toy::vocabulary, 4, true}, Dense{3, Activation::softmax}};
        if (together) model.add(Layer(Together{}));
        model.compile({.optimizer = Adam{{.learning_rate = 0.1}},
                       .loss = SparseCategoricalCrossentropy{},
                       .metrics = {Accuracy{}, ProbabilityOfLabel{}},
                       .seed = 1});
        return trained(std::move(model), x, Ids({7, 5}, labels), options);
      };
      const Outcome expected = planted(1);
      for (const std::int32_t label : {-1, -100, 3}) same(planted(label), expected);
    }
}

TEST_CASE(
    "an infinite derivative of the loss of what does not count gives its prediction a gradient of "
    "exactly 0") {
  const Array x({3, 1}, {1, 2, 3}), y({3, 1}, {0, 0, 0});
  Sequential model{Gains{}};
  model.compile({.optimizer = Adam{{.learning_rate = 0}}, .loss = Root{}});
  model.build(Shape{1});
  model.train_on_batch(x, y, {1, 0, 0});  // predictions meet their targets
  const Array gradient = model.layers()[0].as<Gains>()->gain.grad();
  CHECK(!std::isfinite(gradient.at(0)));
  CHECK(gradient.at(1) == 0);
  CHECK(gradient.at(2) == 0);
}

TEST_CASE(
    "a batch of weights 0 alone has loss 0 and gradient 0: it moves no weight of an optimiser "
    "without momentum of its own") {
  const auto [x, y] = toy::data(4);
  Sequential model = toy::model();
  const std::vector<Array> before = toy::weights(model);
  const Logs logs = model.train_on_batch(x, y, {0, 0, 0, 0});
  CHECK(logs == Logs{{"accuracy", 0}, {"loss", 0}});
  CHECK(toy::bits_differ(toy::weights(model), before) == "");
  CHECK(model.optimizer().as<Adam>()->steps() == 1);
}

TEST_CASE(
    "a sample of weight 0 counts in the denominator of the loss, as in Keras, and not in metrics") {
  const auto [x, y] = toy::data(30);
  Sequential model = toy::model();
  const Array p = model.predict(x);
  std::vector<double> weight;
  double right = 0, counted = 0;
  for (Index i = 0; i < 30; ++i) {
    weight.push_back(static_cast<double>(i % 3));
    if (i % 3 == 0) continue;
    right += static_cast<double>(Accuracy{}(p.rows(i, i + 1), y.rows(i, i + 1)).at(0));
    ++counted;
  }
  for (const Index batch_size : {1, 4, 30}) {
    const Logs logs = model.evaluate(x, y, batch_size, weight);
    CHECK(logs.at("loss") ==
          doctest::Approx(toy::categorical_crossentropy(p, y, weight)).epsilon(2e-5));
    CHECK(logs.at("accuracy") == right / counted);
  }
}
