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

// The nodes of a run, in the memory that the thread's run before has left; a rule may itself run
// backward, for instance to recompute. However the run ends, no gradient stays in a node.
struct WorkList {
  WorkList() : nodes(std::exchange(spare(), {})) {}
  ~WorkList() {
    for (const NodePtr& node : nodes)
      if (node) node->gradient.clear();
    nodes.clear();
    spare() = std::move(nodes);
  }
  static std::vector<NodePtr>& spare() {
    thread_local std::vector<NodePtr> list;
    return list;
  }

  std::vector<NodePtr> nodes;
};

void check_start(const Tensor& y, const Array& dy);
void reachable_newest_first(const NodePtr& root, std::vector<NodePtr>& nodes);
void run(Node& node, Sink& sink);

}  // namespace

void backward(const Tensor& y, const Array& dy, Sink& sink, bool retain_graph) {
  check_start(y, dy);
  if (y.node()->is_leaf()) return sink.target(*y.node()).add(dy);
  const parallel::FlushSubnormals flush;
  WorkList list;
  reachable_newest_first(y.node(), list.nodes);
  y.node()->gradient.add(dy);
  for (NodePtr& node : list.nodes) {
    if (!node->gradient.empty()) run(*node, sink);
    node->gradient.clear();
    if (!retain_graph) {
      node->release_rules();
      node = NodePtr();
    }
  }
}

void backward(const Tensor& loss, Sink& sink, bool retain_graph) {
  if (loss.value().count() != 1)
    throw ShapeError(
        fmt::format("backward: the loss has shape {}; it must be a scalar; take its sum or mean",
                    to_string(loss.shape())));
  backward(loss, Array::full(loss.shape(), 1), sink, retain_graph);
}

namespace {

void check_start(const Tensor& y, const Array& dy) {
  if (dy.shape() != y.shape())
    throw ShapeError(fmt::format(
        "backward: a gradient of shape {} for a tensor of shape {}; the two must be equal",
        to_string(dy.shape()), to_string(y.shape())));
  if (!y.requires_grad() && !grad_enabled())
    throw StateError(
        "backward: gradient recording is disabled by NoGrad; run the forward pass outside its "
        "scope");
  if (!y.requires_grad())
    throw StateError(
        "backward: the loss depends on no parameter that requires gradients; make a leaf with "
        "Tensor::parameter, and run the forward pass outside the scope of any NoGrad");
}

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

}  // namespace

}}  // namespace fovea
