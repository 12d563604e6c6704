// The loops on plain std::thread, started anew for each loop: slow, and every synchronisation is
// one that ThreadSanitizer sees.
#include <atomic>
#include <cfenv>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "parallel/parallel.hpp"
#include "parallel/processors.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

std::atomic<Index> wanted = parallel::processors();
thread_local bool inside_a_loop = false;

}  // namespace

void parallel::use_threads(Index count) { wanted = count; }
std::string_view parallel::back_end() { return "std::thread"; }
Index threads() { return wanted; }

void parallel::run(Index count, FunctionRef<void(Index)> task) {
  const Index helpers = std::min(wanted.load(), count) - 1;
  if (helpers < 1 || inside_a_loop) {
    for (Index i = 0; i < count; ++i) task(i);
    return;
  }
  std::atomic<Index> next = 0;
  std::exception_ptr failure;
  std::mutex mutex;
  std::fenv_t mode;
  std::fegetenv(&mode);
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
        std::fesetenv(&mode);
        work();
      });
    work();
  }
  if (failure) std::rethrow_exception(failure);
}

}}  // namespace fovea
