#include "parallel/parallel.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <limits>
#include <map>
#include <mutex>
#include <numeric>
#include <optional>
#include <thread>
#include <vector>

#include "fovea/base/error.hpp"
#include "fovea/base/random.hpp"
#include "support/seed.hpp"

using namespace fovea;

namespace {

// A number of threads for the extent of a test.
struct ThreadCount {
  Index before = threads();
  explicit ThreadCount(Index count) { set_threads(count); }
  ~ThreadCount() { set_threads(before); }
};

using Pieces = std::map<Index, Index>;  // begin: end

Pieces pieces(Index count, Index grain) {
  Pieces result;
  std::mutex mutex;
  int calls = 0;
  parallel::for_range(count, grain, [&](Index begin, Index end) {
    const std::lock_guard lock(mutex);
    result[begin] = end;
    ++calls;
  });
  CHECK(calls == static_cast<int>(result.size()));
  return result;
}

// Half of the smallest normal number: 0 where subnormals are flushed.
bool flushes() {
  volatile float smallest = std::numeric_limits<float>::min();
  volatile float half = smallest * 0.5f;
  return half == 0;
}

bool reads_as_zero() {
  volatile float subnormal = std::numeric_limits<float>::denorm_min();
  volatile float scaled = subnormal * 1e30f;
  return scaled == 0;
}

void spin(int steps) {
  volatile int sink = 0;
  for (int i = 0; i < steps; ++i) sink = sink + 1;
}

}  // namespace

TEST_CASE("each task runs once, for any number of tasks and threads") {
  for (const Index thread_count : {1, 2, 3, 8}) {
    const ThreadCount limit(thread_count);
    for (const Index count : {0, 1, 2, 7, 1000}) {
      CAPTURE(thread_count);
      CAPTURE(count);
      std::vector<std::atomic<int>> runs(static_cast<std::size_t>(count));
      parallel::run(count, [&](Index i) { ++runs[static_cast<std::size_t>(i)]; });
      bool once = true;
      for (const auto& n : runs) once = once && n == 1;
      CHECK(once);
    }
  }
}

TEST_CASE("one thread is the caller's own") {
  const ThreadCount alone(1);
  CHECK(threads() == 1);
  const std::thread::id caller = std::this_thread::get_id();
  std::atomic<int> elsewhere = 0;
  parallel::run(100, [&](Index) { elsewhere += std::this_thread::get_id() != caller; });
  CHECK(elsewhere == 0);
}

TEST_CASE("pieces cover the range once, grain by grain") {
  const ThreadCount limit(3);
  CHECK(pieces(0, 4).empty());
  CHECK(pieces(1, 4) == Pieces{{0, 1}});
  CHECK(pieces(4, 4) == Pieces{{0, 4}});
  CHECK(pieces(5, 4) == Pieces{{0, 4}, {4, 5}});
  CHECK(pieces(12, 4) == Pieces{{0, 4}, {4, 8}, {8, 12}});
  CHECK(pieces(3, 1) == Pieces{{0, 1}, {1, 2}, {2, 3}});
  CHECK(pieces(10, std::numeric_limits<Index>::max()) == Pieces{{0, 10}});
}

TEST_CASE("the cut is the same for any number of threads") {
  Rng rng(support::seed());
  for (int trial = 0; trial < 20; ++trial) {
    const Index count = rng.below(5000), grain = 1 + rng.below(300);
    CAPTURE(count);
    CAPTURE(grain);
    Pieces first;
    Index expected_begin = 0;
    for (const Index thread_count : {1, 2, 3, 8}) {
      const ThreadCount limit(thread_count);
      const Pieces cut = pieces(count, grain);
      if (thread_count == 1) first = cut;
      CHECK(cut == first);
    }
    for (const auto& [begin, end] : first) {
      CHECK(begin == expected_begin);
      CHECK((end - begin == grain || end == count));
      expected_begin = end;
    }
    CHECK(expected_begin == count);
  }
}

TEST_CASE("a grain is at least one item, and no larger than is worth a task") {
  CHECK(parallel::grain(1) == parallel::worth_a_task);
  CHECK(parallel::grain(0) == parallel::worth_a_task);
  CHECK(parallel::grain(parallel::worth_a_task / 2) == 2);
  CHECK(parallel::grain(std::numeric_limits<Index>::max()) == 1);
}

TEST_CASE("an exception comes through with its type and text, when all running tasks have ended") {
  for (const Index thread_count : {1, 2, 4}) {
    const ThreadCount limit(thread_count);
    for (const Index thrower : {0, 1, 50, 99}) {
      std::atomic<int> running = 0;
      try {
        parallel::run(100, [&](Index i) {
          ++running;
          struct End {
            std::atomic<int>& count;
            ~End() { --count; }
          } const end{running};
          spin(1000);
          if (i == thrower) throw ShapeError("task " + std::to_string(i));
        });
        FAIL("nothing was thrown");
      } catch (const ShapeError& error) {
        CHECK(std::string(error.what()) == "task " + std::to_string(thrower));
      }
      CHECK(running == 0);
    }
    std::atomic<int> runs = 0;
    parallel::run(100, [&](Index) { ++runs; });
    CHECK(runs == 100);
  }
}

TEST_CASE("of many exceptions one comes through") {
  const ThreadCount limit(4);
  for (int trial = 0; trial < 20; ++trial)
    CHECK_THROWS_AS(parallel::run(100, [](Index i) { throw IndexError(std::to_string(i)); }),
                    IndexError);
}

TEST_CASE("loops nest") {
  for (const Index thread_count : {1, 2, 4}) {
    const ThreadCount limit(thread_count);
    std::vector<Index> sums(30);
    parallel::run(30, [&](Index i) {
      std::vector<Index> part(20);
      parallel::run(20, [&](Index j) {
        std::atomic<Index> sum = 0;
        parallel::run(10, [&](Index k) { sum += i * 10000 + j * 100 + k; });
        part[static_cast<std::size_t>(j)] = sum;
      });
      sums[static_cast<std::size_t>(i)] = std::accumulate(part.begin(), part.end(), Index(0));
    });
    for (Index i = 0; i < 30; ++i)
      CHECK(sums[static_cast<std::size_t>(i)] == i * 2000000 + 190 * 1000 + 20 * 45);
    CHECK_THROWS_AS(parallel::run(30,
                                  [](Index) {
                                    parallel::run(20, [](Index j) {
                                      if (j == 7) throw ValueError("inner");
                                    });
                                  }),
                    ValueError);
  }
}

TEST_CASE("a thread that waits for a nested loop takes no other task of the outer one meanwhile") {
  const ThreadCount limit(4);
  thread_local Index mine = -1;
  std::atomic<int> overwritten = 0;
  for (int round = 0; round < 20; ++round)
    parallel::run(32, [&](Index i) {
      mine = i;
      parallel::run(
          4, [&](Index j) { std::this_thread::sleep_for(std::chrono::microseconds(50 + 50 * j)); });
      overwritten += mine != i;
    });
  CHECK(overwritten == 0);
}

TEST_CASE("several threads run loops at once") {
  const ThreadCount limit(2);
  std::atomic<int> wrong = 0;
  std::vector<std::thread> callers;
  for (int t = 0; t < 4; ++t)
    callers.emplace_back([&] {
      for (int i = 0; i < 200; ++i) {
        std::atomic<Index> sum = 0;
        parallel::run(20, [&](Index j) { sum += j; });
        wrong += sum != 190;
      }
    });
  for (std::thread& caller : callers) caller.join();
  CHECK(wrong == 0);
}

#if defined(__SSE2__)
TEST_CASE(
    "subnormal numbers count as zero while asked for, in tasks too, and as numbers afterwards") {
  const ThreadCount limit(4);
  const auto tasks_that_flush = [] {
    std::atomic<int> count = 0;
    parallel::run(200, [&](Index) {
      spin(500);
      count += flushes() && reads_as_zero();
    });
    return count.load();
  };
  for (int round = 0; round < 5; ++round) {
    CHECK(!flushes());
    CHECK(!reads_as_zero());
    CHECK(tasks_that_flush() == 0);
    {
      const parallel::FlushSubnormals outer;
      CHECK(flushes());
      CHECK(reads_as_zero());
      CHECK(tasks_that_flush() == 200);
      {
        const parallel::FlushSubnormals inner;
        CHECK(flushes());
      }
      CHECK(flushes());
    }
    CHECK(!flushes());
    CHECK(tasks_that_flush() == 0);
  }
}

TEST_CASE("an exception ends the flushing") {
  try {
    const parallel::FlushSubnormals flush;
    throw ValueError("out");
  } catch (const ValueError&) {
  }
  CHECK(!flushes());
}

TEST_CASE("tasks see the mode of the thread that called, though others call at the same time") {
  const ThreadCount limit(2);
  std::atomic<int> wrong = 0;
  std::vector<std::thread> callers;
  for (int t = 0; t < 6; ++t)
    callers.emplace_back([&, t] {
      const bool wanted = t % 2 == 0;
      std::optional<parallel::FlushSubnormals> flush;
      if (wanted) flush.emplace();
      for (int i = 0; i < 300; ++i) {
        parallel::run(8, [&](Index) {
          spin(500);
          wrong += flushes() != wanted;
        });
        wrong += flushes() != wanted;
      }
    });
  for (std::thread& caller : callers) caller.join();
  CHECK(wrong == 0);
}
#endif

TEST_CASE("a number of threads that cannot be is refused, and the old one stays") {
  const ThreadCount limit(2);
  CHECK_THROWS_WITH_AS(set_threads(0), "set_threads: 0 threads; it must be 1 to 1024", ValueError);
  CHECK_THROWS_WITH_AS(set_threads(1025), "set_threads: 1025 threads; it must be 1 to 1024",
                       ValueError);
  CHECK_THROWS_AS(set_threads(-1), ValueError);
  CHECK_THROWS_AS(set_threads(std::numeric_limits<Index>::max()), ValueError);
  CHECK(threads() == 2);
}

TEST_CASE("a callable is handed on by reference, with its arguments and result") {
  int calls = 0;
  auto add = [&](int a, int b) {
    ++calls;
    return a + b;
  };
  const parallel::FunctionRef<int(int, int)> reference = add;
  const parallel::FunctionRef<int(int, int)> copy = reference;
  CHECK(reference(2, 3) == 5);
  CHECK(copy(4, 5) == 9);
  CHECK(calls == 2);
}
