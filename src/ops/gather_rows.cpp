// y[i] = table[ids[i]]. The gradient of the table is rows: dy[i] belongs to row ids[i], and what no
// id names is never touched.
#include <fmt/format.h>

#include "fovea/autograd/graph.hpp"
#include "fovea/base/error.hpp"
#include "fovea/ops/ops.hpp"
#include "kernels/rows.hpp"
#include "ops/shape_rules.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace shape { namespace {

// (rows, width...) by ids (...) -> (..., width...). Checks every id.
Shape gather_rows(const Shape& table, const Ids& ids) {
  if (table.rank() < 1) throw ShapeError("gather_rows: the table is a scalar; it needs rows");
  check_ids(
      "gather_rows", ids, table[0], [] { return "the table has"; }, "rows");
  Shape shape = ids.shape();
  for (int axis = 1; axis < table.rank(); ++axis) shape = shape.inserted(shape.rank(), table[axis]);
  return shape;
}

}}  // namespace shape

Tensor gather_rows(const Tensor& table, const Ids& ids) {
  Array y(shape::gather_rows(table.shape(), ids));
  const Index width = table.shape()[0] == 0 ? 0 : table.shape().count() / table.shape()[0];
  kernels::gather_rows(table.rows_value(ids).data(), ids.data(), ids.count(), width,
                       y.mutable_data());
  return record("gather_rows", y, wrt(table, [ids, width](const Array& dy, Gradient& dtable) {
                  dtable.add_rows(ids, dy.reshaped(Shape{ids.count(), width}));
                }));
}

}}  // namespace fovea
