// Versions, processor and libraries at work: the first thing to look at when a program is slow, and
// to put in a bug report.
#pragma once

#include <string>

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Versions, threads and libraries that this build of fovea runs with, in this process.
struct RuntimeInfo {
  std::string version;          ///< of fovea: "0.1.0"
  std::string precision;        ///< "float" or "double"
  Index threads = 1;            ///< threads(), at this moment
  std::string thread_back_end;  ///< "oneTBB", "std::thread" or "the caller alone"
  /// Of fovea's own vector code, by Highway's names: "AVX3" is AVX-512.
  std::string instruction_set;
  std::string blas_version;  ///< "OpenBLAS 0.3.21"
  /// The processor whose kernels OpenBLAS started with: its choice, or OPENBLAS_CORETYPE's.
  std::string blas_core_found;
  /// The processor whose kernels are in use. It differs where OpenBLAS had chosen badly.
  std::string blas_core;
  /// The threads of OpenBLAS as fovea found them. fovea sets them to 1 and leaves them there.
  Index blas_threads = 1;
  std::string compiler;  ///< of fovea: "g++ 12.2.0"
  /// One sentence where products are slow or wrong and the user can help; mostly empty.
  std::string advice;
};

/// Returns what runs at this moment.
RuntimeInfo runtime_info();

/// Returns one line, without the advice: "fovea 0.1.0 (float), 2 threads by oneTBB, AVX3; OpenBLAS
/// 0.3.21, core SkylakeX (it had chosen Prescott); g++ 12.2.0".
std::string to_string(const RuntimeInfo& info);

/// Returns runtime_info().advice at the first call in the process, and an empty string afterwards.
/// The progress of `fit`, the examples and the benchmarks print it.
std::string advice_once();

}}  // namespace fovea
