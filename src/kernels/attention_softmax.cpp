#include "kernels/attention_softmax.hpp"

#include <algorithm>
#include <vector>

#include "kernels/keep.hpp"
#include "kernels/softmax.hpp"
#include "parallel/parallel.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

namespace {

// Four vectors of the widest processor. A row that begins at a multiple of this is summed by
// `softmax` in the order of the whole row, so that positions in front of it change no bit.
constexpr Index stretch = 256 / sizeof(real);

// The positions of a row that have to be visited, and the bytes of those to keep among them.
struct Visited {
  Index begin, end;
  const std::uint8_t* keep;

  AlongAxis along() const { return {1, end - begin, 1}; }
};

// What query `row` visits; `bytes` has room for a row.
Visited visited(const AttentionRows& rows, Index row, std::vector<std::uint8_t>& bytes) {
  const Index sample = row / rows.rows_a_sample, query = row % rows.queries;
  if (rows.keep_queries && !rows.keep_queries[sample * rows.queries + query])
    return {0, 0, nullptr};
  const Index nearest = rows.window > 0 ? std::max<Index>(0, query - rows.window + 1) : 0;
  Index end = rows.causal ? std::min(rows.time, query + 1) : rows.time;
  if (rows.window > 0) end = std::min(end, query + rows.window);
  if (nearest >= end) return {0, 0, nullptr};
  const Index begin = nearest / stretch * stretch;
  const std::uint8_t* const keep = keep_from(rows.keep, sample * rows.time);
  if (begin == nearest) return {begin, end, keep_from(keep, begin)};
  std::fill_n(bytes.data(), nearest - begin, std::uint8_t(0));
  if (keep)
    std::copy(keep + nearest, keep + end, bytes.data() + (nearest - begin));
  else
    std::fill_n(bytes.data() + (nearest - begin), end - nearest, std::uint8_t(1));
  return {begin, end, bytes.data()};
}

// Calls row(offset of the row's first visited element, what is visited) for every row, and sets the
// rest of the row at `result` to 0 unless `add`.
template <class Row>
void for_each_row(const AttentionRows& rows, real* result, bool add, const Row& row) {
  parallel::for_range(rows.rows, parallel::grain(8 * rows.time), [&](Index first, Index last) {
    std::vector<std::uint8_t> bytes(static_cast<std::size_t>(rows.window > 0 ? rows.time : 0));
    for (Index i = first; i < last; ++i) {
      const Visited visit = visited(rows, i, bytes);
      const Index at = i * rows.time;
      if (visit.end > visit.begin) row(at + visit.begin, visit);
      if (add) continue;
      std::fill_n(result + at, visit.begin, real(0));
      std::fill_n(result + at + visit.end, rows.time - visit.end, real(0));
    }
  });
}

}  // namespace

void attention_softmax(const real* x, const AttentionRows& rows, real* y) {
  for_each_row(rows, y, false, [&](Index at, const Visited& visit) {
    softmax(x + at, visit.keep, visit.along(), y + at);
  });
}

void attention_softmax_slopes(const real* dy, const real* y, const AttentionRows& rows, real* dx,
                              bool add) {
  for_each_row(rows, dx, add, [&](Index at, const Visited& visit) {
    softmax_slopes(dy + at, y + at, visit.keep, visit.along(), dx + at, add);
  });
}

}}}  // namespace fovea::kernels
