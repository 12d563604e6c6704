// The seam between the library and whoever owns the threads: loops cut into pieces by size alone,
// never by the number of threads, so that results are the same bits on any number of them. One back
// end is linked in: parallel_tbb.cpp (the only file that knows oneTBB), parallel_threads.cpp, or
// parallel_serial.cpp.
#pragma once

#include <algorithm>
#include <string_view>
#include <type_traits>

#include "fovea/parallel/threads.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace parallel {

/// A callable, by reference: valid as long as what it refers to.
template <class Signature>
class FunctionRef;
template <class R, class... A>
class FunctionRef<R(A...)> {
 public:
  template <class F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, FunctionRef>)
      FunctionRef(F&& function)  // NOLINT: implicit on purpose, callers pass lambdas
      : object_(const_cast<void*>(static_cast<const void*>(&function))),
        call_([](void* object, A... arguments) -> R {
          return (*static_cast<std::remove_reference_t<F>*>(object))(arguments...);
        }) {}
  R operator()(A... arguments) const { return call_(object_, arguments...); }

 private:
  void* object_;
  R (*call_)(void*, A...);
};

/// Runs task(0) ... task(count - 1), each once, in any order, on up to threads() threads. Tasks see
/// the caller's floating-point mode. Of several exceptions one is rethrown, when all running tasks
/// have ended; tasks that have not begun may be left out.
void run(Index count, FunctionRef<void(Index)> task);

/// About as many simple element operations as are worth handing to another thread (some 15 us).
constexpr Index worth_a_task = 32768;

/// Calls body(begin, end) over pieces of [0, count), `grain` long except for the last. The cut
/// depends on count and grain only.
template <class Body>
void for_range(Index count, Index grain, const Body& body) {
  if (count <= grain) {
    if (count > 0) body(Index(0), count);
    return;
  }
  run((count + grain - 1) / grain,
      [&](Index piece) { body(piece * grain, std::min(count, (piece + 1) * grain)); });
}

/// How many items of `cost` element operations each make a piece.
constexpr Index grain(Index cost) {
  return std::max<Index>(1, worth_a_task / std::max<Index>(1, cost));
}

/// While it lives, subnormal numbers count as zero on this thread, and in tasks run from it (Adam's
/// moments of untouched rows would otherwise end as subnormals, where arithmetic is a hundred times
/// slower).
class FlushSubnormals {
 public:
  FlushSubnormals();
  ~FlushSubnormals();
  FlushSubnormals(const FlushSubnormals&) = delete;
  FlushSubnormals& operator=(const FlushSubnormals&) = delete;

 private:
  unsigned saved_;
};

/// What is left of `set_threads` for the back end: `count` is within bounds.
void use_threads(Index count);

/// The largest number that set_threads takes.
constexpr Index most_threads = 1024;

/// Who runs the loops: "oneTBB", "std::thread" or "the caller alone".
std::string_view back_end();

}}}  // namespace fovea::parallel
