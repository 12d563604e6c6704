// What runs: versions, processor, libraries. The first thing to look at when a program is slow, and
// to put in a bug report.
#pragma once

#include <string>

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// What this build of fovea runs with, in this process.
struct RuntimeInfo {
  std::string version;          ///< of fovea: "0.1.0"
  std::string precision;        ///< "float" or "double"
  Index threads = 1;            ///< threads(), at this moment
  std::string thread_back_end;  ///< "oneTBB", "std::thread" or "the caller alone"
  std::string
      instruction_set;       ///< of fovea's own vector code, by Highway's names: "AVX3" is AVX-512
  std::string blas_version;  ///< "OpenBLAS 0.3.21"
  std::string blas_core_found;  ///< the kernels that OpenBLAS began with, by the processor they are
                                ///< for: its choice, or OPENBLAS_CORETYPE's
  std::string blas_core;        ///< the kernels in use: others where OpenBLAS had chosen bad ones
  Index blas_threads = 1;  ///< OpenBLAS' own threads, as fovea found them; for its products it sets
                           ///< them to 1, and leaves them there
  std::string compiler;    ///< that built fovea: "g++ 12.2.0"
  std::string advice;      ///< one sentence where products are slow or wrong and the user can help;
                           ///< mostly empty
};

/// Returns what runs now.
RuntimeInfo runtime_info();

/// One line: "fovea 0.1.0 (float), 2 threads by oneTBB, AVX3; OpenBLAS 0.3.21, core SkylakeX (it
/// had chosen Prescott); g++ 12.2.0". The advice is not in it.
std::string to_string(const RuntimeInfo& info);

/// Returns runtime_info().advice at the first call in the process, and nothing afterwards: for
/// whoever prints where a person looks, as the progress of `fit`, the examples and the benchmarks
/// do.
std::string advice_once();

}}  // namespace fovea
