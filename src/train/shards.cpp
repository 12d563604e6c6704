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

// The plan of a sum: the shards' gradients of one parameter, and the place of their sum. Making the
// plan is separate from the threads that compute the sum.
struct Sum {
  const Tensor* parameter;
  /// The position of the sum with the same arrays: that of this parameter, or of an earlier one. W1
  /// and W2 of an AttentionLayer share arrays, and a reshaped parameter with what is added to it.
  std::size_t shares;
  std::size_t count = 0;  // of the parts, in the order of shards
  bool has_rows = false;
  std::array<Gradient*, most_shards> parts = {};
  std::array<const real*, most_shards> given = {};  // elements of dense parts, before the sum
  std::array<real*, most_shards> elements = {};     // the same, writable

  std::span<Gradient* const> all() const { return {parts.data(), count}; }
};

// Plans the sum of a parameter's dense parts. Parts that an earlier sum has as well are left to
// that sum, which alone may write to such parts.
Sum dense(Sum sum, const memory::List<Sum>& earlier) {
  for (std::size_t i = 0; i < sum.count; ++i) sum.given[i] = sum.parts[i]->gathered().data();
  const auto same = std::ranges::find(earlier, sum.given, &Sum::given);
  if (same == earlier.end()) return sum;
  sum.shares = static_cast<std::size_t>(same - earlier.begin());
  for (Gradient* part : sum.all()) part->clear();
  return sum;
}

// Sums elements [begin, end) of all parts along the pairwise tree, into the first part.
void add_up(const Sum& sum, Index begin, Index end) {
  kernels::add_pairwise(sum.count, [&](std::size_t i, std::size_t k) {
    kernels::scale(sum.elements[k] + begin, 1, sum.elements[i] + begin, end - begin, true);
  });
}

// Computes all sums, in pieces that run in parallel.
void add_up(memory::List<Sum>& sums) {
  constexpr Index grain = 8192;
  memory::List<std::pair<const Sum*, Index>> pieces;  // of a sum, from an element on
  for (std::size_t i = 0; i < sums.size(); ++i) {
    Sum& sum = sums[i];
    if (sum.shares != i || sum.count == 1) continue;
    for (std::size_t k = 0; k < sum.count; ++k) sum.elements[k] = sum.parts[k]->dense().view.data;
    for (Index begin = 0; begin < sum.parameter->shape().count(); begin += grain)
      pieces.emplace_back(&sum, begin);
  }
  parallel::run(static_cast<Index>(pieces.size()), [&](Index i) {
    const auto& [sum, begin] = pieces[static_cast<std::size_t>(i)];
    add_up(*sum, begin, std::min(sum->parameter->shape().count(), begin + grain));
  });
}

// Returns the parts of a parameter's gradient that the sinks have.
Sum parts_of(const Tensor& parameter, std::span<LeafGradients* const> sinks, std::size_t position) {
  Sum sum{&parameter, position};
  for (LeafGradients* sink : sinks) {
    Gradient& part = sink->target(*parameter.node());
    if (part.empty()) continue;
    sum.parts[sum.count++] = &part;
    sum.has_rows = sum.has_rows || !part.parts().empty();
  }
  return sum;
}

}  // namespace

void Shards::reduce(Index shards, const std::vector<NamedParameter>& parameters) {
  std::array<LeafGradients*, most_shards> sinks = {};
  for (std::size_t i = 0; i < static_cast<std::size_t>(shards); ++i) sinks[i] = &sinks_[i];
  memory::List<Sum> sums;
  sums.reserve(parameters.size());
  for (const auto& [path, parameter] : parameters) {
    const Sum sum =
        parts_of(parameter, {sinks.data(), static_cast<std::size_t>(shards)}, sums.size());
    parameter.zero_grad();
    if (sum.has_rows)
      for (const Gradient* part : sum.all()) parameter.gradient().add(*part);
    else if (sum.count > 0)
      sums.push_back(dense(sum, sums));
  }
  add_up(sums);
  for (const Sum& sum : sums)
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
