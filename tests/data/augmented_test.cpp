// Samples that are changed at random.
#include <doctest/doctest.h>

#include "data/datasets.hpp"

using namespace fovea;
using namespace datasets;

namespace {

// Every id but the padding may become another one.
void forget_words(SampleBatch& one, Rng random) {
  Ids ids = one.x[0].samples.ids();
  for (Index i = 0; i < ids.count(); ++i)
    if (ids.at(i) > 3 && random.uniform(static_cast<std::uint64_t>(i)) < 0.5)
      ids.mutable_data()[i] = 4;
  one.x = ids;
}

}  // namespace

TEST_CASE(
    "an augmented sample is a function of seed, epoch and position: in any batch, on any "
    "thread") {
  const toy::Data both = toy::data(60);
  const Ids &x = both.x, &y = both.y;
  const Augmented data{ArrayDataset(x, y), forget_words};
  const TrainingEpoch epoch{.seed = 5, .number = 2};
  std::vector<Index> all(60);
  for (Index i = 0; i < 60; ++i) all[static_cast<std::size_t>(i)] = i;
  const Ids at_once = data.training_rows(all, epoch).x[0].samples.ids();
  for (const Index i : {0, 7, 59})
    CHECK(std::ranges::equal(data.training_rows({&i, 1}, epoch).x[0].samples.ids().values(),
                             at_once.rows(i, i + 1).values()));
  const auto changed = [&](const TrainingEpoch& other) {
    return !std::ranges::equal(data.training_rows(all, other).x[0].samples.ids().values(),
                               at_once.values());
  };
  CHECK_FALSE(changed(epoch));
  CHECK(changed({.seed = 5, .number = 3}));
  CHECK(changed({.seed = 6, .number = 2}));
  CHECK(std::ranges::equal(data.rows(all).x[0].samples.ids().values(), x.values()));
}

TEST_CASE("fit sees augmented samples; evaluate, predict and validation see them as they are") {
  const toy::Data both = toy::data(60);
  const Ids &x = both.x, &y = both.y;
  const ArrayDataset plain(x, y);
  const Augmented data{plain, forget_words};
  Sequential a = toy::model(), b = toy::model(), c = toy::model();
  FitOptions options = toy::quiet(2, 16);
  a.fit(plain, options);
  const Outcome expected = outcome(b, b.fit(data, options));
  CHECK(toy::bits_differ(toy::weights(a), toy::weights(b)) != "");
  options.prefetch = 0;
  CHECK(differ(outcome(c, c.fit(data, options)), expected) == "");
  CHECK(b.evaluate(data) == b.evaluate(plain));
  CHECK(support::bits_differ(b.predict(data), b.predict(x)) == "");
  options.validation_split = 0.25;
  const History history = a.fit(data, options);
  CHECK(history["val_loss"].back() == a.evaluate(x.rows(45, 60), y.rows(45, 60), 16)["loss"]);
}

TEST_CASE("weights and masks go through augmentation; an augmented dataset in another draws anew") {
  const toy::Data both = toy::data(20);
  const Ids &x = both.x, &y = both.y;
  std::vector<double> weight(20, 2);
  weight[3] = 0;
  Mask mask(x.shape());
  for (Index i = 0; i < mask.count(); ++i) mask.mutable_data()[i] = i % 4 != 0;
  std::vector<std::uint32_t> outer, inner;
  const Augmented data{
      Augmented{ArrayDataset(SampleSet{{"text", x, mask}}, y, weight),
                [&](SampleBatch&, Rng random) { inner.push_back(random.bits(0)); }},
      [&](SampleBatch& one, Rng random) {
        outer.push_back(random.bits(0));
        one.sample_weight[0] *= 2;
      }};
  const std::vector<Index> some = {3, 4, 9};
  const SampleBatch batch = data.training_rows(some, {});
  CHECK(batch.sample_weight == std::vector<double>{0, 4, 4});
  CHECK(batch.x[0].name == "text");
  CHECK(std::ranges::equal(batch.x[0].mask->values(), mask.rows(some).values()));
  CHECK(outer.size() == 3);
  CHECK(outer != inner);
}
