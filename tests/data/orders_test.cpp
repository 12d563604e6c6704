// Which samples are in which batch, and batches that are cut to their longest sample.
#include <doctest/doctest.h>

#include <set>

#include "data/batch_plan.hpp"
#include "data/datasets.hpp"
#include "data/lengths.hpp"
#include "data/order.hpp"

using namespace fovea;
using namespace datasets;

namespace {

struct Plans {
  Index samples, batch_size;
  BatchOrder order;
  std::vector<Index> lengths = {};
  bool shuffle = true;

  PlanOptions options(std::uint64_t seed = 7) const {
    return {.samples = samples,
            .batch_size = batch_size,
            .shuffle = shuffle,
            .order = order,
            .seed = seed,
            .lengths = lengths};
  }
  BatchPlan operator()(std::uint64_t epoch, std::uint64_t seed = 7) const {
    return batch_plan(options(seed), epoch);
  }
};

std::vector<Index> all_of(const BatchPlan& plan) {
  std::vector<Index> all;
  for (Index i = 0; i < plan.count(); ++i)
    all.insert(all.end(), plan.batch(i).begin(), plan.batch(i).end());
  return all;
}

Plans drawn(Index trial) {
  support::Generate g("plans", trial);
  Plans plans{g.integer(1, 300), g.integer(1, 40), ShuffleAll{}};
  for (Index i = 0; i < plans.samples; ++i) plans.lengths.push_back(g.integer(1, 20));
  switch (trial % 4) {
    case 1:
      plans.order =
          ShuffleInBlocks{.block_size = g.integer(1, 50), .blocks_together = g.integer(1, 5)};
      break;
    case 2:
      plans.order = BucketByLength{.window = g.integer(1, 6)};
      break;
    case 3:
      plans.order = BucketByLength{.boundaries = {4, 9, 15}};
  }
  return plans;
}

// Sequences of 1 to 6 words and their labels by position: padding is 0 and masked.
SampleSet labels_by_position(const Ids& x) {
  Ids labels(x.shape());
  for (Index i = 0; i < x.count(); ++i) labels.mutable_data()[i] = x.at(i) % toy::classes;
  return labels;
}

Sequential tagger(double learning_rate) {
  Sequential model{Embedding{toy::vocabulary, 5, true},
                   AttentionLayer{.units = 4, .reading = Reading::per_position},
                   Dense{toy::classes, Activation::softmax}};
  model.compile({.optimizer = SGD{{.learning_rate = learning_rate}},
                 .loss = SparseCategoricalCrossentropy{},
                 .metrics = {Accuracy{}},
                 .seed = 4});
  return model;
}

}  // namespace

TEST_CASE("every order has each sample once in each epoch, and is a function of seed and epoch") {
  for (Index trial = 0; trial < 80; ++trial) {
    const Plans plans = drawn(trial);
    INFO("trial ", trial);
    const BatchPlan plan = plans(3);
    std::vector<Index> all = all_of(plan);
    CHECK(all == all_of(plans(3)));
    if (plans.samples > 20) {
      CHECK(all != all_of(plans(4)));
      CHECK(all != all_of(plans(3, 8)));
    }
    std::ranges::sort(all);
    CHECK(all == in_order(plans.samples));
    for (Index i = 0; i < plan.count(); ++i) {
      CHECK(!plan.batch(i).empty());
      CHECK(static_cast<Index>(plan.batch(i).size()) <= plans.batch_size);
    }
    CHECK(plan.count() == batch_count(plans.options()));
  }
}

TEST_CASE(
    "all together is the order of fit from the beginning on; without shuffling it is the order of "
    "the samples") {
  Plans plans{50, 7, ShuffleAll{}};
  CHECK(all_of(plans(2)) == shuffled(50, 7, 2));
  plans.shuffle = false;
  CHECK(all_of(plans(2)) == in_order(50));
}

TEST_CASE("a batch of blocks comes from the few blocks that are read together") {
  const Plans plans{1000, 20, ShuffleInBlocks{.block_size = 50, .blocks_together = 2}};
  const BatchPlan plan = plans(0);
  std::set<Index> neighbours;
  for (Index i = 0; i < plan.count(); ++i) {
    std::set<Index> blocks;
    for (const Index position : plan.batch(i)) blocks.insert(position / 50);
    CHECK(blocks.size() == 2);
    neighbours.insert(*blocks.rbegin() - *blocks.begin());
  }
  CHECK(neighbours.size() > 2);  // which blocks meet is drawn
}

TEST_CASE("buckets: a batch has samples between two boundaries, or of neighbouring lengths") {
  support::Generate g("bucket lengths", 0);
  Plans plans{600, 20, BucketByLength{.boundaries = {5, 10}}};
  for (Index i = 0; i < 600; ++i) plans.lengths.push_back(g.integer(1, 20));
  const auto lengths_in = [&](const BatchPlan& plan, Index i) {
    std::pair<Index, Index> ends = {100, 0};
    for (const Index position : plan.batch(i)) {
      const Index length = plans.lengths[static_cast<std::size_t>(position)];
      ends = {std::min(ends.first, length), std::max(ends.second, length)};
    }
    return ends;
  };
  const BatchPlan by_boundaries = plans(0);
  std::set<Index> first_batches;
  for (Index i = 0; i < by_boundaries.count(); ++i) {
    const auto [shortest, longest] = lengths_in(by_boundaries, i);
    const auto bucket = [](Index length) { return length <= 5 ? 0 : length <= 10 ? 1 : 2; };
    CHECK(bucket(shortest) == bucket(longest));
    if (i < 8) first_batches.insert(bucket(longest));
  }
  CHECK(first_batches.size() > 1);  // batches are shuffled too
  plans.order = BucketByLength{.window = 10};
  const BatchPlan by_window = plans(0);
  for (Index i = 0; i < by_window.count(); ++i) {
    const auto [shortest, longest] = lengths_in(by_window, i);
    CHECK(longest - shortest <= 5);
  }
}

TEST_CASE("the length of a sample ends with the last position that is kept, or with its last id") {
  const Ids ids({3, 4}, {1, 0, 2, 0, 0, 0, 0, 0, 3, 3, 3, 3});
  CHECK(lengths_of(SampleSet(ids), BucketByLength{}) == std::vector<Index>{3, 1, 4});
  const Mask mask({3, 4}, {1, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0});
  const SampleSet masked = {{Array::zeros({3, 4, 2}), mask}};
  CHECK(lengths_of(masked, BucketByLength{}) == std::vector<Index>{2, 2, 1});
  CHECK(lengths_of(SampleSet(Array::zeros({2, 5})), BucketByLength{}) == std::vector<Index>{5, 5});
  const SampleSet two = {SampleColumn(ids), SampleColumn(Ids({3, 2}, {1, 0, 1, 1, 0, 0}))};
  CHECK(lengths_of(two, BucketByLength{.inputs = {0, 1}}) == std::vector<Index>{3, 2, 4});
  CHECK(lengths_of(two, BucketByLength{.inputs = {1}}) == std::vector<Index>{1, 2, 1});
  const SampleSet unequal = {SampleColumn(ids), SampleColumn(Ids(Shape{2, 4}))};
  CHECK_THROWS_AS(lengths_of(unequal, BucketByLength{.inputs = {0, 1}}), ShapeError);
  for (const Shape& shape : {Shape{2, 4}, Shape{3, 2}, Shape{3, 4, 2}}) {
    const SampleSet wrong = {{Samples(ids), Mask(shape)}};
    CHECK_THROWS_AS(lengths_of(wrong, BucketByLength{}), ShapeError);
  }
  const Own data(two, Ids({3}, {0, 0, 0}));
  CHECK(lengths_of(data, BucketByLength{}) == std::vector<Index>{3, 1, 4});

  SampleBatch batch{{{Array({2, 3, 2}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}),
                      Mask({2, 3}, {1, 0, 0, 1, 1, 0})}},
                    Ids({2, 3}, {1, 2, 3, 4, 5, 6})};
  cut_to_longest(batch, BucketByLength{.targets = {0}});
  CHECK(support::bits_differ(batch.x[0].samples.array(),
                             Array({2, 2, 2}, {1, 2, 3, 4, 7, 8, 9, 10})) == "");
  CHECK(std::ranges::equal(batch.x[0].mask->values(), std::vector<std::uint8_t>{1, 0, 1, 1}));
  CHECK(
      std::ranges::equal(batch.y[0].samples.ids().values(), std::vector<std::int32_t>{1, 2, 4, 5}));
}

TEST_CASE("what is cut off is padding: losses, metrics and gradients of samples stay the same") {
  constexpr double t = sizeof(real) == sizeof(double) ? 1e-12 : 2e-5;
  const toy::Data both = toy::data(200);
  const Ids& x = both.x;
  const SampleSet y = labels_by_position(x);
  for (const BucketByLength& order : {BucketByLength{.window = 4, .targets = {0}},
                                      BucketByLength{.boundaries = {3, 4}, .targets = {0}}}) {
    Sequential still = tagger(0), cut = tagger(0);
    FitOptions options = toy::quiet(1, 16);
    options.validation_split = 0.1;
    const History expected = still.fit(x, y, options);
    options.order = order;
    const History got = cut.fit(x, y, options);
    for (const char* name : {"loss", "accuracy", "val_loss", "val_accuracy"})
      CHECK(got[name][0] == doctest::Approx(expected[name][0]).epsilon(t));
    // One batch of short samples only: the same step.
    Sequential a = tagger(0.5), b = tagger(0.5);
    std::vector<Index> shorter;
    for (Index i = 0; i < 200; ++i)
      if (x.at(i * toy::time + 4) == 0) shorter.push_back(i);
    const Ids some_x = x.rows(shorter);
    const SampleSet some_y = y.rows(shorter);
    a.fit(some_x, some_y, toy::quiet(2, 200));
    FitOptions whole = toy::quiet(2, 200);
    whole.order = BucketByLength{.targets = {0}};
    b.fit(some_x, some_y, whole);
    CHECK(toy::far(toy::weights(b), toy::weights(a), static_cast<real>(t)) == "");
  }
}

TEST_CASE(
    "orders give the same bits from arrays and datasets, on any number of threads, with weights "
    "and accumulation") {
  const toy::Data both = toy::data(300);
  const Ids &x = both.x, &y = both.y;
  const std::vector<BatchOrder> orders = {ShuffleInBlocks{.block_size = 20, .blocks_together = 3},
                                          BucketByLength{.window = 3},
                                          BucketByLength{.boundaries = {3, 5}}};
  for (const BatchOrder& order : orders)
    for (const Index steps : {1, 2}) {
      FitOptions options = toy::quiet(2, 16);
      options.order = order;
      options.gradient_accumulation_steps = steps;
      options.validation_split = 0.2;
      FitOptions with_weights = options;
      Own data(x, y);
      for (Index i = 0; i < 300; ++i) data.weight.push_back(static_cast<double>(i % 4));
      with_weights.sample_weight = data.weight;
      Sequential model = toy::model();
      const Outcome expected = outcome(model, model.fit(x, y, with_weights));
      for (const Index count : {1, 3, 8}) {
        const Threads threads(count);
        Sequential same = toy::model();
        CHECK(differ(outcome(same, same.fit(data, options)), expected) == "");
      }
    }
}

TEST_CASE("generated batches are cut as well") {
  const toy::Data both = toy::data(64);
  const Ids &x = both.x, &y = both.y;
  const GeneratedBatches generated([&](std::uint64_t number, Rng) {
    const auto begin = static_cast<Index>(number % 4) * 16;
    return SampleBatch{Samples(x).rows(begin, begin + 16), Samples(y).rows(begin, begin + 16)};
  });
  FitOptions options = toy::quiet(1, 16);
  options.steps_per_epoch = 4;
  Sequential a = toy::model({.learning_rate = 0}), b = toy::model({.learning_rate = 0});
  const History expected = a.fit(generated, options);
  options.order = BucketByLength{};
  CHECK(b.fit(generated, options)["loss"][0] == doctest::Approx(expected["loss"][0]).epsilon(1e-5));
}
