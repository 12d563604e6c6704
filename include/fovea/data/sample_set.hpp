// The samples that a model with one input or several is given, and their targets.
#pragma once

#include <initializer_list>
#include <optional>
#include <span>
#include <string>

#include "fovea/array/mask.hpp"
#include "fovea/data/samples.hpp"
#include "fovea/memory/buffer.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// The samples of one input or target of a model.
struct SampleColumn {
  /// Takes ids or real numbers.
  SampleColumn(Samples values) : samples(std::move(values)) {}  // NOLINT: implicit on purpose
  /// Takes ids.
  SampleColumn(Ids values) : samples(std::move(values)) {}  // NOLINT: implicit on purpose
  /// Takes real numbers.
  SampleColumn(Array values) : samples(std::move(values)) {}  // NOLINT: implicit on purpose
  /// Takes samples under a name, and with a mask over the first axes: of positions that count.
  SampleColumn(std::string column, Samples values, std::optional<Mask> keep = {})
      : name(std::move(column)), samples(std::move(values)), mask(std::move(keep)) {}
  /// Takes samples with a mask, by position.
  SampleColumn(Samples values, Mask keep) : samples(std::move(values)), mask(std::move(keep)) {}

  /// The name of the input or output; empty: by position.
  std::string name = {};
  /// The samples lie along the first axis.
  Samples samples;
  /// The positions that count, (samples, ...); none: all do.
  std::optional<Mask> mask = {};
};

/// The samples of every input, or every output, of a model. Those of one input are given as they
/// are, those of several by position or by name.
///
///     model.fit(x, y);
///     model.fit({ids, numbers}, y);
///     model.fit({{"text", ids}, {"price", numbers}}, {{"title", titles}, {"sold", sold}});
class SampleSet {
 public:
  /// Makes a set without columns: the targets of samples that are only predicted.
  SampleSet() = default;
  /// Takes those of one input or output.
  SampleSet(Samples values) { columns_.emplace_back(std::move(values)); }  // NOLINT: implicit
  /// Takes those of one input or output: ids.
  SampleSet(Ids values) { columns_.emplace_back(std::move(values)); }  // NOLINT: implicit
  /// Takes those of one input or output: real numbers.
  SampleSet(Array values) { columns_.emplace_back(std::move(values)); }  // NOLINT: implicit
  /// Takes those of several. Throws ValueError where some have a name and others none, or two have
  /// the same.
  SampleSet(std::initializer_list<SampleColumn> columns);
  /// The same, from a list.
  explicit SampleSet(memory::List<SampleColumn> columns);

  /// Returns the number of samples.
  Index count() const { return columns_.empty() ? 0 : columns_.front().samples.count(); }
  /// Returns the number of inputs or outputs.
  std::size_t size() const { return columns_.size(); }
  /// Returns the samples of input or output number `i`.
  const SampleColumn& operator[](std::size_t i) const& { return columns_[i]; }
  /// The same, of a temporary.
  SampleColumn operator[](std::size_t i) const&& { return columns_[i]; }
  /// Returns whether the samples are given by name.
  bool named() const { return !columns_.empty() && !columns_.front().name.empty(); }

  /// Returns samples [begin, end) of all. Throws IndexError.
  SampleSet rows(Index begin, Index end) const;
  /// Returns the samples at `positions`, in that order, of all. Throws IndexError.
  SampleSet rows(std::span<const Index> positions) const;

 private:
  memory::List<SampleColumn> columns_;
};

}}  // namespace fovea
