// Matrix products beside OpenBLAS called once with threads of its own: rows x columns x inner,
// batches in front. A batch is a loop of OpenBLAS' calls. openblas_ms is its time, times_openblas
// how many times as long as ours it takes; 1 is the bar.
#include <cblas.h>
#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <thread>

#include "bars.hpp"
#include "by_turns.hpp"
#include "fovea/fovea.hpp"
#include "kernels/gemm.hpp"
#include "run.hpp"

using namespace fovea;

namespace {

enum class Form { plain, transposed_a, transposed_b };

struct Product {
  Index rows, columns, inner, batch = 1;
  Form form = Form::plain;

  std::string name() const {
    const char* suffix = form == Form::plain          ? ""
                         : form == Form::transposed_a ? "/transposed:a"
                                                      : "/transposed:b";
    return fmt::format("gemm/{}{}x{}x{}{}", batch == 1 ? "" : fmt::format("{}x", batch), rows,
                       columns, inner, suffix);
  }
  double operations() const { return 2.0 * static_cast<double>(batch * rows * columns * inner); }
  bool transposes_a() const { return form == Form::transposed_a; }
  bool transposes_b() const { return form == Form::transposed_b; }
};

// clang-format off
// Alike products share a line.
const Product products[] = {
    // square
    {1, 1, 1}, {16, 16, 16}, {64, 64, 64}, {100, 100, 100}, {128, 128, 128}, {256, 256, 256},
    {512, 512, 512}, {1024, 1024, 1024}, {2048, 2048, 2048}, {4096, 4096, 4096},
    // one row, one column, tall, wide
    {1, 4096, 4096}, {4096, 1, 4096}, {32, 10, 64}, {100, 64, 128}, {3200, 64, 128},
    {25600, 64, 128}, {10000, 16, 16}, {32, 10000, 128}, {64, 30000, 256}, {8, 4096, 1024},
    // of layers
    {128, 256, 784}, {128, 128, 256}, {512, 2048, 512}, {512, 512, 2048},
    // long inner
    {1, 1, 65536}, {16, 16, 65536}, {64, 64, 16384}, {10, 128, 4096},
    // batches
    {64, 64, 64, 32}, {100, 64, 128, 256}, {100, 100, 64, 256}, {8, 8, 8, 1000}, {512, 512, 64, 8},
    // transposed
    {3200, 128, 64, 1, Form::transposed_b}, {128, 784, 256, 1, Form::transposed_b},
    {2048, 2048, 2048, 1, Form::transposed_b}, {100, 100, 64, 32, Form::transposed_b},
    {128, 64, 3200, 1, Form::transposed_a}, {784, 256, 128, 1, Form::transposed_a},
    {2048, 2048, 2048, 1, Form::transposed_a},
};
// clang-format on

// Operands, and the results of both.
struct Operands {
  Product product;
  Array a, b, ours, theirs;
  View view_a, view_b;
  MutableView view_c;

  explicit Operands(const Product& p)
      : product(p),
        a(bench::random_array(
            p.transposes_a() ? Shape{p.batch, p.inner, p.rows} : Shape{p.batch, p.rows, p.inner},
            -1, 1)),
        b(bench::random_array(p.transposes_b() ? Shape{p.batch, p.columns, p.inner}
                                               : Shape{p.batch, p.inner, p.columns},
                              -1, 1)),
        ours(Shape{p.batch, p.rows, p.columns}),
        theirs(Shape{p.batch, p.rows, p.columns}),
        view_a(p.transposes_a() ? transposed(a.view()) : a.view()),
        view_b(p.transposes_b() ? transposed(b.view()) : b.view()),
        view_c(ours.mutable_view()) {}

  void fovea() { kernels::gemm(view_a, view_b, view_c, false); }

  void openblas() {
    const auto m = static_cast<blasint>(product.rows), n = static_cast<blasint>(product.columns),
               k = static_cast<blasint>(product.inner);
    for (Index i = 0; i < product.batch; ++i)
      cblas_sgemm(CblasRowMajor, product.transposes_a() ? CblasTrans : CblasNoTrans,
                  product.transposes_b() ? CblasTrans : CblasNoTrans, m, n, k, 1,
                  a.data() + i * product.rows * product.inner, product.transposes_a() ? m : k,
                  b.data() + i * product.inner * product.columns, product.transposes_b() ? k : n, 0,
                  theirs.mutable_data() + i * product.rows * product.columns, n);
  }

  // Sums of `inner` numbers from -1 to 1, in other orders.
  void check_equal() const {
    const double tolerance = 1e-5 * std::sqrt(static_cast<double>(product.inner));
    for (Index i = 0; i < ours.count(); ++i)
      if (!(std::abs(ours.data()[i] - theirs.data()[i]) <= tolerance)) {
        fmt::print(stderr, "{}: element {} is {}, OpenBLAS' is {}\n", product.name(), i,
                   ours.data()[i], theirs.data()[i]);
        std::abort();
      }
  }
};

// OpenBLAS uses threads from this many multiply-adds on. Its idle workers go on asking for work for
// a tenth of a second and more, and oneTBB's for less than a millisecond; the other contestant
// waits until they sleep.
constexpr Index openblas_uses_threads = 262144;
constexpr std::chrono::milliseconds openblas_rests(200), fovea_rests(1);

bench::Comparison compare(const Product& product) {
  Operands operands(product);
  const bool threaded = product.rows * product.columns * product.inner > openblas_uses_threads;
  const bench::Contestant ours{[&] { operands.fovea(); },
                               [threaded] {
                                 openblas_set_num_threads(1);
                                 if (threaded) std::this_thread::sleep_for(openblas_rests);
                               }};
  const bench::Contestant bar{[&] { operands.openblas(); },
                              [] {
                                openblas_set_num_threads(static_cast<int>(threads()));
                                std::this_thread::sleep_for(fovea_rests);
                              }};
  const bench::Comparison comparison = bench::by_turns(
      ours, bar,
      {.block_seconds = 0.02, .warm_seconds = 0.01, .total_seconds = threaded ? 3.5 : 1.0});
  operands.check_equal();
  return comparison;
}

// What the summary at the end is made of.
struct Result {
  std::string name;
  double times_openblas;
};
std::vector<Result> results;

void print_summary() {
  if (results.empty()) return;
  double logarithms = 0;
  for (const Result& result : results) logarithms += std::log(result.times_openblas);
  const Result& smallest = *std::ranges::min_element(results, {}, &Result::times_openblas);
  fmt::print("times_openblas: geometric mean {:.3f} of {}, smallest {:.3f} ({})\n",
             std::exp(logarithms / static_cast<double>(results.size())), results.size(),
             smallest.times_openblas, smallest.name);
}

}  // namespace

int main(int argc, char** argv) {
  for (const Product& product : products)
    bench::add(
        product.name(), [product] { return compare(product); },
        [product](benchmark::State& state, const bench::Comparison& comparison) {
          state.counters["openblas_ms"] = comparison.bar_seconds * 1e3;
          state.counters["times_openblas"] = comparison.times_bar;
          state.counters["FLOP/s"] = benchmark::Counter(
              product.operations(), benchmark::Counter::kIsIterationInvariantRate);
          results.push_back({product.name(), comparison.times_bar});
        })
        ->Unit(benchmark::kMillisecond);
  bench::run(argc, argv);
  print_summary();
}
