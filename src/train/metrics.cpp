#include "fovea/train/metrics.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "fovea/base/error.hpp"

namespace fovea::inline FOVEA_PRECISION {

void Accuracy::check(const Shape& shape, const Samples& target) const {
  if (!target.is_ids()) throw ValueError(fmt::format("accuracy: labels are wanted, ids of classes, and the targets are numbers of shape {}", to_string(target.shape())));
  const Ids& labels = target.ids();
  if (shape.rank() < 1 || shape.without(-1) != labels.shape())
    throw ShapeError(fmt::format("accuracy: predictions are {}, labels {}; labels must have the predictions' shape without its last axis, the classes", to_string(shape), to_string(labels.shape())));
}

Array Accuracy::operator()(const Array& prediction, const Samples& target) const {
  check(prediction.shape(), target);
  const Ids& labels = target.ids();
  Array right(labels.shape());
  const Index classes = prediction.shape()[-1];
  for (Index i = 0; i < labels.count(); ++i) {
    const real* row = prediction.data() + i * classes;
    right.mutable_data()[i] = std::max_element(row, row + classes) - row == labels.data()[i] ? real(1) : real(0);
  }
  return right;
}

}  // namespace fovea
