// What fit, train_on_batch, evaluate and predict compute.
#include <doctest/doctest.h>

#include <atomic>
#include <cmath>
#include <limits>
#include <string_view>

#include "train/toy.hpp"

using namespace fovea;

namespace {

constexpr double t = sizeof(real) == sizeof(double) ? 1e-12 : 2e-5;

// Remembers in which order labels come by.
struct Spy {
  std::shared_ptr<std::vector<Index>> seen = std::make_shared<std::vector<Index>>();
  static constexpr const char* name = "spy";
  Array operator()(const Array&, const Samples& target) const {
    for (const std::int32_t label : target.ids().values()) seen->push_back(label);
    return Array::zeros(target.shape());
  }
};

// Counts the softmaxes that are computed.
struct Softmaxes final : Observer {
  std::atomic<int> count = 0;
  void computed(const char* operation, const Array&) override {
    count += std::string_view(operation) == "softmax";
  }
  void differentiated(Node&, Sink&) override {}
};

// A model of which each sample is a class of its own.
std::vector<Index> order_seen(std::uint64_t seed, Index epochs, bool shuffle) {
  constexpr Index samples = 50;
  std::vector<std::int32_t> numbers(samples);
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<std::int32_t>(i);
  const Spy spy;
  Sequential model{Embedding{samples, 3}, AttentionLayer{2}, Dense{samples, Activation::softmax}};
  model.compile({.loss = SparseCategoricalCrossentropy{}, .metrics = {spy}, .seed = seed});
  model.fit(Ids(Shape{samples, 1}, numbers), Ids(Shape{samples}, numbers),
            {.epochs = epochs, .batch_size = 8, .shuffle = shuffle, .verbose = 0});
  return *spy.seen;
}

std::vector<Index> part(const std::vector<Index>& list, std::size_t begin, std::size_t end) {
  return {list.begin() + static_cast<std::ptrdiff_t>(begin),
          list.begin() + static_cast<std::ptrdiff_t>(end)};
}

}  // namespace

TEST_CASE("predictions are computed where a metric wants them, and only there") {
  const auto softmaxes = [](std::vector<Metric> metrics) {
    Sequential model{Dense{3, Activation::softmax}};
    model.compile({.loss = SparseCategoricalCrossentropy{}, .metrics = std::move(metrics)});
    model.build(Shape{2});
    Softmaxes counted;
    model.train_on_batch(Array::full({4, 2}, 1), Ids(Shape{4}, {0, 1, 2, 0}));
    return counted.count.load();
  };
  CHECK(softmaxes({Accuracy{}}) == 1);
  CHECK(softmaxes({}) == 0);
}

TEST_CASE("training makes the loss small and the accuracy high on a task that attention can do") {
  const auto [x, y] = toy::data(200);
  Sequential model = toy::model({.dropout = real(0.1)});
  const History history = model.fit(x, y, toy::quiet(15, 16));
  CHECK(history["loss"].front() > 0.5);
  CHECK(history["loss"].back() < 0.2);
  const auto [test_x, test_y] = toy::data(100, 1);
  const Logs logs = model.evaluate(test_x, test_y);
  CHECK(logs.at("loss") < 0.1);
  CHECK(logs.at("accuracy") > 0.98);
  CHECK(history.epoch.size() == 15);
}

TEST_CASE(
    "each epoch sees every sample once, in an order of its own; without shuffling in the samples' "
    "order") {
  const std::vector<Index> seen = order_seen(1, 2, true), in_order = order_seen(1, 2, false);
  std::vector<Index> first = part(seen, 0, 50), second = part(seen, 50, 100);
  CHECK(first != second);
  CHECK(first != part(in_order, 0, 50));
  CHECK(order_seen(1, 2, true) == seen);
  CHECK(order_seen(2, 2, true) != seen);
  std::ranges::sort(first);
  std::ranges::sort(second);
  CHECK(first == part(in_order, 0, 50));
  CHECK(second == first);
  CHECK(part(in_order, 50, 100) == first);
}

TEST_CASE("validation_split takes the last samples, rounded down for training") {
  const auto [x, y] = toy::data(30);
  Sequential by_split = toy::model(), by_hand = toy::model();
  FitOptions options = toy::quiet(2, 8);
  options.validation_split = 0.25;  // 22.5
  const History split = by_split.fit(x, y, options);
  options.validation_split = 0;
  options.validation_data = Validation{x.rows(22, 30), y.rows(22, 30)};
  const History hand = by_hand.fit(x.rows(0, 22), y.rows(0, 22), options);
  CHECK(split.history == hand.history);
  CHECK(split.history.size() == 4);
  CHECK(split["val_loss"].size() == 2);
  CHECK(toy::bits_differ(toy::weights(by_split), toy::weights(by_hand)) == "");
}

TEST_CASE(
    "an epoch's loss and metrics are means over samples: batches count by their size, the last "
    "smaller one too") {
  const auto [x, y] = toy::data(10);
  Sequential model = toy::model({.learning_rate = 0});
  const Array probabilities = model.predict(x);
  for (const Index batch_size : {1, 4, 9, 10}) {
    const History history = model.fit(x, y, toy::quiet(1, batch_size));
    CHECK(history["loss"][0] ==
          doctest::Approx(toy::categorical_crossentropy(probabilities, y)).epsilon(t));
    double right = 0;
    for (const real value : Accuracy{}(probabilities, y).values())
      right += static_cast<double>(value);
    CHECK(history["accuracy"][0] == doctest::Approx(right / 10).epsilon(1e-12));
  }
}

TEST_CASE("sample weights multiply the loss and leave its denominator, as in Keras") {
  const auto [x, y] = toy::data(400);
  Sequential model = toy::model({.learning_rate = 0});
  const Array probabilities = model.predict(x);
  std::vector<double> weight;
  for (Index i = 0; i < 400; ++i) weight.push_back(static_cast<double>(i % 5) / 2);
  FitOptions options = toy::quiet(1, 400);
  options.sample_weight = weight;
  CHECK(model.fit(x, y, options)["loss"][0] ==
        doctest::Approx(toy::categorical_crossentropy(probabilities, y, weight)).epsilon(t));
}

TEST_CASE("a sample of weight 0 teaches nothing: its label does not matter") {
  const auto [x, y] = toy::data(20);
  FitOptions options = toy::quiet(3, 8);
  options.sample_weight.assign(20, 1);
  options.sample_weight[7] = 0;
  std::vector<std::int32_t> wrong(y.values().begin(), y.values().end());
  wrong[7] = (wrong[7] + 1) % 3;
  Sequential a = toy::model(), b = toy::model();
  a.fit(x, y, options);
  b.fit(x, Ids(Shape{20}, wrong), options);
  CHECK(toy::bits_differ(toy::weights(a), toy::weights(b)) == "");
}

TEST_CASE("a batch larger than the data is the data") {
  const auto [x, y] = toy::data(20);
  Sequential exact = toy::model({.dropout = real(0.2)}),
             larger = toy::model({.dropout = real(0.2)}),
             largest = toy::model({.dropout = real(0.2)});
  exact.fit(x, y, toy::quiet(3, 20));
  larger.fit(x, y, toy::quiet(3, 1000));
  largest.fit(x, y, toy::quiet(3, std::numeric_limits<Index>::max()));
  CHECK(toy::bits_differ(toy::weights(larger), toy::weights(exact)) == "");
  CHECK(toy::bits_differ(toy::weights(largest), toy::weights(exact)) == "");
  CHECK(exact.evaluate(x, y, std::numeric_limits<Index>::max()) == exact.evaluate(x, y, 20));
  CHECK(support::bits_differ(exact.predict(x, std::numeric_limits<Index>::max()),
                             exact.predict(x, 20)) == "");
}

TEST_CASE("fit is a loop of one's own with the same seed, dropout included") {
  const auto [x, y] = toy::data(500);
  Sequential model = toy::model({.dropout = real(0.3)});
  Sequential own = toy::model({.dropout = real(0.3)});
  Adam adam{{.learning_rate = 0.02}};
  adam.attach(own);
  FitOptions options = toy::quiet(2, 200);
  options.shuffle = false;
  const History history = model.fit(x, y, options);
  std::uint64_t step = 0;
  for (int epoch = 0; epoch < 2; ++epoch) {
    double total = 0;
    for (Index begin = 0; begin < 500; begin += 200, ++step) {
      const Index end = std::min<Index>(begin + 200, 500);
      const Tensor probabilities =
          own(x.rows(begin, end), {.training = true, .seed = 1, .step = step});
      const Tensor loss = mean(SparseCategoricalCrossentropy{}(probabilities, y.rows(begin, end)));
      total += static_cast<double>(loss.item()) * static_cast<double>(end - begin);
      adam.zero_grad();
      loss.backward();
      adam.step();
    }
    CHECK(history["loss"][static_cast<std::size_t>(epoch)] ==
          doctest::Approx(total / 500).epsilon(t));
  }
  CHECK(toy::far(toy::weights(model), toy::weights(own), static_cast<real>(t)) == "");
}

TEST_CASE("train_on_batch is fit on that batch") {
  const auto [x, y] = toy::data(400);
  Sequential by_fit = toy::model({.dropout = real(0.2)}),
             by_batch = toy::model({.dropout = real(0.2)});
  FitOptions options = toy::quiet(1, 400);
  options.shuffle = false;
  for (int i = 0; i < 3; ++i) {
    const History history = by_fit.fit(x, y, options);
    const Logs logs = by_batch.train_on_batch(x, y);
    CHECK(logs.at("loss") == history["loss"][0]);
    CHECK(logs.at("accuracy") == history["accuracy"][0]);
  }
  CHECK(toy::bits_differ(toy::weights(by_batch), toy::weights(by_fit)) == "");
}

TEST_CASE("a second fit goes on where the first ended, in steps, in shuffling and in moments") {
  const auto [x, y] = toy::data(400);
  Sequential at_once = toy::model({.dropout = real(0.2)}),
             in_two = toy::model({.dropout = real(0.2)});
  at_once.fit(x, y, toy::quiet(5, 200));
  in_two.fit(x, y, toy::quiet(2, 200));
  CHECK(in_two.fit(x, y, toy::quiet(3, 200)).epoch == std::vector<Index>{0, 1, 2});
  CHECK(toy::bits_differ(toy::weights(in_two), toy::weights(at_once)) == "");
  CHECK(in_two.optimizer().as<Adam>()->steps() == 10);
}

TEST_CASE("compiling anew keeps the weights and forgets steps and moments") {
  const auto [x, y] = toy::data(30);
  Sequential model = toy::model();
  model.fit(x, y, toy::quiet(2, 8));
  const std::vector<Array> before = toy::weights(model);
  model.compile({.optimizer = Adam{{.learning_rate = 0}}, .loss = SparseCategoricalCrossentropy{}});
  model.fit(x, y, toy::quiet(1, 8));
  CHECK(toy::bits_differ(toy::weights(model), before) == "");
  CHECK(model.optimizer().as<Adam>()->steps() == 4);
}

TEST_CASE("evaluate is a plain loop over the predictions, for any size of batch") {
  const auto [x, y] = toy::data(430);
  Sequential model = toy::model({.dropout = real(0.5)});
  model.fit(x, y, toy::quiet(2, 16));
  const Array probabilities = model.predict(x);
  double right = 0;
  for (Index i = 0; i < 430; ++i) {
    const real* const row = probabilities.data() + i * toy::classes;
    right += std::max_element(row, row + toy::classes) - row == y.at(i);
  }
  for (const Index batch_size : {7, 32, 300, 430, 1000}) {
    const Logs logs = model.evaluate(x, y, batch_size);
    CHECK(logs.size() == 2);
    CHECK(logs.at("loss") ==
          doctest::Approx(toy::categorical_crossentropy(probabilities, y)).epsilon(t));
    CHECK(logs.at("accuracy") == doctest::Approx(right / 430).epsilon(1e-12));
  }
}

TEST_CASE(
    "predictions come in the samples' order, close to each other for any size of batch, and are "
    "distributions") {
  const auto [x, y] = toy::data(430);
  const Sequential model = toy::model();
  const Array all = model.predict(x, 430);
  CHECK(all.shape() == Shape{430, toy::classes});
  for (const Index batch_size : {7, 32, 300, 1000})
    CHECK(toy::far({model.predict(x, batch_size)}, {all}, static_cast<real>(t)) == "");
  for (const Index i : {0, 170, 429})
    CHECK(toy::far({model.predict(x.rows(i, i + 1))}, {all.rows(i, i + 1)}, static_cast<real>(t)) ==
          "");
  CHECK(model.predict(x.rows(0, 0)).shape() == Shape{0, toy::classes});
  for (const real total : sum(Tensor(all), -1).value().values())
    CHECK(total == doctest::Approx(1).epsilon(1e-6));
}
