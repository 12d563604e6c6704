#include "fovea/data/dataset.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

// Returns the values of several samples, one after another. `what` is the column, for messages.
template <class Values>
Values stacked(const std::string& what, const memory::List<Values>& parts) {
  const Shape& one = parts[0].shape();
  Values all(one.with(0, static_cast<Index>(parts.size())));
  auto* to = all.mutable_data();
  for (const Values& part : parts) {
    if (part.shape() != one)
      throw ShapeError(
          fmt::format("Augmented: {} has shape {} for one sample and {} for another of the batch; "
                      "change the samples to one shape",
                      what, to_string(one.without(0)), to_string(part.shape().without(0))));
    to = std::copy_n(part.data(), part.count(), to);
  }
  return all;
}

// Returns column `i` of all sets, with `get` of each.
template <class Get>
auto gathered(std::span<const SampleSet> sets, std::size_t i, const Get& get) {
  memory::List<std::decay_t<decltype(get(sets[0][i]))>> list;
  for (const SampleSet& set : sets) list.push_back(get(set[i]));
  return list;
}

SampleColumn stacked_column(std::span<const SampleSet> sets, std::size_t i, const char* side) {
  const SampleColumn& first = sets[0][i];
  const std::string what =
      first.name.empty() ? fmt::format("{} number {}", side, i) : fmt::format("\"{}\"", first.name);
  for (const SampleSet& set : sets)
    if (set[i].samples.is_ids() != first.samples.is_ids() ||
        set[i].mask.has_value() != first.mask.has_value())
      throw ValueError(fmt::format(
          "Augmented: {} differs in kind from sample to sample; return ids or real numbers for "
          "all, and a mask for all or none",
          what));
  SampleColumn column(first.samples.is_ids()
                          ? Samples(stacked(what, gathered(sets, i,
                                                           [](const SampleColumn& each) {
                                                             return each.samples.ids();
                                                           })))
                          : Samples(stacked(what, gathered(sets, i, [](const SampleColumn& each) {
                                              return each.samples.array();
                                            }))));
  column.name = first.name;
  if (first.mask)
    column.mask = stacked("the mask of " + what,
                          gathered(sets, i, [](const SampleColumn& each) { return *each.mask; }));
  return column;
}

SampleSet stacked(const memory::List<SampleSet>& sets, const char* side) {
  if (sets[0].size() == 0) return {};
  memory::List<SampleColumn> columns;
  for (std::size_t i = 0; i < sets[0].size(); ++i) columns.push_back(stacked_column(sets, i, side));
  return SampleSet(std::move(columns));
}

void check_changed(const SampleBatch& one, const SampleBatch& all) {
  if (one.x.size() != all.x.size() || one.y.size() != all.y.size() || one.x.count() != 1 ||
      (one.y.size() > 0 && one.y.count() != 1) ||
      one.sample_weight.size() != (all.sample_weight.empty() ? 0 : 1))
    throw ValueError(fmt::format(
        "Augmented: a changed sample has {} inputs of {} samples, {} targets of {} and {} weights; "
        "change the values of the one sample, and leave the columns as they are",
        one.x.size(), one.x.count(), one.y.size(), one.y.count(), one.sample_weight.size()));
}

}  // namespace

ArrayDataset::ArrayDataset(SampleSet x, SampleSet y, std::vector<double> sample_weight)
    : all_{std::move(x), std::move(y), std::move(sample_weight)} {
  const Index count = all_.x.count();
  if (all_.y.size() > 0 && all_.y.count() != count)
    throw ShapeError(
        fmt::format("ArrayDataset: x holds {} samples, y holds {}; the numbers must be equal",
                    count, all_.y.count()));
  if (!all_.sample_weight.empty() && static_cast<Index>(all_.sample_weight.size()) != count)
    throw ShapeError(fmt::format(
        "ArrayDataset: {} sample weights for {} samples; give one for each sample, or none",
        all_.sample_weight.size(), count));
}

SampleBatch ArrayDataset::rows(std::span<const Index> positions) const {
  SampleBatch batch{all_.x.rows(positions),
                    all_.y.size() > 0 ? all_.y.rows(positions) : SampleSet()};
  if (!all_.sample_weight.empty())
    for (const Index i : positions)
      batch.sample_weight.push_back(all_.sample_weight[static_cast<std::size_t>(i)]);
  return batch;
}

Augmented::Augmented(std::uint64_t depth, std::shared_ptr<const Dataset> data, Change change)
    : data_(std::move(data)), change_(std::move(change)), depth_(depth) {
  if (!change_) throw ValueError("Augmented: there is no function; give one that changes a sample");
}

SampleBatch Augmented::training_rows(std::span<const Index> positions,
                                     const TrainingEpoch& epoch) const {
  const SampleBatch all = data_->training_rows(positions, epoch);
  if (positions.empty()) return all;
  const Rng random = Rng(epoch.seed).split("augmentation", depth_).split("epoch", epoch.number);
  SampleBatch changed;
  memory::List<SampleSet> x, y;
  for (std::size_t i = 0; i < positions.size(); ++i) {
    const auto row = static_cast<Index>(i);
    SampleBatch one{all.x.rows(row, row + 1),
                    all.y.size() > 0 ? all.y.rows(row, row + 1) : SampleSet()};
    if (!all.sample_weight.empty()) one.sample_weight = {all.sample_weight[i]};
    change_(one, random.split("sample", static_cast<std::uint64_t>(positions[i])));
    check_changed(one, all);
    if (!one.sample_weight.empty()) changed.sample_weight.push_back(one.sample_weight[0]);
    x.push_back(std::move(one.x));
    y.push_back(std::move(one.y));
  }
  changed.x = stacked(x, "input");
  changed.y = stacked(y, "target");
  return changed;
}

GeneratedBatches::GeneratedBatches(Make make, std::string name)
    : make_(std::move(make)), name_(std::move(name)) {
  if (!make_)
    throw ValueError("GeneratedBatches: there is no function; give one that makes a batch");
}

}}  // namespace fovea
