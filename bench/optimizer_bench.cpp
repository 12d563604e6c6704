// Adam. Over one dense parameter, by turns with a memcpy that moves as many bytes: four arrays read
// and three written. Then over a table of which each step reads and moves the rows of 32 x 100
// tokens: gather, gradient and step; beside it the step alone over all of the table.
#include <fmt/format.h>

#include "bars.hpp"
#include "by_turns.hpp"
#include "fovea/fovea.hpp"
#include "run.hpp"
#include "tokens.hpp"

using namespace fovea;

namespace {

constexpr Index width = 128, batch = 32, time_steps = 100, batches = 64;

Tensor parameter_with_gradient(const Shape& shape) {
  const Tensor parameter = Tensor::parameter(Array::zeros(shape));
  parameter.gradient().add(bench::random_array(shape, -1, 1));
  return parameter;
}

bench::Comparison compare_dense(Index parameters, Index bytes) {
  Adam adam;
  adam.attach({{"parameter", parameter_with_gradient(Shape{parameters})}});
  return bench::by_turns({[&] { adam.step(); }}, {bench::copies(bytes)});
}

void add_dense(Index parameters) {
  const Index bytes = 28 * parameters;
  bench::add(
      fmt::format("adam/parameters:{}", parameters),
      [=] { return compare_dense(parameters, bytes); },
      [=](benchmark::State& state, const bench::Comparison& comparison) {
        state.SetBytesProcessed(bytes);
        state.counters["of_memcpy"] = comparison.times_bar;
      })
      ->Unit(benchmark::kMillisecond);
}

// Each batch's ids come again after `batches` steps.
void rows(benchmark::State& state, Index vocab, bool stand_still) {
  const Tensor table =
      Tensor::parameter(bench::random_array(Shape{vocab, width}, real(-0.05), real(0.05)));
  const Ids tokens = bench::draw_tokens(Shape{batches * batch, time_steps}, vocab, true);
  const Array dy = bench::random_array(Shape{batch, time_steps, width}, -1, 1);
  std::vector<Ids> ids;
  for (Index i = 0; i < batches; ++i) ids.push_back(tokens.rows(i * batch, (i + 1) * batch));
  Adam adam{{.lazy = stand_still}};
  adam.attach({{"table", table}});
  std::size_t next = 0;
  const auto step = [&] {
    const Tensor y = gather_rows(table, ids[next++ % ids.size()]);
    table.zero_grad();
    y.backward(dy);
    adam.step();
  };
  for (std::size_t i = 0; i < 2 * ids.size(); ++i) step();
  for (auto _ : state) step();
}

void whole_table(benchmark::State& state, Index vocab) {
  Adam adam;
  adam.attach({{"table", parameter_with_gradient(Shape{vocab, width})}});
  adam.step();
  for (auto _ : state) adam.step();
}

void add_table(Index vocab) {
  const auto add = [&](const char* part, auto run) {
    benchmark::RegisterBenchmark(
        fmt::format("adam_table/vocab:{}/width:{}/{}", vocab, width, part).c_str(), run)
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
  };
  add("tokens:zipf/exact", [=](benchmark::State& state) { rows(state, vocab, false); });
  add("tokens:zipf/lazy", [=](benchmark::State& state) { rows(state, vocab, true); });
  add("dense", [=](benchmark::State& state) { whole_table(state, vocab); });
}

}  // namespace

int main(int argc, char** argv) {
  for (const Index parameters : {10'000, 1'000'000, 10'000'000}) add_dense(parameters);
  for (const Index vocab : {10'000, 100'000, 1'000'000}) add_table(vocab);
  bench::run(argc, argv);
}
