// What belongs to the user's process: loops of the user's own on oneTBB, products of the user's own
// by OpenBLAS.
#include <cblas.h>
#include <doctest/doctest.h>
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "fovea/fovea.hpp"

using namespace fovea;

namespace {

// Whether tasks of the user's own loop are ever at work at once, `count` of them: each waits for
// the others, for a while.
bool runs_at_once(int count) {
  std::atomic<int> arrived = 0;
  std::atomic<bool> all = false;
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  tbb::parallel_for(
      0, count,
      [&](int) {
        ++arrived;
        while (!all && std::chrono::steady_clock::now() < until) {
          if (arrived == count) all = true;
          std::this_thread::yield();
        }
      },
      tbb::simple_partitioner());
  return all;
}

std::size_t allowed() {
  return tbb::global_control::active_value(tbb::global_control::max_allowed_parallelism);
}

// A product, large enough for several tasks, and an epoch.
void work() {
  const Array a = Array::full(Shape{400, 300}, 1), b = Array::full(Shape{300, 200}, 1);
  CHECK(matmul(a, b).value().at(0) == 300);
  Sequential model{Dense{4}};
  model.compile({.loss = MeanSquaredError{}});
  model.fit(Array::full(Shape{64, 8}, 1), Array::full(Shape{64, 4}, 1), {.verbose = 0});
}

}  // namespace

TEST_CASE(
    "set_threads takes no threads of the user's own loops on oneTBB: its limit is that of an arena "
    "of our own") {
  const std::size_t before = allowed();
  const int processors = tbb::this_task_arena::max_concurrency();
  for (const Index count : {1, 2}) {
    set_threads(count);
    work();
    CHECK(allowed() == before);
    CHECK(tbb::this_task_arena::max_concurrency() == processors);
    CHECK(runs_at_once(std::min(processors, 2)));
  }
}

TEST_CASE(
    "more threads than there are processors may be wanted, and work at once; afterwards the "
    "process has what it had") {
  const std::size_t before = allowed();
  set_threads(static_cast<Index>(before) + 3);
  CHECK(threads() == static_cast<Index>(before) + 3);
  CHECK(allowed() == before + 3);
  work();
  set_threads(1);
  CHECK(allowed() == before);
}

TEST_CASE(
    "OpenBLAS is at one thread behind the first product, runtime_info tells how many it had, and "
    "who puts them back finds them put back until the next product") {
  openblas_set_num_threads(2);
  if (openblas_get_num_threads() != 2) return;  // an OpenBLAS without threads
  work();
  CHECK(openblas_get_num_threads() == 1);
  CHECK(runtime_info().blas_threads == 2);
  openblas_set_num_threads(static_cast<int>(runtime_info().blas_threads));
  CHECK(openblas_get_num_threads() == 2);
  work();
  CHECK(openblas_get_num_threads() == 1);
  CHECK(runtime_info().blas_threads == 2);
}
