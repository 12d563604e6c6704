// Datasets and generators in fit, evaluate and predict.
#include <doctest/doctest.h>

#include "data/datasets.hpp"

using namespace fovea;
using namespace datasets;

namespace {

std::vector<double> drawn_weights(Index count) {
  support::Generate g("dataset weights", 0);
  std::vector<double> weight;
  for (Index i = 0; i < count; ++i) weight.push_back(g.chance(0.2) ? 0 : g.uniform(0.1, 2));
  return weight;
}

struct Stopping : Callback {
  Index after;
  explicit Stopping(Index batch) : after(batch) {}
  void on_train_batch_end(Model& model, Index batch, const Logs&) override {
    if (batch == after) model.stop_training();
  }
};

}  // namespace

TEST_CASE(
    "a dataset trains as its arrays do, bit for bit: with weights, a part to validate on, "
    "accumulation, any number of threads and of prefetched batches") {
  const toy::Data both = toy::data(700);
  const Ids &x = both.x, &y = both.y;
  for (const bool weighted : {false, true})
    for (const Index steps : {1, 3}) {
      FitOptions options = toy::quiet(2, 90);
      options.validation_split = 0.2;
      options.gradient_accumulation_steps = steps;
      Sequential by_arrays = toy::model({.dropout = real(0.2)});
      FitOptions with_weights = options;
      if (weighted) with_weights.sample_weight = drawn_weights(700);
      const Outcome expected = outcome(by_arrays, by_arrays.fit(x, y, with_weights));
      for (const Index count : {1, 2, 3, 8})
        for (const Index prefetch : {0, 1, 2, 50}) {
          const Threads threads(count);
          Own data(x, y);
          if (weighted) data.weight = drawn_weights(700);
          options.prefetch = prefetch;
          Sequential model = toy::model({.dropout = real(0.2)});
          CHECK(differ(outcome(model, model.fit(data, options)), expected) == "");
        }
    }
}

TEST_CASE("a dataset builds a model that is not built, from its first sample") {
  const toy::Data both = toy::data(40);
  const Ids &x = both.x, &y = both.y;
  const auto compiled = [] {
    Sequential model{Embedding{toy::vocabulary, 5, true}, AttentionLayer{4},
                     Dense{toy::classes, Activation::softmax}};
    model.compile({.loss = SparseCategoricalCrossentropy{}, .seed = 2});
    return model;
  };
  Sequential a = compiled(), b = compiled(), c = compiled();
  const Outcome expected = outcome(a, a.fit(x, y, toy::quiet(2, 8)));
  CHECK(differ(outcome(b, b.fit(ArrayDataset(x, y), toy::quiet(2, 8))), expected) == "");
  FitOptions options = toy::quiet(1, 8);
  options.steps_per_epoch = 2;
  c.fit(GeneratedBatches([&](std::uint64_t, Rng) { return SampleBatch{x, y}; }), options);
  CHECK(c.built());
}

TEST_CASE("several inputs and outputs, by name, with masks that come late") {
  const models::Sentences all = models::sentences(60, 5, 9);
  const auto compiled = [] {
    Model model{models::Translator{9}};
    model.compile({.loss = SparseCategoricalCrossentropy{}, .metrics = {Accuracy{}}, .seed = 6});
    return model;
  };
  const SampleSet inputs = {{"target", all.told}, {"source", all.source}};
  Model a = compiled(), b = compiled();
  FitOptions options = toy::quiet(2, 16);
  options.validation_data = Validation{inputs, all.target};
  const Outcome expected = outcome(a, a.fit(inputs, all.target, options));
  const Own data(inputs, all.target);
  options.validation_data = Validation{.dataset = &data};
  CHECK(differ(outcome(b, b.fit(data, options)), expected) == "");
  CHECK(b.evaluate(data, 7) == b.evaluate(inputs, all.target, 7));
  CHECK(support::bits_differ(b.predict(data, 7), b.predict(inputs, 7)) == "");

  const toy::Data both = toy::data(50);
  const Ids &x = both.x, &y = both.y;
  Mask known(Shape{50});
  for (Index i = 0; i < 50; ++i) known.mutable_data()[i] = i % 3 != 0;
  const SampleSet targets = {{"topic", y, known}, {"urgent", models::first_class(y)}};
  Model heads = models::two_heads(), same = models::two_heads();
  const Outcome two = outcome(heads, heads.fit(x, targets, toy::quiet(2, 16)));
  CHECK(differ(outcome(same, same.fit(Own(x, targets), toy::quiet(2, 16))), two) == "");
  CHECK(same.evaluate(Own(x, targets)) == same.evaluate(x, targets));
  const Predictions got = same.predict(Own(x, targets)), expected_two = same.predict(x);
  for (const char* name : {"topic", "urgent"})
    CHECK(support::bits_differ(got[name], expected_two[name]) == "");
}

TEST_CASE("evaluate counts the weights of a dataset, and predict needs no targets") {
  const toy::Data both = toy::data(50);
  const Ids &x = both.x, &y = both.y;
  const std::vector<double> weight = drawn_weights(50);
  const Sequential model = toy::model();
  CHECK(model.evaluate(ArrayDataset(x, y, weight), 8) == model.evaluate(x, y, 8, weight));
  CHECK(support::bits_differ(model.predict(ArrayDataset(x), 8), model.predict(x, 8)) == "");
}

TEST_CASE("generated batches train as the same batches in order do") {
  const toy::Data both = toy::data(120);
  const Ids &x = both.x, &y = both.y;
  const GeneratedBatches generated([&](std::uint64_t number, Rng) {
    const auto begin = static_cast<Index>(number % 6) * 20;
    return SampleBatch{Samples(x).rows(begin, begin + 20), Samples(y).rows(begin, begin + 20)};
  });
  for (const Index steps : {1, 2}) {
    Sequential a = toy::model(), b = toy::model();
    FitOptions options = toy::quiet(2, 20);
    options.gradient_accumulation_steps = steps;
    options.shuffle = false;
    const Outcome expected = outcome(a, a.fit(x, y, options));
    options.steps_per_epoch = 6 / steps;
    CHECK(differ(outcome(b, b.fit(generated, options)), expected) == "");
  }
  const Sequential model = toy::model();
  CHECK(model.evaluate(generated, 6) == model.evaluate(x, y, 20));
  CHECK(support::bits_differ(model.predict(generated, 6), model.predict(x, 20)) == "");
}

TEST_CASE("a generated batch is a function of its number and the seed, over all epochs") {
  const toy::Data both = toy::data(8);
  const Ids &x = both.x, &y = both.y;
  std::mutex mutex;
  std::vector<std::pair<std::uint64_t, std::uint32_t>> seen;
  const GeneratedBatches generated([&](std::uint64_t number, Rng random) {
    const std::lock_guard lock(mutex);
    seen.emplace_back(number, random.bits(0));
    return SampleBatch{x, y};
  });
  Sequential model = toy::model();
  FitOptions options = toy::quiet(2, 8);
  options.steps_per_epoch = 3;
  options.gradient_accumulation_steps = 2;
  options.prefetch = 0;
  model.fit(generated, options);
  REQUIRE(seen.size() == 12);
  for (std::uint64_t i = 0; i < 12; ++i) {
    CHECK(seen[i].first == i);
    CHECK(seen[i].second == Rng(1).split("generated batch", i).bits(0));
  }
  seen.clear();
  model.evaluate(generated, 2);
  model.predict(generated, 2);
  REQUIRE(seen.size() == 4);
  for (std::uint64_t i = 0; i < 4; ++i)
    CHECK(seen[i].second == Rng(1).split("generated batch", i % 2).bits(0));
}

TEST_CASE("an exception arrives in fit with the batch and the dataset, and fit can go on") {
  const toy::Data both = toy::data(50);
  const Ids &x = both.x, &y = both.y;
  for (const Index prefetch : {0, 1, 7}) {
    Own data(x, y);
    data.fails_at = 37;
    FitOptions options = toy::quiet(1, 8);
    options.shuffle = false;
    options.prefetch = prefetch;
    Sequential model = toy::model(), same = toy::model();
    const std::string told = support::refusal<DatasetError>([&] { model.fit(data, options); });
    CHECK(told == "sequential: fit: batch 4 of own.bin: the disk is gone");
    try {
      model.evaluate(data, 8);
    } catch (const DatasetError& error) {
      CHECK(std::string(error.what()) ==
            "sequential: evaluate: batch 4 of own.bin: the disk is gone");
      CHECK_THROWS_AS(std::rethrow_if_nested(error), std::runtime_error);
    }
    CHECK(support::refusal<DatasetError>([&] { model.predict(data, 8); }) ==
          "sequential: predict: batch 4 of own.bin: the disk is gone");
    // The batches before were trained on.
    options.validation_data = {};
    same.fit(Samples(x).rows(0, 32), Samples(y).rows(0, 32), options);
    CHECK(toy::bits_differ(toy::weights(model), toy::weights(same)) == "");
    data.fails_at = -1;
    model.fit(data, options);
    options.validation_data = Validation{.dataset = &data};
    data.fails_at = 3;
    CHECK(support::refusal<DatasetError>([&] { model.fit(x, y, options); }) ==
          "sequential: fit: validation_data: batch 0 of own.bin: the disk is gone");
  }
}

TEST_CASE("the first sample, for which a model is built, and lengths that cannot be read") {
  const toy::Data both = toy::data(50);
  Own data(both.x, both.y);
  data.fails_at = 0;
  Sequential fresh{Embedding{toy::vocabulary, 5}, AttentionLayer{4}, Dense{toy::classes}};
  fresh.compile({.loss = MeanSquaredError{}});
  CHECK(support::refusal<DatasetError>([&] { fresh.fit(data); }) ==
        "sequential: fit: the first sample of own.bin: the disk is gone");
  FitOptions options = toy::quiet(1, 8);
  options.order = BucketByLength{};
  Sequential model = toy::model();
  CHECK(support::refusal<DatasetError>([&] { model.fit(data, options); }) ==
        "sequential: fit: the disk is gone");
}

TEST_CASE("wrong samples of a dataset are named as those of arrays are, with their batch") {
  const toy::Data both = toy::data(50);
  const Ids &x = both.x, &y = both.y;
  std::vector<std::int32_t> ids(x.values().begin(), x.values().end()),
      labels(y.values().begin(), y.values().end());
  ids[20 * toy::time] = toy::vocabulary;
  labels[44] = toy::classes;
  FitOptions options = toy::quiet(1, 8);
  options.shuffle = false;
  Sequential model = toy::model();
  const auto told = [&](const Own& data) {
    return support::refusal<Error>([&] { model.fit(data, options); });
  };
  CHECK(told(Own(Ids(x.shape(), ids), y))
            .starts_with("sequential: fit: batch 2 of own.bin/embedding: "));
  CHECK(told(Own(x, Ids(y.shape(), labels))).starts_with("sequential: fit: batch 5 of own.bin: "));
  Own negative(x, y);
  negative.weight.assign(50, 1);
  negative.weight[9] = -1;
  CHECK(told(negative) ==
        "sequential: fit: batch 1 of own.bin: the sample weight at position 1 is -1; weights must "
        "be finite and at least 0");
}

TEST_CASE("stop_training ends fit with a dataset, and nobody reads it afterwards") {
  const toy::Data both = toy::data(400);
  const Ids &x = both.x, &y = both.y;
  for (const Index prefetch : {0, 4}) {
    Own data(x, y);
    Stopping stop(2);
    FitOptions options = toy::quiet(5, 10);
    options.prefetch = prefetch;
    options.callbacks = {&stop};
    Sequential model = toy::model();
    const History history = model.fit(data, options);
    CHECK(history.epoch.size() == 1);
    const Index reads = data.reads;
    CHECK(reads <= 3 + prefetch + 1);
    CHECK(reads == data.reads);
  }
}

TEST_CASE("a second fit goes on in shuffling, and an epoch does not depend on those before") {
  const toy::Data both = toy::data(100);
  const Ids &x = both.x, &y = both.y;
  Sequential at_once = toy::model(), in_two = toy::model();
  const Own data(x, y);
  at_once.fit(data, toy::quiet(4, 16));
  in_two.fit(x, y, toy::quiet(3, 16));
  in_two.fit(data, toy::quiet(1, 16));
  CHECK(toy::bits_differ(toy::weights(in_two), toy::weights(at_once)) == "");
}
