// The parameters that the optimiser of a model has.
#include <fmt/format.h>

#include <algorithm>

#include "fovea/base/error.hpp"
#include "train/trainer.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

// Attaches the optimiser to the parameters that are trained, at the first step.
void Trainer::attach_optimizer() {
  learning_.clear();
  visited_.clear();
  network->each([&](const ParameterPath& path, Tensor& tensor) {
    if (!tensor.requires_grad()) return;
    const Node* const node = tensor.node().get();
    if (std::ranges::find(visited_, node) == visited_.end()) learning_.push_back({path, tensor});
    visited_.push_back(node);
  });
  attached_ = optimizer().attach(learning_);
}

bool Trainer::is_attached() const {
  auto expected = visited_.begin();
  bool same = true;
  network->each([&](const ParameterPath&, Tensor& tensor) {
    if (tensor.requires_grad())
      same = same && expected != visited_.end() && *expected++ == tensor.node().get();
  });
  return same && expected == visited_.end();
}

void Trainer::check_attached() const {
  if (!is_attached())
    throw StateError(fmt::format(
        "{}: parameters were frozen, unfrozen or replaced after compile; call compile again",
        name()));
  if (compiled->optimizer.attachments() != attached_)
    throw StateError(
        fmt::format("{}: its optimizer was attached to another model, or replaced, after compile; "
                    "call compile again, with an optimizer of its own for each model",
                    name()));
}

}}  // namespace fovea
