#include "kernels/blas_core.hpp"

#include <cblas.h>
#include <fmt/format.h>
#include <hwy/targets.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <initializer_list>
#include <vector>

// OpenBLAS' own start, and its undoing. They stand in no header, and builds for one processor do not have them.
#if defined(__ELF__)
extern "C" {
[[gnu::weak]] void gotoblas_dynamic_init();
[[gnu::weak]] void gotoblas_dynamic_quit();
}
#endif

namespace fovea {

// What OpenBLAS chose by itself. One for both precisions: the library that is loaded second finds the choice of the first.
inline constinit const char* core_found_in_this_process = nullptr;

}  // namespace fovea

namespace fovea::inline FOVEA_PRECISION::kernels {

namespace {

constexpr std::string_view variable = "OPENBLAS_CORETYPE";

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::ranges::find(names, name) != names.end();
}

// "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH ..." begins with its name and version.
std::string_view version_of(std::string_view config) {
  return config.substr(0, config.find(' ', config.find(' ') + 1));
}

// Double products are wrong: OpenBLAS issues 5267 (0.3.20) and 3505 (0.3.19).
bool multiplies_wrongly(std::string_view core, std::string_view config) {
  const std::string_view version = version_of(config);
  if (version == "OpenBLAS 0.3.20") return core == "Cooperlake";
  if (version == "OpenBLAS 0.3.19") return is_one_of(core, {"SkylakeX", "Cooperlake"});
  return false;
}

std::string advice_for(std::string_view used, std::string_view config) {
  const std::string_view better = better_core(used, config, hwy::SupportedTargets());
  if (better.empty() || std::getenv(variable.data())) return {};
  const bool listens = config.find("DYNAMIC_ARCH") != std::string_view::npos;
  return fmt::format("{} uses its kernels for {}, {} on this processor; {}", version_of(config), used,
                     multiplies_wrongly(used, config) ? "which are known to be wrong" : "several times slower than others",
                     listens ? fmt::format("start the program with {}={}, or install OpenBLAS 0.3.25 or later", variable, better)
                             : "install an OpenBLAS that is built with DYNAMIC_ARCH");
}

BlasCore checked_core() {
#if defined(__ELF__)
  // Linked statically, OpenBLAS may not have started yet; where it has, this does nothing.
  if (can_choose_core()) gotoblas_dynamic_init();
#endif
  if (!core_found_in_this_process) core_found_in_this_process = openblas_get_corename();
  if (!std::getenv(variable.data())) correct_core();
  const std::string_view config = openblas_get_config();
  const std::string used = current_core();
  return {std::string(version_of(config)), core_found_in_this_process, used, advice_for(used, config)};
}

// Before main, while no other thread multiplies.
[[maybe_unused]] const BlasCore& at_load = blas_core();

}  // namespace

const BlasCore& blas_core() {
  static const BlasCore* const core = new BlasCore(checked_core());
  return *core;
}

std::string_view better_core(std::string_view found, std::string_view config, [[maybe_unused]] std::int64_t targets) {
  const bool is_fast = is_one_of(found, {"Haswell", "Zen", "Excavator"}) || has_small_kernels(found);
  if (is_fast && !multiplies_wrongly(found, config)) return {};
#if HWY_ARCH_X86
  // Never Cooperlake: its kernels for float and double are those of SkylakeX, and it is the one with a history of faults.
  if ((targets & HWY_AVX3) && !multiplies_wrongly("SkylakeX", config)) return "SkylakeX";
  if (targets & HWY_AVX2) return "Haswell";
#endif
  return {};
}

bool has_small_kernels(std::string_view core) {
  return is_one_of(core, {"SkylakeX", "Cooperlake", "Sapphirerapids", "SapphireRapids"});
}

bool can_choose_core() {
#if defined(__ELF__)
  return gotoblas_dynamic_init && gotoblas_dynamic_quit;
#else
  return false;
#endif
}

void choose_core([[maybe_unused]] std::string_view core) {
#if defined(__ELF__)
  if (!can_choose_core()) return;
  // setenv is not safe beside other threads, and children would inherit the variable: OpenBLAS reads a copy of our own.
  const std::string prefix = fmt::format("{}=", variable);
  std::string entry = fmt::format("{}{}", prefix, core);
  std::vector<char*> entries = {entry.data()};
  char** const kept = environ;
  for (char** other = kept; other && *other; ++other)
    if (!std::string_view(*other).starts_with(prefix)) entries.push_back(*other);
  entries.push_back(nullptr);
  environ = entries.data();
  gotoblas_dynamic_quit();
  gotoblas_dynamic_init();
  environ = kept;
#endif
}

void correct_core() {
  const std::string_view better = better_core(openblas_get_corename(), openblas_get_config(), hwy::SupportedTargets());
  if (!better.empty()) choose_core(better);
}

std::string current_core() { return openblas_get_corename(); }

std::string fault_text(int wrong, int all) {
  const std::string core = current_core();
#if HWY_ARCH_X86
  const char* const another = core == "Haswell" ? "Sandybridge" : "Haswell";
  const std::string other = fmt::format("start the program with {}={}, or ", variable, another);
#else
  const std::string other;
#endif
  return fmt::format(
      "matmul: {} multiplies wrongly with its kernels for {} on this processor: {} of {} known products are wrong; {}install "
      "another version of OpenBLAS",
      blas_core().version, core, wrong, all, other);
}

std::string advice_once() {
  static std::atomic<bool> was_given = false;
  return blas_core().advice.empty() || was_given.exchange(true) ? std::string() : blas_core().advice;
}

}  // namespace fovea::kernels
