#include "train/shards.hpp"

#include <algorithm>
#include <span>

#include "kernels/elementwise.hpp"

namespace fovea::inline FOVEA_PRECISION {

Shards::~Shards() {
  for (const auto& slot : slots_) {
    slot->sink.clear();
    memory::return_pool(slot->pool);
  }
}

Index Shards::count(Index samples, Index positions, Index dense_bytes, bool mixes_samples) {
  constexpr Index most = 32, rows = 512, budget = 64'000'000;
  const Index least = (rows + positions - 1) / positions;
  Index shards = 1;
  while (!mixes_samples && 2 * shards <= std::min(samples / least, most) && 2 * shards * dense_bytes <= budget) shards *= 2;
  return shards;
}

void Shards::run(Index shards, Index samples, parallel::FunctionRef<void(Index shard, Index begin, Index end, Sink& sink)> body) {
  while (static_cast<Index>(slots_.size()) < shards) slots_.push_back(std::make_unique<Slot>());
  const Surroundings here = surroundings();
  parallel::run(shards, [&](Index shard) {
    const SurroundingsScope scope(here);
    Slot& slot = *slots_[static_cast<std::size_t>(shard)];
    const memory::PoolScope memory(slot.pool);
    slot.sink.clear();
    body(shard, samples * shard / shards, samples * (shard + 1) / shards, slot.sink);
  });
}

namespace {

// The shards' gradients of some parameters, all dense, which are added up into the first of them. They belong to several parameters
// where these have one gradient, as W1 and W2 of an AttentionLayer do.
struct DenseSum {
  std::vector<const Tensor*> parameters;
  std::vector<Gradient*> parts;
  std::vector<const real*> arrays;  // of the parts
};

// Adds up numbers [begin, end) of all parts, along a binary tree.
void add_up(const std::vector<real*>& parts, Index begin, Index end) {
  for (std::size_t step = 1; step < parts.size(); step *= 2)
    for (std::size_t i = 0; i + step < parts.size(); i += 2 * step) kernels::scale(parts[i + step] + begin, 1, parts[i] + begin, end - begin, true);
}

void add_up(std::span<const DenseSum> sums) {
  struct Piece {
    const std::vector<real*>* parts;
    Index begin, end;
  };
  constexpr Index grain = 8192;
  std::vector<std::vector<real*>> numbers;
  std::vector<Piece> pieces;
  numbers.reserve(sums.size());
  for (const DenseSum& sum : sums) {
    std::vector<real*>& parts = numbers.emplace_back();
    for (Gradient* part : sum.parts) parts.push_back(part->dense().view.data);
    const Index count = sum.parts[0]->shape().count();
    for (Index begin = 0; parts.size() > 1 && begin < count; begin += grain) pieces.push_back({&parts, begin, std::min(count, begin + grain)});
  }
  parallel::run(static_cast<Index>(pieces.size()), [&](Index i) {
    const auto& [parts, begin, end] = pieces[static_cast<std::size_t>(i)];
    add_up(*parts, begin, end);
  });
  for (const DenseSum& sum : sums)
    for (const Tensor* parameter : sum.parameters) parameter->gradient().add(sum.parts[0]->gathered());
}

}  // namespace

void Shards::reduce(Index shards, const std::vector<NamedParameter>& parameters) {
  std::vector<DenseSum> sums;
  for (const auto& [path, parameter] : parameters) {
    DenseSum sum{{&parameter}, {}, {}};
    bool has_rows = false;
    for (Index shard = 0; shard < shards; ++shard) {
      Gradient& part = slots_[static_cast<std::size_t>(shard)]->sink.target(*parameter.node());
      if (part.empty()) continue;
      sum.parts.push_back(&part);
      has_rows = has_rows || !part.parts().empty();
    }
    parameter.zero_grad();
    if (has_rows || sum.parts.empty()) {
      for (const Gradient* part : sum.parts) parameter.gradient().add(*part);
      continue;
    }
    for (Gradient* part : sum.parts) sum.arrays.push_back(part->gathered().data());
    const auto same = std::ranges::find(sums, sum.arrays, &DenseSum::arrays);
    if (same == sums.end()) {
      sums.push_back(std::move(sum));
    } else {
      same->parameters.push_back(&parameter);
      for (Gradient* part : sum.parts) part->clear();  // so that the other's are its own, and may be written
    }
  }
  add_up(sums);
}

}  // namespace fovea
