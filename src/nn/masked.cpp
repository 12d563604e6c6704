#include "nn/masked.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "fovea/autograd/graph.hpp"
#include "fovea/ops/ops.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

// Written in a form that compilers vectorise.
bool all_finite(std::span<const real> values) {
  int others = 0;
  for (const real value : values) others |= !(std::abs(value) <= std::numeric_limits<real>::max());
  return others == 0;
}

bool lies_over(const Mask& mask, const Shape& shape) {
  return mask.shape().rank() <= shape.rank() &&
         std::ranges::equal(mask.shape().sizes(), shape.sizes().first(mask.shape().sizes().size()));
}

Tensor without_dropped(const Tensor& x, const std::optional<Mask>& mask) {
  if (!mask) return x;
  Shape shape = mask->shape();
  while (shape.rank() < x.shape().rank()) shape = shape.inserted(shape.rank(), 1);
  return where(mask->reshaped(shape), x, scalar(0));
}

Mask reversed(const Mask& mask) {
  Mask result(mask.shape());
  const Index time = mask.shape()[1];
  std::uint8_t* to = result.mutable_keep().data();
  for (Index row = 0; row < mask.shape()[0]; ++row, to += time)
    std::reverse_copy(mask.data() + row * time, mask.data() + (row + 1) * time, to);
  return result;
}

Tensor select_gradient(const Tensor& x, const Mask& mask) {
  return record("select_gradient", x.value(), wrt(x, [mask](const Array& dy, Gradient& dx) {
                  Array kept = dy.clone();
                  const Index width = kept.count() / std::max<Index>(1, mask.count());
                  for (Index row = 0; row < mask.count(); ++row)
                    if (mask.data()[row] == 0)
                      std::fill_n(kept.mutable_data() + row * width, width, real(0));
                  dx.add(kept);
                }));
}

bool drops_nan(const Tensor& x, const Mask& mask) {
  if (mask.count() == 0 || !lies_over(mask, x.shape())) return false;
  const Index width = x.shape().count() / mask.count();
  const std::uint8_t* const keep = mask.data();
  for (Index row = 0; row < mask.count(); ++row)
    if (keep[row] == 0 &&
        !all_finite({x.value().data() + row * width, static_cast<std::size_t>(width)}))
      return true;
  return false;
}

}}  // namespace fovea
