// Time of one training step of the documented model, batch in, loss out: Embedding(vocab, 128) -> AttentionLayer(64) -> Dense(10,
// softmax), cross-entropy, Adam. Names say what varies; tokens are drawn uniformly, or by Zipf's law as in text. The same step in
// parts: forward and backward, the optimiser, and the loader.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "fovea/fovea.hpp"
#include "tokens.hpp"

using namespace fovea;

namespace {

struct Work {
  Index batch, time, vocab;
  bool zipf;

  std::string name(const std::string& part) const {
    return fmt::format("documented_step{}/batch:{}/time:{}/vocab:{}/tokens:{}", part, batch, time, vocab, zipf ? "zipf" : "uniform");
  }
};

constexpr Index batches = 64;  // different ones, in turn

Ids draw_ids(const Work& work) { return bench::draw_tokens({batches * work.batch, work.time}, work.vocab, work.zipf); }

Ids draw_labels(const Work& work) { return bench::draw_labels(batches * work.batch, 10); }

// An optimiser that does nothing: what is left of a step is forward and backward.
struct Still {
  void attach(const std::vector<NamedParameter>&) {}
  void step() {}
  double learning_rate() const { return 0; }
  void set_learning_rate(double) {}
};

Sequential documented_model(const Work& work, Optimizer optimizer) {
  Sequential model{Embedding{work.vocab, 128}, AttentionLayer{64}, Dense{10, Activation::softmax}};
  model.compile({.optimizer = std::move(optimizer), .loss = SparseCategoricalCrossentropy{}, .metrics = {Accuracy{}}});
  model.build({work.time});
  return model;
}

std::vector<std::pair<Samples, Samples>> cut(const Work& work) {
  const Ids ids = draw_ids(work), labels = draw_labels(work);
  std::vector<std::pair<Samples, Samples>> list;
  for (Index i = 0; i < batches; ++i) list.emplace_back(ids.rows(i * work.batch, (i + 1) * work.batch), labels.rows(i * work.batch, (i + 1) * work.batch));
  return list;
}

void step(benchmark::State& state, const Work& work, Optimizer optimizer) {
  Sequential model = documented_model(work, std::move(optimizer));
  const auto list = cut(work);
  for (std::size_t i = 0; i < 2 * list.size(); ++i) model.train_on_batch(list[i % list.size()].first, list[i % list.size()].second);
  std::size_t next = 0;
  for (auto _ : state) {
    const auto& [x, y] = list[next++ % list.size()];
    benchmark::DoNotOptimize(model.train_on_batch(x, y));
  }
  state.counters["samples/s"] = benchmark::Counter(static_cast<double>(work.batch), benchmark::Counter::kIsIterationInvariantRate);
}

// Gradients as one step leaves them, and the optimiser alone.
void optimizer(benchmark::State& state, const Work& work) {
  Sequential model = documented_model(work, Still{});
  const auto list = cut(work);
  model.train_on_batch(list[0].first, list[0].second);
  Adam adam;
  adam.attach(model);
  for (auto _ : state) adam.step();
}

void loader(benchmark::State& state, const Work& work) {
  const Samples x = draw_ids(work);
  std::vector<Index> positions(static_cast<std::size_t>(work.batch));
  Rng random(3);
  for (auto _ : state) {
    for (Index& position : positions) position = random.below(x.count());
    benchmark::DoNotOptimize(x.rows(positions));
  }
}

void add(const Work& work) {
  const auto real_time = [](benchmark::internal::Benchmark* benchmark) { benchmark->UseRealTime()->Unit(benchmark::kMillisecond); };
  real_time(benchmark::RegisterBenchmark(work.name("").c_str(), [=](benchmark::State& state) { step(state, work, Adam{}); }));
  real_time(benchmark::RegisterBenchmark(work.name("_forward_backward").c_str(), [=](benchmark::State& state) { step(state, work, Still{}); }));
  real_time(benchmark::RegisterBenchmark(work.name("_optimizer").c_str(), [=](benchmark::State& state) { optimizer(state, work); }));
  real_time(benchmark::RegisterBenchmark(work.name("_loader").c_str(), [=](benchmark::State& state) { loader(state, work); }));
}

}  // namespace

int main(int argc, char** argv) {
  for (const bool zipf : {true, false}) {
    add({32, 100, 10000, zipf});
    add({32, 32, 10000, zipf});
    add({256, 100, 10000, zipf});
    add({32, 100, 100000, zipf});
    add({32, 100, 1000000, zipf});
  }
  benchmark::Initialize(&argc, argv);
  benchmark::AddCustomContext("fovea_threads", std::to_string(threads()));
  benchmark::RunSpecifiedBenchmarks();
}
