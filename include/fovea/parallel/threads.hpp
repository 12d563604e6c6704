// The number of threads: the one setting of the whole process, as threads belong to the process. It
// never changes a result.
#pragma once

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Sets the number of threads, the caller's included. Throws ValueError unless 1 <= count <= 1024.
///
/// The initial number is the smallest of three: the machine's processors, those in the process's
/// affinity mask, and its CPU quota. Quotas are those of cgroup v1 and v2; one of 1.5 gives 2. Must
/// not be called while the library computes. A program's own loops on oneTBB keep their threads.
/// OpenBLAS is set to one thread (RuntimeInfo::blas_threads, decision 0020).
void set_threads(Index count);

/// Returns the number of threads.
Index threads();

}}  // namespace fovea
