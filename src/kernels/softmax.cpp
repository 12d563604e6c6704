#ifndef FOVEA_KERNELS_SOFTMAX_ROWS
#define FOVEA_KERNELS_SOFTMAX_ROWS
#include <algorithm>
#include <numeric>

#include "kernels/softmax.hpp"

namespace fovea::inline FOVEA_PRECISION::kernels {

/// One softmax, or as many side by side as there are lanes: `step` is the distance between elements of a row, `width` how many
/// neighbours are taken at once. Along the last axis (step 1) a vector holds neighbours of one row, which are joined at the
/// end; along another axis each lane is a row of its own, and joining does nothing.
struct Rows {
  Index length, step, width;
  bool across;                // lanes are neighbours along the axis

  Index vectors() const { return across ? (length + width - 1) / width : length; }
  Index offset(Index i) const { return across ? i * width : i * step; }
  Index count(Index i) const { return across ? std::min(width, length - i * width) : width; }
};

}  // namespace fovea::kernels
#endif

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/softmax.cpp"
#include "kernels/targets.hpp"
//
#include "kernels/elementwise-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace fovea::inline FOVEA_PRECISION::kernels::HWY_NAMESPACE {

HWY_INLINE Lane load_row(const real* x, const Rows& rows, Index i) { return load(x + rows.offset(i), rows.count(i)); }
HWY_INLINE void store_row(Lane v, real* y, const Rows& rows, Index i) { store(v, y + rows.offset(i), rows.count(i)); }

/// Which lanes are kept: those that exist, less those masked.
HWY_INLINE hn::Mask<Tag> kept(const std::uint8_t* keep, const Rows& rows, Index i) {
  const Index n = rows.count(i);
  if (!keep) return hn::FirstN(Tag(), static_cast<std::size_t>(n));
  HWY_ALIGN real values[HWY_MAX_BYTES / sizeof(real)] = {};
  for (Index k = 0; k < n; ++k) values[k] = keep[rows.offset(i) + k];
  return hn::Ne(hn::Load(Tag(), values), hn::Zero(Tag()));
}

HWY_INLINE Lane join_sum(Lane x, const Rows& rows) { return rows.across ? hn::SumOfLanes(Tag(), x) : x; }
HWY_INLINE Lane join_maximum(Lane x, const Rows& rows) { return rows.across ? hn::MaxOfLanes(Tag(), x) : x; }

/// The largest kept element (see Note: row-max subtraction); a NaN may hide from it, and shows in the sum.
HWY_INLINE Lane row_maximum(const real* x, const std::uint8_t* keep, const Rows& rows) {
  Lane largest = lanes(-infinity);
  for (Index i = 0; i < rows.vectors(); ++i)
    largest = hn::Max(largest, hn::IfThenElse(kept(keep, rows, i), load_row(x, rows, i), lanes(-infinity)));
  return join_maximum(largest, rows);
}

void softmax_row(const real* x, const std::uint8_t* keep, const Rows& rows, real* y) {
  const Lane largest = row_maximum(x, keep, rows);
  Lane total = hn::Zero(Tag());
  for (Index i = 0; i < rows.vectors(); ++i) {
    const Lane e = hn::IfThenElseZero(kept(keep, rows, i), exp(load_row(x, rows, i) - largest));
    total = total + e;
    store_row(e, y, rows, i);
  }
  total = join_sum(total, rows);
  const Lane factor = hn::IfThenZeroElse(hn::Eq(total, hn::Zero(Tag())), lanes(1) / total);  // of a NaN a NaN, where Ne may say no
  for (Index i = 0; i < rows.vectors(); ++i) store_row(load_row(y, rows, i) * factor, y, rows, i);
}

void softmax_slopes_row(const real* dy, const real* y, const std::uint8_t* keep, const Rows& rows, real* dx, bool add) {
  Lane dot = hn::Zero(Tag());
  for (Index i = 0; i < rows.vectors(); ++i)
    dot = dot + hn::IfThenElseZero(kept(keep, rows, i), load_row(y, rows, i) * load_row(dy, rows, i));
  dot = join_sum(dot, rows);
  for (Index i = 0; i < rows.vectors(); ++i) {
    const Lane d = hn::IfThenElseZero(kept(keep, rows, i), load_row(y, rows, i) * (load_row(dy, rows, i) - dot));
    store_row(add ? load_row(dx, rows, i) + d : d, dx, rows, i);
  }
}

void log_softmax_row(const real* x, const std::uint8_t* keep, const Rows& rows, real* y) {
  const Lane largest = row_maximum(x, keep, rows);
  Lane total = hn::Zero(Tag());
  for (Index i = 0; i < rows.vectors(); ++i)
    total = total + hn::IfThenElseZero(kept(keep, rows, i), exp(load_row(x, rows, i) - largest));
  const Lane log_total = log(join_sum(total, rows));
  for (Index i = 0; i < rows.vectors(); ++i)
    store_row(hn::IfThenElse(kept(keep, rows, i), load_row(x, rows, i) - largest - log_total, lanes(-infinity)), y, rows, i);
}

void log_softmax_slopes_row(const real* dy, const real* y, const std::uint8_t* keep, const Rows& rows, real* dx, bool add) {
  Lane total = hn::Zero(Tag());
  for (Index i = 0; i < rows.vectors(); ++i) total = total + hn::IfThenElseZero(kept(keep, rows, i), load_row(dy, rows, i));
  total = join_sum(total, rows);
  for (Index i = 0; i < rows.vectors(); ++i) {
    const Lane d = hn::IfThenElseZero(kept(keep, rows, i), load_row(dy, rows, i) - exp(load_row(y, rows, i)) * total);
    store_row(add ? load_row(dx, rows, i) + d : d, dx, rows, i);
  }
}

/// log sum e^x as largest + log_total, which are kept apart for what is subtracted from them.
void log_sum_exp_row(const real* x, Index n, real* largest, real* log_total) {
  const Rows rows{n, 1, static_cast<Index>(hn::Lanes(Tag())), true};
  Lane most = row_maximum(x, nullptr, rows);
  most = hn::IfThenElseZero(hn::Lt(hn::Abs(most), lanes(infinity)), most);
  Lane total = hn::Zero(Tag());
  for (Index i = 0; i < rows.vectors(); ++i) total = total + hn::IfThenElseZero(kept(nullptr, rows, i), exp(load_row(x, rows, i) - most));
  *largest = hn::GetLane(most);
  *log_total = hn::GetLane(log(join_sum(total, rows)));
}

/// dx (+)= factor e^(x - log_sum); 0 where x is -infinity, also if they all are.
void log_sum_exp_slopes_row(real factor, const real* x, real log_sum, Index n, real* dx, bool add) {
  const Rows rows{n, 1, static_cast<Index>(hn::Lanes(Tag())), true};
  for (Index i = 0; i < rows.vectors(); ++i) {
    const Lane at = load_row(x, rows, i);
    const Lane d = hn::IfThenZeroElse(hn::Eq(at, lanes(-infinity)), hn::Set(Tag(), factor) * exp(at - hn::Set(Tag(), log_sum)));
    store_row(add ? load_row(dx, rows, i) + d : d, dx, rows, i);
  }
}

Index lane_count() { return static_cast<Index>(hn::Lanes(Tag())); }

}  // namespace fovea::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "parallel/parallel.hpp"

namespace fovea::inline FOVEA_PRECISION::kernels {

namespace {

// Calls row(offset of its first element, rows) for every softmax of the array, in parallel. Along the last axis one at a time,
// along others a vector's width side by side.
template <class Row>
void for_each_softmax(AlongAxis axis, const Row& row) {
  const Index lanes = FOVEA_BEST(lane_count)();
  const auto [outer, length, inner] = axis;
  if (length == 0) return;
  const Index groups = inner == 1 ? 1 : (inner + lanes - 1) / lanes;
  parallel::for_range(outer * groups, parallel::grain(8 * length * std::min(inner, lanes)), [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      const Index first = i % groups * lanes;
      row(i / groups * axis.length * axis.inner + first,
          axis.inner == 1 ? Rows{axis.length, 1, lanes, true} : Rows{axis.length, axis.inner, std::min(lanes, axis.inner - first), false});
    }
  });
}

const std::uint8_t* at(const std::uint8_t* keep, Index offset) { return keep ? keep + offset : nullptr; }

}  // namespace

void softmax(const real* x, const std::uint8_t* keep, AlongAxis axis, real* y) {
  const auto row = FOVEA_BEST(softmax_row);
  for_each_softmax(axis, [&](Index i, const Rows& rows) { row(x + i, at(keep, i), rows, y + i); });
}

void softmax_slopes(const real* dy, const real* y, const std::uint8_t* keep, AlongAxis axis, real* dx, bool add) {
  const auto row = FOVEA_BEST(softmax_slopes_row);
  for_each_softmax(axis, [&](Index i, const Rows& rows) { row(dy + i, y + i, at(keep, i), rows, dx + i, add); });
}

void log_softmax(const real* x, const std::uint8_t* keep, AlongAxis axis, real* y) {
  const auto row = FOVEA_BEST(log_softmax_row);
  for_each_softmax(axis, [&](Index i, const Rows& rows) { row(x + i, at(keep, i), rows, y + i); });
}

void log_softmax_slopes(const real* dy, const real* y, const std::uint8_t* keep, AlongAxis axis, real* dx, bool add) {
  const auto row = FOVEA_BEST(log_softmax_slopes_row);
  for_each_softmax(axis, [&](Index i, const Rows& rows) { row(dy + i, y + i, at(keep, i), rows, dx + i, add); });
}

void log_sum_exp(const real* x, Index rows, Index length, real* y) {
  const auto row = FOVEA_BEST(log_sum_exp_row);
  parallel::for_range(rows, parallel::grain(8 * length), [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      real largest, log_total;
      row(x + i * length, length, &largest, &log_total);
      y[i] = largest + log_total;
    }
  });
}

void log_sum_exp_slopes(const real* dy, const real* x, const real* y, Index rows, Index length, real* dx, bool add) {
  const auto row = FOVEA_BEST(log_sum_exp_slopes_row);
  parallel::for_range(rows, parallel::grain(8 * length), [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) row(dy[i], x + i * length, y[i], length, dx + i * length, add);
  });
}

void cross_entropy(const real* z, const Labels& labels, Index rows, Index classes, real* loss, real* log_sum) {
  const auto row = FOVEA_BEST(log_sum_exp_row);
  parallel::for_range(rows, parallel::grain(8 * classes), [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      loss[i] = log_sum[i] = 0;
      if (labels.ignores(i)) continue;
      const real* const own = z + i * classes;
      real largest, log_total;
      row(own, classes, &largest, &log_total);
      log_sum[i] = largest + log_total;
      loss[i] = labels.weight(i) * (log_total - (own[labels.labels[i]] - largest));
      if (labels.smoothing == 0) continue;
      real spread = 0;
      for (Index c = 0; c < classes; ++c) spread += (labels.weights ? labels.weights[c] : real(1)) * (log_total - (own[c] - largest));
      loss[i] += labels.smoothing / static_cast<real>(classes) * spread;
    }
  });
}

void cross_entropy_slopes(const real* dloss, const real* z, const Labels& labels, const real* log_sum, Index rows, Index classes, real* dz,
                          bool add) {
  const auto row = FOVEA_BEST(log_sum_exp_slopes_row);
  const real share = labels.smoothing / static_cast<real>(classes);
  real spread = share * static_cast<real>(classes);
  if (labels.weights) spread = share * std::accumulate(labels.weights, labels.weights + classes, real(0));
  parallel::for_range(rows, parallel::grain(8 * classes), [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      real* const own = dz + i * classes;
      if (labels.ignores(i)) {
        if (!add) std::fill_n(own, classes, real(0));
        continue;
      }
      row(dloss[i] * (labels.weight(i) + spread), z + i * classes, log_sum[i], classes, own, add);
      own[labels.labels[i]] -= dloss[i] * labels.weight(i);
      for (Index c = 0; labels.smoothing != 0 && c < classes; ++c)
        own[c] -= dloss[i] * share * (labels.weights ? labels.weights[c] : real(1));
    }
  });
}

}  // namespace fovea::kernels
#endif
