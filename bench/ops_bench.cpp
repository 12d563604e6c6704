// Every op of the tests' table, on a case that the table draws: forward alone, and forward,
// backward and release together. The label is the shapes of the inputs; `elements` counts theirs
// and the result's.
#include <benchmark/benchmark.h>

#include "fovea/fovea.hpp"
#include "run.hpp"
#include "support/op_run.hpp"

std::uint64_t support::seed() { return 1; }

namespace {

using fovea::Array;
using fovea::Index;
using fovea::Tensor;
using support::DrawnCase;

double elements(const DrawnCase& drawn) {
  Index count = drawn.weights.count();
  for (const Array& leaf : drawn.leaves) count += leaf.count();
  return static_cast<double>(count);
}

// The first of the tests' large cases that is large indeed and made of leaves as they are; the
// first of all where the row has none.
DrawnCase draw(const support::OpCase& op) {
  constexpr Index trials = 12, enough = 20000;
  for (Index trial = 0; trial < trials; ++trial) {
    DrawnCase drawn(op, trial, support::Scale::large);
    if (!drawn.transposed && !drawn.same && elements(drawn) >= enough) return drawn;
  }
  return DrawnCase(op, 0, support::Scale::large);
}

void describe(benchmark::State& state, const DrawnCase& drawn) {
  std::vector<std::string> shapes;
  for (const fovea::Shape& shape : drawn.shapes) shapes.push_back(to_string(shape));
  state.SetLabel(fmt::format("{}", fmt::join(shapes, ", ")));
  state.counters["elements"] = elements(drawn);
}

void forward(benchmark::State& state, const DrawnCase& drawn) {
  const fovea::NoGrad no_grad;
  const std::vector<Tensor> inputs = drawn.constants();
  const support::Function function = drawn.function();
  for (auto _ : state) benchmark::DoNotOptimize(function(inputs));
  describe(state, drawn);
}

void forward_backward(benchmark::State& state, const DrawnCase& drawn) {
  const std::vector<Tensor> inputs = support::as_parameters(drawn.leaves);
  const support::Function function = drawn.function();
  for (auto _ : state) {
    function(inputs).backward(drawn.weights);
    for (const Tensor& input : inputs) input.zero_grad();
  }
  describe(state, drawn);
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<DrawnCase> cases;
  for (const support::OpCase& op : support::op_cases()) cases.push_back(draw(op));
  const auto add = [](const char* part, const DrawnCase& drawn, auto run) {
    benchmark::RegisterBenchmark(fmt::format("{}/{}", drawn.op->name, part).c_str(),
                                 [&drawn, run](benchmark::State& state) { run(state, drawn); })
        ->UseRealTime()
        ->MinTime(0.1)
        ->Unit(benchmark::kMicrosecond);
  };
  for (const DrawnCase& drawn : cases) {
    add("forward", drawn, forward);
    if (!drawn.leaves.empty()) add("forward_backward", drawn, forward_backward);
  }
  bench::run(argc, argv);
}
