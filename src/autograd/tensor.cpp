#include "fovea/autograd/tensor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ostream>
#include <string_view>

#include "fovea/autograd/graph.hpp"
#include "fovea/base/error.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

Tensor Tensor::parameter(const Array& value) {
  return Tensor({}, NodePtr(new Leaf("parameter", value.clone())));
}

const Array& Tensor::leaf_value() const {
  if (!node_)
    throw StateError(
        "this tensor is undefined; a module's parameters exist once it is built: call build, "
        "or put it into a Sequential");
  if (node_->lagging) node_->lagging->settle_all();
  return static_cast<const Leaf&>(*node_).numbers;
}

const Array& Tensor::rows_value(const Ids& ids) const& {
  if (!node_ || !node_->lagging) return value();
  node_->lagging->settle(ids.values());
  return static_cast<const Leaf&>(*node_).numbers;
}

real Tensor::item() const {
  if (value().count() != 1)
    throw ShapeError(
        fmt::format("item: the tensor has shape {}; only a tensor of one element has an item",
                    to_string(shape())));
  return value().data()[0];
}

Array& Tensor::mutable_value() & {
  value();
  if (!node_) return value_;
  if (!node_->is_leaf())
    throw StateError(
        fmt::format("assign: {} cannot be written to; write to a leaf, or to a detached clone",
                    to_string(*node_)));
  Array& numbers = static_cast<Leaf&>(*node_).numbers;
  numbers.mutable_data();  // a copy for those who keep the old ones, such as rules of graphs: what
                           // may fail comes first
  ++node_->version;
  return numbers;
}

void Tensor::assign(const Array& value) {
  if (value.shape() != shape())
    throw ShapeError(
        fmt::format("assign: a tensor of shape {} got values of shape {}; they must be equal",
                    to_string(shape()), to_string(value.shape())));
  const std::span<const real> from = value.values();
  std::ranges::copy(from, mutable_value().mutable_data());
}

void Tensor::set_requires_grad(bool wanted) {
  value();
  if (node_ && !node_->is_leaf())
    throw StateError(fmt::format(
        "set_requires_grad: this is the result of {}; only leaves can be frozen", node_->name));
  if (!node_ && wanted) *this = parameter(value_);
  // Statistics are written to by their layer, and learn nothing.
  if (!node_ || node_->name == std::string_view("statistics")) return;
  node_->requires_grad = wanted;
  if (!wanted) node_->gradient.clear();
}

Gradient& Tensor::gradient() const {
  if (!node_ || !node_->is_leaf())
    throw StateError(fmt::format(
        "grad: this is {}; only leaves accumulate gradients, such as Tensor::parameter returns",
        node_ ? to_string(*node_) : "a constant"));
  if (!node_->requires_grad)
    throw StateError(
        fmt::format("grad: {} is frozen; call set_requires_grad(true) to accumulate gradients",
                    to_string(*node_)));
  return node_->gradient;
}

Array Tensor::grad() const { return gradient().array(); }
void Tensor::zero_grad() const { gradient().clear(); }

Tensor Tensor::clone() const {
  if (!is_leaf()) return Tensor(value().clone());
  Tensor copy = parameter(value());
  copy.node_->requires_grad = node_->requires_grad;
  copy.node_->name = node_->name;
  return copy;
}

void Tensor::backward(bool retain_graph) const {
  Sink own;
  fovea::backward(*this, own, retain_graph);
}

void Tensor::backward(const Array& dy, bool retain_graph) const {
  Sink own;
  fovea::backward(*this, dy, own, retain_graph);
}

std::string to_string(const Tensor& tensor, const PrintOptions& options) {
  return tensor.defined() ? to_string(tensor.value(), options) : "undefined";
}
std::ostream& operator<<(std::ostream& stream, const Tensor& tensor) {
  return stream << to_string(tensor);
}

}}  // namespace fovea
