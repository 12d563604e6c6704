#include "kernels/scan.hpp"

#include <algorithm>

#include "fovea/memory/buffer.hpp"
#include "parallel/parallel.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

namespace {

// Neighbours that are summed side by side, where the axis is not the last.
constexpr Index side_by_side = 64;

void scan_rows(const real* x, Index length, Index step, Index width, real* y, bool add) {
  real sums[side_by_side] = {};
  for (Index t = 0; t < length; ++t, x += step, y += step)
    for (Index i = 0; i < width; ++i) {
      sums[i] += x[i];
      y[i] = add ? y[i] + sums[i] : sums[i];
    }
}

}  // namespace

void cumulative_sum(const real* x, AlongAxis axis, bool from_the_end, real* y, bool add) {
  const Index outer = axis.outer, length = axis.length, inner = axis.inner;
  if (length == 0) return;
  const Index groups = (inner + side_by_side - 1) / side_by_side,
              last = from_the_end ? (length - 1) * inner : 0;
  parallel::for_range(outer * groups, parallel::grain(length * std::min(inner, side_by_side)),
                      [&](Index begin, Index end) {
                        for (Index i = begin; i < end; ++i) {
                          const Index first = i % groups * side_by_side,
                                      at = i / groups * length * inner + last + first;
                          scan_rows(x + at, length, from_the_end ? -inner : inner,
                                    std::min(side_by_side, inner - first), y + at, add);
                        }
                      });
}

void cumulative_product(const real* x, AlongAxis axis, real* y) {
  const Index outer = axis.outer, length = axis.length, inner = axis.inner;
  parallel::for_range(outer * inner, parallel::grain(length), [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      Index at = i / inner * length * inner + i % inner;
      real product = 1;
      for (Index t = 0; t < length; ++t, at += inner) y[at] = product *= x[at];
    }
  });
}

void cumulative_product_slopes(const real* dy, const real* x, const real* y, AlongAxis axis,
                               real* dx, bool add) {
  const Index outer = axis.outer, length = axis.length, inner = axis.inner;
  parallel::for_range(outer * inner, parallel::grain(3 * length), [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      const Index first = i / inner * length * inner + i % inner;
      real behind = 0;
      for (Index t = length; t-- > 0;) {
        const Index at = first + t * inner;
        // What nobody uses has no gradient, beside infinite factors too.
        behind = dy[at] + (t + 1 < length && behind != 0 ? x[at + inner] * behind : 0);
        const real d = t > 0 && behind != 0 ? y[at - inner] * behind : behind;
        dx[at] = add ? dx[at] + d : d;
      }
    }
  });
}

void product(const real* x, Index rows, Index length, real* y) {
  parallel::for_range(rows, parallel::grain(length), [&](Index begin, Index end) {
    for (Index r = begin; r < end; ++r) {
      real result = 1;
      for (Index i = 0; i < length; ++i) result *= x[r * length + i];
      y[r] = result;
    }
  });
}

void product_slopes(const real* dy, const real* x, Index rows, Index length, real* dx, bool add) {
  parallel::for_range(rows, parallel::grain(4 * length), [&](Index begin, Index end) {
    const Buffer scratch(length * static_cast<Index>(sizeof(real)));
    real* const before = scratch.as<real>();
    for (Index r = begin; r < end; ++r) {
      const real* const row = x + r * length;
      real* const d = dx + r * length;
      real product = dy[r];
      for (Index i = 0; i < length; ++i) {
        before[i] = product;
        product *= row[i];
      }
      real behind = 1;
      for (Index i = length; i-- > 0;) {
        d[i] = add ? d[i] + before[i] * behind : before[i] * behind;
        behind *= row[i];
      }
    }
  });
}

}}}  // namespace fovea::kernels
