#include "kernels/order.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "fovea/memory/buffer.hpp"
#include "parallel/parallel.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

namespace {

bool is_larger(real a, real b) { return a > b || (std::isnan(a) && !std::isnan(b)); }
bool is_smaller(real a, real b) { return a < b || (std::isnan(a) && !std::isnan(b)); }

template <class Before>
void first_position(const real* x, AlongAxis axis, std::int32_t* ids, const Before& before) {
  const Index outer = axis.outer, length = axis.length, inner = axis.inner;
  parallel::for_range(outer * inner, parallel::grain(2 * length), [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      const real* const line = x + i / inner * length * inner + i % inner;
      Index best = 0;
      for (Index t = 1; t < length; ++t)
        if (before(line[t * inner], line[best * inner])) best = t;
      ids[i] = static_cast<std::int32_t>(best);
    }
  });
}

}  // namespace

void largest_position(const real* x, AlongAxis axis, std::int32_t* ids) {
  first_position(x, axis, ids, is_larger);
}
void smallest_position(const real* x, AlongAxis axis, std::int32_t* ids) {
  first_position(x, axis, ids, is_smaller);
}

void largest_positions(const real* x, Index rows, Index length, Index k, std::int32_t* ids) {
  if (k == 0) return;
  parallel::for_range(rows, parallel::grain(8 * length), [&](Index begin, Index end) {
    const Buffer scratch(length * 4);
    std::int32_t* const order = scratch.as<std::int32_t>();
    for (Index r = begin; r < end; ++r) {
      const real* const row = x + r * length;
      std::iota(order, order + length, 0);
      std::partial_sort(order, order + k, order + length, [row](std::int32_t a, std::int32_t b) {
        return is_larger(row[a], row[b]) || (!is_larger(row[b], row[a]) && a < b);
      });
      std::copy_n(order, k, ids + r * k);
    }
  });
}

void ascending_positions(const real* x, AlongAxis axis, std::int32_t* ids) {
  const Index length = axis.length, inner = axis.inner;
  parallel::for_range(
      axis.outer * inner, parallel::grain(16 * length), [&](Index begin, Index end) {
        const Buffer numbers(length * static_cast<Index>(sizeof(real))), positions(length * 4);
        real* const line = numbers.as<real>();
        std::int32_t* const order = positions.as<std::int32_t>();
        for (Index i = begin; i < end; ++i) {
          const Index first = i / inner * length * inner + i % inner;
          for (Index t = 0; t < length; ++t) line[t] = x[first + t * inner];
          std::iota(order, order + length, 0);
          std::sort(order, order + length, [line](std::int32_t a, std::int32_t b) {
            return is_larger(line[b], line[a]) || (!is_larger(line[a], line[b]) && a < b);
          });
          for (Index t = 0; t < length; ++t) ids[first + t * inner] = order[t];
        }
      });
}

}}}  // namespace fovea::kernels
