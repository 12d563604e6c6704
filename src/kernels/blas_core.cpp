#include "kernels/blas_core.hpp"

#include <cblas.h>
#include <fmt/format.h>
#include <hwy/targets.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <initializer_list>
#include <memory>
#include <vector>

// OpenBLAS' start, which begins with the choice of a core, that choice, and its undoing. They stand
// in no header, and builds for one processor do not have the last two.
#if defined(__ELF__)
extern "C" {
[[gnu::weak]] void gotoblas_init();
[[gnu::weak]] void gotoblas_dynamic_init();
[[gnu::weak]] void gotoblas_dynamic_quit();
}
#endif

namespace fovea {

// What OpenBLAS chose by itself. One for both precisions: the library that is loaded second finds
// the choice of the first.
inline constinit const char* core_found_in_this_process = nullptr;

}  // namespace fovea

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

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

// Whether OpenBLAS has kernels for more than one processor, and looks at the environment.
bool has_many_cores(std::string_view config) {
  return config.find("DYNAMIC_ARCH") != std::string_view::npos;
}

// Whether the user has named this core, in letters of any size. A name that OpenBLAS does not have,
// it passes over in silence.
bool is_named_by_user(std::string_view core) {
  const char* const name = std::getenv(variable.data());
  const auto lower = [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  };
  return name && std::ranges::equal(core, std::string_view(name), {}, lower, lower);
}

std::string advice_for(std::string_view used, std::string_view config) {
  const std::string_view better = better_core(used, config, hwy::SupportedTargets());
  if (better.empty() || is_named_by_user(used)) return {};
  return fmt::format(
      "{} uses its kernels for {}, which {} on this processor; {}", version_of(config), used,
      multiplies_wrongly(used, config) ? "are known to multiply wrongly" : "are slower than others",
      has_many_cores(config)
          ? fmt::format("start the program with {}={}, or install a newer OpenBLAS", variable,
                        better)
          : "install an OpenBLAS that is built with DYNAMIC_ARCH");
}

BlasCore checked_core() {
#if defined(__ELF__)
  // Linked statically, OpenBLAS may not have started yet; where it has, this does nothing.
  if (gotoblas_init) gotoblas_init();
#endif
  if (!core_found_in_this_process) core_found_in_this_process = openblas_get_corename();
  if (!std::getenv(variable.data())) correct_core();
  const std::string_view config = openblas_get_config();
  return {std::string(version_of(config)), core_found_in_this_process,
          advice_for(current_core(), config)};
}

// Before main, while no other thread multiplies.
[[maybe_unused]] const BlasCore& at_load = blas_core();

}  // namespace

const BlasCore& blas_core() {
  static const BlasCore* const core = new BlasCore(checked_core());
  return *core;
}

std::string_view better_core(std::string_view found, std::string_view config,
                             [[maybe_unused]] std::int64_t targets) {
  const bool is_fast =
      is_one_of(found, {"Haswell", "Zen", "Excavator"}) || has_small_kernels(found);
  if (is_fast && !multiplies_wrongly(found, config)) return {};
#if HWY_ARCH_X86
  // Never Cooperlake: its kernels for float and double are those of SkylakeX, and it is the one
  // with a history of faults.
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
  // setenv is not safe beside other threads, and children would inherit the variable: OpenBLAS
  // reads a copy of our own. It is never released, since another thread may be reading it.
  const std::string prefix = fmt::format("{}=", variable);
  static std::vector<std::unique_ptr<std::string>> texts;
  static std::vector<std::unique_ptr<std::vector<char*>>> copies;
  texts.push_back(std::make_unique<std::string>(fmt::format("{}{}", prefix, core)));
  copies.push_back(std::make_unique<std::vector<char*>>(1, texts.back()->data()));
  std::vector<char*>& entries = *copies.back();
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
  const std::string_view better =
      better_core(openblas_get_corename(), openblas_get_config(), hwy::SupportedTargets());
  if (!better.empty()) choose_core(better);
}

std::string current_core() { return openblas_get_corename(); }

std::string fault_text(int wrong, int all, std::string_view core, std::string_view config,
                       [[maybe_unused]] std::int64_t targets) {
  std::string_view other;
#if HWY_ARCH_X86
  if ((targets & HWY_AVX2) && core != "Haswell")
    other = "Haswell";
  else if (core != "Nehalem")
    other = "Nehalem";
#endif
  const bool can_change = has_many_cores(config) && !other.empty();
  return fmt::format(
      "matmul: {} multiplies wrongly with its kernels for {} on this processor: {} of {} known "
      "products are wrong; {}install "
      "another version of OpenBLAS",
      version_of(config), core, wrong, all,
      can_change ? fmt::format("start the program with {}={}, or ", variable, other) : "");
}

std::string fault_text(int wrong, int all) {
  return fault_text(wrong, all, current_core(), openblas_get_config(), hwy::SupportedTargets());
}

}}}  // namespace fovea::kernels
