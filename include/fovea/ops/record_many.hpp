// Recording of operations on lists of tensors, such as concat.
#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include "fovea/autograd/graph.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// The node of an operation with any number of inputs and one rule for all of them.
template <class Rule>
class RecordedMany final : public Node {
 public:
  RecordedMany(const char* operation, const Shape& shape, const std::vector<Tensor>& inputs,
               Rule rule)
      : Node(operation, shape), rule_(std::move(rule)) {
    leaf = false;
    for (const Tensor& input : inputs) {
      edges_.push_back(Edge(input.node()));
      if (input.node()) number = std::max(number, input.node()->number);
    }
    ++number;
  }

  std::span<Edge> edges() override { return edges_; }

  void run_rules(const Array& d, Sink& sink) override {
    for (std::size_t i = 0; i < edges_.size(); ++i)
      if (Gradient* share = target(edges_[i], sink)) (*rule_)(d, i, *share);
  }

  void release_rules() override {
    released = true;
    rule_.reset();
    edges_.clear();
  }

 private:
  std::optional<Rule> rule_;
  std::vector<Edge> edges_;
};

/// Returns the result of an operation on a list of inputs, as `record` does. The rule is
/// `void(const Array& dy, std::size_t i, Gradient& dxi)`.
template <class Rule>
Tensor record_many(const char* operation, Array value, const std::vector<Tensor>& inputs,
                   Rule rule) {
  const Surroundings& here = surroundings();
  if (here.observer)
    tell_observers([&](Observer& observer) { observer.computed(operation, value); });
  const bool needed =
      std::ranges::any_of(inputs, [](const Tensor& input) { return input.requires_grad(); });
  if (!here.recording || !needed) return Tensor(std::move(value));
  NodePtr node(new RecordedMany<Rule>(operation, value.shape(), inputs, std::move(rule)));
  return Tensor(std::move(value), std::move(node));
}

}}  // namespace fovea
