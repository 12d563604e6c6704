#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/instruction_set.cpp"
#include "kernels/targets.hpp"
//
#include "kernels/instruction_set.hpp"

HWY_BEFORE_NAMESPACE();
namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels::HWY_NAMESPACE {

const char* name() { return hwy::TargetName(HWY_TARGET); }

}}}  // namespace fovea::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

std::string instruction_set() { return FOVEA_BEST(name)(); }

}}}  // namespace fovea::kernels
#endif
