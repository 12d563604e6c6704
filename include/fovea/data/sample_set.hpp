// What a model with one input or several is given, and what should come out.
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
  /// Ids or real numbers.
  SampleColumn(Samples values) : samples(std::move(values)) {}  // NOLINT: implicit on purpose
  /// Ids.
  SampleColumn(Ids values) : samples(std::move(values)) {}  // NOLINT: implicit on purpose
  /// Real numbers.
  SampleColumn(Array values) : samples(std::move(values)) {}  // NOLINT: implicit on purpose
  /// Under a name, and with a mask over the first axes: of positions that count.
  SampleColumn(std::string column, Samples values, std::optional<Mask> keep = {})
      : name(std::move(column)), samples(std::move(values)), mask(std::move(keep)) {}
  /// With a mask, by position.
  SampleColumn(Samples values, Mask keep) : samples(std::move(values)), mask(std::move(keep)) {}

  std::string name = {};          ///< of the input or output; empty: by position
  Samples samples;                ///< one along each row of the first axis
  std::optional<Mask> mask = {};  ///< (samples, ...): positions that count; none: all do
};

/// Samples for every input, or every output, of a model: one of them as it is, several by position
/// or all by name.
///
///     model.fit(x, y);
///     model.fit({ids, numbers}, y);
///     model.fit({{"text", ids}, {"price", numbers}}, {{"title", titles}, {"sold", sold}});
class SampleSet {
 public:
  /// Those of one input or output.
  SampleSet(Samples values) { columns_.emplace_back(std::move(values)); }  // NOLINT: implicit
  /// Those of one input or output: ids.
  SampleSet(Ids values) { columns_.emplace_back(std::move(values)); }  // NOLINT: implicit
  /// Those of one input or output: real numbers.
  SampleSet(Array values) { columns_.emplace_back(std::move(values)); }  // NOLINT: implicit
  /// Several. Throws ValueError where some have a name and others none, or two the same.
  SampleSet(std::initializer_list<SampleColumn> columns);
  /// Several, on the same terms.
  explicit SampleSet(memory::List<SampleColumn> columns);

  Index count() const {
    return columns_.empty() ? 0 : columns_.front().samples.count();
  }                                                     ///< samples
  std::size_t size() const { return columns_.size(); }  ///< inputs or outputs
  const SampleColumn& operator[](std::size_t i) const& { return columns_[i]; }  ///< by position
  SampleColumn operator[](std::size_t i) const&& {
    return columns_[i];
  }  ///< the same, of a temporary
  bool named() const { return !columns_.empty() && !columns_.front().name.empty(); }  ///< by name

  /// Samples [begin, end) of all. Throws IndexError.
  SampleSet rows(Index begin, Index end) const;
  /// The samples at `positions`, in that order, of all. Throws IndexError.
  SampleSet rows(std::span<const Index> positions) const;

 private:
  memory::List<SampleColumn> columns_;
};

}}  // namespace fovea
