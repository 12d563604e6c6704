// The loops on oneTBB. An arena of our own holds the threads; a loop inside a task is isolated, so
// that a thread which waits there takes no other task of the outer loop meanwhile and never sees
// that task's thread-local state.
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include <memory>
#include <optional>

#include "parallel/parallel.hpp"
#include "parallel/processors.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

// The arena is ours, and so is its limit. What belongs to the process is touched only where more
// threads are wanted than oneTBB would have; that takes none from others.
struct Workers {
  explicit Workers(Index wanted) : arena(static_cast<int>(wanted)), count(wanted) {
    const auto threads = static_cast<std::size_t>(wanted);
    if (threads > tbb::global_control::active_value(tbb::global_control::max_allowed_parallelism))
      more.emplace(tbb::global_control::max_allowed_parallelism, threads);
  }
  std::optional<tbb::global_control> more;
  tbb::task_arena arena;
  Index count;
};

// Never destroyed: oneTBB's own workers may still stand in the arena when static objects go.
std::unique_ptr<Workers>& workers() {
  static auto* const instance =
      new std::unique_ptr<Workers>(std::make_unique<Workers>(parallel::processors()));
  return *instance;
}

}  // namespace

void parallel::use_threads(Index count) {
  workers().reset();
  workers() = std::make_unique<Workers>(count);
}

std::string_view parallel::back_end() { return "oneTBB"; }
Index threads() { return workers()->count; }

void parallel::run(Index count, FunctionRef<void(Index)> task) {
  Workers& all = *workers();
  if (count <= 1 || all.count == 1) {
    for (Index i = 0; i < count; ++i) task(i);
    return;
  }
  tbb::task_group_context context;
  context.capture_fp_settings();  // here: inside, the arena's own mode holds
  all.arena.execute([&] {
    tbb::this_task_arena::isolate([&] {
      tbb::parallel_for(
          Index(0), count, [&](Index i) { task(i); }, tbb::simple_partitioner(), context);
    });
  });
}

}}  // namespace fovea
