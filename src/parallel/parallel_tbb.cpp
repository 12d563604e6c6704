// The loops on oneTBB. An arena of our own holds the threads; a loop inside a task is isolated, so
// that a thread which waits there takes no other task of the outer loop meanwhile and never sees
// that task's thread-local state.
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include <map>
#include <optional>

#include "parallel/parallel.hpp"
#include "parallel/processors.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

// The arenas are ours, and so is their limit: one for each number of threads that was asked for,
// kept since oneTBB does not give back all memory of an arena. What belongs to the process is
// touched only where more threads are wanted than oneTBB would have; that takes none from others.
struct Workers {
  Workers() { use(parallel::processors()); }

  void use(Index wanted) {
    const auto threads = static_cast<std::size_t>(wanted);
    tbb::task_arena& chosen = arenas.try_emplace(wanted, static_cast<int>(wanted)).first->second;
    more.reset();
    if (threads > tbb::global_control::active_value(tbb::global_control::max_allowed_parallelism))
      more.emplace(tbb::global_control::max_allowed_parallelism, threads);
    arena = &chosen;
    count = wanted;
  }

  std::map<Index, tbb::task_arena> arenas;
  std::optional<tbb::global_control> more;
  tbb::task_arena* arena = nullptr;
  Index count = 0;
};

// Never destroyed: oneTBB's own workers may still stand in an arena when static objects go.
Workers& workers() {
  static auto* const instance = new Workers;
  return *instance;
}

}  // namespace

void parallel::use_threads(Index count) { workers().use(count); }

std::string_view parallel::back_end() { return "oneTBB"; }
Index threads() { return workers().count; }

void parallel::run(Index count, FunctionRef<void(Index)> task) {
  Workers& all = workers();
  if (count <= 1 || all.count == 1) {
    for (Index i = 0; i < count; ++i) task(i);
    return;
  }
  tbb::task_group_context context;
  context.capture_fp_settings();  // here: inside, the arena's own mode holds
  all.arena->execute([&] {
    tbb::this_task_arena::isolate([&] {
      tbb::parallel_for(
          Index(0), count, [&](Index i) { task(i); }, tbb::simple_partitioner(), context);
    });
  });
}

}}  // namespace fovea
