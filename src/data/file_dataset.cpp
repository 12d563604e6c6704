#include "fovea/data/file_dataset.hpp"

#include <fmt/format.h>

#include "fovea/base/error.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

void check_count(const FileArray& first, const FileArray& other) {
  if (other.count() != first.count())
    throw ShapeError(
        fmt::format("FileDataset: {} holds {} samples, {} holds {}; the numbers must be equal",
                    first.name(), first.count(), other.name(), other.count()));
}

SampleSet read(const std::vector<FileColumn>& columns, std::span<const Index> positions) {
  if (columns.empty()) return {};
  memory::List<SampleColumn> result;
  for (const FileColumn& column : columns) {
    result.emplace_back(column.name, column.ids ? Samples(column.values.ids(positions))
                                                : Samples(column.values.rows(positions)));
    if (column.mask) result.back().mask = column.mask->mask(positions);
  }
  return SampleSet(std::move(result));
}

}  // namespace

FileDataset::FileDataset(std::vector<FileColumn> x, std::vector<FileColumn> y,
                         std::optional<FileArray> sample_weight)
    : x_(std::move(x)), y_(std::move(y)), sample_weight_(std::move(sample_weight)) {
  if (x_.empty()) throw ValueError("FileDataset: there are no inputs; give the files of x");
  const FileArray& first = x_.front().values;
  for (const auto* columns : {&x_, &y_})
    for (const FileColumn& column : *columns) {
      check_count(first, column.values);
      if (column.mask) check_count(first, *column.mask);
    }
  if (!sample_weight_) return;
  check_count(first, *sample_weight_);
  if (sample_weight_->shape().rank() != 1)
    throw ShapeError(fmt::format("FileDataset: {} has shape {}; expected one weight a sample",
                                 sample_weight_->name(), to_string(sample_weight_->shape())));
}

SampleBatch FileDataset::rows(std::span<const Index> positions) const {
  SampleBatch batch{read(x_, positions), read(y_, positions)};
  if (sample_weight_) batch.sample_weight = sample_weight_->doubles(positions);
  return batch;
}

}}  // namespace fovea
