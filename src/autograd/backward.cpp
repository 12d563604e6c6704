// The engine: visits the operations behind a loss, newest first, and lets each hand its gradient on to its parents.
//
// A node's number is one more than the largest of its parents', so descending numbers are an order in which every node comes
// after all that used it. No recursion anywhere: graphs may be millions of operations long.
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "fovea/autograd/graph.hpp"
#include "fovea/base/error.hpp"
#include "parallel/parallel.hpp"

namespace fovea::inline FOVEA_PRECISION {

namespace {

// Leaves gather their own gradients.
class OwnGradients final : public Sink {
 public:
  Gradient& target(Node& leaf) override { return leaf.gradient; }
};

void check_usable(const Node& node, std::span<const Edge> edges) {
  if (node.released)
    throw StateError(fmt::format("backward: the graph behind {} was released by an earlier backward; pass retain_graph = true there to run it twice", node.name));
  for (const Edge& edge : edges)
    if (edge.parent && edge.parent->version != edge.version)
      throw StateError(fmt::format("backward: an input of {}, a parameter of shape {}, was written to after the forward pass; run the forward pass again", node.name,
                                   to_string(edge.parent->gradient.shape())));
}

// Every operation behind `root` once, newest first; equals in the order of discovery. Leaves are left out.
void reachable_newest_first(const NodePtr& root, std::vector<NodePtr>& nodes) {
  static std::atomic<std::uint64_t> visits = 0;
  const std::uint64_t visit = ++visits;
  root->visit = visit;
  nodes.push_back(root);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const std::span<const Edge> edges = nodes[i]->edges();
    check_usable(*nodes[i], edges);
    for (const Edge& edge : edges) {
      if (!edge.parent || edge.parent->is_leaf() || edge.parent->visit == visit) continue;
      edge.parent->visit = visit;
      nodes.push_back(edge.parent);
    }
  }
  const auto newer = [](const NodePtr& a, const NodePtr& b) { return a->number > b->number; };
  if (!std::ranges::is_sorted(nodes, newer)) std::ranges::stable_sort(nodes, newer);
}

// The working list of a thread, kept for its memory; emptied when a run ends, however it ends.
struct WorkList {
  std::vector<NodePtr>& nodes;
  ~WorkList() {
    for (const NodePtr& node : nodes)
      if (node) node->gradient.clear();
    nodes.clear();
  }
};

}  // namespace

void backward(const Tensor& loss, Sink& sink, bool retain_graph) {
  if (loss.value().count() != 1)
    throw ShapeError(fmt::format("backward: the loss has shape {}; it must be one number (take its sum or mean)", to_string(loss.shape())));
  if (!loss.requires_grad()) throw StateError("backward: the loss depends on no parameter, or was computed where nothing is recorded");
  const Array one = Array::full(loss.shape(), 1);
  if (loss.node()->is_leaf()) return sink.target(*loss.node()).add(one);

  const parallel::FlushSubnormals flush;
  thread_local std::vector<NodePtr> spare;
  std::vector<NodePtr> nodes = std::exchange(spare, {});  // a rule may itself run backward, for instance to recompute
  {
    const WorkList list{nodes};
    reachable_newest_first(loss.node(), nodes);
    loss.node()->gradient.add(one);
    for (NodePtr& node : nodes) {
      if (!node->gradient.empty()) node->run_rules(node->gradient.array(), sink);
      node->gradient.clear();
      if (!retain_graph) {
        node->release_rules();
        node = NodePtr();
      }
    }
  }
  spare = std::move(nodes);
}

void Tensor::backward(bool retain_graph) const {
  OwnGradients sink;
  fovea::backward(*this, sink, retain_graph);
}

}  // namespace fovea
