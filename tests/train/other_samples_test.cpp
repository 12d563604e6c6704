// A training that is resumed on other data than those it began with.
#include <doctest/doctest.h>

#include "train/training.hpp"

using namespace fovea;
using namespace training;
using support::Folder;
using support::refusal;

TEST_CASE("a fit of other samples of the same number is refused, whatever is other") {
  const toy::Data data = toy::data(samples);
  const auto fit_on = [&](Model& model, const SampleSet& x, const SampleSet& y,
                          std::vector<double> weight, std::vector<Callback*> callbacks = {}) {
    FitOptions how = toy::quiet(2, batch_size);
    how.sample_weight = std::move(weight);
    how.callbacks = std::move(callbacks);
    return model.fit(x, y, how);
  };
  const std::vector<double> weight(samples, 0.5);
  const Mask all(Shape{samples, toy::time},
                 std::vector<std::uint8_t>(static_cast<std::size_t>(samples * toy::time), 1));
  const Folder folder;
  Sequential one = training::model();
  SaveAfter save(folder / "m", 7);
  fit_on(one, data.x, data.y, weight, {&save});
  const auto told = [&](const SampleSet& x, const SampleSet& y, std::vector<double> given) {
    Sequential model = training::model();
    model.load(folder / "m");
    const std::string message = refusal<StateError>([&] { fit_on(model, x, y, given); });
    model.load(folder / "m", {.resume = false});
    CHECK(fit_on(model, x, y, given).epoch == std::vector<Index>{0, 1});
    return message.find("saved in a fit of other samples, as many as these: their checksum is ") !=
           std::string::npos;
  };
  support::Generate g("other", 0);
  for (int trial = 0; trial < 20; ++trial) {
    toy::Data other = data;
    std::vector<double> weights = weight;
    const auto change = [&](Ids& ids) {
      std::int32_t& id =
          ids.mutable_values()[static_cast<std::size_t>(g.integer(0, ids.count() - 1))];
      id = id == 1 ? 2 : 1;
    };
    if (trial % 3 == 0) change(other.x);
    if (trial % 3 == 1) change(other.y);
    if (trial % 3 == 2) weights[static_cast<std::size_t>(g.integer(0, samples - 1))] = 0.25;
    CHECK(told(other.x, other.y, weights));
  }
  CHECK(told(SampleSet({SampleColumn(Samples(data.x), all)}), data.y, weight));
  Sequential same = training::model();
  same.load(folder / "m");
  CHECK(fit_on(same, data.x, data.y, weight).history == one.history().history);
}

TEST_CASE("another dataset of the same number of samples is refused, where fit looks") {
  const toy::Data data = toy::data(samples), moved = toy::data(samples, 3);
  const Folder folder;
  const auto fit_on = [&](Model& model, const toy::Data& of, std::vector<Callback*> callbacks,
                          double split = 0) {
    FitOptions how = toy::quiet(2, batch_size);
    how.validation_split = split;
    how.callbacks = std::move(callbacks);
    return model.fit(ArrayDataset(of.x, of.y), how);
  };
  for (const double split : {0.0, 0.3}) {
    Sequential one = training::model();
    SaveAfter save(folder / "m", 5);
    const History history = fit_on(one, data, {&save}, split);
    Sequential other = training::model();
    other.load(folder / "m");
    CHECK(refusal<StateError>([&] { fit_on(other, moved, {}, split); }).find("other samples") !=
          std::string::npos);
    other.load(folder / "m");
    CHECK(fit_on(other, data, {}, split).history == history.history);
  }
}
