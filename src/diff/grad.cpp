#include "fovea/diff/grad.hpp"

#include <fmt/format.h>

#include <optional>
#include <unordered_map>

#include "diff/leaf_gradients.hpp"
#include "diff/reachable.hpp"
#include "fovea/autograd/graph.hpp"
#include "fovea/base/error.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

// Keeps the gradients of results, which the engine forgets once they are handed on.
class Results final : public Observer {
 public:
  explicit Results(const std::vector<Tensor>& inputs) {
    for (const Tensor& input : inputs)
      if (input.node() && !input.node()->is_leaf()) wanted_[input.node().get()];
  }

  void computed(const char*, const Array&) override {}
  void differentiated(Node& node, Sink&) override {
    if (const auto found = wanted_.find(&node); found != wanted_.end())
      found->second = node.gradient.array();
  }

  std::optional<Array> find(const Node* result) const {
    const auto found = wanted_.find(result);
    return found == wanted_.end() ? std::nullopt : found->second;
  }

 private:
  std::unordered_map<const Node*, std::optional<Array>> wanted_;
};

}  // namespace

std::vector<Array> grad(const Tensor& loss, const std::vector<Tensor>& inputs,
                        const GradOptions& options) {
  for (const Tensor& input : inputs) input.value();  // throws where one is not defined
  if (loss.requires_grad() && !loss.node()->released && !options.allow_unused) {
    const auto behind = reachable(loss.node());
    for (std::size_t i = 0; i < inputs.size(); ++i)
      if (!inputs[i].requires_grad() || !behind.contains(inputs[i].node().get()))
        throw StateError(
            fmt::format("grad: the loss does not depend on input {} of shape {}; leave it out, or "
                        "set allow_unused",
                        i, to_string(inputs[i].shape())));
  }
  LeafGradients leaves;
  Results results(inputs);
  backward(loss, leaves, options.retain_graph);
  std::vector<Array> gradients;
  for (const Tensor& input : inputs) {
    const Node* const node = input.node().get();
    const Gradient* const gathered = leaves.find(node);
    gradients.push_back(gathered ? gathered->array()
                                 : results.find(node).value_or(Array::zeros(input.shape())));
  }
  return gradients;
}

Tensor register_hook(const Tensor& x, GradientHook hook) {
  if (!hook) throw ValueError("register_hook: the hook is empty");
  return record(
      "register_hook", x.value(),
      wrt(x, [hook = std::move(hook)](const Array& dy, Gradient& dx) { dx.add(hook(dy)); }));
}

}}  // namespace fovea
