#ifndef FOVEA_KERNELS_SOFTMAX_ROWS
#define FOVEA_KERNELS_SOFTMAX_ROWS
#include <algorithm>
#include <numeric>

#include "kernels/ahead.hpp"
#include "kernels/softmax.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

/// One softmax, or as many side by side as there are lanes: `step` is the distance between elements
/// of a row, `width` how many neighbours are taken at once. Along the last axis (step 1) a vector
/// holds neighbours of one row, which are joined at the end; along another axis each lane is a row
/// of its own, and joining does nothing.
struct Rows {
  Index length, step, width;
  bool across;  // lanes are neighbours along the axis
  Index left;   // see ask_ahead

  Index vectors() const { return across ? (length + width - 1) / width : length; }
  Index offset(Index i) const { return across ? i * width : i * step; }
  Index count(Index i) const { return across ? std::min(width, length - i * width) : width; }
};

}}}  // namespace fovea::kernels
#endif

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/softmax.cpp"
#include "kernels/targets.hpp"
//
#include "kernels/elementwise-inl.hpp"
#include "kernels/fold-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels::HWY_NAMESPACE {

/// Which lanes of vector i are kept: those that exist, less those masked.
HWY_INLINE hn::Mask<Tag> kept(const std::uint8_t* keep, const Rows& rows, Index i) {
  const Index n = rows.count(i);
  if (!keep) return hn::FirstN(Tag(), static_cast<std::size_t>(n));
  HWY_ALIGN real values[HWY_MAX_BYTES / sizeof(real)] = {};
  for (Index k = 0; k < n; ++k) values[k] = keep[rows.offset(i) + k];
  return hn::Ne(hn::Load(Tag(), values), hn::Zero(Tag()));
}

/// One vector of a row, all of whose lanes exist and are kept.
struct Whole {
  Index at;
  HWY_INLINE Lane load(const real* p) const { return hn::LoadU(Tag(), p + at); }
  HWY_INLINE void store(Lane v, real* p) const { hn::StoreU(v, Tag(), p + at); }
  HWY_INLINE Lane keep_or(Lane v, Lane) const { return v; }
};

/// One vector of a row, of which some lanes may be missing or masked.
struct Part {
  Index at, count;
  hn::Mask<Tag> kept;
  HWY_INLINE Lane load(const real* p) const { return kernels::HWY_NAMESPACE::load(p + at, count); }
  HWY_INLINE void store(Lane v, real* p) const { kernels::HWY_NAMESPACE::store(v, p + at, count); }
  HWY_INLINE Lane keep_or(Lane v, Lane other) const { return hn::IfThenElse(kept, v, other); }
};

// How many vectors, from the first, are whole.
HWY_INLINE Index whole_vectors(const std::uint8_t* keep, const Rows& rows) {
  if (keep || rows.width < static_cast<Index>(hn::Lanes(Tag()))) return 0;
  return rows.across ? rows.length / rows.width : rows.length;
}

HWY_INLINE Part part(const std::uint8_t* keep, const Rows& rows, Index i) {
  return {rows.offset(i), rows.count(i), kept(keep, rows, i)};
}

/// Joins value(vector) over a row. Four joins run side by side, since one after another each would
/// wait for the one before; vector i is always in number i modulo 4, so that a mask which keeps
/// everything changes no bit.
template <class Value, class Join>
HWY_INLINE Lane joined(const std::uint8_t* keep, const Rows& rows, Lane start, const Value& value,
                       const Join& join) {
  Four<Lane> four(start);
  Index i = fold_by_fours(
      0, whole_vectors(keep, rows), 1, four,
      [&](Index k) HWY_ATTR { return value(Whole{rows.offset(k)}); }, join);
  for (; i < rows.vectors() || i % 4 != 0; ++i) {
    const Lane next = i < rows.vectors() ? join(four.a, value(part(keep, rows, i))) : four.a;
    four.a = four.b;
    four.b = four.c;
    four.c = four.d;
    four.d = next;
  }
  return four.joined(join);
}

template <class Value>
HWY_INLINE Lane sum_of_row(const std::uint8_t* keep, const Rows& rows, const Value& value) {
  const Lane total =
      joined(keep, rows, hn::Zero(Tag()), value, [](Lane a, Lane b) HWY_ATTR { return a + b; });
  return rows.across ? hn::SumOfLanes(Tag(), total) : total;
}

template <class Each>
HWY_INLINE void for_row(const std::uint8_t* keep, const Rows& rows, const Each& each) {
  const Index whole = whole_vectors(keep, rows);
  for (Index i = 0; i < whole; ++i) each(Whole{rows.offset(i)});
  for (Index i = whole; i < rows.vectors(); ++i) each(part(keep, rows, i));
}

/// The largest kept element (see Note: row-max subtraction); a NaN may hide from it, and shows in
/// the sum.
HWY_INLINE Lane row_maximum(const real* x, const std::uint8_t* keep, const Rows& rows) {
  const Lane least = lanes(-infinity);
  const Lane largest = joined(
      keep, rows, least,
      [&](const auto& v) HWY_ATTR {
        ask_ahead(left_if_long(rows.length, rows.left) - v.at, x + v.at);
        return v.keep_or(v.load(x), least);
      },
      [](Lane a, Lane b) HWY_ATTR { return hn::Max(a, b); });
  return rows.across ? hn::MaxOfLanes(Tag(), largest) : largest;
}

void softmax_row(const real* x, const std::uint8_t* keep, const Rows& rows, real* y) {
  const Lane largest = row_maximum(x, keep, rows);
  const Lane total = sum_of_row(keep, rows, [&](const auto& v) HWY_ATTR {
    ask_ahead(rows.left - v.at, x + v.at, y + v.at);
    const Lane e = v.keep_or(exp_of_negative(v.keep_or(v.load(x) - largest, hn::Zero(Tag()))),
                             hn::Zero(Tag()));
    v.store(e, y);
    return e;
  });
  const auto none = hn::Eq(total, hn::Zero(Tag()));
  const Lane factor = hn::IfThenZeroElse(
      none,
      lanes(1) / hn::IfThenElse(none, lanes(1), total));  // of a NaN a NaN, where Ne may say no
  for_row(nullptr, rows, [&](const auto& v) HWY_ATTR { v.store(v.load(y) * factor, y); });
}

void softmax_slopes_row(const real* dy, const real* y, const std::uint8_t* keep, const Rows& rows,
                        real* dx, bool add) {
  const Lane dot = sum_of_row(keep, rows, [&](const auto& v) HWY_ATTR {
    ask_ahead(rows.left - v.at, y + v.at, dy + v.at);
    return v.keep_or(v.load(y) * v.load(dy), hn::Zero(Tag()));
  });
  for_row(keep, rows, [&](const auto& v) HWY_ATTR {
    ask_ahead(rows.left - v.at, dx + v.at);
    const Lane d = v.keep_or(v.load(y) * (v.load(dy) - dot), hn::Zero(Tag()));
    v.store(add ? v.load(dx) + d : d, dx);
  });
}

void log_softmax_row(const real* x, const std::uint8_t* keep, const Rows& rows, real* y) {
  const Lane largest = row_maximum(x, keep, rows);
  const Lane total = sum_of_row(keep, rows, [&](const auto& v) HWY_ATTR {
    ask_ahead(rows.left - v.at, x + v.at, y + v.at);
    return v.keep_or(exp_of_negative(v.keep_or(v.load(x) - largest, hn::Zero(Tag()))),
                     hn::Zero(Tag()));
  });
  const Lane log_total = log(total);
  for_row(keep, rows, [&](const auto& v) HWY_ATTR {
    v.store(v.keep_or(v.load(x) - largest - log_total, lanes(-infinity)), y);
  });
}

void log_softmax_slopes_row(const real* dy, const real* y, const std::uint8_t* keep,
                            const Rows& rows, real* dx, bool add) {
  const Lane total = sum_of_row(keep, rows, [&](const auto& v) HWY_ATTR {
    ask_ahead(rows.left - v.at, dy + v.at);
    return v.keep_or(v.load(dy), hn::Zero(Tag()));
  });
  for_row(keep, rows, [&](const auto& v) HWY_ATTR {
    ask_ahead(rows.left - v.at, y + v.at, dx + v.at);
    const Lane d = v.keep_or(v.load(dy) - exp_of_negative(v.load(y)) * total, hn::Zero(Tag()));
    v.store(add ? v.load(dx) + d : d, dx);
  });
}

/// log sum e^x as largest + log_total, which are kept apart for what is subtracted from them.
void log_sum_exp_row(const real* x, Index n, Index left, real* largest, real* log_total) {
  const Rows rows{n, 1, static_cast<Index>(hn::Lanes(Tag())), true, left};
  Lane most = row_maximum(x, nullptr, rows), total;
  if (hn::AllTrue(Tag(), hn::Lt(hn::Abs(most), lanes(infinity)))) {
    total = sum_of_row(nullptr, rows, [&](const auto& v) HWY_ATTR {
      ask_ahead(rows.left - v.at, x + v.at);
      return v.keep_or(exp_of_negative(v.keep_or(v.load(x) - most, hn::Zero(Tag()))),
                       hn::Zero(Tag()));
    });
  } else {
    most = hn::Zero(Tag());
    total = sum_of_row(nullptr, rows, [&](const auto& v) HWY_ATTR {
      return v.keep_or(exp(v.load(x)), hn::Zero(Tag()));
    });
  }
  *largest = hn::GetLane(most);
  *log_total = hn::GetLane(log(total));
}

/// dx (+)= factor e^(x - log_sum); 0 where x is -infinity, also if they all are.
void log_sum_exp_slopes_row(real factor, const real* x, real log_sum, Index n, Index left, real* dx,
                            bool add) {
  const Rows rows{n, 1, static_cast<Index>(hn::Lanes(Tag())), true, left};
  for_row(nullptr, rows, [&](const auto& v) HWY_ATTR {
    ask_ahead(rows.left - v.at, x + v.at, dx + v.at);
    const Lane at = v.load(x);
    const Lane d = hn::IfThenZeroElse(
        hn::Eq(at, lanes(-infinity)),
        hn::Set(Tag(), factor) *
            exp_of_negative(v.keep_or(at - hn::Set(Tag(), log_sum), hn::Zero(Tag()))));
    v.store(add ? v.load(dx) + d : d, dx);
  });
}

Index lane_count() { return static_cast<Index>(hn::Lanes(Tag())); }

}}}  // namespace fovea::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "kernels/keep.hpp"
#include "parallel/parallel.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

namespace {

// Calls row(offset of its first element, rows) for every softmax of the array, in parallel. Along
// the last axis one at a time, along others a vector's width side by side.
template <class Row>
void for_each_softmax(AlongAxis axis, const Row& row) {
  const Index lanes = FOVEA_BEST(lane_count)();
  const Index outer = axis.outer, length = axis.length, inner = axis.inner;
  if (length == 0) return;
  const Index groups = inner == 1 ? 1 : (inner + lanes - 1) / lanes;
  parallel::for_range(
      outer * groups, parallel::grain(8 * length * std::min(inner, lanes)),
      [&](Index begin, Index end) {
        for (Index i = begin; i < end; ++i) {
          const Index first = i % groups * lanes;
          row(i / groups * axis.length * axis.inner + first,
              axis.inner == 1
                  ? Rows{axis.length, 1, lanes, true,
                         left_to_ask_for(axis.outer * axis.length, i * axis.length)}
                  : Rows{axis.length, axis.inner, std::min(lanes, axis.inner - first), false, 0});
        }
      });
}

}  // namespace

void softmax(const real* x, const std::uint8_t* keep, AlongAxis axis, real* y) {
  const auto row = FOVEA_BEST(softmax_row);
  for_each_softmax(axis,
                   [&](Index i, const Rows& rows) { row(x + i, keep_from(keep, i), rows, y + i); });
}

void softmax_slopes(const real* dy, const real* y, const std::uint8_t* keep, AlongAxis axis,
                    real* dx, bool add) {
  const auto row = FOVEA_BEST(softmax_slopes_row);
  for_each_softmax(axis, [&](Index i, const Rows& rows) {
    row(dy + i, y + i, keep_from(keep, i), rows, dx + i, add);
  });
}

void log_softmax(const real* x, const std::uint8_t* keep, AlongAxis axis, real* y) {
  const auto row = FOVEA_BEST(log_softmax_row);
  for_each_softmax(axis,
                   [&](Index i, const Rows& rows) { row(x + i, keep_from(keep, i), rows, y + i); });
}

void log_softmax_slopes(const real* dy, const real* y, const std::uint8_t* keep, AlongAxis axis,
                        real* dx, bool add) {
  const auto row = FOVEA_BEST(log_softmax_slopes_row);
  for_each_softmax(axis, [&](Index i, const Rows& rows) {
    row(dy + i, y + i, keep_from(keep, i), rows, dx + i, add);
  });
}

void log_sum_exp(const real* x, Index rows, Index length, real* y) {
  const auto row = FOVEA_BEST(log_sum_exp_row);
  parallel::for_range(rows, parallel::grain(8 * length), [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      real largest, log_total;
      row(x + i * length, length, left_to_ask_for(rows * length, i * length), &largest, &log_total);
      y[i] = largest + log_total;
    }
  });
}

void log_sum_exp_slopes(const real* dy, const real* x, const real* y, Index rows, Index length,
                        real* dx, bool add) {
  const auto row = FOVEA_BEST(log_sum_exp_slopes_row);
  parallel::for_range(rows, parallel::grain(8 * length), [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i)
      row(dy[i], x + i * length, y[i], length, left_to_ask_for(rows * length, i * length),
          dx + i * length, add);
  });
}

void cross_entropy(const real* z, const Labels& labels, Index rows, Index classes, real* loss,
                   real* log_sum) {
  const auto row = FOVEA_BEST(log_sum_exp_row);
  parallel::for_range(rows, parallel::grain(8 * classes), [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      loss[i] = log_sum[i] = 0;
      if (labels.ignores(i)) continue;
      const real* const own = z + i * classes;
      real largest, log_total;
      row(own, classes, left_to_ask_for(rows * classes, i * classes), &largest, &log_total);
      log_sum[i] = largest + log_total;
      // A class of weight 0 adds nothing, also where its logit is -infinity.
      const auto weighted = [](real weight, real value) {
        return weight == 0 ? real(0) : weight * value;
      };
      loss[i] = weighted(labels.weight(i), log_total - (own[labels.labels[i]] - largest));
      if (labels.smoothing == 0) continue;
      real spread = 0;
      for (Index c = 0; c < classes; ++c)
        spread +=
            weighted(labels.weights ? labels.weights[c] : real(1), log_total - (own[c] - largest));
      loss[i] += labels.smoothing / static_cast<real>(classes) * spread;
    }
  });
}

void cross_entropy_slopes(const real* dloss, const CrossEntropy& forward, const Labels& labels,
                          real* dz, bool add) {
  const real *const z = forward.z, *const log_sum = forward.log_sum;
  const Index rows = forward.rows, classes = forward.classes;
  const auto row = FOVEA_BEST(log_sum_exp_slopes_row);
  const real share = labels.smoothing / static_cast<real>(classes);
  real spread = share * static_cast<real>(classes);
  if (labels.weights)
    spread = share * std::accumulate(labels.weights, labels.weights + classes, real(0));
  parallel::for_range(rows, parallel::grain(8 * classes), [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      real* const own = dz + i * classes;
      if (labels.ignores(i)) {
        if (!add) std::fill_n(own, classes, real(0));
        continue;
      }
      row(dloss[i] * (labels.weight(i) + spread), z + i * classes, log_sum[i], classes,
          left_to_ask_for(rows * classes, i * classes), own, add);
      own[labels.labels[i]] -= dloss[i] * labels.weight(i);
      for (Index c = 0; labels.smoothing != 0 && c < classes; ++c)
        own[c] -= dloss[i] * share * (labels.weights ? labels.weights[c] : real(1));
    }
  });
}

}}}  // namespace fovea::kernels
#endif
