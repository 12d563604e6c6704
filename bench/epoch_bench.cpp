// The user's own run: one epoch of `fit` of the documented model on WordNet's definitions, as
// examples/documented_loop trains it: 1,584 batches of 32, shuffled, gathered, padding masked, rows
// of the table as long behind as they are in life. Seconds are those of an epoch; two epochs come
// before. Without WordNet's file it says so and is skipped.
#include "fovea/fovea.hpp"
#include "run.hpp"
#include "support/wordnet.hpp"

using namespace fovea;

namespace {

void epoch(benchmark::State& state) {
  try {
    const examples::WordNet data = examples::read_wordnet();
    const Embedding embedding{
        .input_dim = examples::WordNet::vocabulary, .output_dim = 128, .mask_zero = true};
    Sequential model{embedding, AttentionLayer{64}, Dense{10, Activation::softmax}};
    model.compile(
        {.optimizer = Adam{}, .loss = SparseCategoricalCrossentropy{}, .metrics = {Accuracy{}}});
    model.fit(data.train.x, data.train.y, {.epochs = 2, .verbose = 0});
    for (auto _ : state) model.fit(data.train.x, data.train.y, {.verbose = 0});
    state.counters["samples/s"] = benchmark::Counter(static_cast<double>(data.train.y.count()),
                                                     benchmark::Counter::kIsIterationInvariantRate);
  } catch (const examples::DataMissing& missing) {
    state.SkipWithError(missing.what());
  }
}
BENCHMARK(epoch)
    ->Name("epoch/wordnet")
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond)
    ->Iterations(1)
    ->Repetitions(9);

}  // namespace

int main(int argc, char** argv) { bench::run(argc, argv); }
