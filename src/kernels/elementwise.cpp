// Loops over whole arrays around elementwise kernels: cut into pieces by size, and rows for
// operands that are repeated.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/elementwise.cpp"
#include "kernels/targets.hpp"
//
#include "kernels/elementwise-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels::HWY_NAMESPACE {

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
        const Lane v = operand_some(x, stride, i, k, 0);
        store_some(add ? load_some(y + i, k) + v : v, y + i, k);
      });
}

}}}  // namespace fovea::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "kernels/loop.hpp"
#include "parallel/parallel.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

namespace {

// Runs row(offset, length) over pieces of a dense loop of one axis; Loop alone would make it one
// piece.
template <class Piece>
void dense(Index n, const Piece& piece) {
  parallel::for_range(n, parallel::worth_a_task,
                      [&](Index begin, Index end) { piece(begin, end - begin); });
}

}  // namespace

void map_values(const UnaryKernel& kernel, const real* x, real* y, Index n, Scalars scalars) {
  dense(n, [&](Index i, Index length) {
    kernel.values(x + i, y + i, length, left_to_ask_for(n, i), scalars);
  });
}

void map_slopes(const UnaryKernel& kernel, const real* dy, const real* kept, real* dx, Index n,
                bool add, Scalars scalars) {
  dense(n, [&](Index i, Index length) {
    kernel.slopes(dy + i, kept + i, dx + i, length, left_to_ask_for(n, i), add, scalars);
  });
}

void add_row_and_map(const UnaryKernel* kernel, const real* b, real* y, Index rows, Index width) {
  if (!b && !kernel) return;
  parallel::for_range(rows, parallel::grain(width), [&](Index begin, Index end) {
    const Shape piece{end - begin, width};
    real* const from = y + begin * width;
    if (b) copy({b, Shape{width}, {1}}, {from, piece, {width, 1}}, true);
    if (kernel)
      kernel->values(from, from, piece.count(), 0,
                     {});  // the product behind it has just been there
  });
}

void zip_dense(const BinaryKernel& kernel, const real* a, const real* b, real* c, Index n) {
  dense(n, [&](Index i, Index length) { kernel.values(a + i, 1, b + i, 1, c + i, length); });
}

void zip_values(const BinaryKernel& kernel, View a, View b, MutableView c) {
  if (c.shape.count() == 0) return;
  const Loop<3> loop(
      c.shape, {broadcast_to(a, c.shape).strides, broadcast_to(b, c.shape).strides, c.strides});
  const Index step_a = loop.stride(0), step_b = loop.stride(1);
  if (loop.axes == 1)
    dense(loop.inner(), [&](Index i, Index n) {
      kernel.values(a.data + i * step_a, step_a, b.data + i * step_b, step_b, c.data + i, n);
    });
  else
    loop.run([&](const auto& at) {
      kernel.values(a.data + at[0], step_a, b.data + at[1], step_b, c.data + at[2], loop.inner());
    });
}

void zip_slopes(decltype(BinaryKernel::slopes_a) slopes, View dc, View a, View b, MutableView d) {
  if (d.shape.count() == 0) return;
  const Loop<3> loop(
      d.shape, {broadcast_to(a, d.shape).strides, broadcast_to(b, d.shape).strides, d.strides});
  const Index step_a = loop.stride(0), step_b = loop.stride(1);
  if (loop.axes == 1)
    dense(loop.inner(), [&](Index i, Index n) {
      slopes(dc.data + i, a.data + i * step_a, step_a, b.data + i * step_b, step_b, d.data + i, n);
    });
  else
    loop.run([&](const auto& at) {
      slopes(dc.data + at[2], a.data + at[0], step_a, b.data + at[1], step_b, d.data + at[2],
             loop.inner());
    });
}

void copy(View x, MutableView y, bool add) {
  if (y.shape.count() == 0) return;
  const auto row = FOVEA_BEST(copy_row);
  const Loop<2> loop(y.shape, {broadcast_to(x, y.shape).strides, y.strides});
  const Index step = loop.stride(0);
  if (loop.axes == 1)
    dense(loop.inner(),
          [&](Index i, Index n) { row(x.data + i * step, step, y.data + i, n, add); });
  else
    loop.run([&](const auto& at) { row(x.data + at[0], step, y.data + at[1], loop.inner(), add); });
}

void scale(const real* x, real factor, real* y, Index n, bool add) {
  const auto piece = FOVEA_BEST(scale_piece);
  dense(n, [&](Index i, Index length) { piece(x + i, factor, y + i, length, add); });
}

}}}  // namespace fovea::kernels
#endif
