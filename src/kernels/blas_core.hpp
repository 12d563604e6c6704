// Which of OpenBLAS' kernels run, and what to do about it. OpenBLAS has a set of kernels, a core,
// for each kind of processor, and chooses by the processor's model. Versions before 0.3.25 take
// many Intel processors of 2023 and later for a Pentium 4, and versions before 0.3.21 multiply
// wrongly on some: so the choice is checked, and made anew where it is bad.
//
// This file and gemm.cpp are the only ones that know OpenBLAS.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

/// OpenBLAS as it is at hand.
struct BlasCore {
  std::string version;  ///< "OpenBLAS 0.3.21"
  std::string found;    ///< the core that it chose by itself
  std::string
      advice;  ///< what to do where a better core exists and could not be chosen; mostly empty
};

/// The first call chooses the core. It is made before main, since OpenBLAS must not compute
/// meanwhile.
const BlasCore& blas_core();

/// Returns the core to use instead of `found`, or nothing where `found` is good: where it uses at
/// least AVX2, or where the processor has no more, and where this version (`config`, as
/// openblas_get_config() has it) is not known to multiply wrongly with it. `targets` are the
/// instruction sets of the processor, as bits of Highway.
std::string_view better_core(std::string_view found, std::string_view config, std::int64_t targets);

/// Whether `core` has kernels for small products, which take operands as they are: no packing, no
/// buffer, no lock.
bool has_small_kernels(std::string_view core);

/// Whether this OpenBLAS can choose a core anew.
bool can_choose_core();

/// Makes OpenBLAS choose anew and find `core` in OPENBLAS_CORETYPE; the environment of the process
/// stays as it is. No other thread may call OpenBLAS meanwhile, whose results would be wrong, or
/// setenv, whose effect could be lost. Without effect unless can_choose_core().
void choose_core(std::string_view core);

/// Chooses the better core, if there is one: blas_core() does so, unless the user has set
/// OPENBLAS_CORETYPE.
void correct_core();

/// The core in use at this moment.
std::string current_core();

/// What to say when `wrong` of `all` products whose results are known come out wrong: version, core
/// in use, and a remedy that can work: another core only where OpenBLAS can have one (`config`) and
/// the processor can run it (`targets`).
std::string fault_text(int wrong, int all, std::string_view core, std::string_view config,
                       std::int64_t targets);

/// The same of the OpenBLAS at hand.
std::string fault_text(int wrong, int all);

}}}  // namespace fovea::kernels
