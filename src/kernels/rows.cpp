#include "kernels/rows.hpp"

#include <algorithm>
#include <bit>
#include <numeric>

#include "parallel/parallel.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

void gather_rows(const real* table, const std::int32_t* ids, Index count, Index width, real* y) {
  parallel::for_range(count, parallel::grain(width), [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) std::copy_n(table + ids[i] * width, width, y + i * width);
  });
}

// Radix sort by digits, least significant first: each pass keeps the order of equal digits, and
// only as many passes as the largest id has digits, all about as long. Few ids do not repay the
// counters of a large digit.
void sort_by_id(const std::int32_t* ids, Index count, std::int32_t* order, std::int32_t* scratch) {
  constexpr int longest = 11;
  std::int32_t* from = order;
  std::int32_t* to = scratch;
  std::iota(from, from + count, 0);
  const std::int32_t largest = count == 0 ? 0 : *std::max_element(ids, ids + count);
  const int size = static_cast<int>(std::bit_width(static_cast<std::uint32_t>(largest))),
            most = count < 1024 ? 8 : longest;
  const int passes = (size + most - 1) / most,
            bits = passes == 0 ? 0 : (size + passes - 1) / passes;
  for (int shift = 0; shift < passes * bits; shift += bits) {
    const std::size_t digits = std::size_t(1) << bits;
    std::int32_t starts[(1 << longest) + 1];
    std::fill_n(starts, digits + 1, 0);
    const auto digit = [&](std::int32_t id) {
      return static_cast<std::size_t>(id >> shift) & (digits - 1);
    };
    for (Index i = 0; i < count; ++i) ++starts[digit(ids[i]) + 1];
    std::partial_sum(starts, starts + digits, starts);
    for (Index i = 0; i < count; ++i) to[starts[digit(ids[from[i]])]++] = from[i];
    std::swap(from, to);
  }
  if (from != order) std::copy_n(from, count, order);
}

Index unique_runs(const std::int32_t* ids, const std::int32_t* order, Index count,
                  std::int32_t* unique_ids, std::int32_t* starts) {
  Index unique = 0;
  for (Index k = 0; k < count; ++k) {
    const std::int32_t id = ids[order[k]];
    if (unique > 0 && unique_ids[unique - 1] == id) continue;
    unique_ids[unique] = id;
    starts[unique++] = static_cast<std::int32_t>(k);
  }
  starts[unique] = static_cast<std::int32_t>(count);
  return unique;
}

void sum_runs(const real* x, const std::int32_t* order, const std::int32_t* starts, Index unique,
              Index width, real* y) {
  parallel::for_range(unique, parallel::grain(4 * width), [&](Index begin, Index end) {
    for (Index u = begin; u < end; ++u) {
      real* const sum = y + u * width;
      std::copy_n(x + order[starts[u]] * width, width, sum);
      for (Index k = starts[u] + 1; k < starts[u + 1]; ++k) {
        const real* const row = x + order[k] * width;
        for (Index i = 0; i < width; ++i) sum[i] += row[i];
      }
    }
  });
}

void add_rows(const real* x, const std::int32_t* ids, Index unique, Index width, real* table) {
  parallel::for_range(unique, parallel::grain(width), [&](Index begin, Index end) {
    for (Index u = begin; u < end; ++u) {
      real* const row = table + ids[u] * width;
      for (Index i = 0; i < width; ++i) row[i] += x[u * width + i];
    }
  });
}

}}}  // namespace fovea::kernels
