// One step: a sharded pass over a batch, and an update by the optimiser.
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

void Trainer::check_attached() const {
  auto expected = visited_.begin();
  bool same = true;
  network->each([&](const ParameterPath&, Tensor& tensor) {
    if (tensor.requires_grad())
      same = same && expected != visited_.end() && *expected++ == tensor.node().get();
  });
  if (!same || expected != visited_.end())
    throw StateError(fmt::format(
        "{}: parameters were frozen, unfrozen or replaced after compile; call compile again",
        name()));
  if (compiled->optimizer.attachments() != attached_)
    throw StateError(
        fmt::format("{}: its optimizer was attached to another model, or replaced, after compile; "
                    "call compile again, with an optimizer of its own for each model",
                    name()));
}

// Performs one pass and one step of the optimiser.
void Trainer::train(Pass& pass, const Batch& batch, Means& means) {
  const bool first = steps_ == 0;
  if (first) attach_optimizer();
  check_attached();
  tell_observers([&](Observer& observer) { observer.at_step(static_cast<Index>(steps_)); });
  {
    // Callbacks run outside this scope, in the user's floating-point mode.
    const parallel::FlushSubnormals flush;
    pass.run(batch, true, means);
    if (!all_listed_ && pass.has_unlisted_gradients())
      throw StateError(fmt::format(
          "{}: a tensor that requires gradients took part in the loss, and no module lists it in "
          "`parameters`: it would not learn; list it, or call set_requires_grad(false)",
          name()));
    optimizer().step();
  }
  all_listed_ = all_listed_ || batch.count() > 0;
  drawn_.reset();
  ++steps_;
  tell_observers([](Observer& observer) { observer.at_step(-1); });
}

}}  // namespace fovea
