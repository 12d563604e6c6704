#include "fovea/diff/grad.hpp"

#include <fmt/format.h>

#include <optional>
#include <unordered_map>

#include "diff/reachable.hpp"
#include "fovea/autograd/graph.hpp"
#include "fovea/base/error.hpp"

namespace fovea::inline FOVEA_PRECISION {

namespace {

// Gathers the gradients of all leaves beside them.
class Apart final : public Sink {
 public:
  Gradient& target(Node& leaf) override { return gradients_.try_emplace(&leaf, leaf.gradient.shape()).first->second; }

  const Gradient* find(const Node* leaf) const {
    const auto found = gradients_.find(leaf);
    return found == gradients_.end() ? nullptr : &found->second;
  }

 private:
  std::unordered_map<const Node*, Gradient> gradients_;
};

// Keeps the gradients of results, which the engine forgets once they are handed on.
class Results final : public Observer {
 public:
  explicit Results(const std::vector<Tensor>& inputs) {
    for (const Tensor& input : inputs)
      if (input.node() && !input.node()->is_leaf()) wanted_[input.node().get()];
  }

  void computed(const char*, const Array&) override {}
  void differentiated(Node& node, Sink&) override {
    if (const auto found = wanted_.find(&node); found != wanted_.end()) found->second = node.gradient.array();
  }

  const std::optional<Array>& operator[](const Node* node) const { return wanted_.at(node); }

 private:
  std::unordered_map<const Node*, std::optional<Array>> wanted_;
};

}  // namespace

std::vector<Array> grad(const Tensor& loss, const std::vector<Tensor>& inputs, bool retain_graph) {
  if (loss.requires_grad()) {
    const auto behind = reachable(loss.node());
    for (std::size_t i = 0; i < inputs.size(); ++i)
      if (!inputs[i].requires_grad() || !behind.contains(inputs[i].node().get()))
        throw StateError(fmt::format("grad: the loss does not depend on input {} of shape {}", i, to_string(inputs[i].shape())));
  }
  Apart leaves;
  Results results(inputs);
  backward(loss, leaves, retain_graph);
  std::vector<Array> gradients;
  for (const Tensor& input : inputs) {
    if (input.node()->is_leaf()) {
      const Gradient* const gathered = leaves.find(input.node().get());
      gradients.push_back(gathered ? gathered->array() : Array::zeros(input.shape()));
    } else {
      gradients.push_back(results[input.node().get()].value_or(Array::zeros(input.shape())));
    }
  }
  return gradients;
}

Tensor on_gradient(const Tensor& x, GradientHook hook) {
  return record("on_gradient", x.value(), wrt(x, [hook = std::move(hook)](const Array& dy, Gradient& dx) { dx.add(hook(dy)); }));
}

}  // namespace fovea
