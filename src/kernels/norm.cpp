#ifndef FOVEA_KERNELS_NORM_ROWS
#define FOVEA_KERNELS_NORM_ROWS
#include <algorithm>
#include <cmath>

#include "kernels/ahead.hpp"
#include "kernels/norm.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

/// Rows up to this long are summed in one go.
constexpr Index longest_block = 4096;

/// What `norm` reads and writes.
struct NormPass {
  NormSizes sizes;
  NormInputs in;
  real *y, *statistics;
};

/// What `norm_slopes` reads.
struct NormAdjoints {
  NormSizes sizes;
  const real *dy, *x, *gamma, *statistics;
};

/// How many numbers row r and those behind it should ask for ahead.
inline Index left_from(NormSizes sizes, Index r) {
  return left_to_ask_for(sizes.rows * sizes.width, r * sizes.width);
}

}}}  // namespace fovea::kernels
#endif

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/norm.cpp"
#include "kernels/targets.hpp"
//
#include "kernels/ahead.hpp"
#include "kernels/elementwise-inl.hpp"
#include "kernels/fold-inl.hpp"
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
  const auto join = [](Sum a, Sum b) HWY_ATTR { return a + b; };
  Four<Sum> four(zero);
  Index i = fold_by_fours(
      begin, end, width, four, [&](Index k) HWY_ATTR { return value(k, width); }, join);
  for (; i < end; i += width) four.a = four.a + value(i, std::min(width, end - i));
  return four.joined(join);
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
HWY_NOINLINE void far_norm_row(const NormPass& p, Index r, real mean, real squares) {
  const Index width = p.sizes.width;
  const real *const x = p.in.x + r * width, *const gamma = p.in.gamma, *const beta = p.in.beta;
  real *const y = p.y + r * width, *const statistics = p.statistics + r * statistics_per_row;
  const real n = static_cast<real>(width);
  const Lane m = hn::Set(Tag(), mean);
  const real lost = sum_of_row<is_long>(width, hn::Zero(Tag()), [&](Index i, Index k) HWY_ATTR {
    return load_or(x + i, k, mean) - m;
  });
  statistics[0] = mean;
  statistics[1] = inverse_root(std::max(squares - lost * (lost / n), real(0)), n, p.in.epsilon);
  statistics[2] = lost / n * statistics[1];
  const Normalised normalised(statistics);
  for_vectors(width, [&](Index i, Index k) HWY_ATTR {
    store(normalised(load(x + i, k)) * load(gamma + i, k) + load(beta + i, k), y + i, k);
  });
}

template <bool is_long>
HWY_INLINE void layer_norm_row(const NormPass& p, Index r) {
  const Index width = p.sizes.width, left = left_from(p.sizes, r);
  const real *const x = p.in.x + r * width, *const gamma = p.in.gamma, *const beta = p.in.beta;
  real *const y = p.y + r * width, *const statistics = p.statistics + r * statistics_per_row;
  const real n = static_cast<real>(width);
  const real mean = sum_of_row<is_long>(width, hn::Zero(Tag()),
                                        [&](Index i, Index k) HWY_ATTR {
                                          ask_ahead(left_if_long(width, left) - i, x + i);
                                          return load(x + i, k);
                                        }) /
                    n;
  const Lane m = hn::Set(Tag(), mean);
  const real squares = sum_of_row<is_long>(width, hn::Zero(Tag()), [&](Index i, Index k) HWY_ATTR {
    ask_ahead(left - i, x + i);
    const Lane d = load_or(x + i, k, mean) - m;
    return d * d;
  });
  const real scale = inverse_root(squares, n, p.in.epsilon);
  if (HWY_UNLIKELY(std::abs(mean) * scale > far_from_0))
    return far_norm_row<is_long>(p, r, mean, squares);
  statistics[0] = mean;
  statistics[1] = scale;
  statistics[2] = 0;
  const Lane s = hn::Set(Tag(), scale);
  for_vectors(width, [&](Index i, Index k) HWY_ATTR {
    ask_ahead(left - i, y + i);
    store((load(x + i, k) - m) * s * load(gamma + i, k) + load(beta + i, k), y + i, k);
  });
}

template <bool is_long>
HWY_INLINE void rms_norm_row(const NormPass& p, Index r) {
  const Index width = p.sizes.width, left = left_from(p.sizes, r);
  const real *const x = p.in.x + r * width, *const gamma = p.in.gamma;
  real *const y = p.y + r * width, *const statistics = p.statistics + r * statistics_per_row;
  const real squares = sum_of_row<is_long>(width, hn::Zero(Tag()), [&](Index i, Index k) HWY_ATTR {
    ask_ahead(left - i, x + i);
    const Lane v = load(x + i, k);
    return v * v;
  });
  statistics[0] = statistics[2] = 0;
  statistics[1] = inverse_root(squares, static_cast<real>(width), p.in.epsilon);
  const Lane s = hn::Set(Tag(), statistics[1]);
  for_vectors(width, [&](Index i, Index k) HWY_ATTR {
    ask_ahead(left - i, y + i);
    store(load(x + i, k) * s * load(gamma + i, k), y + i, k);
  });
}

/// dx (+)= s (g - mean(g) - n mean(g n))
template <bool is_long>
HWY_INLINE void norm_input_row(const NormAdjoints& p, Index r, real* dx, bool add) {
  const Index width = p.sizes.width, left = left_from(p.sizes, r);
  const real *const dy = p.dy + r * width, *const x = p.x + r * width, *const gamma = p.gamma;
  const bool centred = p.sizes.centred;
  const Normalised normalised(p.statistics + r * statistics_per_row);
  const TwoReals sums = sum_of_row<is_long>(
      width, TwoLanes{hn::Zero(Tag()), hn::Zero(Tag())}, [&](Index i, Index k) HWY_ATTR {
        ask_ahead(left - i, dy + i, x + i);
        const Lane g = load(dy + i, k) * load(gamma + i, k);
        return TwoLanes{g, g * normalised(load(x + i, k))};  // g is 0 in lanes that do not exist
      });
  // One division, whose rounding the slopes hide: rows wait less for a product.
  const real share = 1 / static_cast<real>(width);
  const Lane shift = hn::Set(Tag(), centred ? sums.first * share : real(0)),
             slope = hn::Set(Tag(), sums.second * share);
  for_vectors(width, [&](Index i, Index k) HWY_ATTR {
    ask_ahead(left - i, dx + i);
    const Lane g = load(dy + i, k) * load(gamma + i, k);
    const Lane d = normalised.scale * (g - shift - normalised(load(x + i, k)) * slope);
    store(add ? load(dx + i, k) + d : d, dx + i, k);
  });
}

/// dgamma += dy n, dbeta += dy; either may be null.
HWY_INLINE void norm_parameters_row(const NormAdjoints& p, Index r, real* dgamma, real* dbeta) {
  const Index width = p.sizes.width;
  const real *const dy = p.dy + r * width, *const x = p.x + r * width;
  const Normalised normalised(p.statistics + r * statistics_per_row);
  for_vectors(width, [&](Index i, Index k) HWY_ATTR {
    const Lane d = load(dy + i, k);
    if (dgamma) store(load(dgamma + i, k) + d * normalised(load(x + i, k)), dgamma + i, k);
    if (dbeta) store(load(dbeta + i, k) + d, dbeta + i, k);
  });
}

/// The rows [begin, end) that are short, and those that are long: what these need would slow the
/// others down.
template <bool is_long>
struct RowsOf {
  static void layer(const NormPass& pass, Index begin, Index end) {
    for (Index r = begin; r < end; ++r) layer_norm_row<is_long>(pass, r);
  }
  static void rms(const NormPass& pass, Index begin, Index end) {
    for (Index r = begin; r < end; ++r) rms_norm_row<is_long>(pass, r);
  }
  static void slopes(const NormAdjoints& pass, const NormGradients& to, Index begin, Index end) {
    for (Index r = begin; r < end; ++r) {
      if (to.dx) norm_input_row<is_long>(pass, r, to.dx + r * pass.sizes.width, to.add_dx);
      if (to.dgamma || to.dbeta) norm_parameters_row(pass, r, to.dgamma, to.dbeta);
    }
  }
};
using ShortRows = RowsOf<false>;
using LongRows = RowsOf<true>;

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

// The gradients of rows [begin, end): of x, and their sums for gamma and beta.
void slopes_of_rows(const NormAdjoints& pass, const NormGradients& to, Index begin, Index end) {
  const Index width = pass.sizes.width;
  if (to.dgamma) std::fill_n(to.dgamma, width, real(0));
  if (to.dbeta) std::fill_n(to.dbeta, width, real(0));
  const auto rows =
      width <= longest_block ? FOVEA_BEST(ShortRows::slopes) : FOVEA_BEST(LongRows::slopes);
  rows(pass, to, begin, end);
}

}  // namespace

void norm(NormSizes sizes, const NormInputs& in, real* y, real* statistics) {
  const auto rows =
      sizes.width <= longest_block
          ? (sizes.centred ? FOVEA_BEST(ShortRows::layer) : FOVEA_BEST(ShortRows::rms))
          : (sizes.centred ? FOVEA_BEST(LongRows::layer) : FOVEA_BEST(LongRows::rms));
  const NormPass pass{sizes, in, y, statistics};
  parallel::for_range(sizes.rows, parallel::grain(4 * sizes.width),
                      [&](Index begin, Index end) { rows(pass, begin, end); });
}

void norm_slopes(NormSizes sizes, const real* dy, const real* x, const real* gamma,
                 const real* statistics, const NormGradients& to) {
  const Index rows = sizes.rows, width = sizes.width;
  const Index chunks = std::max<Index>(1, (rows + chunk_rows - 1) / chunk_rows),
              bytes = chunks * width * static_cast<Index>(sizeof(real));
  const Buffer gammas(to.dgamma ? bytes : 0), betas(to.dbeta ? bytes : 0);
  const NormAdjoints pass{sizes, dy, x, gamma, statistics};
  parallel::for_range(chunks, parallel::grain(8 * width * chunk_rows), [&](Index begin, Index end) {
    for (Index chunk = begin; chunk < end; ++chunk) {
      const NormGradients sums{to.dx, to.add_dx,
                               to.dgamma ? gammas.as<real>() + chunk * width : nullptr,
                               to.dbeta ? betas.as<real>() + chunk * width : nullptr};
      slopes_of_rows(pass, sums, chunk * chunk_rows, std::min(rows, (chunk + 1) * chunk_rows));
    }
  });
  if (to.dgamma) add_chunks(gammas.as<real>(), chunks, width, to.dgamma);
  if (to.dbeta) add_chunks(betas.as<real>(), chunks, width, to.dbeta);
}

}}}  // namespace fovea::kernels
#endif
