#include "train/shards.hpp"

#include <algorithm>

namespace fovea::inline FOVEA_PRECISION {

Shards::~Shards() {
  for (const auto& slot : slots_) {
    slot->sink.clear();
    memory::return_pool(slot->pool);
  }
}

Index Shards::count(Index samples, Index dense_bytes, bool mixes_samples) {
  constexpr Index most = 32, budget = 64'000'000;
  Index shards = 1;
  while (!mixes_samples && 2 * shards <= std::min(samples / 2, most) && 2 * shards * dense_bytes <= budget) shards *= 2;
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

void Shards::reduce(Index shards, const std::vector<NamedParameter>& parameters) {
  // A parameter that a shard did not use gets its entry here, before several tasks look for theirs at once.
  for (Index shard = 0; shard < shards; ++shard)
    for (const NamedParameter& parameter : parameters) slots_[static_cast<std::size_t>(shard)]->sink.target(*parameter.tensor.node());
  parallel::run(static_cast<Index>(parameters.size()), [&](Index i) {
    const Tensor& parameter = parameters[static_cast<std::size_t>(i)].tensor;
    const auto gradient = [&](Index shard) -> Gradient& { return slots_[static_cast<std::size_t>(shard)]->sink.target(*parameter.node()); };
    for (Index step = 1; step < shards; step *= 2)
      for (Index shard = 0; shard + step < shards; shard += 2 * step) gradient(shard).add(gradient(shard + step));
    parameter.zero_grad();
    parameter.gradient().add(gradient(0));
  });
}

}  // namespace fovea
