#ifndef FOVEA_KERNELS_NORM_ROWS
#define FOVEA_KERNELS_NORM_ROWS
#include <algorithm>
#include <cmath>

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

/// Rows up to this long are summed in one go.
constexpr Index longest_block = 4096;

/// One row of `norm`. `left`: see ask_ahead.
struct NormRow {
  const real *x, *gamma, *beta;
  Index width, left;
  real epsilon;
  real *y, *statistics;
};

/// One row of what `norm_slopes` gives x.
struct NormInputRow {
  const real *dy, *x, *gamma;
  Index width, left;
  bool centred;
  const real* statistics;
  real* dx;
  bool add;
};

}}}  // namespace fovea::kernels
#endif

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/norm.cpp"
#include "kernels/targets.hpp"
//
#include "kernels/ahead.hpp"
#include "kernels/elementwise-inl.hpp"
#include "kernels/pairwise.hpp"

HWY_BEFORE_NAMESPACE();
namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels::HWY_NAMESPACE {

/// Calls each(i, k) for every vector of a row: its first element, and how many there are.
template <class Each>
HWY_INLINE void for_vectors(Index n, const Each& each) {
  const Index width = static_cast<Index>(hn::Lanes(Tag()));
  for (Index i = 0; i < n; i += width) each(i, std::min(width, n - i));
}

/// The sum of value(i, k) over the vectors of [begin, end), in four chains, since one after another
/// each addition would wait for the one before.
template <class Sum, class Value>
HWY_INLINE Sum sum_of_vectors(Index begin, Index end, Sum zero, const Value& value) {
  const Index width = static_cast<Index>(hn::Lanes(Tag()));
  Sum a = zero, b = zero, c = zero, d = zero;
  Index i = begin;
  for (; i + 4 * width <= end; i += 4 * width) {
    a = a + value(i, width);
    b = b + value(i + width, width);
    c = c + value(i + 2 * width, width);
    d = d + value(i + 3 * width, width);
  }
  for (; i < end; i += width) a = a + value(i, std::min(width, end - i));
  return (a + b) + (c + d);
}

HWY_INLINE real of_lanes(Lane x) { return sum(x); }

/// Two sums side by side: over lanes, and then of them.
struct TwoReals {
  real first, second;
  friend TwoReals operator+(TwoReals a, TwoReals b) {
    return {a.first + b.first, a.second + b.second};
  }
};
struct TwoLanes {
  Lane first, second;
  friend HWY_INLINE TwoLanes operator+(TwoLanes a, TwoLanes b) {
    return {a.first + b.first, a.second + b.second};
  }
};
HWY_INLINE TwoReals of_lanes(TwoLanes x) { return {sum(x.first), sum(x.second)}; }

/// The sum of value(i, k) over a row; of a long one in blocks, as kernels/reduce.cpp cuts them,
/// whose sums are added pairwise.
template <bool is_long, class Sum, class Value>
HWY_INLINE auto sum_of_row(Index n, Sum zero, const Value& value) {
  if constexpr (!is_long) {
    return of_lanes(sum_of_vectors(0, n, zero, value));
  } else {
    PairwiseSum<decltype(of_lanes(zero))> total;
    for (Index begin = 0; begin < n; begin += longest_block)
      total.add(of_lanes(sum_of_vectors(begin, std::min(n, begin + longest_block), zero, value)));
    return total.total();
  }
}

/// The first `k` numbers at `p`, `filler` in the other lanes.
HWY_INLINE Lane load_or(const real* p, Index k, real filler) {
  return k == static_cast<Index>(hn::Lanes(Tag())) ? hn::LoadU(Tag(), p) : load_some(p, k, filler);
}

/// (x - m) s with the mean of two parts, m and what its rounding lost, times s: `rest`.
struct Normalised {
  Lane mean, scale, rest;
  explicit HWY_INLINE Normalised(const real* statistics)
      : mean(hn::Set(Tag(), statistics[0])),
        scale(hn::Set(Tag(), statistics[1])),
        rest(hn::Set(Tag(), statistics[2])) {}
  HWY_INLINE Lane operator()(Lane x) const { return hn::MulSub(x - mean, scale, rest); }
};

/// Beyond this many standard deviations the rounding of a mean shows beside the deviations from it.
constexpr real far_from_0 = 8;

/// 1 / sqrt(squares / n + epsilon), with one division less for rows to wait for.
HWY_INLINE real inverse_root(real squares, real n, real epsilon) {
  return std::sqrt(n / (squares + n * epsilon));
}

/// The mean of the deviations from a rounded mean is what its rounding lost. A function of its own,
/// not to slow other rows down.
template <bool is_long>
HWY_NOINLINE void far_norm_row(NormRow r, real mean, real squares) {
  const real n = static_cast<real>(r.width);
  const Lane m = hn::Set(Tag(), mean);
  const real lost = sum_of_row<is_long>(r.width, hn::Zero(Tag()), [&](Index i, Index k) HWY_ATTR {
    return load_or(r.x + i, k, mean) - m;
  });
  r.statistics[0] = mean;
  r.statistics[1] = inverse_root(std::max(squares - lost * (lost / n), real(0)), n, r.epsilon);
  r.statistics[2] = lost / n * r.statistics[1];
  const Normalised normalised(r.statistics);
  for_vectors(r.width, [&](Index i, Index k) HWY_ATTR {
    store(normalised(load(r.x + i, k)) * load(r.gamma + i, k) + load(r.beta + i, k), r.y + i, k);
  });
}

template <bool is_long>
HWY_INLINE void layer_norm_row(NormRow r) {
  const real n = static_cast<real>(r.width);
  const real mean = sum_of_row<is_long>(r.width, hn::Zero(Tag()),
                                        [&](Index i, Index k) HWY_ATTR {
                                          ask_ahead(left_if_long(r.width, r.left) - i, r.x + i);
                                          return load(r.x + i, k);
                                        }) /
                    n;
  const Lane m = hn::Set(Tag(), mean);
  const real squares =
      sum_of_row<is_long>(r.width, hn::Zero(Tag()), [&](Index i, Index k) HWY_ATTR {
        ask_ahead(r.left - i, r.x + i);
        const Lane d = load_or(r.x + i, k, mean) - m;
        return d * d;
      });
  const real scale = inverse_root(squares, n, r.epsilon);
  if (HWY_UNLIKELY(std::abs(mean) * scale > far_from_0))
    return far_norm_row<is_long>(r, mean, squares);
  r.statistics[0] = mean;
  r.statistics[1] = scale;
  r.statistics[2] = 0;
  const Lane s = hn::Set(Tag(), scale);
  for_vectors(r.width, [&](Index i, Index k) HWY_ATTR {
    ask_ahead(r.left - i, r.y + i);
    store((load(r.x + i, k) - m) * s * load(r.gamma + i, k) + load(r.beta + i, k), r.y + i, k);
  });
}

template <bool is_long>
HWY_INLINE void rms_norm_row(NormRow r) {
  const real squares =
      sum_of_row<is_long>(r.width, hn::Zero(Tag()), [&](Index i, Index k) HWY_ATTR {
        ask_ahead(r.left - i, r.x + i);
        const Lane v = load(r.x + i, k);
        return v * v;
      });
  r.statistics[0] = r.statistics[2] = 0;
  r.statistics[1] = inverse_root(squares, static_cast<real>(r.width), r.epsilon);
  const Lane s = hn::Set(Tag(), r.statistics[1]);
  for_vectors(r.width, [&](Index i, Index k) HWY_ATTR {
    ask_ahead(r.left - i, r.y + i);
    store(load(r.x + i, k) * s * load(r.gamma + i, k), r.y + i, k);
  });
}

/// dx (+)= s (g - mean(g) - n mean(g n))
template <bool is_long>
HWY_INLINE void norm_input_row(NormInputRow r) {
  const Normalised normalised(r.statistics);
  const TwoReals sums = sum_of_row<is_long>(
      r.width, TwoLanes{hn::Zero(Tag()), hn::Zero(Tag())}, [&](Index i, Index k) HWY_ATTR {
        ask_ahead(r.left - i, r.dy + i, r.x + i);
        const Lane g = load(r.dy + i, k) * load(r.gamma + i, k);
        return TwoLanes{g, g * normalised(load(r.x + i, k))};  // g is 0 in lanes that do not exist
      });
  const real share = 1 / static_cast<real>(r.width);  // which nobody sees: slopes are rounded
                                                      // anyway, and rows wait less for a product
  const Lane shift = hn::Set(Tag(), r.centred ? sums.first * share : real(0)),
             slope = hn::Set(Tag(), sums.second * share);
  for_vectors(r.width, [&](Index i, Index k) HWY_ATTR {
    ask_ahead(r.left - i, r.dx + i);
    const Lane g = load(r.dy + i, k) * load(r.gamma + i, k);
    const Lane d = normalised.scale * (g - shift - normalised(load(r.x + i, k)) * slope);
    store(r.add ? load(r.dx + i, k) + d : d, r.dx + i, k);
  });
}

/// The rows that are short, and those that are long: what these need would slow the others down.
template <bool is_long>
struct RowsOf {
  static void layer(NormRow row) { layer_norm_row<is_long>(row); }
  static void rms(NormRow row) { rms_norm_row<is_long>(row); }
  static void input(NormInputRow row) { norm_input_row<is_long>(row); }
};
using ShortRows = RowsOf<false>;
using LongRows = RowsOf<true>;

/// dgamma += dy n, dbeta += dy; either may be null.
void norm_parameters_row(const real* dy, const real* x, Index width, const real* statistics,
                         real* dgamma, real* dbeta) {
  const Normalised normalised(statistics);
  for_vectors(width, [&](Index i, Index k) HWY_ATTR {
    const Lane d = load(dy + i, k);
    if (dgamma) store(load(dgamma + i, k) + d * normalised(load(x + i, k)), dgamma + i, k);
    if (dbeta) store(load(dbeta + i, k) + d, dbeta + i, k);
  });
}

}}}  // namespace fovea::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "fovea/memory/buffer.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/norm.hpp"
#include "parallel/parallel.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

namespace {

constexpr Index chunk_rows = 64;

// target = the sum of `count` rows of partial results.
void add_chunks(real* partials, Index count, Index width, real* target) {
  add_pairwise(count, [&](Index i, Index k) {
    scale(partials + k * width, 1, partials + i * width, width, true);
  });
  std::copy_n(partials, width, target);
}

// What the gradients of all rows are computed from.
struct NormAdjoints {
  NormSizes sizes;
  const real *dy, *x, *gamma, *statistics;
};

// The gradients of rows [begin, end): of x, and their sums for gamma and beta.
void slopes_of_rows(const NormAdjoints& d, const NormGradients& to, Index begin, Index end) {
  const Index width = d.sizes.width;
  const auto input_row =
      width <= longest_block ? FOVEA_BEST(ShortRows::input) : FOVEA_BEST(LongRows::input);
  const auto parameters_row = FOVEA_BEST(norm_parameters_row);
  if (to.dgamma) std::fill_n(to.dgamma, width, real(0));
  if (to.dbeta) std::fill_n(to.dbeta, width, real(0));
  for (Index r = begin; r < end; ++r) {
    const real *const dy = d.dy + r * width, *const x = d.x + r * width,
                      *const statistics = d.statistics + r * statistics_per_row;
    if (to.dx)
      input_row({dy, x, d.gamma, width, left_to_ask_for(d.sizes.rows * width, r * width),
                 d.sizes.centred, statistics, to.dx + r * width, to.add_dx});
    if (to.dgamma || to.dbeta) parameters_row(dy, x, width, statistics, to.dgamma, to.dbeta);
  }
}

}  // namespace

void norm(NormSizes sizes, const NormInputs& in, real* y, real* statistics) {
  const auto row = sizes.width <= longest_block
                       ? (sizes.centred ? FOVEA_BEST(ShortRows::layer) : FOVEA_BEST(ShortRows::rms))
                       : (sizes.centred ? FOVEA_BEST(LongRows::layer) : FOVEA_BEST(LongRows::rms));
  const Index width = sizes.width;
  parallel::for_range(sizes.rows, parallel::grain(4 * width), [&](Index begin, Index end) {
    for (Index r = begin; r < end; ++r)
      row({in.x + r * width, in.gamma, in.beta, width,
           left_to_ask_for(sizes.rows * width, r * width), in.epsilon, y + r * width,
           statistics + r * statistics_per_row});
  });
}

void norm_slopes(NormSizes sizes, const real* dy, const real* x, const real* gamma,
                 const real* statistics, const NormGradients& to) {
  const Index rows = sizes.rows, width = sizes.width;
  const Index chunks = std::max<Index>(1, (rows + chunk_rows - 1) / chunk_rows),
              bytes = chunks * width * static_cast<Index>(sizeof(real));
  const Buffer gammas(to.dgamma ? bytes : 0), betas(to.dbeta ? bytes : 0);
  const NormAdjoints adjoints{sizes, dy, x, gamma, statistics};
  parallel::for_range(chunks, parallel::grain(8 * width * chunk_rows), [&](Index begin, Index end) {
    for (Index chunk = begin; chunk < end; ++chunk) {
      const NormGradients sums{to.dx, to.add_dx,
                               to.dgamma ? gammas.as<real>() + chunk * width : nullptr,
                               to.dbeta ? betas.as<real>() + chunk * width : nullptr};
      slopes_of_rows(adjoints, sums, chunk * chunk_rows, std::min(rows, (chunk + 1) * chunk_rows));
    }
  });
  if (to.dgamma) add_chunks(gammas.as<real>(), chunks, width, to.dgamma);
  if (to.dbeta) add_chunks(betas.as<real>(), chunks, width, to.dbeta);
}

}}}  // namespace fovea::kernels
#endif
