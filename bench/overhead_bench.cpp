// What the engine costs when the numbers cost nothing: a chain of 1,000 additions of 16 elements,
// recorded, run backward, and released. The counter is the time of one addition, forward, backward
// and release together.
#include <benchmark/benchmark.h>

#include "fovea/fovea.hpp"
#include "run.hpp"

using namespace fovea;

namespace {

constexpr Index links = 1000;

void chained_adds(benchmark::State& state) {
  const Tensor start = Tensor::parameter(Array::full(Shape{16}, 1)),
               step = Tensor::parameter(Array::full(Shape{16}, 1));
  for (auto _ : state) {
    Tensor x = start;
    for (Index i = 0; i < links; ++i) x = x + step;
    sum(x).backward();
    start.zero_grad();
    step.zero_grad();
  }
  state.counters["per_op"] =
      benchmark::Counter(static_cast<double>(links), benchmark::Counter::kIsIterationInvariantRate |
                                                         benchmark::Counter::kInvert);
}
BENCHMARK(chained_adds)->Name("overhead/chained_adds:1000/elements:16");

void forward_only(benchmark::State& state) {
  const NoGrad no_grad;
  const Tensor start(Array::full(Shape{16}, 1)), step(Array::full(Shape{16}, 1));
  for (auto _ : state) {
    Tensor x = start;
    for (Index i = 0; i < links; ++i) x = x + step;
    benchmark::DoNotOptimize(x);
  }
  state.counters["per_op"] =
      benchmark::Counter(static_cast<double>(links), benchmark::Counter::kIsIterationInvariantRate |
                                                         benchmark::Counter::kInvert);
}
BENCHMARK(forward_only)->Name("overhead/chained_adds_without_graph:1000/elements:16");

}  // namespace

int main(int argc, char** argv) { bench::run(argc, argv); }
