// The graph of computation, for authors of operations and viewers of graphs.
//
// `record` is the only way into the graph: it pairs a result with one backward rule for each input.
// A rule captures the Arrays that it needs, never Tensors. So a graph keeps in memory only what its
// rules captured, and cycles are impossible.
#pragma once

#include <algorithm>
#include <functional>
#include <optional>
#include <span>
#include <tuple>

#include "fovea/autograd/tensor.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Inputs and their common rule.
template <std::size_t N, class Rule>
struct WithRespectTo {
  /// In the order of the rule's arguments.
  std::array<std::reference_wrapper<const Tensor>, N> inputs;
  Rule rule;  ///< kept by the node

  /// Returns whether any input needs a gradient.
  bool needed() const { return std::ranges::any_of(inputs, &Tensor::requires_grad); }
};

/// Pairs an input with its rule, `void(const Array& dy, Gradient& dx)`, which adds dx = dy dy/dx.
template <class Rule>
auto wrt(const Tensor& input, Rule rule) {
  return WithRespectTo<1, Rule>{{input}, std::move(rule)};
}

/// Pairs several inputs with one rule that shares work between them: wrt({x, gamma, beta}, rule).
/// The rule is `void(const Array& dy, Gradient* dx, Gradient* dgamma ...)`. A pointer is null where
/// its input needs no gradient.
template <std::size_t N, class Rule>
auto wrt(const std::reference_wrapper<const Tensor> (&inputs)[N], Rule rule) {
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    return WithRespectTo<N, Rule>{{inputs[I]...}, std::move(rule)};
  }
  (std::make_index_sequence<N>());
}

/// The node of one operation, with its rules. A rule is dropped, with what it captured, where no
/// input needs it.
template <class... Parts>
class Recorded;
template <std::size_t... N, class... Rule>
class Recorded<WithRespectTo<N, Rule>...> final : public Node {
 public:
  Recorded(const char* operation, const Shape& shape, WithRespectTo<N, Rule>&... parts)
      : Node(operation, shape) {
    std::size_t next = 0;
    leaf = false;
    (take(parts, next), ...);
    ++number;
    [&]<std::size_t... I>(std::index_sequence<I...>) { (keep(std::get<I>(rules_), parts), ...); }
    (std::index_sequence_for<Rule...>());
  }

  std::span<Edge> edges() override {
    return released ? std::span<Edge>() : std::span<Edge>(edges_);
  }

  void run_rules(const Array& d, Sink& sink) override {
    std::size_t next = 0;
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      (run<N>(std::get<I>(rules_), next, d, sink), ...);
    }
    (std::index_sequence_for<Rule...>());
  }

  void release_rules() override {
    released = true;
    std::apply([](auto&... rule) { (rule.reset(), ...); }, rules_);
    edges_ = {};
  }

 private:
  template <class Part>
  void take(const Part& part, std::size_t& next) {
    for (const Tensor& input : part.inputs) {
      Edge& edge = edges_[next++];
      edge = Edge(input.node());
      if (edge.parent) number = std::max(number, edge.parent->number);
    }
  }

  template <class Kept, class Part>
  static void keep(std::optional<Kept>& rule, Part& part) {
    if (part.needed()) rule.emplace(std::move(part.rule));
  }

  template <std::size_t Inputs, class Kept>
  void run(std::optional<Kept>& rule, std::size_t& next, const Array& d, Sink& sink) {
    const std::size_t first = next;
    next += Inputs;
    if (!rule) return;
    if constexpr (Inputs == 1) {
      if (Gradient* share = target(edges_[first], sink)) (*rule)(d, *share);
    } else
      [&]<std::size_t... I>(std::index_sequence<I...>) {
        (*rule)(d, target(edges_[first + I], sink)...);
      }
    (std::make_index_sequence<Inputs>());
  }

  std::tuple<std::optional<Rule>...> rules_;
  std::array<Edge, (N + ... + 0)> edges_;
};

/// Returns the result of an operation: `value` with a node behind it. The result is a constant
/// where no input needs a gradient or recording is disabled. `operation` is kept by address, so it
/// must be a literal; errors name it.
template <class... Parts>
Tensor record(const char* operation, Array value, Parts... parts) {
  const Surroundings& here = surroundings();
  if (here.observer)
    tell_observers([&](Observer& observer) { observer.computed(operation, value); });
  if (!here.recording || !(parts.needed() || ...)) return Tensor(std::move(value));
  NodePtr node(new Recorded<Parts...>(operation, value.shape(), parts...));
  return Tensor(std::move(value), std::move(node));
}

/// Runs backward from a tensor of any shape whose own gradient is `dy`. Gradients of leaves go to
/// `sink`. Throws what Tensor::backward throws.
void backward(const Tensor& y, const Array& dy, Sink& sink, bool retain_graph = false);

/// Runs `loss.backward()`, with the gradients of leaves going to `sink`.
void backward(const Tensor& loss, Sink& sink, bool retain_graph = false);

}}  // namespace fovea
