// How many threads may work. The one process-wide setting, because threads are the process's; it
// never changes a result.
#pragma once

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Lets `count` threads work, the caller's included. Throws ValueError unless 1 <= count <= 1024.
/// At the start: one for each processor that the process may use, which is the smallest of the
/// machine's, those in its affinity mask, and the CPU quota of its container (cgroup v1 and v2; a
/// quota of 1.5 gives 2). Not to be called while the library computes. Loops of one's own on oneTBB
/// keep their threads; OpenBLAS' do not (decision 0020, RuntimeInfo::blas_threads).
void set_threads(Index count);

/// The number of threads that may work.
Index threads();

}}  // namespace fovea
