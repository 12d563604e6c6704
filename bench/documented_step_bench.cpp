// Time of one training step of the documented model, batch in, loss out: Embedding(vocab, 128) ->
// AttentionLayer(64) -> Dense(10, softmax), cross-entropy, Adam. Names say what varies; tokens are
// drawn uniformly, or by Zipf's law as in text. The same step in parts: forward and backward, the
// optimiser, and the loader. And without one of the things that make it fast: in a loop of one's
// own (which is one shard), with dense Adam, with attention composed of elementary operations, with
// and without one product for W1 and W2.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "fovea/fovea.hpp"
#include "run.hpp"
#include "tokens.hpp"

using namespace fovea;

namespace {

struct Work {
  Index batch, time, vocab;
  bool zipf;

  std::string name(const std::string& part) const {
    return fmt::format("documented_step{}/batch:{}/time:{}/vocab:{}/tokens:{}", part, batch, time,
                       vocab, zipf ? "zipf" : "uniform");
  }
};

constexpr Index batches = 64;  // different ones, in turn

Ids draw_ids(const Work& work) {
  return bench::draw_tokens({batches * work.batch, work.time}, work.vocab, work.zipf);
}

Ids draw_labels(const Work& work) { return bench::draw_labels(batches * work.batch, 10); }

// An optimiser that does nothing: what is left of a step is forward and backward.
struct Still {
  void attach(const std::vector<NamedParameter>&) {}
  void step() {}
  double learning_rate() const { return 0; }
  void set_learning_rate(double) {}
};

// Adam that sweeps over the whole table in every step.
struct DenseAdam {
  Adam adam = Adam();
  std::vector<NamedParameter> parameters;

  void attach(const std::vector<NamedParameter>& list) {
    parameters = list;
    adam.attach(list);
  }
  void step() {
    for (const NamedParameter& parameter : parameters) parameter.tensor.gradient().gathered();
    adam.step();
  }
  double learning_rate() const { return adam.learning_rate(); }
  void set_learning_rate(double rate) { adam.set_learning_rate(rate); }
};

// What AttentionLayer computes, one operation after the other.
struct ComposedAttention {
  bool one_product = true;  // for W1 and W2, which see the same input
  AttentionLayer layer{64};

  static void parameters(auto& self, auto&& visit) { visit("layer", self.layer); }
  Shape build(const Shape& sample, const Rng& random) { return layer.build(sample, random); }
  Tensor operator()(const Tensor& x, const Context& = {}) const {
    const Tensor z =
        one_product ? matmul(x, layer.W1.kernel + layer.W2.kernel) + (layer.W1.bias + layer.W2.bias)
                    : (matmul(x, layer.W1.kernel) + layer.W1.bias) +
                          (matmul(x, layer.W2.kernel) + layer.W2.bias);
    const Tensor weights = softmax(matmul(tanh(z), layer.V.kernel), 1);
    return reshape(matmul(weights, x, {.transpose_a = true}), {x.shape()[0], x.shape()[2]});
  }
};

template <class Attention = AttentionLayer>
Sequential documented_model(const Work& work, Optimizer optimizer,
                            const Attention& attention = {64}) {
  Sequential model{Embedding{work.vocab, 128}, attention, Dense{10, Activation::softmax}};
  model.compile({.optimizer = std::move(optimizer),
                 .loss = SparseCategoricalCrossentropy{},
                 .metrics = {Accuracy{}}});
  model.build({work.time});
  return model;
}

std::vector<std::pair<Samples, Samples>> cut(const Work& work) {
  const Ids ids = draw_ids(work), labels = draw_labels(work);
  std::vector<std::pair<Samples, Samples>> list;
  for (Index i = 0; i < batches; ++i)
    list.emplace_back(ids.rows(i * work.batch, (i + 1) * work.batch),
                      labels.rows(i * work.batch, (i + 1) * work.batch));
  return list;
}

// Times `train`, of a batch, after two rounds through all batches: rows have then waited as long as
// they will. The counter is over the operations that the step needs: three products of (batch time,
// 128) and (128, 64).
template <class Train>
void time_batches(benchmark::State& state, const Work& work, const Train& train) {
  const auto list = cut(work);
  for (std::size_t i = 0; i < 2 * list.size(); ++i)
    train(list[i % list.size()].first, list[i % list.size()].second);
  std::size_t next = 0;
  for (auto _ : state) {
    const auto& [x, y] = list[next++ % list.size()];
    train(x, y);
  }
  const auto rate = [](Index count) {
    return benchmark::Counter(static_cast<double>(count),
                              benchmark::Counter::kIsIterationInvariantRate);
  };
  state.counters["samples/s"] = rate(work.batch);
  state.counters["needed_flop/s"] = rate(3 * 2 * work.batch * work.time * 128 * 64);
}

template <class Attention = AttentionLayer>
void step(benchmark::State& state, const Work& work, Optimizer optimizer,
          const Attention& attention = {64}) {
  Sequential model = documented_model(work, std::move(optimizer), attention);
  time_batches(state, work, [&](const Samples& x, const Samples& y) {
    benchmark::DoNotOptimize(model.train_on_batch(x, y));
  });
}

void loop(benchmark::State& state, const Work& work) {
  const Sequential model = documented_model(work, Adam{});
  Adam adam;
  adam.attach(model);
  time_batches(state, work, [&](const Samples& x, const Samples& y) {
    const Tensor loss = mean(SparseCategoricalCrossentropy{}(model(x, {.training = true}), y));
    adam.zero_grad();
    loss.backward();
    adam.step();
    benchmark::DoNotOptimize(loss.item());
  });
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

template <class Run>
void add(const Work& work, const std::string& part, const Run& run) {
  benchmark::RegisterBenchmark(work.name(part).c_str(), run)
      ->UseRealTime()
      ->Unit(benchmark::kMillisecond);
}

void add_parts(const Work& work) {
  add(work, "", [=](benchmark::State& state) { step(state, work, Adam{}); });
  add(work, "_forward_backward", [=](benchmark::State& state) { step(state, work, Still{}); });
  add(work, "_optimizer", [=](benchmark::State& state) { optimizer(state, work); });
  add(work, "_loader", [=](benchmark::State& state) { loader(state, work); });
}

void add_without(const Work& work) {
  add(work, "_own_loop", [=](benchmark::State& state) { loop(state, work); });
  add(work, "_lazy_adam",
      [=](benchmark::State& state) { step(state, work, Adam(AdamOptions{.lazy = true})); });
  add(work, "_dense_adam", [=](benchmark::State& state) { step(state, work, DenseAdam{}); });
  add(work, "_composed",
      [=](benchmark::State& state) { step(state, work, Adam{}, ComposedAttention{}); });
  add(work, "_composed_two_products", [=](benchmark::State& state) {
    step(state, work, Adam{}, ComposedAttention{.one_product = false});
  });
}

}  // namespace

int main(int argc, char** argv) {
  for (const bool zipf : {true, false}) {
    add_parts({32, 100, 10000, zipf});
    add_parts({32, 32, 10000, zipf});
    add_parts({256, 100, 10000, zipf});
    add_parts({32, 100, 100000, zipf});
    add_parts({32, 100, 1000000, zipf});
  }
  add_without({32, 100, 10000, true});
  add_without({256, 100, 10000, true});
  bench::run(argc, argv);
}
