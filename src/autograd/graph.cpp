// Tensors, leaves, what surrounds them, and the end of nodes.
#include "fovea/autograd/graph.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "fovea/base/error.hpp"

namespace fovea::inline FOVEA_PRECISION {

namespace {

thread_local Surroundings here;

}  // namespace

Surroundings& surroundings() { return here; }

Observer::~Observer() {
  Observer** at = &here.observer;
  while (*at && *at != this) at = &(*at)->outer;
  if (*at) *at = outer;
}

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
  return *node.layer ? fmt::format("the {} {}", node.name, node.layer) : fmt::format("a {}", node.name);
}

Tensor Tensor::parameter(const Array& value) { return Tensor(value.clone(), NodePtr(new Node("parameter", value.shape()))); }

const Array& Tensor::settled_value() const {
  if (!defined()) throw StateError("this tensor has no numbers yet; a module's parameters exist once it is built: call build, or put it into a Sequential");
  node_->lagging->settle_all();
  return value_;
}

const Array& Tensor::rows_value(const Ids& ids) const {
  if (!node_ || !node_->lagging) return value();
  node_->lagging->settle(ids.values());
  return value_;
}

real Tensor::item() const {
  if (value().count() != 1) throw ShapeError(fmt::format("item: the tensor has shape {}; only a tensor of one number has an item", to_string(shape())));
  return value().data()[0];
}

Array& Tensor::mutable_value() {
  value();
  if (node_ && !node_->is_leaf()) throw StateError(fmt::format("assign: {} cannot be written to; write to a leaf, or to a detached clone", to_string(*node_)));
  if (node_)
    ++node_->version;
  else if (!value_.unique())
    value_ = value_.clone();  // somebody may need the old numbers, such as the rules of a graph
  return value_;
}

void Tensor::assign(const Array& value) {
  if (value.shape() != shape()) throw ShapeError(fmt::format("assign: a tensor of shape {} is given numbers of shape {}; they must be equal", to_string(shape()), to_string(value.shape())));
  const std::span<const real> from = value.values();
  std::ranges::copy(from, mutable_value().mutable_data());
}

void Tensor::set_requires_grad(bool wanted) {
  value();
  if (node_ && !node_->is_leaf()) throw StateError(fmt::format("set_requires_grad: this is the result of {}; only leaves can be frozen", node_->name));
  if (!node_ && wanted) *this = parameter(value_);
  if (!node_) return;
  node_->requires_grad = wanted;
  if (!wanted) node_->gradient.clear();
}

Gradient& Tensor::gradient() const {
  if (!node_ || !node_->is_leaf())
    throw StateError(fmt::format("grad: this is {}; only leaves gather gradients, such as Tensor::parameter makes", node_ ? to_string(*node_) : "a constant"));
  if (!node_->requires_grad) throw StateError(fmt::format("grad: {} is frozen; set_requires_grad lets it gather gradients", to_string(*node_)));
  return node_->gradient;
}

Array Tensor::grad() const { return gradient().array(); }
void Tensor::zero_grad() const { gradient().clear(); }

Tensor Tensor::clone() const {
  if (!is_leaf()) return Tensor(value().clone());
  Tensor copy = parameter(value());
  copy.node_->requires_grad = node_->requires_grad;
  return copy;
}

}  // namespace fovea
