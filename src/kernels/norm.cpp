#include <algorithm>
#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/norm.cpp"
#include "kernels/targets.hpp"
//
#include "kernels/ahead.hpp"
#include "kernels/elementwise-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace fovea::inline FOVEA_PRECISION::kernels::HWY_NAMESPACE {

/// Calls each(i, k) for every vector of a row: its first element, and how many there are.
template <class Each>
HWY_INLINE void for_vectors(Index n, const Each& each) {
  const Index width = static_cast<Index>(hn::Lanes(Tag()));
  for (Index i = 0; i < n; i += width) each(i, std::min(width, n - i));
}

/// The sum of value(i, k) over the vectors of a row, in four chains, since one after another each addition would wait for the one before.
template <class Sum, class Value>
HWY_INLINE Sum sum_of_vectors(Index n, Sum zero, const Value& value) {
  const Index width = static_cast<Index>(hn::Lanes(Tag()));
  Sum a = zero, b = zero, c = zero, d = zero;
  Index i = 0;
  for (; i + 4 * width <= n; i += 4 * width) {
    a = a + value(i, width);
    b = b + value(i + width, width);
    c = c + value(i + 2 * width, width);
    d = d + value(i + 3 * width, width);
  }
  for (; i < n; i += width) a = a + value(i, std::min(width, n - i));
  return (a + b) + (c + d);
}

/// `left`: see ask_ahead.
void norm_row(const real* x, const real* gamma, const real* beta, Index width, Index left, bool centred, real epsilon, real* y, real* mean,
              real* scale) {
  const real share = real(1) / static_cast<real>(width);
  *mean = 0;
  if (centred) *mean = sum(sum_of_vectors(width, hn::Zero(Tag()), [&](Index i, Index k) HWY_ATTR {
    ask_ahead(left_if_long(width, left) - i, x + i);
    return load(x + i, k);
  })) * share;
  const Lane m = hn::Set(Tag(), *mean);
  const Lane squares = sum_of_vectors(width, hn::Zero(Tag()), [&](Index i, Index k) HWY_ATTR {
    ask_ahead(left - i, x + i);
    const Lane d = hn::IfThenElseZero(hn::FirstN(Tag(), static_cast<std::size_t>(k)), load(x + i, k) - m);
    return d * d;
  });
  *scale = 1 / std::sqrt(sum(squares) * share + epsilon);
  const Lane s = hn::Set(Tag(), *scale);
  for_vectors(width, [&](Index i, Index k) HWY_ATTR {
    ask_ahead(left - i, y + i);
    const Lane n = (load(x + i, k) - m) * s * load(gamma + i, k);
    store(beta ? n + load(beta + i, k) : n, y + i, k);
  });
}

/// The sums of g and of g n.
struct SlopeSums {
  Lane total, along;
  friend HWY_INLINE SlopeSums operator+(SlopeSums a, SlopeSums b) { return {a.total + b.total, a.along + b.along}; }
};

/// dx (+)= s (g - mean(g) - n mean(g n))
void norm_input_row(const real* dy, const real* x, const real* gamma, Index width, Index left, bool centred, real mean, real scale, real* dx,
                    bool add) {
  const Lane m = hn::Set(Tag(), mean), s = hn::Set(Tag(), scale);
  const SlopeSums sums = sum_of_vectors(width, SlopeSums{hn::Zero(Tag()), hn::Zero(Tag())}, [&](Index i, Index k) HWY_ATTR {
    ask_ahead(left - i, dy + i, x + i);
    const Lane g = load(dy + i, k) * load(gamma + i, k);
    return SlopeSums{g, g * ((load(x + i, k) - m) * s)};  // g is 0 in lanes that do not exist
  });
  const real share = real(1) / static_cast<real>(width);
  const Lane shift = hn::Set(Tag(), centred ? sum(sums.total) * share : real(0)), slope = hn::Set(Tag(), sum(sums.along) * share);
  for_vectors(width, [&](Index i, Index k) HWY_ATTR {
    ask_ahead(left - i, dx + i);
    const Lane g = load(dy + i, k) * load(gamma + i, k);
    const Lane d = s * (g - shift - (load(x + i, k) - m) * s * slope);
    store(add ? load(dx + i, k) + d : d, dx + i, k);
  });
}

/// dgamma += dy n, dbeta += dy; either may be null.
void norm_parameters_row(const real* dy, const real* x, Index width, real mean, real scale, real* dgamma, real* dbeta) {
  const Lane m = hn::Set(Tag(), mean), s = hn::Set(Tag(), scale);
  for_vectors(width, [&](Index i, Index k) HWY_ATTR {
    const Lane d = load(dy + i, k);
    if (dgamma) store(load(dgamma + i, k) + d * ((load(x + i, k) - m) * s), dgamma + i, k);
    if (dbeta) store(load(dbeta + i, k) + d, dbeta + i, k);
  });
}

}  // namespace fovea::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "fovea/memory/buffer.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/norm.hpp"
#include "parallel/parallel.hpp"

namespace fovea::inline FOVEA_PRECISION::kernels {

namespace {

constexpr Index chunk_rows = 64;

// target = the sum of `count` rows of partial results, pairwise.
void add_chunks(real* partials, Index count, Index width, real* target) {
  for (Index step = 1; step < count; step *= 2)
    for (Index i = 0; i + step < count; i += 2 * step) scale(partials + (i + step) * width, 1, partials + i * width, width, true);
  std::copy_n(partials, width, target);
}

}  // namespace

void norm(NormSizes sizes, const real* x, const real* gamma, const real* beta, real epsilon, real* y, real* means, real* scales) {
  const auto row = FOVEA_BEST(norm_row);
  const Index width = sizes.width;
  parallel::for_range(sizes.rows, parallel::grain(4 * width), [&](Index begin, Index end) {
    for (Index r = begin; r < end; ++r)
      row(x + r * width, gamma, beta, width, left_to_ask_for(sizes.rows * width, r * width), sizes.centred, epsilon, y + r * width, means + r, scales + r);
  });
}

void norm_slopes(NormSizes sizes, const real* dy, const real* x, const real* gamma, const real* means, const real* scales,
                 const NormGradients& to) {
  const auto [rows, width, centred] = sizes;
  const auto input_row = FOVEA_BEST(norm_input_row);
  const auto parameters_row = FOVEA_BEST(norm_parameters_row);
  const Index chunks = std::max<Index>(1, (rows + chunk_rows - 1) / chunk_rows), bytes = chunks * width * static_cast<Index>(sizeof(real));
  const Buffer gammas(to.dgamma ? bytes : 0), betas(to.dbeta ? bytes : 0);
  parallel::for_range(chunks, parallel::grain(8 * width * chunk_rows), [&](Index begin, Index end) {
    for (Index chunk = begin; chunk < end; ++chunk) {
      real* const dgamma = to.dgamma ? gammas.as<real>() + chunk * width : nullptr;
      real* const dbeta = to.dbeta ? betas.as<real>() + chunk * width : nullptr;
      if (dgamma) std::fill_n(dgamma, width, real(0));
      if (dbeta) std::fill_n(dbeta, width, real(0));
      for (Index r = chunk * chunk_rows; r < std::min(rows, (chunk + 1) * chunk_rows); ++r) {
        if (to.dx) input_row(dy + r * width, x + r * width, gamma, width, left_to_ask_for(rows * width, r * width), centred, means[r], scales[r], to.dx + r * width, to.add_dx);
        if (dgamma || dbeta) parameters_row(dy + r * width, x + r * width, width, means[r], scales[r], dgamma, dbeta);
      }
    }
  });
  if (to.dgamma) add_chunks(gammas.as<real>(), chunks, width, to.dgamma);
  if (to.dbeta) add_chunks(betas.as<real>(), chunks, width, to.dbeta);
}

}  // namespace fovea::kernels
#endif
