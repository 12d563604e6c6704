// What attention by heads is given: sizes, and where its rows stand in memory.
#pragma once

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

/// The sizes of one attention; `key_heads` are the heads of keys and values.
struct HeadSizes {
  Index batch, heads, key_heads, queries, time, width, value_width;

  /// How many heads share a head of keys and values.
  Index shared() const { return key_heads > 0 ? heads / key_heads : 1; }
};

/// Rows of numbers for each sample, head and query or position, by the distances of neighbours.
template <class Number>
struct RowsOf {
  Number* data = nullptr;
  Index sample = 0, head = 0, row = 0;

  Number* at(Index s, Index h, Index r) const { return data + s * sample + h * head + r * row; }
};
using Rows = RowsOf<const real>;
using MutableRows = RowsOf<real>;

}}}  // namespace fovea::kernels
