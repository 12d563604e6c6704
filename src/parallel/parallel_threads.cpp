// The loops on plain std::thread, started anew for each loop: slow, and every synchronisation is one that ThreadSanitizer sees.
#include <fmt/format.h>

#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "fovea/base/error.hpp"
#include "parallel/parallel.hpp"

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

namespace fovea::inline FOVEA_PRECISION {

namespace {

std::atomic<Index> wanted = parallel::processors();
thread_local bool inside_a_loop = false;

unsigned floating_point_mode() {
#if defined(__SSE2__)
  return _mm_getcsr();
#else
  return 0;
#endif
}

void set_floating_point_mode([[maybe_unused]] unsigned mode) {
#if defined(__SSE2__)
  _mm_setcsr(mode);
#endif
}

}  // namespace

void set_threads(Index count) {
  if (count < 1 || count > 1024) throw ValueError(fmt::format("set_threads: {} threads; it must be 1 to 1024", count));
  wanted = count;
}

Index threads() { return wanted; }

namespace parallel {

void run(Index count, FunctionRef<void(Index)> task) {
  const Index helpers = std::min(wanted.load(), count) - 1;
  if (helpers < 1 || inside_a_loop) {
    for (Index i = 0; i < count; ++i) task(i);
    return;
  }
  std::atomic<Index> next = 0;
  std::exception_ptr failure;
  std::mutex mutex;
  const unsigned mode = floating_point_mode();
  const auto work = [&] {
    inside_a_loop = true;
    try {
      for (Index i = next++; i < count; i = next++) task(i);
    } catch (...) {
      next = count;
      const std::lock_guard lock(mutex);
      if (!failure) failure = std::current_exception();
    }
    inside_a_loop = false;
  };
  {
    std::vector<std::jthread> threads;
    for (Index i = 0; i < helpers; ++i)
      threads.emplace_back([&] {
        set_floating_point_mode(mode);
        work();
      });
    work();
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace parallel
}  // namespace fovea
