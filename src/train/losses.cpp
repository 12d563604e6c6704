#include "fovea/train/losses.hpp"

#include <fmt/format.h>

#include "fovea/base/error.hpp"

namespace fovea::inline FOVEA_PRECISION {

Tensor SparseCategoricalCrossentropy::operator()(const Tensor& prediction, const Samples& target) const {
  return from_logits ? sparse_cross_entropy(prediction, target.ids()) : sparse_cross_entropy_from_probabilities(prediction, target.ids());
}

Tensor SparseCategoricalCrossentropy::of_logits(const Tensor& logits, const Samples& target) const { return sparse_cross_entropy(logits, target.ids()); }

void SparseCategoricalCrossentropy::check(const Shape& prediction, const Samples& target) const {
  const Ids& labels = target.ids();
  if (prediction.rank() < 1 || prediction.without(-1) != labels.shape())
    throw ShapeError(fmt::format("{}: predictions are {}, labels {}; labels must have the predictions' shape without its last axis, the classes", name, to_string(prediction), to_string(labels.shape())));
  for (Index i = 0; i < labels.count(); ++i)
    if (const Index label = labels.data()[i]; label < 0 || label >= prediction[-1])
      throw IndexError(fmt::format("{}: the label at position {} is {}; there are classes 0 to {}", name, i, label, prediction[-1] - 1));
}

}  // namespace fovea
