#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/transpose.cpp"
#include "kernels/targets.hpp"
//
#include "kernels/lanes-inl.hpp"
#include "kernels/transpose.hpp"

HWY_BEFORE_NAMESPACE();
namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels::HWY_NAMESPACE {

void transpose_one_by_one(const real* x, Index rows, Index columns, Index lead_x, real* y,
                          Index lead_y) {
  for (Index c = 0; c < columns; ++c)
    for (Index r = 0; r < rows; ++r) y[c * lead_y + r] = x[r * lead_x + c];
}

#if HWY_TARGET != HWY_SCALAR

// A vector is a few blocks of 16 bytes, and most shuffles move numbers within their block only.
constexpr Index per_block = 16 / sizeof(real);

/// A block from each of as many rows as a vector has blocks; the rows are `lead` numbers apart.
template <class D>
HWY_INLINE hn::Vec<D> load_blocks(D d, const real* x, Index lead) {
  constexpr Index blocks = static_cast<Index>(hn::MaxLanes(D())) / per_block;
  hn::Vec<D> result = hn::LoadDup128(d, x + (blocks - 1) * lead);
  for (Index b = blocks - 1; b > 0; --b)
    result = hn::IfThenElse(hn::FirstN(d, static_cast<std::size_t>(b * per_block)),
                            hn::LoadDup128(d, x + (b - 1) * lead), result);
  return result;
}

/// As many rows as a vector has numbers, a block of columns. Block b of the vectors holds the rows
/// from b * per_block on, so that a column is whole, and in order, when rows have been exchanged
/// with columns within each block.
template <class D>
HWY_INLINE void transpose_strip(D d, const real* x, Index lead_x, real* y, Index lead_y) {
  const auto rows = [&](Index first)
                        HWY_ATTR { return load_blocks(d, x + first * lead_x, per_block * lead_x); };
  if constexpr (per_block == 2) {
    const auto a = rows(0), b = rows(1);
    hn::StoreU(hn::InterleaveLower(d, a, b), d, y);
    hn::StoreU(hn::InterleaveUpper(d, a, b), d, y + lead_y);
  } else {
    const auto a = rows(0), b = rows(1), c = rows(2), e = rows(3);
    const auto left_even = hn::InterleaveLower(d, a, c), left_odd = hn::InterleaveLower(d, b, e);
    const auto right_even = hn::InterleaveUpper(d, a, c), right_odd = hn::InterleaveUpper(d, b, e);
    hn::StoreU(hn::InterleaveLower(d, left_even, left_odd), d, y);
    hn::StoreU(hn::InterleaveUpper(d, left_even, left_odd), d, y + lead_y);
    hn::StoreU(hn::InterleaveLower(d, right_even, right_odd), d, y + 2 * lead_y);
    hn::StoreU(hn::InterleaveUpper(d, right_even, right_odd), d, y + 3 * lead_y);
  }
}

/// As many rows as make whole vectors; returns how many those are.
template <class D>
HWY_INLINE Index transpose_rows(D d, const real* x, Index rows, Index columns, Index lead_x,
                                real* y, Index lead_y) {
  constexpr Index width = static_cast<Index>(hn::MaxLanes(D()));
  Index r = 0;
  for (; r + width <= rows; r += width) {
    Index c = 0;
    for (; c + per_block <= columns; c += per_block)
      transpose_strip(d, x + r * lead_x + c, lead_x, y + c * lead_y + r, lead_y);
    transpose_one_by_one(x + r * lead_x + c, width, columns - c, lead_x, y + c * lead_y + r,
                         lead_y);
  }
  return r;
}

void transpose(const real* x, Index rows, Index columns, Index lead_x, real* y, Index lead_y) {
  Index done = transpose_rows(Tag(), x, rows, columns, lead_x, y, lead_y);
  done += transpose_rows(hn::CappedTag<real, per_block>(), x + done * lead_x, rows - done, columns,
                         lead_x, y + done, lead_y);
  transpose_one_by_one(x + done * lead_x, rows - done, columns, lead_x, y + done, lead_y);
}

#else

void transpose(const real* x, Index rows, Index columns, Index lead_x, real* y, Index lead_y) {
  transpose_one_by_one(x, rows, columns, lead_x, y, lead_y);
}

#endif

}}}  // namespace fovea::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

void transpose(const real* x, Index rows, Index columns, Index lead_x, real* y, Index lead_y) {
  FOVEA_BEST(transpose)(x, rows, columns, lead_x, y, lead_y);
}

}}}  // namespace fovea::kernels
#endif
