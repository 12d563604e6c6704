#include "fovea/data/samples.hpp"

#include <fmt/format.h>

#include "fovea/base/error.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

Samples::Samples(Ids ids) : value_(std::move(ids)) {
  if (shape().rank() == 0)
    throw ShapeError("Samples: a scalar id; samples are along the first axis");
}

Samples::Samples(Array array) : value_(std::move(array)) {
  if (shape().rank() == 0) throw ShapeError("Samples: a scalar; samples are along the first axis");
}

const Shape& Samples::shape() const& {
  return std::visit([](const auto& value) -> const Shape& { return value.shape(); }, value_);
}

const Ids& Samples::ids() const& {
  if (const Ids* ids = std::get_if<Ids>(&value_)) return *ids;
  throw ValueError(fmt::format("expected ids, got real numbers of shape {}", to_string(shape())));
}

const Array& Samples::array() const& {
  if (const Array* array = std::get_if<Array>(&value_)) return *array;
  throw ValueError(fmt::format("expected real numbers, got ids of shape {}", to_string(shape())));
}

Samples Samples::rows(Index begin, Index end) const {
  return std::visit([=](const auto& value) { return Samples(value.rows(begin, end)); }, value_);
}

Samples Samples::rows(std::span<const Index> positions) const {
  return std::visit([=](const auto& value) { return Samples(value.rows(positions)); }, value_);
}

}}  // namespace fovea
