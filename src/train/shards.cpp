#include "train/shards.hpp"

#include <algorithm>
#include <array>
#include <span>

#include "kernels/elementwise.hpp"
#include "kernels/pairwise.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

constexpr std::size_t most_shards = 32;

}  // namespace

Index Shards::count(Index samples, Index positions, Index dense_bytes, bool mixes_samples) {
  constexpr Index most = most_shards, rows = 512, budget = 64'000'000;
  const Index least = (rows + positions - 1) / positions;
  Index shards = 1;
  while (!mixes_samples && 2 * shards <= std::min(samples / least, most) &&
         2 * shards * dense_bytes <= budget)
    shards *= 2;
  return shards;
}

void Shards::run(
    Index shards, Index samples,
    parallel::FunctionRef<void(Index shard, Index begin, Index end, Sink& sink)> body) {
  if (static_cast<Index>(sinks_.size()) < shards) sinks_.resize(static_cast<std::size_t>(shards));
  used_ = static_cast<std::size_t>(shards);
  const Surroundings here = surroundings();
  parallel::run(shards, [&](Index shard) {
    const SurroundingsScope scope(here);
    LeafGradients& sink = sinks_[static_cast<std::size_t>(shard)];
    sink.clear();
    body(shard, samples * shard / shards, samples * (shard + 1) / shards, sink);
  });
}

namespace {

// The shards' gradients of one parameter, all dense, which are added up into the first of them.
struct DenseSum {
  const Tensor* parameter;
  std::size_t
      shares;  // the sum that this one is: its own, or an earlier one whose arrays are the same
  std::size_t count = 0;
  std::array<Gradient*, most_shards> parts = {};
  std::array<const real*, most_shards> given = {};  // where the parts' numbers are when they come
  std::array<real*, most_shards> numbers = {};      // and where they may be written to
};

// Adds up numbers [begin, end) of all parts.
void add_up(const DenseSum& sum, Index begin, Index end) {
  kernels::add_pairwise(sum.count, [&](std::size_t i, std::size_t k) {
    kernels::scale(sum.numbers[k] + begin, 1, sum.numbers[i] + begin, end - begin, true);
  });
}

// Adds up all sums that are not another's, in pieces that run in parallel.
void add_up(memory::List<DenseSum>& sums) {
  constexpr Index grain = 8192;
  memory::List<std::pair<const DenseSum*, Index>> pieces;  // of a sum, from a number on
  for (std::size_t i = 0; i < sums.size(); ++i) {
    DenseSum& sum = sums[i];
    if (sum.shares != i || sum.count == 1) continue;
    for (std::size_t k = 0; k < sum.count; ++k) sum.numbers[k] = sum.parts[k]->dense().view.data;
    for (Index begin = 0; begin < sum.parameter->shape().count(); begin += grain)
      pieces.emplace_back(&sum, begin);
  }
  parallel::run(static_cast<Index>(pieces.size()), [&](Index i) {
    const auto& [sum, begin] = pieces[static_cast<std::size_t>(i)];
    add_up(*sum, begin, std::min(sum->parameter->shape().count(), begin + grain));
  });
}

}  // namespace

void Shards::reduce(Index shards, const std::vector<NamedParameter>& parameters) {
  memory::List<DenseSum> sums;
  sums.reserve(parameters.size());
  for (const auto& [path, parameter] : parameters) {
    DenseSum sum{&parameter, sums.size()};
    bool has_rows = false;
    for (Index shard = 0; shard < shards; ++shard) {
      Gradient& part = sinks_[static_cast<std::size_t>(shard)].target(*parameter.node());
      if (part.empty()) continue;
      sum.parts[sum.count++] = &part;
      has_rows = has_rows || !part.parts().empty();
    }
    const std::span parts(sum.parts.data(), sum.count);
    parameter.zero_grad();
    if (has_rows || parts.empty()) {
      for (const Gradient* part : parts) parameter.gradient().add(*part);
      continue;
    }
    for (std::size_t i = 0; i < sum.count; ++i) sum.given[i] = sum.parts[i]->gathered().data();
    const auto same = std::ranges::find(sums, sum.given, &DenseSum::given);
    if (same != sums.end()) {  // as W1 and W2 of an AttentionLayer, or a reshaped parameter and
                               // what it is added to
      sum.shares = static_cast<std::size_t>(same - sums.begin());
      for (Gradient* part : parts)
        part->clear();  // so that the other's are its own, and may be written
    }
    sums.push_back(sum);
  }

  add_up(sums);
  for (const DenseSum& sum : sums)
    sum.parameter->gradient().add(
        sums[sum.shares].parts[0]->gathered().reshaped(sum.parameter->shape()));
}

bool Shards::has_unlisted(const std::vector<NamedParameter>& parameters) const {
  const auto is_listed = [&](const Node* leaf) {
    return std::ranges::any_of(parameters, [&](const NamedParameter& parameter) {
      return parameter.tensor.node().get() == leaf;
    });
  };
  for (std::size_t i = 0; i < used_; ++i)
    if (sinks_[i].has_other(is_listed)) return true;
  return false;
}

}}  // namespace fovea
