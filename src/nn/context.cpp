#include "fovea/nn/context.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "fovea/base/error.hpp"
#include "fovea/ops/ops.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

bool AttentionRequest::asks(std::string_view path) const {
  return layers.empty() || std::ranges::any_of(layers, [&](const std::string& asked) {
           return path.starts_with(asked) &&
                  (path.size() == asked.size() || path[asked.size()] == '/');
         });
}

const Array& AttentionWeights::operator[](std::string_view path) const& {
  const auto found = find(path);
  if (found != end()) return found->second;
  std::string names;
  for (const auto& weights : *this) names += (names.empty() ? "are: " : ", ") + weights.first;
  throw IndexError(fmt::format("AttentionWeights: there is no \"{}\"; there {}", path,
                               empty() ? "are none" : names));
}

Tensor Logits::keep(const Tensor& logits, Activation activation) {
  kept.push_back({activate(logits, activation), logits, activation});
  return kept.back().output;
}

const Tensor* Logits::of(const Tensor& output, Activation activation) const {
  for (const Kept& each : kept)
    if (each.activation == activation && each.output.shape() == output.shape() &&
        each.output.value().data() == output.value().data() &&
        each.output.node().get() == output.node().get())
      return &each.logits;
  return nullptr;
}

Rng Context::random() const {
  if (!step)
    throw StateError(
        "the context has no step, so dropout would draw the same elements in each; call with "
        "optimizer.context(), or set .step to the number of the step");
  const Rng whole = Rng(seed).split(path, *step);
  return first_position == 0 ? whole
                             : whole.split("position", static_cast<std::uint64_t>(first_position));
}

}}  // namespace fovea
