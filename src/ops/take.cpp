// Elements by id. What was picked gets its gradient back at the place that it came from; several of
// the same place are added.
#include "kernels/take.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "fovea/autograd/graph.hpp"
#include "fovea/base/error.hpp"
#include "fovea/ops/ops.hpp"
#include "ops/map.hpp"
#include "ops/shape_rules.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace shape { namespace {

std::vector<Index> sizes_of(const Shape& shape) {
  return {shape.sizes().begin(), shape.sizes().end()};
}

// x with an axis replaced by those of ids. Checks every id, as the next three do.
Shape take(const Shape& x, const Ids& ids, int axis) {
  const int named = shape::axis("take", x, axis);
  check_ids(
      "take", ids, x[named], [&] { return fmt::format("axis {} of {} has", axis, to_string(x)); },
      "positions");
  std::vector<Index> sizes = sizes_of(x);
  sizes.erase(sizes.begin() + named);
  sizes.insert(sizes.begin() + named, ids.shape().sizes().begin(), ids.shape().sizes().end());
  return Shape(sizes);
}

// The ids' shape, which is x's but for one axis.
Shape take_along_axis(const Shape& x, const Ids& ids, int axis) {
  const int named = shape::axis("take_along_axis", x, axis);
  if (ids.shape().rank() != x.rank() || ids.shape().with(named, 0) != x.with(named, 0))
    throw ShapeError(fmt::format(
        "take_along_axis: x is {}, ids are {}; all sizes but that of axis {} must be equal",
        to_string(x), to_string(ids.shape()), axis));
  check_ids(
      "take_along_axis", ids, x[named],
      [&] { return fmt::format("axis {} of {} has", axis, to_string(x)); }, "positions");
  return ids.shape();
}

// Refuses updates that are not one row of x for each id.
void scatter_add(const Shape& x, const Ids& ids, const Shape& updates) {
  if (x.rank() < 1) throw ShapeError("scatter_add: x is a scalar; it needs rows");
  std::vector<Index> sizes = sizes_of(ids.shape());
  sizes.insert(sizes.end(), x.sizes().begin() + 1, x.sizes().end());
  if (sizes != sizes_of(updates))
    throw ShapeError(fmt::format(
        "scatter_add: x is {}, ids are {}, updates {}; updates must be one row of x for each id",
        to_string(x), to_string(ids.shape()), to_string(updates)));
  check_ids(
      "scatter_add", ids, x[0], [] { return "x has"; }, "rows");
}

// ids (...) -> (..., classes)
Shape one_hot(const Ids& ids, Index classes) {
  if (classes < 0)
    throw ValueError(fmt::format("one_hot: {} classes; it must be at least 0", classes));
  check_ids(
      "one_hot", ids, classes, [] { return "there are"; }, "classes");
  return ids.shape().inserted(ids.shape().rank(), classes);
}

}}  // namespace shape

namespace {

// The same ids for every line (take), or each its own (take_along_axis).
kernels::Picks shared(const Ids& ids) { return {ids.data(), ids.count(), 0, 1, 0}; }
kernels::Picks own(const Ids& ids, Index count, Index inner) {
  return {ids.data(), count, count * inner, inner, 1};
}

Tensor pick(const char* operation, const Tensor& x, const Ids& ids, kernels::AlongAxis axis,
            kernels::Picks picks, const Shape& shape) {
  Array y(shape);
  if (y.count() > 0)
    kernels::take(x.value().data(), axis, picks,
                  y.mutable_data());  // rows without elements may be endlessly many
  return record(operation, y, wrt(x, [ids, axis, picks](const Array& dy, Gradient& dx) {
                  const auto [view, add] = dx.dense();
                  if (!add) std::fill_n(view.data, view.shape.count(), real(0));
                  kernels::put(dy.data(), axis, picks, view.data);
                }));
}

}  // namespace

Tensor take(const Tensor& x, const Ids& ids, int axis) {
  const Shape shape = shape::take(x.shape(), ids, axis);
  if (x.shape().resolve(axis) == 0) return gather_rows(x, ids);
  return pick("take", x, ids, ops::along(x.shape(), axis), shared(ids), shape);
}

Tensor take_along_axis(const Tensor& x, const Ids& ids, int axis) {
  const Shape shape = shape::take_along_axis(x.shape(), ids, axis);
  const kernels::AlongAxis along = ops::along(x.shape(), axis);
  return pick("take_along_axis", x, ids, along, own(ids, shape[axis], along.inner), shape);
}

Tensor scatter_add(const Tensor& x, const Ids& ids, const Tensor& updates) {
  shape::scatter_add(x.shape(), ids, updates.shape());
  const kernels::AlongAxis rows = ops::along(x.shape(), 0);
  Array y = x.value().clone();
  kernels::put(updates.value().data(), rows, shared(ids), y.mutable_data());
  return record("scatter_add", y, wrt(x, [](const Array& dy, Gradient& dx) { dx.add(dy); }),
                wrt(updates, [ids, rows](const Array& dy, Gradient& dupdates) {
                  Array d(dupdates.shape());
                  kernels::take(dy.data(), rows, shared(ids), d.mutable_data());
                  dupdates.add(d);
                }));
}

Tensor one_hot(const Ids& ids, Index classes) {
  Array y = Array::zeros(shape::one_hot(ids, classes));
  for (Index i = 0; i < ids.count(); ++i) y.mutable_data()[i * classes + ids.data()[i]] = 1;
  return y;
}

}}  // namespace fovea
