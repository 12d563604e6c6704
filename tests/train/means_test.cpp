// Loss and metrics are sums over counts: however samples fall into batches, and exact where their
// values are.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "train/toy.hpp"

using namespace fovea;

namespace {

constexpr double t = sizeof(real) == sizeof(double) ? 1e-12 : 2e-5;

// A loss of 1 for each sample.
struct One {
  static constexpr const char* name = "one";
  Tensor operator()(const Tensor& prediction, const Samples&) const {
    return mean(prediction * real(0) + real(1), -1);
  }
};

struct Ones {
  static constexpr const char* name = "ones";
  Array operator()(const Array& prediction, const Samples&) const {
    return Array::full(Shape{prediction.shape()[0]}, 1);
  }
};

struct Masked {
  Ids x, y;
  std::vector<double> weight;
};

// Sequences with 0 to all positions kept, a label for each, and a weight for each sample.
Masked masked(Index trial, Index samples, Index time) {
  support::Generate g("masked means", trial);
  std::vector<std::int32_t> ids;
  for (Index sample = 0; sample < samples; ++sample)
    for (Index k = 0, length = g.integer(0, time); k < time; ++k)
      ids.push_back(k < length ? static_cast<std::int32_t>(g.integer(1, 11)) : 0);
  ids[0] = 1;  // one at least is kept
  std::vector<double> weight;
  for (Index sample = 0; sample < samples; ++sample)
    weight.push_back(g.chance(0.3) ? 0 : g.uniform(0.1, 3));
  weight[0] = 1;
  return {Ids({samples, time}, ids), g.ids({samples, time}, 3), weight};
}

Sequential by_position() {
  Sequential model{Embedding{12, 5, true},
                   AttentionLayer{.units = 4, .reading = Reading::per_position},
                   Dense{3, Activation::softmax}};
  model.compile({.optimizer = Adam{{.learning_rate = 0}},
                 .loss = SparseCategoricalCrossentropy{},
                 .metrics = {Accuracy{}},
                 .seed = 3});
  return model;
}

// Sum of weighted losses of the kept positions by their number, and the part that is right of those
// of weight above 0.
Logs expected(const Array& p, const Masked& data, const std::vector<double>& weight) {
  double loss = 0, kept = 0, right = 0, counted = 0;
  const Index time = data.x.shape()[1];
  for (Index i = 0; i < data.x.count(); ++i) {
    if (data.x.at(i) == 0) continue;
    const real* const row = p.data() + 3 * i;
    const double w = weight.empty() ? 1 : weight[static_cast<std::size_t>(i / time)];
    ++kept;
    if (w == 0) continue;
    loss -= w * std::log(static_cast<double>(row[data.y.at(i)]));
    right += std::max_element(row, row + 3) - row == data.y.at(i);
    ++counted;
  }
  return {{"loss", loss / kept}, {"accuracy", right / counted}};
}

}  // namespace

TEST_CASE(
    "the mean of losses that are all 1 is exactly 1, in evaluate, in fit and in train_on_batch, "
    "for any number of samples") {
  Sequential model{Dense{1}};
  model.compile({.optimizer = Adam{{.learning_rate = 0}}, .loss = One{}, .metrics = {Ones{}}});
  const Logs ones = {{"loss", 1}, {"ones", 1}};
  for (Index n = 1; n <= 300; ++n) {
    support::Generate g("ones", n);
    const Array x = Array::zeros({n, 1});
    const Index batch_size = n % 3 == 0 ? n : g.integer(1, n);
    CHECK(model.train_on_batch(x, x) == ones);
    CHECK(model.evaluate(x, x, batch_size) == ones);
    if (n % 8 != 1) continue;
    FitOptions options = toy::quiet(1, batch_size);
    options.validation_data = Validation{x, x};
    for (const auto& entry : model.fit(x, x, options).history)
      CHECK(entry.second == std::vector<double>{1});
  }
  for (const Index n : {601, 1025, 1999, 70001})
    CHECK(model.evaluate(Array::zeros({n, 1}), Array::zeros({n, 1}), 97 + n / 7) == ones);
}

TEST_CASE("means over a mask do not depend on how samples fall into batches") {
  for (Index trial = 0; trial < 25; ++trial) {
    const Masked data = masked(trial, 7, 5);
    Sequential model = by_position();
    model.build(Shape{5});
    const Array p = model.predict(data.x);
    for (const std::vector<double>& weight : {std::vector<double>(), data.weight}) {
      const Logs wanted = expected(p, data, weight);
      for (const Index batch_size : {1, 2, 3, 4, 7, 32}) {
        const Logs logs = model.evaluate(data.x, data.y, batch_size, weight);
        CHECK(logs.at("loss") == doctest::Approx(wanted.at("loss")).epsilon(t));
        CHECK(logs.at("accuracy") == wanted.at("accuracy"));
        FitOptions options = toy::quiet(1, batch_size);
        options.sample_weight = weight;
        options.validation_data = Validation{data.x, data.y, weight};
        const History history = model.fit(data.x, data.y, options);
        for (const char* of : {"", "val_"}) {
          CHECK(history[std::string(of) + "loss"][0] ==
                doctest::Approx(wanted.at("loss")).epsilon(t));
          CHECK(history[std::string(of) + "accuracy"][0] == wanted.at("accuracy"));
        }
      }
    }
  }
}

TEST_CASE("where a mask keeps nothing at all, loss and metrics are 0, as in Keras") {
  Sequential model = by_position();
  model.build(Shape{4});
  CHECK(model.evaluate(Ids({2, 4}, std::vector<std::int32_t>(8, 0)),
                       Ids({2, 4}, std::vector<std::int32_t>(8, 1))) ==
        Logs{{"accuracy", 0}, {"loss", 0}});
}

TEST_CASE(
    "evaluate, Validation and train_on_batch take sample weights: the weighted sum divided by the "
    "number of samples") {
  for (Index trial = 0; trial < 10; ++trial) {
    support::Generate g("weights of evaluate", trial);
    const auto [x, y] = toy::data(20, trial);
    Sequential model = toy::model({.learning_rate = 0});
    std::vector<double> weight;
    for (Index i = 0; i < 20; ++i) weight.push_back(g.chance(0.2) ? 0 : g.uniform(0.1, 30));
    weight[3] = 2;
    const double wanted = toy::categorical_crossentropy(model.predict(x), y, weight);
    FitOptions options = toy::quiet(1, g.integer(1, 20));
    options.validation_data = Validation{x, y, weight};
    const auto [other_x, other_y] = toy::data(5, trial + 100);
    CHECK(model.fit(other_x, other_y, options)["val_loss"][0] ==
          doctest::Approx(wanted).epsilon(t));
    CHECK(model.evaluate(x, y, g.integer(1, 20), weight).at("loss") ==
          doctest::Approx(wanted).epsilon(t));
    CHECK(model.train_on_batch(x, y, weight).at("loss") == doctest::Approx(wanted).epsilon(t));
  }
}

TEST_CASE("the gradient of a batch is that of its weighted mean, for several values a sample too") {
  struct Squares {
    Tensor operator()(const Tensor& prediction, const Samples& target) const {
      return square(prediction - Tensor(target.array()));
    }
  };
  for (Index trial = 0; trial < 10; ++trial) {
    support::Generate g("gradient of the weighted mean", trial);
    const Index samples = g.integer(1, 20), units = g.integer(1, 4);
    const Array x = g.array({samples, 3}, {.low = -1, .high = 1}),
                y = g.array({samples, units}, {.low = -1, .high = 1});
    std::vector<double> weight;
    for (Index i = 0; i < samples; ++i) weight.push_back(g.chance(0.3) ? 0 : g.uniform(0.1, 3));
    weight[0] = 1;
    Sequential model{Dense{units}};
    model.compile({.optimizer = Adam{{.learning_rate = 0}}, .loss = Squares{}});
    model.build(Shape{3});
    const Array p = model.predict(x, samples);
    std::vector<double> expected(static_cast<std::size_t>(units), 0);
    for (Index i = 0; i < p.count(); ++i)
      expected[static_cast<std::size_t>(i % units)] +=
          weight[static_cast<std::size_t>(i / units)] * 2 *
          (static_cast<double>(p.at(i)) - static_cast<double>(y.at(i))) /
          static_cast<double>(p.count());
    model.train_on_batch(x, y, weight);
    const Array gradient = model.layers()[0].as<Dense>()->bias.grad();
    for (Index i = 0; i < units; ++i)
      CHECK(gradient.at(i) == doctest::Approx(expected[static_cast<std::size_t>(i)]).epsilon(t));
  }
}

namespace {

// Numbers of a feature twice, one below the other: (time, features) -> (time, 2, features).
struct Twice {
  Shape build(const Shape& sample, const Rng&) const { return Shape{sample[0], 2, sample[1]}; }
  Tensor operator()(const Tensor& x, const Context& = {}) const { return stack({x, x * 2}, 2); }
  static constexpr MaskFlow mask_flow() { return MaskFlow::keeps; }
};

struct SquaredDistance {
  static constexpr const char* name = "squared_distance";
  Array operator()(const Array& prediction, const Samples& target) const {
    return mean_squared_error(prediction, target.array()).value();
  }
};

// One value a sample, whatever positions there are.
struct Largest {
  static constexpr const char* name = "largest";
  Array operator()(const Array& prediction, const Samples&) const {
    return max(Tensor(prediction), {1, 2}).value();
  }
};

struct Together {
  static constexpr bool mixes_samples = true;
  static constexpr MaskFlow mask_flow() { return MaskFlow::keeps; }
  Tensor operator()(const Tensor& x, const Context& = {}) const { return x; }
};

}  // namespace

TEST_CASE(
    "means over a mask of a loss with several values a position are over the kept positions' "
    "values, as in Keras") {
  for (Index trial = 0; trial < 20; ++trial) {
    support::Generate g("several values a position", trial);
    const Index samples = g.integer(1, 9), time = g.integer(1, 5), units = g.integer(1, 3);
    Ids x(Shape{samples, time});
    for (std::int32_t& id : x.mutable_values())
      id = g.chance(0.4) ? 0 : static_cast<std::int32_t>(g.integer(1, toy::vocabulary - 1));
    x.mutable_data()[0] = 1;
    Array y = g.array({samples, time, 2, units}, {.low = -1, .high = 1});
    std::vector<double> weight;
    for (Index i = 0; i < samples; ++i) weight.push_back(g.chance(0.3) ? 0 : g.uniform(0.1, 3));
    weight[0] = 1;
    Sequential model{Embedding{toy::vocabulary, 3, true}, Twice{}, Dense{units}};
    model.compile({.optimizer = Adam{{.learning_rate = 0}},
                   .loss = MeanSquaredError{},
                   .metrics = {SquaredDistance{}}});
    model.build(Shape{time});
    const Array p = model.predict(x);
    double loss = 0, distance = 0, kept = 0, counted = 0;
    std::vector<double> slope(static_cast<std::size_t>(units), 0);
    for (Index i = 0; i < x.count(); ++i) {
      const double w = weight[static_cast<std::size_t>(i / time)];
      const Index each = 2 * units;
      kept += x.at(i) != 0;
      for (Index k = i * each; k < (i + 1) * each; ++k) {
        if (x.at(i) == 0 || w == 0) y.mutable_data()[k] = std::numeric_limits<real>::quiet_NaN();
        if (x.at(i) == 0 || w == 0) continue;
        const double d = static_cast<double>(p.at(k)) - static_cast<double>(y.at(k));
        loss += w * d * d / static_cast<double>(each);
        distance += d * d / static_cast<double>(each);
        slope[static_cast<std::size_t>(k % units)] += w * 2 * d / static_cast<double>(each);
      }
      counted += x.at(i) != 0 && w != 0;
    }
    for (const Index batch_size : {Index(1), Index(2), samples}) {
      const Logs logs = model.evaluate(x, y, batch_size, weight);
      CHECK(logs["loss"] == doctest::Approx(loss / kept).epsilon(t));
      CHECK(logs["squared_distance"] == doctest::Approx(distance / counted).epsilon(t));
    }
    CHECK(model.train_on_batch(x, y, weight)["loss"] == doctest::Approx(loss / kept).epsilon(t));
    const Array gradient = model.layers()[2].as<Dense>()->bias.grad();
    for (Index i = 0; i < units; ++i)
      CHECK(gradient.at(i) ==
            doctest::Approx(slope[static_cast<std::size_t>(i)] / kept).epsilon(t));
  }
}

TEST_CASE(
    "a metric of one value a sample counts the samples that have weight and a kept position, also "
    "where samples act on each other") {
  Sequential model{Embedding{toy::vocabulary, 3, true}, Together{}, Dense{2}};
  model.compile({.loss = MeanSquaredError{}, .metrics = {Largest{}}});
  model.build(Shape{3});
  const Ids x({4, 3}, {1, 2, 0, 3, 4, 5, 0, 0, 0, 6, 0, 7});
  const Array y = Array::zeros({4, 3, 2}), p = max(Tensor(model.predict(x)), {1, 2}).value();
  CHECK(model.evaluate(x, y, 4, {1, 0, 1, 2})["largest"] ==
        doctest::Approx((p.at(0) + p.at(3)) / 2).epsilon(t));
  CHECK(model.evaluate(x, y, 4)["largest"] ==
        doctest::Approx((p.at(0) + p.at(1) + p.at(3)) / 3).epsilon(t));
}

TEST_CASE("validation_split splits sample weights along and uses them for val_loss") {
  const auto [x, y] = toy::data(30);
  std::vector<double> weight;
  for (Index i = 0; i < 30; ++i) weight.push_back(static_cast<double>(i % 7) / 2);
  Sequential by_split = toy::model(), by_hand = toy::model();
  FitOptions options = toy::quiet(2, 8);
  options.validation_split = 0.25;
  options.sample_weight = weight;
  const History split = by_split.fit(x, y, options);
  options.validation_split = 0;
  options.sample_weight.assign(weight.begin(), weight.begin() + 22);
  options.validation_data =
      Validation{x.rows(22, 30), y.rows(22, 30), {weight.begin() + 22, weight.end()}};
  const History hand = by_hand.fit(x.rows(0, 22), y.rows(0, 22), options);
  CHECK(split.history == hand.history);
  CHECK(toy::bits_differ(toy::weights(by_split), toy::weights(by_hand)) == "");
  const Array p = by_split.predict(x.rows(22, 30));
  CHECK(split["val_loss"].back() ==
        doctest::Approx(toy::categorical_crossentropy(p, y.rows(22, 30),
                                                      options.validation_data->sample_weight))
            .epsilon(t));
}
