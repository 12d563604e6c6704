// The loops on the caller's thread alone.
#include <fmt/format.h>

#include "fovea/base/error.hpp"
#include "parallel/parallel.hpp"

namespace fovea::inline FOVEA_PRECISION {

namespace {
Index wanted = 1;
}

void set_threads(Index count) {
  if (count < 1 || count > 1024) throw ValueError(fmt::format("set_threads: {} threads; it must be 1 to 1024", count));
  wanted = count;
}

Index threads() { return wanted; }

namespace parallel {

void run(Index count, FunctionRef<void(Index)> task) {
  for (Index i = 0; i < count; ++i) task(i);
}

}  // namespace parallel
}  // namespace fovea
