// The engine: visits the operations behind a loss, newest first, and lets each hand its gradient on
// to its parents.
//
// A node's number is one more than the largest of its parents', so descending numbers are an order
// in which every node comes after all that used it. No recursion anywhere: graphs may be millions
// of operations long.
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "fovea/autograd/graph.hpp"
#include "fovea/base/error.hpp"
#include "parallel/parallel.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

void check_usable(const Node& node, std::span<const Edge> edges) {
  if (node.released)
    throw StateError(
        fmt::format("backward: the graph behind {} was released by an earlier backward; pass "
                    "retain_graph = true there to run it twice",
                    node.name));
  for (const Edge& edge : edges)
    if (edge.parent && edge.parent->version != edge.version)
      throw StateError(fmt::format(
          "backward: an input of {}, {} of shape {}, was written to after the forward pass; run "
          "the forward pass again",
          node.name, to_string(*edge.parent), to_string(edge.parent->gradient.shape())));
}

// Every operation behind `root` once, newest first; equals in the order of discovery. Leaves are
// left out.
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

void run(Node& node, Sink& sink) {
  try {
    node.run_rules(node.gradient.gathered(), sink);
    if (surroundings().observer)
      tell_observers([&](Observer& observer) { observer.differentiated(node, sink); });
  } catch (Error& error) {
    if (*node.layer && error.path().empty()) error.add_path(node.layer);
    throw;
  }
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
    throw ShapeError(
        fmt::format("backward: the loss has shape {}; it must be one number (take its sum or mean)",
                    to_string(loss.shape())));
  backward(loss, Array::full(loss.shape(), 1), sink, retain_graph);
}

void backward(const Tensor& y, const Array& dy, Sink& sink, bool retain_graph) {
  if (dy.shape() != y.shape())
    throw ShapeError(fmt::format(
        "backward: a gradient of shape {} for a tensor of shape {}; the two must be equal",
        to_string(dy.shape()), to_string(y.shape())));
  if (!y.requires_grad() && !grad_enabled())
    throw StateError(
        "backward: nothing is recorded where a NoGrad lives; end it before the forward pass");
  if (!y.requires_grad())
    throw StateError(
        "backward: the loss depends on no parameter that requires gradients; make a leaf with "
        "Tensor::parameter, and end any NoGrad before the forward pass");
  if (y.node()->is_leaf()) return sink.target(*y.node()).add(dy);

  const parallel::FlushSubnormals flush;
  thread_local std::vector<NodePtr> spare;
  std::vector<NodePtr> nodes =
      std::exchange(spare, {});  // a rule may itself run backward, for instance to recompute
  {
    const WorkList list{nodes};
    reachable_newest_first(y.node(), nodes);
    y.node()->gradient.add(dy);
    for (NodePtr& node : nodes) {
      if (!node->gradient.empty()) run(*node, sink);
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
  Sink own;
  fovea::backward(*this, own, retain_graph);
}

void Tensor::backward(const Array& dy, bool retain_graph) const {
  Sink own;
  fovea::backward(*this, dy, own, retain_graph);
}

}}  // namespace fovea
