#include "fovea/autograd/gradient.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "fovea/base/error.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/rows.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

void check_shape(const Shape& given, const Shape& expected) {
  if (given != expected)
    throw ShapeError(fmt::format("Gradient: a contribution of shape {} to a gradient of shape {}",
                                 to_string(given), to_string(expected)));
}

}  // namespace

Gradient::Target Gradient::dense() {
  if (!parts_.empty()) {
    dense_ = array();
    parts_.clear();
  }
  const bool add = has_dense();
  if (!add) dense_.buffer_ = Buffer(shape().count() * static_cast<Index>(sizeof(real)));
  return {dense_.mutable_view(), add};
}

void Gradient::add(const Array& contribution) {
  check_shape(contribution.shape(), shape());
  if (empty()) {
    dense_.buffer_ = contribution.buffer_;
    return;
  }
  const Target target = dense();
  kernels::scale(contribution.data(), 1, target.view.data, shape().count(), true);
}

void Gradient::add_rows(const Ids& ids, const Array& rows) {
  if (shape().rank() < 1) throw ShapeError("Gradient: a scalar has no rows");
  const Index width = shape()[0] == 0 ? 0 : shape().count() / shape()[0];
  check_shape(rows.shape(), Shape{ids.count(), width});
  const Index count = shape()[0];
  for (const std::int32_t id : ids.values())
    if (id < 0 || id >= count)
      throw IndexError(
          fmt::format("Gradient: row {} of a table of shape {}", id, to_string(shape())));
  parts_.push_back({ids.reshaped(Shape{ids.count()}), rows});
}

void Gradient::add(const Gradient& other) {
  check_shape(other.shape(), shape());
  if (other.has_dense()) add(other.dense_);
  parts_.insert(parts_.end(), other.parts_.begin(), other.parts_.end());
}

Array Gradient::array() const {
  if (has_dense() && parts_.empty()) return dense_;
  Array sum = has_dense() ? dense_.clone() : Array::zeros(shape());
  if (parts_.empty()) return sum;
  const TouchedRows touched = rows();
  kernels::add_rows(touched.values.data(), touched.ids.data(), touched.ids.count(),
                    touched.values.shape()[-1], sum.mutable_data());
  return sum;
}

const Array& Gradient::gathered() & {
  if (!has_dense() || !parts_.empty()) dense();
  return dense_;
}

TouchedRows Gradient::rows() const {
  Index count = 0;
  for (const TouchedRows& part : parts_) count += part.ids.count();
  const Index width = shape()[0] == 0 ? 0 : shape().count() / shape()[0];
  std::vector<std::int32_t> ids;
  ids.reserve(static_cast<std::size_t>(count));
  Array all = parts_.size() == 1 ? parts_[0].values : Array(Shape{count, width});
  Index filled = 0;
  for (const TouchedRows& part : parts_) {
    ids.insert(ids.end(), part.ids.values().begin(), part.ids.values().end());
    if (parts_.size() > 1)
      std::ranges::copy(part.values.values(), all.mutable_data() + filled * width);
    filled += part.ids.count();
  }
  std::vector<std::int32_t> order(ids.size()), scratch(ids.size()), unique_ids(ids.size()),
      starts(ids.size() + 1);
  kernels::sort_by_id(ids.data(), count, order.data(), scratch.data());
  const Index unique =
      kernels::unique_runs(ids.data(), order.data(), count, unique_ids.data(), starts.data());
  Array sums(Shape{unique, width});
  kernels::sum_runs(all.data(), order.data(), starts.data(), unique, width, sums.mutable_data());
  return {Ids(Shape{unique},
              std::span<const std::int32_t>(unique_ids).first(static_cast<std::size_t>(unique))),
          sums};
}

void Gradient::clear() {
  dense_.buffer_ = Buffer();
  parts_.clear();
}

}}  // namespace fovea
