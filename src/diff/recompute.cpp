// A node that knows its inputs and the function, and runs the function again when it is asked for
// gradients.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <type_traits>

#include "base/fnv.hpp"
#include "diff/reachable.hpp"
#include "fovea/autograd/graph.hpp"
#include "fovea/base/error.hpp"
#include "fovea/diff/grad.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

using Bits = std::conditional_t<sizeof(real) == 8, std::uint64_t, std::uint32_t>;

// The inputs once more, as leaves of a graph of their own. They keep their places in the order of
// nodes, so that inside the shares of a gradient are added up in the order in which they would be
// without a recomputation.
std::vector<Tensor> as_leaves(const std::vector<Array>& values, std::span<const Edge> edges) {
  std::vector<Tensor> leaves;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!edges[i].wanted || !edges[i].parent->requires_grad) {
      leaves.emplace_back(values[i]);
      continue;
    }
    NodePtr leaf(new Leaf("recompute input", values[i]));
    leaf->number = edges[i].parent->number;
    leaves.emplace_back(Array(), std::move(leaf));
  }
  return leaves;
}

std::uint32_t next_graph() {
  static std::atomic<std::uint32_t> last = 0;
  return ++last;
}

// A number for the bits of an array: Fowler, Noll and Vo's hash, of words.
std::uint64_t fingerprint(const Array& array) {
  std::uint64_t hash = fnv_start;
  for (const real number : array.values()) hash = fnv(hash, std::bit_cast<Bits>(number));
  return hash;
}

class Recompute final : public Node {
 public:
  // What the function made of the inputs, and the leaves besides them that it used.
  Recompute(const Tensor& y, TensorFunction function, const std::vector<Tensor>& inputs,
            const std::vector<NodePtr>& others)
      : Node("recompute", y.shape()),
        function_(std::move(function)),
        fingerprint_(fingerprint(y.value())) {
    leaf = false;
    for (const Tensor& input : inputs) {
      values_.push_back(input.value());
      edges_.emplace_back(input.node());
    }
    for (const NodePtr& other : others) edges_.emplace_back(other);
    // As deep as what it stands for, so that the order of nodes around it stays as it would be.
    number = y.node()->number;
    for (const Edge& edge : edges_)
      if (edge.parent) number = std::max(number, edge.parent->number + 1);
  }

  std::span<Edge> edges() override { return edges_; }

  void run_rules(const Array& d, Sink& outer) override {
    const SurroundingsScope inside(
        {true, next_graph(), layer, surroundings().observer, surroundings().hook});
    const std::vector<Tensor> leaves = as_leaves(values_, edges_);
    const Tensor y = function_(leaves);
    if (y.shape() != d.shape() || fingerprint(y.value()) != fingerprint_)
      throw StateError(fmt::format(
          "recompute: the function returned other values, of shape {}, in backward "
          "than in forward, of shape {}; it must compute the same each time, from the same values",
          to_string(y.shape()), to_string(d.shape())));
    if (!y.requires_grad()) return;  // all that it depends on was frozen since
    Inside sink(leaves, edges_, outer);
    backward(y, d, sink);
  }

  void release_rules() override {
    released = true;
    function_ = nullptr;
    values_.clear();
    edges_.clear();
  }

 private:
  // What reaches a leaf that stands for an input goes to that input; what reaches any other goes
  // where it would go outside.
  class Inside final : public Sink {
   public:
    Inside(const std::vector<Tensor>& leaves, std::span<const Edge> edges, Sink& outer)
        : leaves_(leaves), edges_(edges), outer_(outer) {}
    Gradient& target(Node& node) override {
      for (std::size_t i = 0; i < leaves_.size(); ++i)
        if (leaves_[i].node().get() == &node) return *Node::target(edges_[i], outer_);
      return outer_.target(node);
    }

   private:
    const std::vector<Tensor>& leaves_;
    std::span<const Edge> edges_;
    Sink& outer_;
  };

  TensorFunction function_;
  std::uint64_t fingerprint_;
  std::vector<Array> values_;
  std::vector<Edge> edges_;  // of the inputs, then of the other leaves that the function uses
};

}  // namespace

Tensor recompute(TensorFunction function, const std::vector<Tensor>& inputs) {
  if (!function) throw ValueError("recompute: the function is empty");
  if (!grad_enabled()) return function(inputs);
  std::vector<Array> values;
  std::vector<Edge> edges;
  for (const Tensor& input : inputs) {
    values.push_back(input.value());
    edges.emplace_back(input.node());
  }
  const std::vector<Tensor> leaves = as_leaves(values, edges);
  const Surroundings& here = surroundings();
  const std::uint32_t graph = next_graph();
  const Tensor y = [&] {
    const SurroundingsScope inside({true, graph, here.layer, here.observer, here.hook});
    return function(leaves);
  }();
  if (!y.requires_grad()) return y;
  // Results that leave the function by another way can no longer be used by backward, which says
  // so.
  for (const Tensor& leaf : leaves)
    if (leaf.node()) ++leaf.node()->version;

  std::vector<NodePtr> others;
  for (const NodePtr& node : reachable(y.node()).in_order) {
    if (!node->is_leaf() && node->graph != graph)
      throw ValueError(
          fmt::format("recompute: the function uses {}, of shape {}, which was computed outside; "
                      "give it as an input",
                      to_string(*node), to_string(node->gradient.shape())));
    const bool is_input = std::ranges::any_of(
        leaves, [&](const Tensor& leaf) { return leaf.node().get() == node.get(); });
    if (node->is_leaf() && !is_input) others.push_back(node);
  }
  return Tensor(y.value(), NodePtr(new Recompute(y, std::move(function), inputs, others)));
}

}}  // namespace fovea
