#include "kernels/permute.hpp"

#include "parallel/parallel.hpp"

namespace fovea::inline FOVEA_PRECISION::kernels {

void copy_strided(const View& x, const MutableView& y, bool add) {
  if (y.shape.count() == 0) return;
  const int rank = y.shape.rank();
  const auto last = static_cast<std::size_t>(rank - 1);
  const Index inner = rank == 0 ? 1 : y.shape[-1];
  const Index step_x = rank == 0 ? 1 : x.strides[last], step_y = rank == 0 ? 1 : y.strides[last];
  parallel::for_range(y.shape.count() / inner, parallel::grain(2 * inner), [&](Index begin, Index end) {
    for (Index row = begin; row < end; ++row) {
      const real* from = x.data;
      real* to = y.data;
      Index rest = row;
      for (int axis = rank - 2; axis >= 0; --axis) {
        from += rest % y.shape[axis] * x.strides[static_cast<std::size_t>(axis)];
        to += rest % y.shape[axis] * y.strides[static_cast<std::size_t>(axis)];
        rest /= y.shape[axis];
      }
      if (add)
        for (Index i = 0; i < inner; ++i) to[i * step_y] += from[i * step_x];
      else
        for (Index i = 0; i < inner; ++i) to[i * step_y] = from[i * step_x];
    }
  });
}

}  // namespace fovea::kernels
