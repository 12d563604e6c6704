#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/transpose.cpp"
#include "kernels/targets.hpp"
//
#include "kernels/lanes-inl.hpp"
#include "kernels/transpose.hpp"

HWY_BEFORE_NAMESPACE();
namespace fovea::inline FOVEA_PRECISION::kernels::HWY_NAMESPACE {

void transpose(const real* x, Index rows, Index columns, Index lead_x, real* y, Index lead_y) {
  const Index width = static_cast<Index>(hn::Lanes(Tag()));
  HWY_ALIGN hn::TFromD<Integers> below[HWY_MAX_BYTES / sizeof(real)];
  for (Index i = 0; i < width; ++i) below[i] = static_cast<hn::TFromD<Integers>>(i * lead_x);
  const auto column = hn::Load(Integers(), below);
  const bool in_reach = (width - 1) * lead_x <= static_cast<Index>(std::numeric_limits<hn::TFromD<Integers>>::max());
  Index r = 0;
  for (; in_reach && r + width <= rows; r += width)
    for (Index c = 0; c < columns; ++c) hn::StoreU(hn::GatherIndex(Tag(), x + r * lead_x + c, column), Tag(), y + c * lead_y + r);
  for (; r < rows; ++r)
    for (Index c = 0; c < columns; ++c) y[c * lead_y + r] = x[r * lead_x + c];
}

}  // namespace fovea::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fovea::inline FOVEA_PRECISION::kernels {

void transpose(const real* x, Index rows, Index columns, Index lead_x, real* y, Index lead_y) { FOVEA_BEST(transpose)(x, rows, columns, lead_x, y, lead_y); }

}  // namespace fovea::kernels
#endif
