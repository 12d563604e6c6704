// What stands behind a node of the graph.
#pragma once

#include <unordered_set>
#include <vector>

#include "fovea/autograd/node.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// A set of nodes that remembers the order in which they were found.
struct Nodes {
  std::vector<NodePtr> in_order;
  std::unordered_set<const Node*> all;

  bool contains(const Node* node) const { return all.contains(node); }
};

/// The root and everything that it was computed from, leaves included, each once, the root first.
inline Nodes reachable(const NodePtr& root) {
  Nodes nodes{{root}, {root.get()}};
  for (std::size_t i = 0; i < nodes.in_order.size(); ++i)
    for (const Edge& edge : nodes.in_order[i]->edges())
      if (edge.parent && nodes.all.insert(edge.parent.get()).second)
        nodes.in_order.push_back(edge.parent);
  return nodes;
}

}}  // namespace fovea
