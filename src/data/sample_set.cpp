#include "fovea/data/sample_set.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "fovea/base/error.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

void check_names(const memory::List<SampleColumn>& columns) {
  if (columns.empty()) throw ValueError("SampleSet: it is empty; give the samples of each input");
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].name.empty() != columns.front().name.empty())
      throw ValueError(fmt::format(
          "SampleSet: some samples have a name and those at position {} {}; name all or none", i,
          columns[i].name.empty() ? "have none" : "have one"));
    for (std::size_t k = 0; k < i && !columns[i].name.empty(); ++k)
      if (columns[k].name == columns[i].name)
        throw ValueError(fmt::format("SampleSet: two are named \"{}\"; give each a name of its own",
                                     columns[i].name));
  }
}

template <class Rows>
SampleSet mapped(const SampleSet& set, const Rows& rows) {
  memory::List<SampleColumn> columns;
  columns.reserve(set.size());
  for (std::size_t i = 0; i < set.size(); ++i) {
    columns.emplace_back(rows(set[i].samples));
    columns.back().name = set[i].name;
    if (set[i].mask) columns.back().mask = rows(*set[i].mask);
  }
  return SampleSet(std::move(columns));
}

}  // namespace

SampleSet::SampleSet(std::initializer_list<SampleColumn> columns)
    : SampleSet(memory::List<SampleColumn>(columns)) {}

SampleSet::SampleSet(memory::List<SampleColumn> columns) : columns_(std::move(columns)) {
  check_names(columns_);
}

SampleSet SampleSet::rows(Index begin, Index end) const {
  return mapped(*this, [=](const auto& values) { return values.rows(begin, end); });
}

SampleSet SampleSet::rows(std::span<const Index> positions) const {
  return mapped(*this, [=](const auto& values) { return values.rows(positions); });
}

}}  // namespace fovea
