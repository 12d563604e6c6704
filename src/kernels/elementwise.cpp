// Loops over whole arrays around elementwise kernels: cut into pieces by size, and rows for operands that are repeated.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/elementwise.cpp"
#include "kernels/targets.hpp"
//
#include "kernels/elementwise-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace fovea::inline FOVEA_PRECISION::kernels::HWY_NAMESPACE {

void scale_piece(const real* x, real factor, real* y, Index n, bool add) {
  const Lane f = hn::Set(Tag(), factor);
  for_lanes(
      n,
      [&](Index i) HWY_ATTR {
        const Lane v = f * hn::LoadU(Tag(), x + i);
        hn::StoreU(add ? hn::LoadU(Tag(), y + i) + v : v, Tag(), y + i);
      },
      [&](Index i, Index k) HWY_ATTR {
        const Lane v = f * load_some(x + i, k);
        store_some(add ? load_some(y + i, k) + v : v, y + i, k);
      });
}

void copy_row(const real* x, Index stride, real* y, Index n, bool add) {
  for_lanes(
      n,
      [&](Index i) HWY_ATTR {
        const Lane v = operand(x, stride, i);
        hn::StoreU(add ? hn::LoadU(Tag(), y + i) + v : v, Tag(), y + i);
      },
      [&](Index i, Index k) HWY_ATTR {
        const Lane v = operand_some(x, stride, i, k);
        store_some(add ? load_some(y + i, k) + v : v, y + i, k);
      });
}

}  // namespace fovea::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "kernels/views.hpp"
#include "parallel/parallel.hpp"

namespace fovea::inline FOVEA_PRECISION::kernels {

namespace {

// The axes of a broadcast, with neighbours merged where all operands allow it, so that the innermost axis is as long as can be.
template <int Operands>
struct Loop {
  int axes = 0;
  std::array<Index, Shape::max_rank> sizes = {};
  std::array<Strides, Operands> strides = {};

  Loop(const Shape& shape, const std::array<Strides, Operands>& given) {
    for (int axis = 0; axis < shape.rank(); ++axis) {
      const auto here = static_cast<std::size_t>(axis);
      if (shape[axis] == 1) continue;
      const auto last = static_cast<std::size_t>(axes - 1);
      bool merges = axes > 0;
      for (std::size_t k = 0; merges && k < Operands; ++k) merges = strides[k][last] == given[k][here] * shape[axis];
      if (!merges) ++axes;
      const auto target = static_cast<std::size_t>(axes - 1);
      sizes[target] = merges ? sizes[target] * shape[axis] : shape[axis];
      for (std::size_t k = 0; k < Operands; ++k) strides[k][target] = given[k][here];
    }
    if (axes == 0) {
      axes = 1;
      sizes[0] = 1;
    }
  }

  Index inner() const { return sizes[static_cast<std::size_t>(axes - 1)]; }
  Index stride(int operand) const { return inner() == 1 ? 1 : strides[static_cast<std::size_t>(operand)][static_cast<std::size_t>(axes - 1)]; }

  // Calls row(offsets of the operands) for each run of the innermost axis, in parallel.
  template <class Row>
  void run(const Row& row) const {
    Index rows = 1;
    for (int axis = 0; axis + 1 < axes; ++axis) rows *= sizes[static_cast<std::size_t>(axis)];
    parallel::for_range(rows, parallel::grain(inner()), [&](Index begin, Index end) {
      for (Index r = begin; r < end; ++r) {
        std::array<Index, Operands> offsets = {};
        Index rest = r;
        for (int axis = axes - 2; axis >= 0; --axis) {
          const auto a = static_cast<std::size_t>(axis);
          const Index position = rest % sizes[a];
          rest /= sizes[a];
          for (std::size_t k = 0; k < Operands; ++k) offsets[k] += position * strides[k][a];
        }
        row(offsets);
      }
    });
  }
};

// Runs row(offset, length) over pieces of a dense loop of one axis; Loop alone would make it one piece.
template <class Piece>
void dense(Index n, const Piece& piece) {
  parallel::for_range(n, parallel::worth_a_task, [&](Index begin, Index end) { piece(begin, end - begin); });
}

}  // namespace

void map_values(const UnaryKernel& kernel, const real* x, real* y, Index n, Scalars scalars) {
  dense(n, [&](Index i, Index length) { kernel.values(x + i, y + i, length, scalars); });
}

void map_slopes(const UnaryKernel& kernel, const real* dy, const real* kept, real* dx, Index n, bool add, Scalars scalars) {
  dense(n, [&](Index i, Index length) { kernel.slopes(dy + i, kept + i, dx + i, length, add, scalars); });
}

void add_row_and_map(const UnaryKernel* kernel, const real* b, real* y, Index rows, Index width) {
  if (!b && !kernel) return;
  parallel::for_range(rows, parallel::grain(width), [&](Index begin, Index end) {
    const Shape piece{end - begin, width};
    real* const from = y + begin * width;
    if (b) copy({b, Shape{width}, {1}}, {from, piece, {width, 1}}, true);
    if (kernel) kernel->values(from, from, piece.count(), {});
  });
}

void zip_dense(const BinaryKernel& kernel, const real* a, const real* b, real* c, Index n) {
  dense(n, [&](Index i, Index length) { kernel.values(a + i, 1, b + i, 1, c + i, length); });
}

void zip_values(const BinaryKernel& kernel, View a, View b, MutableView c) {
  if (c.shape.count() == 0) return;
  const Loop<3> loop(c.shape, {broadcast_to(a, c.shape).strides, broadcast_to(b, c.shape).strides, c.strides});
  const Index step_a = loop.stride(0), step_b = loop.stride(1);
  if (loop.axes == 1)
    dense(loop.inner(), [&](Index i, Index n) { kernel.values(a.data + i * step_a, step_a, b.data + i * step_b, step_b, c.data + i, n); });
  else
    loop.run([&](const auto& at) { kernel.values(a.data + at[0], step_a, b.data + at[1], step_b, c.data + at[2], loop.inner()); });
}

void zip_slopes(decltype(BinaryKernel::slopes_a) slopes, View dc, View a, View b, MutableView d) {
  if (d.shape.count() == 0) return;
  const Loop<3> loop(d.shape, {broadcast_to(a, d.shape).strides, broadcast_to(b, d.shape).strides, d.strides});
  const Index step_a = loop.stride(0), step_b = loop.stride(1);
  if (loop.axes == 1)
    dense(loop.inner(), [&](Index i, Index n) { slopes(dc.data + i, a.data + i * step_a, step_a, b.data + i * step_b, step_b, d.data + i, n); });
  else
    loop.run([&](const auto& at) { slopes(dc.data + at[2], a.data + at[0], step_a, b.data + at[1], step_b, d.data + at[2], loop.inner()); });
}

void copy(View x, MutableView y, bool add) {
  if (y.shape.count() == 0) return;
  const auto row = FOVEA_BEST(copy_row);
  const Loop<2> loop(y.shape, {broadcast_to(x, y.shape).strides, y.strides});
  const Index step = loop.stride(0);
  if (loop.axes == 1)
    dense(loop.inner(), [&](Index i, Index n) { row(x.data + i * step, step, y.data + i, n, add); });
  else
    loop.run([&](const auto& at) { row(x.data + at[0], step, y.data + at[1], loop.inner(), add); });
}

void scale(const real* x, real factor, real* y, Index n, bool add) {
  const auto piece = FOVEA_BEST(scale_piece);
  dense(n, [&](Index i, Index length) { piece(x + i, factor, y + i, length, add); });
}

}  // namespace fovea::kernels
#endif
