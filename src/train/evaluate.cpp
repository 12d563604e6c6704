// The calls of a model on samples, other than fit.
#include <fmt/format.h>

#include "fovea/base/error.hpp"
#include "train/checks.hpp"
#include "train/feed.hpp"
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
  Pass training = pass(shards_, data.traced);
  Means means(compiled->outputs);
  Piece piece{&training,
              training.batch(data.x, data.y,
                             memory::List<double>(sample_weight.begin(), sample_weight.end()))};
  train({&piece, 1}, means);
  return means.logs();
}

Logs Trainer::evaluate(Feed& feed) const {
  const parallel::FlushSubnormals flush;
  Means means(compiled->outputs);
  const Index updates = feed.begin(0, 0);
  for (Index i = 0; i < updates; ++i)
    for (const Piece& piece : feed.update(i)) piece.pass->run(piece.batch, false, means);
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
  ArrayFeed feed(pass(shards, data.traced), data.x, data.y, data.weight,
                 {.batch_size = batch_size});
  return evaluate(feed);
}

Logs Trainer::evaluate(const Dataset& data, Index batch_size) const {
  check_batch_size({name(), "evaluate"}, batch_size);
  return evaluate(dataset_source({name(), "evaluate"}, data, {.batch_size = batch_size}));
}

Logs Trainer::evaluate(const GeneratedBatches& batches, Index steps) const {
  return evaluate(generated_source({name(), "evaluate"}, batches, steps,
                                   {.seed = compiled ? compiled->seed : 0}));
}

Logs Trainer::evaluate(std::unique_ptr<BatchSource> source) const {
  const CallName call{name(), "evaluate"};
  check_ready("evaluate");
  check_built(call);
  Shards shards;
  LoadedFeed feed(*this, call, shards, std::move(source), 0);
  return evaluate(feed);
}

std::vector<Array> Trainer::predict(const SampleSet& x, Index batch_size) const {
  const CallName call{name(), "predict"};
  check_built(call);
  check_batch_size(call, batch_size);
  const SampleSet own = inputs(call, x);
  check_inputs(call, own);
  Shards shards;
  const std::vector<Trace::Output> outputs =
      own.count() > 0 ? traced(call, own) : std::vector<Trace::Output>();
  return pass(shards, outputs).predict(own, batch_size);
}

std::vector<Array> Trainer::predict(const Dataset& data, Index batch_size) const {
  check_batch_size({name(), "predict"}, batch_size);
  return predict(dataset_source({name(), "predict"}, data, {.batch_size = batch_size}));
}

std::vector<Array> Trainer::predict(const GeneratedBatches& batches, Index steps) const {
  return predict(generated_source({name(), "predict"}, batches, steps,
                                  {.seed = compiled ? compiled->seed : 0}));
}

std::vector<Array> Trainer::predict(std::unique_ptr<BatchSource> source) const {
  const CallName call{name(), "predict"};
  check_built(call);
  Shards shards;
  LoadedFeed feed(*this, call, shards, std::move(source), 0);
  std::vector<memory::List<Array>> parts(network->outputs().size());
  const Index updates = feed.begin(0, 0);
  for (Index i = 0; i < updates; ++i)
    for (const Piece& piece : feed.inputs(i)) {
      const std::vector<Array> outputs = piece.pass->predict(piece.batch.x, piece.batch.count());
      for (std::size_t o = 0; o < outputs.size(); ++o) parts[o].push_back(outputs[o]);
    }
  std::vector<Array> result;
  for (const memory::List<Array>& of_output : parts) result.push_back(joined(name(), of_output));
  return result;
}

}}  // namespace fovea
