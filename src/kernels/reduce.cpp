#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/reduce.cpp"
#include "kernels/targets.hpp"
//
#include "kernels/elementwise-inl.hpp"
#include "kernels/fold-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels::HWY_NAMESPACE {

struct Sum {
  static constexpr real start = 0;
  static HWY_INLINE Lane join(Lane a, Lane b) { return a + b; }
  static HWY_INLINE real lanes_of(Lane x) { return sum(x); }
  static HWY_INLINE real few(const real* x, Index n) {
    real total = start;
    for (Index i = 0; i < n; ++i) total += x[i];
    return total;
  }
};

/// The largest or the smallest; NaN if there is one.
template <bool largest>
struct Extreme {
  static constexpr real start =
      largest ? -std::numeric_limits<real>::infinity() : std::numeric_limits<real>::infinity();
  static HWY_INLINE Lane join(Lane a, Lane b) {
    return hn::IfThenElse(hn::IsNaN(a), a,
                          largest ? larger(a, b) : smaller(a, b));  // a NaN in b is passed
  }
  static HWY_INLINE real lanes_of(Lane x) {
    if (hn::AllFalse(Tag(), hn::IsNaN(x)))
      return hn::GetLane(largest ? hn::MaxOfLanes(Tag(), x) : hn::MinOfLanes(Tag(), x));
    HWY_ALIGN real values[HWY_MAX_BYTES / sizeof(real)];
    hn::Store(x, Tag(), values);
    return few(values, static_cast<Index>(hn::Lanes(Tag())));
  }
  static HWY_INLINE real few(const real* x, Index n) {
    real best = start;
    for (Index i = 0; i < n; ++i)
      if (best == best && !(largest ? x[i] <= best : x[i] >= best))
        best = x[i];  // the first NaN stays
    return best;
  }
};

/// One number from `n` neighbours: four chains of vectors, so that they overlap in time.
template <class Join>
real reduce_row(const real* x, Index n) {
  if (n <= 4) return Join::few(x, n);
  const Index width = static_cast<Index>(hn::Lanes(Tag()));
  const auto join = [](Lane a, Lane b) HWY_ATTR { return Join::join(a, b); };
  Four<Lane> four(hn::Set(Tag(), Join::start));
  Index i = fold_by_fours(
      0, n, width, four, [&](Index k) HWY_ATTR { return hn::LoadU(Tag(), x + k); }, join);
  for (; i + width <= n; i += width) four.a = join(four.a, hn::LoadU(Tag(), x + i));
  if (i < n) four.b = join(four.b, load_some(x + i, n - i, Join::start));
  return Join::lanes_of(four.joined(join));
}

/// y (inner) = the join of `rows` rows of x.
template <class Join>
void reduce_rows(const real* x, Index rows, Index inner, real* y) {
  if (inner == 1) {
    *y = reduce_row<Join>(x, rows);
    return;
  }
  const Index width = static_cast<Index>(hn::Lanes(Tag()));
  Index i = 0;
  for (; i + 4 * width <= inner; i += 4 * width) {
    Lane a = hn::Set(Tag(), Join::start), b = a, c = a, d = a;
    for (Index r = 0; r < rows; ++r) {
      const real* const row = x + r * inner + i;
      a = Join::join(a, hn::LoadU(Tag(), row));
      b = Join::join(b, hn::LoadU(Tag(), row + width));
      c = Join::join(c, hn::LoadU(Tag(), row + 2 * width));
      d = Join::join(d, hn::LoadU(Tag(), row + 3 * width));
    }
    hn::StoreU(a, Tag(), y + i);
    hn::StoreU(b, Tag(), y + i + width);
    hn::StoreU(c, Tag(), y + i + 2 * width);
    hn::StoreU(d, Tag(), y + i + 3 * width);
  }
  for (; i < inner; i += width) {
    const Index k = std::min(width, inner - i);
    Lane joined = hn::Set(Tag(), Join::start);
    for (Index r = 0; r < rows; ++r) joined = Join::join(joined, load(x + r * inner + i, k));
    store(joined, y + i, k);
  }
}

void sum_rows(const real* x, Index rows, Index inner, real* y) {
  reduce_rows<Sum>(x, rows, inner, y);
}
void maximum_rows(const real* x, Index rows, Index inner, real* y) {
  reduce_rows<Extreme<true>>(x, rows, inner, y);
}
void minimum_rows(const real* x, Index rows, Index inner, real* y) {
  reduce_rows<Extreme<false>>(x, rows, inner, y);
}

/// a = join(a, b), element by element.
template <class Join>
void join_rows(real* a, const real* b, Index n) {
  for_lanes(
      n,
      [&](Index i) HWY_ATTR {
        hn::StoreU(Join::join(hn::LoadU(Tag(), a + i), hn::LoadU(Tag(), b + i)), Tag(), a + i);
      },
      [&](Index i, Index k)
          HWY_ATTR { store_some(Join::join(load_some(a + i, k), load_some(b + i, k)), a + i, k); });
}

void sum_join(real* a, const real* b, Index n) { join_rows<Sum>(a, b, n); }
void maximum_join(real* a, const real* b, Index n) { join_rows<Extreme<true>>(a, b, n); }
void minimum_join(real* a, const real* b, Index n) { join_rows<Extreme<false>>(a, b, n); }

}}}  // namespace fovea::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <algorithm>

#include "fovea/memory/buffer.hpp"
#include "kernels/pairwise.hpp"
#include "kernels/reduce.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

namespace {

// Rows of an axis that are reduced in one go.
Index block_rows(Index inner) {
  return inner == 1 ? 4096 : std::clamp<Index>(8192 / inner, 16, 256);
}

using ReduceRows = void (*)(const real* x, Index rows, Index inner, real* y);
using JoinRows = void (*)(real* a, const real* b, Index n);

constexpr auto made_before = [](Index, Index) {};

// y = the reduction of x; blocks along the axis first, each after make(its first row, how many),
// then their results pairwise.
template <class Make>
void reduce(ReduceRows rows, JoinRows join, const real* x, AlongAxis axis, real* y,
            const Make& make) {
  const Index outer = axis.outer, length = axis.length, inner = axis.inner;
  if (length == 1) {
    make(0, 1);
    return parallel::for_range(outer * inner, parallel::worth_a_task, [&](Index begin, Index end) {
      rows(x + begin, 1, end - begin, y + begin);
    });
  }
  const Index block = block_rows(inner);
  const Index blocks = std::max<Index>(1, (length + block - 1) / block);
  const Buffer scratch(blocks == 1 ? 0 : outer * blocks * inner * static_cast<Index>(sizeof(real)));
  real* const partial = blocks == 1 ? y : scratch.as<real>();
  parallel::for_range(outer * blocks, parallel::grain(std::min(length, block) * inner),
                      [&](Index begin, Index end) {
                        for (Index i = begin; i < end; ++i) {
                          const Index first = i % blocks * block;
                          const Index row = i / blocks * length + first,
                                      count = std::min(block, length - first);
                          make(row, count);
                          rows(x + row * inner, count, inner, partial + i * inner);
                        }
                      });
  if (blocks == 1) return;
  parallel::for_range(outer, parallel::grain(blocks * inner), [&](Index begin, Index end) {
    for (Index o = begin; o < end; ++o) {
      real* const mine = partial + o * blocks * inner;
      add_pairwise(blocks,
                   [&](Index i, Index k) { join(mine + i * inner, mine + k * inner, inner); });
      std::copy_n(mine, inner, y + o * inner);
    }
  });
}

}  // namespace

void sum(const real* x, AlongAxis axis, real* y, bool add) {
  const Index count = axis.outer * axis.inner;
  if (count == 0) return;
  if (!add) return reduce(FOVEA_BEST(sum_rows), FOVEA_BEST(sum_join), x, axis, y, made_before);
  const Buffer scratch(count * static_cast<Index>(sizeof(real)));
  reduce(FOVEA_BEST(sum_rows), FOVEA_BEST(sum_join), x, axis, scratch.as<real>(), made_before);
  FOVEA_BEST(sum_join)(y, scratch.as<real>(), count);
}

void sum_as_made(parallel::FunctionRef<void(Index, Index)> make, const real* x, Index rows,
                 Index inner, real* y) {
  if (inner > 0) reduce(FOVEA_BEST(sum_rows), FOVEA_BEST(sum_join), x, {1, rows, inner}, y, make);
}

void maximum(const real* x, AlongAxis axis, real* y) {
  if (axis.outer * axis.inner > 0)
    reduce(FOVEA_BEST(maximum_rows), FOVEA_BEST(maximum_join), x, axis, y, made_before);
}

void minimum(const real* x, AlongAxis axis, real* y) {
  if (axis.outer * axis.inner > 0)
    reduce(FOVEA_BEST(minimum_rows), FOVEA_BEST(minimum_join), x, axis, y, made_before);
}

void extreme_slopes(const real* dy, const real* x, const real* y, AlongAxis axis, real* dx,
                    bool add) {
  const Index outer = axis.outer, length = axis.length, inner = axis.inner;
  parallel::for_range(outer * inner, parallel::grain(2 * length), [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      const Index start = i / inner * length * inner + i % inner;
      if (y[i] != y[i]) {
        for (Index t = 0; t < length; ++t) dx[start + t * inner] = y[i];
        continue;
      }
      Index ties = 0;
      for (Index t = 0; t < length; ++t) ties += x[start + t * inner] == y[i];
      const real shared = dy[i] / static_cast<real>(ties);
      for (Index t = 0; t < length; ++t) {
        const Index at = start + t * inner;
        const real share = x[at] == y[i] ? shared : real(0);
        dx[at] = add ? dx[at] + share : share;
      }
    }
  });
}

}}}  // namespace fovea::kernels
#endif
