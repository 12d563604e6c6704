#include "fovea/autograd/node.hpp"

#include <fmt/format.h>

namespace fovea { inline namespace FOVEA_PRECISION {

void destroy(Node* node) noexcept {
  thread_local Node* dead = nullptr;
  thread_local bool destroying = false;
  node->next_dead = dead;
  dead = node;
  if (destroying) return;
  destroying = true;
  while (dead) delete std::exchange(dead, dead->next_dead);
  destroying = false;
}

std::string to_string(const Node& node) {
  if (!node.is_leaf()) return fmt::format("the result of {}", node.name);
  return *node.layer ? fmt::format("the {} {}", node.name, node.layer)
                     : fmt::format("a {}", node.name);
}

}}  // namespace fovea
