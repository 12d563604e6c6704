// Products of few rows with a matrix that many such products share: it is packed once, into panels
// of columns that are read from front to back. An element is the sum of its terms in their order,
// whatever the number of rows.
#if defined(FOVEA_KERNELS_ROW_PRODUCT_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef FOVEA_KERNELS_ROW_PRODUCT_INL_HPP
#undef FOVEA_KERNELS_ROW_PRODUCT_INL_HPP
#else
#define FOVEA_KERNELS_ROW_PRODUCT_INL_HPP
#endif

#include <utility>

#include "kernels/lanes-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels::HWY_NAMESPACE {

/// Vectors in a row of a panel, and rows that are computed together: their sums fill the registers.
constexpr int panel_vectors = 3;
constexpr int tile_rows = HWY_TARGET <= HWY_AVX3 || HWY_ARCH_ARM_A64 ? 8 : 4;

/// The columns of a panel that starts at `column`, the last vector filled up.
HWY_INLINE Index panel_width(Index columns, Index column) {
  const Index width = static_cast<Index>(hn::Lanes(Tag()));
  return std::min<Index>(panel_vectors, (columns - column + width - 1) / width) * width;
}

/// to = b (inner, columns), whose elements are `down` and `right` numbers apart, in panels: each
/// (inner, its width), with zeros where b ends.
inline void pack_panels(const real* b, Index down, Index right, Index inner, Index columns,
                        real* to) {
  for (Index j = 0, n = 0; j < columns; j += n) {
    n = panel_width(columns, j);
    const Index filled = std::min(n, columns - j);
    for (Index k = 0; k < inner; ++k, to += n) {
      for (Index i = 0; i < filled; ++i) to[i] = b[k * down + (j + i) * right];
      std::fill(to + filled, to + n, real(0));
    }
  }
}

/// A matrix of rows, `lead` numbers apart.
template <class Number>
struct RowsOf {
  Number* data;
  Index lead;
};

/// c (R, W vectors) = a (R, inner) b (inner, W vectors).
template <int W, std::size_t... I>
HWY_INLINE void multiply_tile(Index inner, RowsOf<const real> a, const real* b, RowsOf<real> c,
                              std::index_sequence<I...>) {
  const Index width = static_cast<Index>(hn::Lanes(Tag()));
  Lane sums[] = {(static_cast<void>(I), hn::Zero(Tag()))...};
  for (Index k = 0; k < inner; ++k, b += W * width) {
    const Lane row[] = {hn::Load(Tag(), b), hn::Load(Tag(), b + (W > 1 ? width : 0)),
                        hn::Load(Tag(), b + (W > 2 ? 2 * width : 0))};
    ((sums[I] = hn::MulAdd(hn::Set(Tag(), a.data[static_cast<Index>(I / W) * a.lead + k]),
                           row[I % W], sums[I])),
     ...);
  }
  (hn::StoreU(sums[I], Tag(),
              c.data + static_cast<Index>(I / W) * c.lead + static_cast<Index>(I % W) * width),
   ...);
}

/// The same for `rows` of at most R.
template <int R, int W>
HWY_INLINE void multiply_rows(Index rows, Index inner, RowsOf<const real> a, const real* b,
                              RowsOf<real> c) {
  if (rows == R) return multiply_tile<W>(inner, a, b, c, std::make_index_sequence<R * W>());
  if constexpr (R > 1) multiply_rows<R - 1, W>(rows, inner, a, b, c);
}

/// c (rows, columns) = a (rows, inner) b, with b from pack_panels. Rows of c have room for full
/// vectors.
inline void multiply_panels(Index rows, Index inner, Index columns, RowsOf<const real> a,
                            const real* packed, RowsOf<real> c) {
  const Index width = static_cast<Index>(hn::Lanes(Tag()));
  for (Index j = 0, n = 0; j < columns; j += n) {
    n = panel_width(columns, j);
    for (Index i = 0; i < rows; i += tile_rows) {
      const Index some = std::min<Index>(tile_rows, rows - i);
      const RowsOf<const real> from{a.data + i * a.lead, a.lead};
      const RowsOf<real> to{c.data + i * c.lead + j, c.lead};
      const real* const panel = packed + inner * j;
      if (n == 3 * width)
        multiply_rows<tile_rows, 3>(some, inner, from, panel, to);
      else if (n == 2 * width)
        multiply_rows<tile_rows, 2>(some, inner, from, panel, to);
      else
        multiply_rows<tile_rows, 1>(some, inner, from, panel, to);
    }
  }
}

}}}  // namespace fovea::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
