#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/transpose.cpp"
#include "kernels/targets.hpp"
//
#include "kernels/lanes-inl.hpp"
#include "kernels/transpose.hpp"

HWY_BEFORE_NAMESPACE();
namespace fovea::inline FOVEA_PRECISION::kernels::HWY_NAMESPACE {

void transpose_one_by_one(const real* x, Index rows, Index columns, Index lead_x, real* y, Index lead_y) {
  for (Index c = 0; c < columns; ++c)
    for (Index r = 0; r < rows; ++r) y[c * lead_y + r] = x[r * lead_x + c];
}

#if HWY_TARGET != HWY_SCALAR

// A vector is a few blocks of 16 bytes, and most shuffles move numbers within their block only.
constexpr Index per_block = 16 / sizeof(real), blocks = static_cast<Index>(hn::MaxLanes(Tag())) / per_block;

/// A block of every row at `x`; rows are `lead` numbers apart.
HWY_INLINE Lane load_blocks(const real* x, Index lead) {
  Lane result = hn::LoadDup128(Tag(), x + (blocks - 1) * lead);
  for (Index b = blocks - 1; b > 0; --b) result = hn::IfThenElse(hn::FirstN(Tag(), static_cast<std::size_t>(b * per_block)), hn::LoadDup128(Tag(), x + (b - 1) * lead), result);
  return result;
}

/// A vector of rows and a block of columns. The rows that are exchanged within block b are those from b * per_block on, so a column is whole, and in order, when they are.
HWY_INLINE void transpose_strip(const real* x, Index lead_x, real* y, Index lead_y) {
  const auto rows = [&](Index first) HWY_ATTR { return load_blocks(x + first * lead_x, per_block * lead_x); };
  const Tag d;
  if constexpr (per_block == 2) {
    const Lane a = rows(0), b = rows(1);
    hn::StoreU(hn::InterleaveLower(d, a, b), d, y);
    hn::StoreU(hn::InterleaveUpper(d, a, b), d, y + lead_y);
  } else {
    const Lane a = rows(0), b = rows(1), c = rows(2), e = rows(3);
    const Lane left_even = hn::InterleaveLower(d, a, c), left_odd = hn::InterleaveLower(d, b, e);
    const Lane right_even = hn::InterleaveUpper(d, a, c), right_odd = hn::InterleaveUpper(d, b, e);
    hn::StoreU(hn::InterleaveLower(d, left_even, left_odd), d, y);
    hn::StoreU(hn::InterleaveUpper(d, left_even, left_odd), d, y + lead_y);
    hn::StoreU(hn::InterleaveLower(d, right_even, right_odd), d, y + 2 * lead_y);
    hn::StoreU(hn::InterleaveUpper(d, right_even, right_odd), d, y + 3 * lead_y);
  }
}

void transpose(const real* x, Index rows, Index columns, Index lead_x, real* y, Index lead_y) {
  constexpr Index width = blocks * per_block;
  Index r = 0;
  for (; r + width <= rows; r += width) {
    Index c = 0;
    for (; c + per_block <= columns; c += per_block) transpose_strip(x + r * lead_x + c, lead_x, y + c * lead_y + r, lead_y);
    transpose_one_by_one(x + r * lead_x + c, width, columns - c, lead_x, y + c * lead_y + r, lead_y);
  }
  transpose_one_by_one(x + r * lead_x, rows - r, columns, lead_x, y + r, lead_y);
}

#else

void transpose(const real* x, Index rows, Index columns, Index lead_x, real* y, Index lead_y) { transpose_one_by_one(x, rows, columns, lead_x, y, lead_y); }

#endif

}  // namespace fovea::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fovea::inline FOVEA_PRECISION::kernels {

void transpose(const real* x, Index rows, Index columns, Index lead_x, real* y, Index lead_y) { FOVEA_BEST(transpose)(x, rows, columns, lead_x, y, lead_y); }

}  // namespace fovea::kernels
#endif
