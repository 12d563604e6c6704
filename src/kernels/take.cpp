#include "kernels/take.hpp"

#include <algorithm>

#include "parallel/parallel.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

namespace {

// Calls row(offset in x of (o, 0, first), offset in y of (o, k, first), ids of (o, k, first),
// lines) for each k in order, where lines neighbours along the inner axis are taken at once. Pieces
// of [0, outer inner) run in parallel.
template <class Row>
void for_lines(AlongAxis axis, Picks picks, const Row& row) {
  const Index outer = axis.outer, length = axis.length, inner = axis.inner;
  parallel::for_range(outer * inner, parallel::grain(4 * picks.count), [&](Index begin, Index end) {
    for (Index line = begin; line < end;) {
      const Index o = line / inner, first = line % inner,
                  lines = std::min(end - line, inner - first);
      for (Index k = 0; k < picks.count; ++k)
        row(o * length * inner + first, (o * picks.count + k) * inner + first,
            picks.ids + o * picks.outer + k * picks.along + first * picks.inner, lines);
      line += lines;
    }
  });
}

}  // namespace

void take(const real* x, AlongAxis axis, Picks picks, real* y) {
  for_lines(axis, picks, [&](Index from, Index to, const std::int32_t* ids, Index lines) {
    for (Index i = 0; i < lines; ++i) y[to + i] = x[from + ids[i * picks.inner] * axis.inner + i];
  });
}

void put(const real* y, AlongAxis axis, Picks picks, real* x) {
  for_lines(axis, picks, [&](Index to, Index from, const std::int32_t* ids, Index lines) {
    for (Index i = 0; i < lines; ++i) x[to + ids[i * picks.inner] * axis.inner + i] += y[from + i];
  });
}

}}}  // namespace fovea::kernels
