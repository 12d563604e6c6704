// The calls of a model on samples, other than fit.
#include <fmt/format.h>

#include "base/located.hpp"
#include "fovea/base/error.hpp"
#include "train/checks.hpp"
#include "train/trainer.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

Logs Trainer::train_on_batch(const SampleSet& x, const SampleSet& y,
                             const std::vector<double>& sample_weight) {
  const CallName call{name(), "train_on_batch"};
  check_ready("train_on_batch");
  check_counts(call, x, y);
  if (x.count() == 0) throw ValueError(fmt::format("{}: the batch is empty", call.text()));
  check_weights(call, sample_weight, x.count(), false);
  Given data = ordered(call, x, y, sample_weight);
  build(call, data.x);
  check_data(call, data);
  check_learns(call);
  Pass training = pass(shards_, {});
  Means means(compiled->outputs);
  train(training,
        training.batch(data.x, data.y,
                       memory::List<double>(sample_weight.begin(), sample_weight.end())),
        means);
  return means.logs();
}

Logs Trainer::evaluate(const SampleSet& x, const SampleSet& y, Index batch_size,
                       const std::vector<double>& sample_weight) const {
  const CallName call{name(), "evaluate"};
  check_ready("evaluate");
  check_built(call);
  check_batch_size(call, batch_size);
  check_weights(call, sample_weight, x.count(), true);
  Given data = ordered(call, x, y, sample_weight);
  check_data(call, data);
  Shards shards;
  return pass(shards, data.traced).evaluate(data.x, data.y, data.weight, batch_size);
}

std::vector<Array> Trainer::predict(const SampleSet& x, Index batch_size) const {
  const CallName call{name(), "predict"};
  check_built(call);
  check_batch_size(call, batch_size);
  const SampleSet own = inputs(call, x);
  located([&] { return call.path(); }, [&] { network->check(signals(own)); });
  Shards shards;
  return pass(shards, {}).predict(own, batch_size);
}

}}  // namespace fovea
