// Datasets in .npy and safetensors files, which may be larger than memory.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "fovea/data/dataset.hpp"
#include "fovea/io/file_array.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// The samples of one input or target, in a file.
struct FileColumn {
  /// Takes integers as ids and other types as real numbers, by position.
  FileColumn(FileArray array)  // NOLINT: implicit on purpose
      : values(std::move(array)), ids(values.is_integer()) {}
  /// The same, under the name of an input or output.
  FileColumn(std::string column, FileArray array) : FileColumn(std::move(array)) {
    name = std::move(column);
  }

  /// The name of the input or output; empty: by position.
  std::string name = {};
  /// The samples, along the first axis.
  FileArray values;
  /// Whether they are read as ids. Set it to false for integers that are numbers, such as pixels.
  bool ids;
  /// The positions that count, (samples, ...); none: all do.
  std::optional<FileArray> mask = {};
};

/// Samples in files. A batch is read when it is needed, and nothing else is kept in memory.
class FileDataset : public Dataset {
 public:
  /// Takes the columns of inputs and targets, and weights of shape (samples). predict needs no
  /// targets. Throws ShapeError for numbers of samples that differ, and ValueError without inputs.
  explicit FileDataset(std::vector<FileColumn> x, std::vector<FileColumn> y = {},
                       std::optional<FileArray> sample_weight = {});

  Index count() const override { return x_.front().values.count(); }
  SampleBatch rows(std::span<const Index> positions) const override;
  std::string name() const override { return x_.front().values.name(); }

 private:
  std::vector<FileColumn> x_, y_;
  std::optional<FileArray> sample_weight_;
};

}}  // namespace fovea
