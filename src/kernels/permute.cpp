#include "kernels/permute.hpp"

#include <algorithm>

#include "fovea/memory/buffer.hpp"
#include "kernels/loop.hpp"
#include "kernels/transpose.hpp"
#include "parallel/parallel.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

namespace {

// Where an element lies, in both arrays.
struct Place {
  Index x = 0, y = 0;
};

// The place of item `number` of all axes but two, counted in row-major order.
Place place(Index number, const View& x, const MutableView& y, int without, int and_without) {
  Place result;
  for (int axis = y.shape.rank() - 1; axis >= 0; --axis) {
    if (axis == without || axis == and_without) continue;
    const Index here = number % y.shape[axis];
    result.x += here * x.strides[static_cast<std::size_t>(axis)];
    result.y += here * y.strides[static_cast<std::size_t>(axis)];
    number /= y.shape[axis];
  }
  return result;
}

void copy_row(const real* x, Index step_x, real* y, Index step_y, Index count, bool add) {
  if (step_x == 1 && step_y == 1) {
    if (!add)
      std::copy_n(x, count, y);
    else
      for (Index i = 0; i < count; ++i) y[i] += x[i];
  } else if (add) {
    for (Index i = 0; i < count; ++i) y[i * step_y] += x[i * step_x];
  } else {
    for (Index i = 0; i < count; ++i) y[i * step_y] = x[i * step_x];
  }
}

constexpr Index tile = 64, lead = tile + 64 / sizeof(real);

// At most one tile: (rows, columns) of x, and (columns, rows) of y, whose rows are apart by the
// leads.
struct Exchange {
  const real* x;
  Index lead_x;
  real* y;
  Index lead_y, rows, columns;
};

// y (+)= x with its axes exchanged. `turned`: memory for a tile, where it is added.
void exchange(const Exchange& e, bool add, real* turned) {
  if (!add) return transpose(e.x, e.rows, e.columns, e.lead_x, e.y, e.lead_y);
  transpose(e.x, e.rows, e.columns, e.lead_x, turned, lead);
  for (Index column = 0; column < e.columns; ++column)
    copy_row(turned + column * lead, 1, e.y + column * e.lead_y, 1, e.rows, true);
}

// The axis along which neighbours in x are next to each other, if it is another than the last,
// which is that of y.
int axis_to_exchange(const View& x, const MutableView& y) {
  const int last = y.shape.rank() - 1;
  if (last < 1 || y.shape[last] < 4 || x.strides[static_cast<std::size_t>(last)] == 1 ||
      y.strides[static_cast<std::size_t>(last)] != 1)
    return last;
  for (int axis = 0; axis < last; ++axis)
    if (x.strides[static_cast<std::size_t>(axis)] == 1 && y.shape[axis] >= 4) return axis;
  return last;
}

void copy_exchanged(const View& x, const MutableView& y, int axis, bool add) {
  const int last = y.shape.rank() - 1;
  const Index columns = y.shape[axis], rows = y.shape[last];
  const Index lead_x = x.strides[static_cast<std::size_t>(last)],
              lead_y = y.strides[static_cast<std::size_t>(axis)];
  const Index across = (columns + tile - 1) / tile, tiles = across * ((rows + tile - 1) / tile);
  parallel::for_range(
      y.shape.count() / (rows * columns) * tiles, parallel::grain(4 * tile * tile),
      [&](Index begin, Index end) {
        const Buffer turned(add ? tile * lead * static_cast<Index>(sizeof(real)) : 0);
        for (Index i = begin; i < end; ++i) {
          const Place from = place(i / tiles, x, y, axis, last);
          const Index row = i % tiles / across * tile, column = i % across * tile;
          exchange({x.data + from.x + row * lead_x + column, lead_x,
                    y.data + from.y + column * lead_y + row, lead_y, std::min(tile, rows - row),
                    std::min(tile, columns - column)},
                   add, turned.as<real>());
        }
      });
}

}  // namespace

void copy_strided(const View& x, const MutableView& y, bool add) {
  if (y.shape.count() == 0) return;
  const Loop<2> loop(y.shape, {x.strides, y.strides});
  const Shape sizes(std::span<const Index>(loop.sizes.data(), static_cast<std::size_t>(loop.axes)));
  const View from{x.data, sizes, loop.strides[0]};
  const MutableView to{y.data, sizes, loop.strides[1]};
  if (const int axis = axis_to_exchange(from, to); axis != loop.axes - 1)
    return copy_exchanged(from, to, axis, add);
  if (loop.axes == 1)
    return parallel::for_range(loop.inner(), parallel::worth_a_task, [&](Index begin, Index end) {
      copy_row(x.data + begin * loop.stride(0), loop.stride(0), y.data + begin * loop.stride(1),
               loop.stride(1), end - begin, add);
    });
  loop.run([&](const auto& at) {
    copy_row(x.data + at[0], loop.stride(0), y.data + at[1], loop.stride(1), loop.inner(), add);
  });
}

}}}  // namespace fovea::kernels
