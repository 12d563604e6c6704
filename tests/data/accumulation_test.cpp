// Gradients that are accumulated over batches are those of one large batch.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdio>

#include "fovea/memory/buffer.hpp"
#include "train/models.hpp"
#include "train/shards.hpp"

using namespace fovea;

namespace {

struct Case {
  std::function<Model()> model;
  SampleSet x, y;
  std::vector<double> weight = {};
};

// Steps that keep differences as small as they are in the gradients.
Optimizer plain() { return SGD{{.learning_rate = 0.5, .momentum = 0.5}}; }

Sequential compiled(Sequential model) {
  model.compile({.optimizer = plain(),
                 .loss = SparseCategoricalCrossentropy{},
                 .metrics = {Accuracy{}},
                 .seed = 4});
  return model;
}

std::vector<double> weights_of(support::Generate& g, Index count) {
  std::vector<double> weight;
  for (Index i = 0; i < count; ++i) weight.push_back(g.chance(0.3) ? 0 : g.uniform(0.1, 3));
  weight[0] = 1;
  return weight;
}

// One label for a text, with padding that is masked, dropout and a table.
Case classifier(Index trial) {
  support::Generate g("accumulated classifier", trial);
  const toy::Data both = toy::data(g.integer(40, 70), trial);
  const Ids &x = both.x, &y = both.y;
  return {
      []() -> Model {
        return compiled(Sequential{Embedding{toy::vocabulary, 5, true}, AttentionLayer{4},
                                   Dropout{real(0.3)}, Dense{toy::classes, Activation::softmax}});
      },
      x, y, trial % 2 == 0 ? std::vector<double>() : weights_of(g, x.shape()[0])};
}

// A label for each position: batches with unequal numbers of tokens.
Case tagger(Index trial) {
  support::Generate g("accumulated tagger", trial);
  const toy::Data both = toy::data(g.integer(40, 70), trial);
  const Ids& x = both.x;
  Ids labels(x.shape());
  for (Index i = 0; i < x.count(); ++i) labels.mutable_data()[i] = x.at(i) % toy::classes;
  return {
      []() -> Model {
        return compiled(Sequential{Embedding{toy::vocabulary, 5, true},
                                   AttentionLayer{.units = 4, .reading = Reading::per_position},
                                   Dropout{real(0.2)}, Dense{toy::classes, Activation::softmax}});
      },
      x, labels, trial % 2 == 0 ? std::vector<double>() : weights_of(g, x.shape()[0])};
}

// Two inputs, and masks that are known once the module was called.
Case translator(Index trial) {
  support::Generate g("accumulated translator", trial);
  const models::Sentences all = models::sentences(g.integer(20, 40), 5, 9, trial);
  return {[] {
            Model model{models::Translator{9}};
            model.compile({.optimizer = plain(),
                           .loss = SparseCategoricalCrossentropy{},
                           .metrics = {Accuracy{}},
                           .seed = 6});
            return model;
          },
          {all.source, all.told},
          all.target,
          trial % 2 == 0 ? std::vector<double>() : weights_of(g, all.source.shape()[0])};
}

// Two outputs, of which one has a mask of its own.
Case two_heads(Index trial) {
  support::Generate g("accumulated heads", trial);
  const toy::Data both = toy::data(g.integer(40, 70), trial);
  const Ids &x = both.x, &y = both.y;
  Mask known = g.mask(Shape{y.count()}, 0.6);
  known.mutable_keep()[0] = 1;
  return {[] {
            Model model{models::TwoHeads{}};
            model.compile({.optimizer = plain(),
                           .seed = 3,
                           .outputs = {{"urgent", BinaryCrossentropy{}, {Accuracy{}}, 0.5},
                                       {"topic", SparseCategoricalCrossentropy{}, {Accuracy{}}}}});
            return model;
          },
          x,
          {{"topic", y, known}, {"urgent", models::first_class(y)}},
          trial % 2 == 0 ? std::vector<double>() : weights_of(g, x.shape()[0])};
}

FitOptions options_of(const Case& each, Index batch, Index steps, Index epochs) {
  return {.epochs = epochs,
          .batch_size = batch,
          .gradient_accumulation_steps = steps,
          .sample_weight = each.weight,
          .verbose = 0};
}

double furthest(const std::vector<Array>& got, const std::vector<Array>& expected) {
  double worst = 0;
  for (std::size_t i = 0; i < expected.size(); ++i)
    for (Index k = 0; k < expected[i].count(); ++k) {
      const double right = static_cast<double>(expected[i].data()[k]),
                   off = std::abs(static_cast<double>(got[i].data()[k]) - right);
      worst = std::isnan(off) ? off : std::max(worst, off / (1 + std::abs(right)));
    }
  return worst;
}

struct Counting : Callback {
  Index batches = 0;
  double last = 0;
  void on_train_batch_end(Model&, Index batch, const Logs& logs) override {
    CHECK(batch == batches++);
    last = logs["loss"];
  }
};

}  // namespace

TEST_CASE(
    "accumulated gradients are those of the large batch: masks early and late, several outputs, "
    "weights of 0, a last update that is smaller") {
  double worst = 0;
  int count = 0;
  for (Index trial = 0; trial < 8; ++trial)
    for (const auto& make : {classifier, tagger, translator, two_heads}) {
      support::Generate g("accumulated", trial);
      const Case each = make(trial);
      const Index batch = g.integer(3, 9), steps = g.integer(2, 5);
      Model large = each.model(), small = each.model();
      const History expected = large.fit(each.x, each.y, options_of(each, batch * steps, 1, 2));
      const History got = small.fit(each.x, each.y, options_of(each, batch, steps, 2));
      const double off = furthest(toy::weights(small), toy::weights(large));
      INFO("trial ", trial, ", model ", count % 4, ", batch ", batch, ", steps ", steps);
      CHECK(off <= 1e-6);
      worst = std::max(worst, off);
      ++count;
      for (const auto& [name, values] : expected.history)
        for (std::size_t i = 0; i < values.size(); ++i)
          CHECK(got[name][i] == doctest::Approx(values[i]).epsilon(2e-5));
    }
  std::printf("figure: accumulated gradients = %d trainings within %.1e of the large batch\n",
              count, worst);
}

TEST_CASE("where every batch is a shard of the large batch, accumulated gradients have its bits") {
  const toy::Data both = toy::data(1200);
  const Ids &x = both.x, &y = both.y;
  support::Generate g("accumulated bits", 0);
  std::vector<double> weight(
      1200);  // none is 0: such samples are left out before the shards are cut
  for (double& each : weight) each = g.uniform(0.1, 3);
  REQUIRE(Shards::count(100, toy::time, 1000, false) == 1);
  REQUIRE(Shards::count(400, toy::time, 1000, false) == 4);
  const auto once = [&](Index batch, Index steps) {
    Sequential model = toy::model({.dropout = real(0.2)});
    FitOptions options = toy::quiet(3, batch);
    options.gradient_accumulation_steps = steps;
    options.sample_weight = weight;
    model.fit(x, y, options);
    return toy::weights(model);
  };
  const std::vector<Array> expected = once(400, 1);
  CHECK(toy::bits_differ(once(100, 4), expected) == "");
  CHECK(toy::bits_differ(once(200, 2), expected) == "");
}

TEST_CASE("callbacks see updates, whose numbers and logs are those of the large batch") {
  const toy::Data both = toy::data(50);
  const Ids &x = both.x, &y = both.y;
  for (const auto& [batch, steps] : {std::pair<Index, Index>{20, 1}, {5, 4}}) {
    Sequential model = toy::model();
    Counting counting;
    FitOptions options = toy::quiet(1, batch);
    options.gradient_accumulation_steps = steps;
    options.callbacks = {&counting};
    const History history = model.fit(x, y, options);
    CHECK(counting.batches == 3);
    CHECK(counting.last == history["loss"][0]);
  }
}

TEST_CASE("accumulated gradients are the same bits on any number of threads") {
  const Index before = threads();
  std::vector<Array> expected;
  for (const Index count : {1, 2, 3, 8}) {
    set_threads(count);
    const toy::Data both = toy::data(900);
    const Ids &x = both.x, &y = both.y;
    Sequential model = toy::model({.dropout = real(0.2)});
    FitOptions options = toy::quiet(2, 180);
    options.gradient_accumulation_steps = 3;
    model.fit(x, y, options);
    if (expected.empty()) expected = toy::weights(model);
    CHECK(toy::bits_differ(toy::weights(model), expected) == "");
  }
  set_threads(before);
}

TEST_CASE("accumulation needs the memory of one batch, not of all that make an update") {
  support::Generate g("accumulated memory", 0);
  const Array x = g.array({256, 2}, {-1, 1});
  const Ids y = g.ids({256}, 3);
  const auto peak = [&](Index batch, Index steps) {
    Sequential model{Dense{2000, Activation::tanh}, Dense{3, Activation::softmax}};
    model.compile({.optimizer = plain(), .loss = SparseCategoricalCrossentropy{}});
    model.build({2});
    memory::reset_peak();
    const Index start = memory::bytes_now();
    FitOptions options = toy::quiet(1, batch);
    options.gradient_accumulation_steps = steps;
    model.fit(x, y, options);
    return memory::bytes_peak() - start;
  };
  const Index large = peak(256, 1), small = peak(8, 32);
  CHECK(small < large / 4);
  CHECK(small < 2 * peak(8, 1) + (1 << 20));
}
