#include "kernels/rows.hpp"

#include <algorithm>

#include "fovea/memory/buffer.hpp"
#include "parallel/parallel.hpp"

namespace fovea::inline FOVEA_PRECISION::kernels {

void gather_rows(const real* table, const std::int32_t* ids, Index count, Index width, real* y) {
  parallel::for_range(count, parallel::grain(width), [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) std::copy_n(table + ids[i] * width, width, y + i * width);
  });
}

// Radix sort by digits, least significant first: each pass keeps the order of equal digits, and only as many passes as the largest id
// has digits. Few ids do not repay the counters of a large digit.
void sort_by_id(const std::int32_t* ids, Index count, std::int32_t* order) {
  const Buffer scratch(count * 4);
  std::int32_t* from = order;
  std::int32_t* to = scratch.as<std::int32_t>();
  for (Index i = 0; i < count; ++i) from[i] = static_cast<std::int32_t>(i);
  const std::int32_t largest = count == 0 ? 0 : *std::max_element(ids, ids + count);
  const int bits = count < 1024 ? 8 : 11;
  for (int shift = 0; shift < 32 && largest >> shift > 0; shift += bits) {
    const std::size_t digits = std::size_t(1) << bits;
    std::int32_t starts[(1 << 11) + 1];
    std::fill_n(starts, digits + 1, 0);
    const auto digit = [&](std::int32_t position) { return static_cast<std::size_t>(ids[position] >> shift) & (digits - 1); };
    for (Index i = 0; i < count; ++i) ++starts[digit(from[i]) + 1];
    for (std::size_t d = 1; d < digits; ++d) starts[d] += starts[d - 1];
    for (Index i = 0; i < count; ++i) to[starts[digit(from[i])]++] = from[i];
    std::swap(from, to);
  }
  if (from != order) std::copy_n(from, count, order);
}

Index unique_runs(const std::int32_t* ids, const std::int32_t* order, Index count, std::int32_t* unique_ids, std::int32_t* starts) {
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

void sum_runs(const real* x, const std::int32_t* order, const std::int32_t* starts, Index unique, Index width, real* y) {
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

}  // namespace fovea::kernels
