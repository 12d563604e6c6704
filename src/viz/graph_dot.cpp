#include "fovea/viz/graph_dot.hpp"

#include <fmt/format.h>

#include <map>

#include "diff/reachable.hpp"
#include "fovea/base/error.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result;
}

std::string label(const Node& node) {
  const Shape& shape = node.gradient.shape();
  const char* const name = node.is_leaf() && *node.layer ? node.layer : node.name;
  return fmt::format("{}\\n{} {} bytes", escaped(name), to_string(shape),
                     shape.count() * static_cast<Index>(sizeof(real)));
}

std::string statement(const Node& node, std::size_t id) {
  const char* const style = !node.is_leaf()      ? "shape=ellipse"
                            : node.requires_grad ? "shape=box"
                                                 : "shape=box, style=dashed";
  return fmt::format("n{} [label=\"{}\", {}];\n", id, label(node), style);
}

}  // namespace

std::string graph_dot(const Tensor& result) {
  if (!result.node())
    throw StateError(
        "graph_dot: the tensor has no graph: it is a constant, or was computed where nothing is "
        "recorded");
  const Nodes nodes = reachable(result.node());
  std::map<const Node*, std::size_t> ids;
  std::map<std::string, std::string> frames;  // of the layers: the nodes inside
  std::string outside, arrows;
  for (const NodePtr& node : nodes.in_order) ids.emplace(node.get(), ids.size());
  for (const NodePtr& node : nodes.in_order) {
    std::string& place = node->is_leaf() || !*node->layer ? outside : frames[node->layer];
    place += "  " + statement(*node, ids[node.get()]);
    for (const Edge& edge : node->edges())
      if (edge.parent)
        arrows += fmt::format("  n{} -> n{};\n", ids[edge.parent.get()], ids[node.get()]);
  }
  std::string text =
      "digraph fovea {\n  rankdir=BT;\n  node [fontname=\"sans-serif\"];\n" + outside;
  std::size_t number = 0;
  for (const auto& [layer, inside] : frames)
    text += fmt::format("  subgraph cluster_{} {{\n  label=\"{}\";\n{}  }}\n", number++,
                        escaped(layer), inside);
  return text + arrows + "}\n";
}

}}  // namespace fovea
