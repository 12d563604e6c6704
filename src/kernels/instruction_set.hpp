// Which instructions the vector code uses here.
#pragma once

#include <string>

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

/// The name that Highway gives to the instruction set of the vector code on this processor: "AVX3"
/// (AVX-512), "AVX2", "NEON".
std::string instruction_set();

}}}  // namespace fovea::kernels
