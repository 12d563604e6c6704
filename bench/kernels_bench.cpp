// Kernels beside what the machine can do. First the bars: memcpy, multiply-adds in registers, and
// OpenBLAS on one thread. Then each kernel by turns with a memcpy on all threads that moves as many
// bytes: of_memcpy is the part of memcpy's bytes per second that the kernel reaches, of_peak the
// part of the multiply-adds. Sizes are those of the input.
#include <cblas.h>
#include <fmt/format.h>

#include <algorithm>

#include "bars.hpp"
#include "by_turns.hpp"
#include "fovea/fovea.hpp"
#include "kernels/adam.hpp"
#include "kernels/ahead.hpp"
#include "kernels/gemm.hpp"
#include "kernels/known_products.hpp"
#include "kernels/norm.hpp"
#include "kernels/reduce.hpp"
#include "kernels/rows.hpp"
#include "kernels/softmax.hpp"
#include "run.hpp"

using namespace fovea;

namespace {

using Calls = std::function<void()>;

constexpr Index width = 1024,
                row_width = 128;  // of rows that are normalised or reduced; of a table's

// A kernel ready to be called on `elements` numbers, and how many bytes it reads and writes for
// each.
struct Kernel {
  const char* name;
  double bytes;
  std::function<Calls(Index elements)> on;
};

auto unary(Tensor (*op)(const Tensor&), real low = -3) {
  return [=](Index elements) -> Calls {
    return [=, x = Tensor(bench::random_array(Shape{elements}, low, 3))] {
      const NoGrad no_grad;
      benchmark::DoNotOptimize(op(x));
    };
  };
}

// Calls kernel(x, y), both of `elements` numbers, rows of 1024.
template <class Function>
auto on_rows(Function kernel) {
  return [=](Index elements) -> Calls {
    const Array x = bench::random_array(Shape{elements / width, width}, -3, 3);
    return [=, y = Array::zeros(x.shape())]() mutable { kernel(x, y); };
  };
}

auto reduction(void (*kernel)(const real*, kernels::AlongAxis, real*), bool last_axis) {
  return on_rows([=](const Array& x, Array& y) {
    const Index rows = x.shape()[0];
    kernel(x.data(),
           last_axis ? kernels::AlongAxis{rows, width, 1} : kernels::AlongAxis{1, rows, width},
           y.mutable_data());
  });
}

auto distribution(void (*kernel)(const real*, const std::uint8_t*, kernels::AlongAxis, real*)) {
  return on_rows([=](const Array& x, Array& y) {
    kernel(x.data(), nullptr, {x.shape()[0], width, 1}, y.mutable_data());
  });
}

void sum_along(const real* x, kernels::AlongAxis axis, real* y) { kernels::sum(x, axis, y, false); }

auto norm(bool centred) {
  return [=](Index elements) -> Calls {
    const Index rows = elements / width;
    const Array x = bench::random_array(Shape{rows, width}, -3, 3),
                gamma = Array::full(Shape{width}, 1), beta = Array::zeros(Shape{width});
    return [=, y = Array::zeros(x.shape()),
            statistics = Array::zeros(Shape{rows, kernels::statistics_per_row})]() mutable {
      kernels::norm({rows, width, centred},
                    {x.data(), gamma.data(), centred ? beta.data() : nullptr, real(1e-5)},
                    y.mutable_data(), statistics.mutable_data());
    };
  };
}

Calls add_two(Index elements) {
  return [a = Tensor(bench::random_array(Shape{elements}, -3, 3)),
          b = Tensor(bench::random_array(Shape{elements}, -2, 2))] {
    const NoGrad no_grad;
    benchmark::DoNotOptimize(a + b);
  };
}

Calls reordered(const Shape& shape, const std::vector<int>& order) {
  return [=, x = Tensor(bench::random_array(shape, -3, 3))] {
    const NoGrad no_grad;
    benchmark::DoNotOptimize(permute_dims(x, order));
  };
}

Calls transpose_rows(Index elements) { return reordered(Shape{elements / width, width}, {1, 0}); }

// (batch, time, heads, features) -> (batch, heads, time, features)
Calls permute_heads(Index elements) {
  return reordered(Shape{elements / 4096, 8, 8, 64}, {0, 2, 1, 3});
}

// As many rows as the table has, drawn uniformly.
Calls gather(Index elements) {
  const Index rows = elements / row_width;
  Rng random(3);
  std::vector<std::int32_t> ids(static_cast<std::size_t>(rows));
  for (std::int32_t& id : ids) id = static_cast<std::int32_t>(random.below(rows));
  return [=, table = bench::random_array(Shape{rows, row_width}, -3, 3),
          y = Array::zeros(Shape{rows, row_width})]() mutable {
    kernels::gather_rows(table.data(), ids.data(), rows, row_width, y.mutable_data());
  };
}

Calls adam(Index elements) {
  const kernels::AdamFactors step{real(0.1), real(0.001), real(1e-3), 1, real(1e-7), 0, 1};
  const Shape shape{elements};
  return [=, gradient = bench::random_array(shape, -1, 1), parameter = Array::zeros(shape),
          mean = Array::zeros(shape), variance = Array::zeros(shape)]() mutable {
    const kernels::AdamPlaces at{parameter.mutable_data(), mean.mutable_data(),
                                 variance.mutable_data()};
    parallel::for_range(elements, parallel::worth_a_task / 4, [&](Index begin, Index end) {
      kernels::adam(step, gradient.data() + begin,
                    {at.parameter + begin, at.mean + begin, at.variance + begin}, end - begin,
                    kernels::left_to_ask_for(elements, begin));
    });
  };
}

const Kernel list[] = {
    {"exp", 8, unary(fovea::exp)},
    {"log", 8, unary(fovea::log, real(0.01))},
    {"tanh", 8, unary(fovea::tanh)},
    {"sigmoid", 8, unary(sigmoid)},
    {"erf", 8, unary(fovea::erf)},
    {"gelu", 8, unary(gelu)},
    {"add", 12, add_two},
    {"softmax", 8, distribution(kernels::softmax)},
    {"log_softmax", 8, distribution(kernels::log_softmax)},
    {"layer_norm", 8, norm(true)},
    {"rms_norm", 8, norm(false)},
    {"sum/axis:last", 4, reduction(sum_along, true)},
    {"sum/axis:first", 4, reduction(sum_along, false)},
    {"max/axis:last", 4, reduction(kernels::maximum, true)},
    {"max/axis:first", 4, reduction(kernels::maximum, false)},
    {"transpose", 8, transpose_rows},
    {"permute/order:0213", 8, permute_heads},
    {"gather_rows", 8, gather},
    {"adam", 28, adam},
};

constexpr Index kilobyte = 1024, megabyte = 1024 * kilobyte;
const std::pair<const char*, Index> sizes[] = {
    {"16KB", 16 * kilobyte}, {"1MB", megabyte}, {"64MB", 64 * megabyte}};

void add_kernel(const Kernel& kernel, const char* size, Index bytes) {
  const Index elements = bytes / static_cast<Index>(sizeof(real));
  const double moved = kernel.bytes * static_cast<double>(elements);
  bench::add(
      fmt::format("{}/{}", kernel.name, size),
      [=] {
        return bench::by_turns({kernel.on(elements)}, {bench::copies(static_cast<Index>(moved))});
      },
      [=](benchmark::State& state, const bench::Comparison& comparison) {
        state.SetBytesProcessed(static_cast<std::int64_t>(moved));
        state.counters["of_memcpy"] = comparison.times_bar;
      })
      ->Unit(benchmark::kMicrosecond);
}

// The bars meet nobody but themselves.
void add_memcpy(const char* size, Index bytes, bool all_threads) {
  const auto alone = [=] {
    const bench::Contestant copy{bench::copies(2 * bytes, all_threads)};
    return bench::by_turns(copy, copy);
  };
  bench::add(fmt::format("bar/memcpy/{}/threads:{}", size, all_threads ? threads() : 1), alone,
             [=](benchmark::State& state, const bench::Comparison&) {
               state.SetBytesProcessed(2 * bytes);
             })
      ->Unit(benchmark::kMicrosecond);
}

void add_multiply_adds(bool all_threads) {
  const bench::MultiplyAdds peak{all_threads};
  bench::add(
      fmt::format("bar/multiply_add/threads:{}", all_threads ? threads() : 1),
      [=] { return bench::by_turns({peak}, {peak}); },
      [=](benchmark::State& state, const bench::Comparison&) {
        state.counters["FLOP/s"] =
            benchmark::Counter(peak.operations(), benchmark::Counter::kIsIterationInvariantRate);
      })
      ->Unit(benchmark::kMicrosecond);
}

void add_serial_gemm(Index rows, Index columns, Index inner) {
  const double operations = 2.0 * static_cast<double>(rows * columns * inner);
  const bench::MultiplyAdds peak{false};
  const auto compare = [=] {
    const Array a = bench::random_array(Shape{rows, inner}, -1, 1),
                b = bench::random_array(Shape{inner, columns}, -1, 1);
    Array c(Shape{rows, columns});
    const auto m = static_cast<blasint>(rows), n = static_cast<blasint>(columns),
               k = static_cast<blasint>(inner);
    openblas_set_num_threads(1);
    return bench::by_turns({[&] {
                             cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, n, k, 1,
                                         a.data(), k, b.data(), n, 0, c.mutable_data(), n);
                           }},
                           {peak});
  };
  bench::add(fmt::format("bar/openblas/{}x{}x{}/threads:1", rows, columns, inner), compare,
             [=](benchmark::State& state, const bench::Comparison& comparison) {
               state.counters["FLOP/s"] =
                   benchmark::Counter(operations, benchmark::Counter::kIsIterationInvariantRate);
               state.counters["of_peak"] =
                   operations / comparison.seconds / (peak.operations() / comparison.bar_seconds);
             })
      ->Unit(benchmark::kMicrosecond);
}

// A product of ours on one thread, beside what one thread can multiply and add.
void add_product(Index rows, Index inner, Index columns, bool transpose_b) {
  const double operations = 2.0 * static_cast<double>(rows * columns * inner);
  const bench::MultiplyAdds peak{false};
  const auto compare = [=] {
    const Array a = bench::random_array(Shape{rows, inner}, -1, 1);
    const Array b =
        bench::random_array(transpose_b ? Shape{columns, inner} : Shape{inner, columns}, -1, 1);
    Array c(Shape{rows, columns});
    const View right = transpose_b ? transposed(b.view()) : b.view();
    const MutableView result = c.mutable_view();
    const Index before = threads();
    set_threads(1);
    const bench::Comparison comparison =
        bench::by_turns({[&] { kernels::gemm(a.view(), right, result, false); }}, {peak});
    set_threads(before);
    return comparison;
  };
  bench::add(fmt::format("product/{}x{}x{}{}/threads:1", rows, inner, columns,
                         transpose_b ? "/b:transposed" : ""),
             compare,
             [=](benchmark::State& state, const bench::Comparison& comparison) {
               state.counters["FLOP/s"] =
                   benchmark::Counter(operations, benchmark::Counter::kIsIterationInvariantRate);
               state.counters["of_peak"] =
                   operations / comparison.seconds / (peak.operations() / comparison.bar_seconds);
             })
      ->Unit(benchmark::kMicrosecond);
}

// What precedes the first product of a process (known_products.hpp).
void add_known_products() {
  const auto multiply = [](const kernels::Product& p) {
    const auto order = [](const kernels::Matrix& m) {
      return m.is_transposed ? CblasTrans : CblasNoTrans;
    };
    const auto size = [](Index n) { return static_cast<blasint>(n); };
    cblas_sgemm(CblasRowMajor, order(p.a), order(p.b), size(p.rows), size(p.columns), size(p.inner),
                1, p.a.data, size(p.a.lead), p.b.data, size(p.b.lead), p.add ? 1 : 0, p.c,
                size(p.lead));
  };
  const auto check = [multiply] { benchmark::DoNotOptimize(kernels::wrong_products(multiply)); };
  bench::add(
      "known_products", [=] { return bench::by_turns({check}, {check}); },
      [](benchmark::State&, const bench::Comparison&) {})
      ->Unit(benchmark::kMillisecond);
}

}  // namespace

int main(int argc, char** argv) {
  for (const auto& [size, bytes] : sizes)
    for (const bool all_threads : {false, true}) add_memcpy(size, bytes, all_threads);
  for (const bool all_threads : {false, true}) add_multiply_adds(all_threads);
  add_serial_gemm(100, 64, 128);
  add_serial_gemm(2048, 2048, 2048);
  add_known_products();
  for (const bool transpose_b : {false, true}) {
    for (const Index size : {64, 256, 512}) add_product(size, size, size, transpose_b);
    add_product(100, 64, 128, transpose_b);
    add_product(3200, 64, 128, transpose_b);
    add_product(3200, 128, 64, transpose_b);
    add_product(128, 784, 256, transpose_b);
  }
  for (const Kernel& kernel : list)
    for (const auto& [size, bytes] : sizes) add_kernel(kernel, size, bytes);
  bench::run(argc, argv);
}
