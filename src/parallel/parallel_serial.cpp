// The loops on the caller's thread alone.
#include "parallel/parallel.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {
Index wanted = 1;
}

void parallel::use_threads(Index count) { wanted = count; }
std::string_view parallel::back_end() { return "the caller alone"; }
Index threads() { return wanted; }

void parallel::run(Index count, FunctionRef<void(Index)> task) {
  for (Index i = 0; i < count; ++i) task(i);
}

}}  // namespace fovea
