#include "fovea/runtime/runtime_info.hpp"

#include <fmt/format.h>

#include <atomic>

#include "kernels/blas_core.hpp"
#include "kernels/gemm.hpp"
#include "kernels/instruction_set.hpp"
#include "parallel/parallel.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

std::string compiler() {
#if defined(__clang__)
  return fmt::format("clang++ {}.{}.{}", __clang_major__, __clang_minor__, __clang_patchlevel__);
#elif defined(__GNUC__)
  return fmt::format("g++ {}.{}.{}", __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__);
#else
  return "unknown compiler";
#endif
}

}  // namespace

RuntimeInfo runtime_info() {
  const kernels::BlasCore& blas = kernels::blas_core();
  return {
      .version = FOVEA_VERSION,
      .precision = sizeof(real) == sizeof(double) ? "double" : "float",
      .threads = threads(),
      .thread_back_end = std::string(parallel::back_end()),
      .instruction_set = kernels::instruction_set(),
      .blas_version = blas.version,
      .blas_core_found = blas.found,
      .blas_core = kernels::current_core(),
      .blas_threads = kernels::blas_threads(),
      .compiler = compiler(),
      .advice = blas.advice,
  };
}

std::string advice_once() {
  static std::atomic<bool> was_given = false;
  const std::string& advice = kernels::blas_core().advice;
  return advice.empty() || was_given.exchange(true) ? std::string() : advice;
}

std::string to_string(const RuntimeInfo& info) {
  const std::string found = info.blas_core_found == info.blas_core
                                ? ""
                                : fmt::format(" (it had chosen {})", info.blas_core_found);
  return fmt::format("fovea {} ({}), {} {} by {}, {}; {}, core {}{}; {}", info.version,
                     info.precision, info.threads, info.threads == 1 ? "thread" : "threads",
                     info.thread_back_end, info.instruction_set, info.blas_version, info.blas_core,
                     found, info.compiler);
}

}}  // namespace fovea
