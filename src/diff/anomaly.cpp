#include "fovea/diff/anomaly.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "fovea/autograd/node.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

// The position in each axis of an element: "(3, 0)".
std::string position(const Shape& shape, Index element) {
  std::vector<Index> along(static_cast<std::size_t>(shape.rank()));
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    along[static_cast<std::size_t>(axis)] = element % shape[axis];
    element /= shape[axis];
  }
  return fmt::format("({})", fmt::join(along, ", "));
}

}  // namespace

void DetectAnomaly::look_through(const Array& numbers, std::string_view what) const {
  const auto wrong = [&](real x) {
    return options_.infinities ? !std::isfinite(x) : std::isnan(x);
  };
  const auto found = std::ranges::find_if(numbers.values(), wrong);
  if (found == numbers.values().end()) return;
  const std::string step = step_ < 0 ? "" : fmt::format(", in step {}", step_);
  throw NonFiniteError(fmt::format("{} has {} at {} of its shape {}{}", what, *found,
                                   position(numbers.shape(), found - numbers.values().begin()),
                                   to_string(numbers.shape()), step));
}

void DetectAnomaly::computed(const char* operation, const Array& value) {
  look_through(value, fmt::format("{}: the result", operation));
}

void DetectAnomaly::differentiated(Node& node, Sink& sink) {
  const std::span<const Edge> edges = node.edges();
  for (std::size_t i = 0; i < edges.size(); ++i) {
    const Gradient* const gradient = Node::target(edges[i], sink);
    if (!gradient) continue;
    const Node& parent = *edges[i].parent;
    const std::string of = to_string(parent);
    if (gradient->has_rows_only())
      for (const TouchedRows& part : gradient->parts())
        look_through(part.values,
                     fmt::format("backward of {}: the rows of the gradient of input {}, {},",
                                 node.name, i, of));
    else
      look_through(gradient->array(),
                   fmt::format("backward of {}: the gradient of input {}, {},", node.name, i, of));
  }
}

}}  // namespace fovea
