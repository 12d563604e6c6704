// Gradients of leaves, beside the leaves.
#pragma once

#include <map>

#include "fovea/autograd/node.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Accumulates the gradients of leaves apart from them: of one shard of a batch, or for `grad`.
/// Keeps the leaves alive: another node at the same address would be taken for one of them.
class LeafGradients final : public Sink {
 public:
  Gradient& target(Node& leaf) override {
    const auto found = gradients_.find(&leaf);
    return found != gradients_.end()
               ? found->second.gradient
               : gradients_.emplace(&leaf, Entry{NodePtr(&leaf), Gradient(leaf.gradient.shape())})
                     .first->second.gradient;
  }

  /// The gradient of a leaf; null where none has arrived since the leaf was last forgotten.
  const Gradient* find(const Node* leaf) const {
    const auto found = gradients_.find(leaf);
    return found == gradients_.end() ? nullptr : &found->second.gradient;
  }

  /// Whether a leaf for which `is_listed` returns false has a gradient.
  template <class IsListed>
  bool has_other(const IsListed& is_listed) const {
    for (const auto& entry : gradients_)
      if (!entry.second.gradient.empty() && !is_listed(entry.first)) return true;
    return false;
  }

  /// Forgets the gradients, and the leaves that nothing else refers to.
  void clear() {
    std::erase_if(gradients_, [](const auto& entry) {
      return entry.second.leaf->references.load(std::memory_order_relaxed) == 1;
    });
    for (auto& entry : gradients_) entry.second.gradient.clear();
  }

 private:
  struct Entry {
    NodePtr leaf;
    Gradient gradient;
  };
  std::map<const Node*, Entry> gradients_;
};

}}  // namespace fovea
