#include <fmt/format.h>

#include "fovea/base/error.hpp"
#include "fovea/train/metrics/classes.hpp"
#include "train/metrics/class_pairs.hpp"
#include "train/metrics/saved_values.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

constexpr const char* name = "ConfusionMatrix";
constexpr Index most_classes = 10000;  // beyond, the number of cells is nonsense

}  // namespace

ConfusionMatrix::ConfusionMatrix(Index classes) : classes_(classes) {
  if (classes < 1 || classes > most_classes)
    throw ValueError(
        fmt::format("{}: classes is {}; it must be 1 to {}", name, classes, most_classes));
  cells_.resize(static_cast<std::size_t>(classes * (classes + 1)));
}

void ConfusionMatrix::add(const Array& prediction, const Samples& target,
                          const CountedPositions& counts) {
  const ClassOptions options{.both = true};
  metrics::check({name, Average::macro, {}, {}}, prediction.shape(), target);
  const Index classes = metrics::classes_of(options, prediction.shape());
  if (classes_ != 0 && classes != classes_)
    throw ShapeError(fmt::format("{}: predictions of {} classes are added to those of {}", name,
                                 classes, classes_));
  ConfusionMatrix fresh;
  if (classes_ == 0) fresh = ConfusionMatrix(classes);
  ConfusionMatrix& to = classes_ == 0 ? fresh : *this;
  metrics::each_pair(
      name, options, prediction, target, counts, [&](Index label, Index predicted, double weight) {
        const Index column = predicted < 0 ? classes : predicted;
        to.cells_[static_cast<std::size_t>(label * (classes + 1) + column)] += weight;
      });
  if (classes_ == 0) *this = std::move(fresh);
}

ConfusionMatrix& ConfusionMatrix::operator+=(const ConfusionMatrix& other) {
  if (other.classes_ == 0) return *this;
  if (classes_ == 0) return *this = other;
  if (classes_ != other.classes_)
    throw ShapeError(fmt::format("{}: counts of {} classes are added to those of {}", name,
                                 other.classes_, classes_));
  for (std::size_t i = 0; i < cells_.size(); ++i) cells_[i] += other.cells_[i];
  return *this;
}

double ConfusionMatrix::at(Index label, Index predicted) const {
  for (const Index class_id : {label, predicted})
    if (class_id < 0 || class_id >= classes_)
      throw IndexError(
          fmt::format("{}: there is no class {}; there are {}", name, class_id, classes_));
  return cells_[static_cast<std::size_t>(label * (classes_ + 1) + predicted)].value();
}

Array ConfusionMatrix::array() const {
  Array result(Shape{classes_, classes_});
  for (Index i = 0; i < result.count(); ++i)
    result.mutable_data()[i] = static_cast<real>(at(i / classes_, i % classes_));
  return result;
}

ClassCounts ConfusionMatrix::counts() const {
  ClassCounts result(classes_);
  result.add_cells(cells_);
  return result;
}

std::vector<double> ConfusionMatrix::values() const {
  metrics::SavedValues saved;
  saved.add(static_cast<double>(classes_));
  for (const ExactSum& cell : cells_) saved.add(cell);
  return saved.values();
}

void ConfusionMatrix::set_values(std::span<const double> values) {
  metrics::ReadValues read(name, values);
  const std::size_t classes = read.take_count(static_cast<std::size_t>(most_classes));
  read.require(read.left() >= classes * (classes + 1));
  ConfusionMatrix matrix;
  if (classes > 0) matrix = ConfusionMatrix(static_cast<Index>(classes));
  for (ExactSum& cell : matrix.cells_) read.take(cell);
  read.finish();
  *this = std::move(matrix);
}

}}  // namespace fovea
