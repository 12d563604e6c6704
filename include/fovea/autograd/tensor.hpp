// A tensor: numbers with a place in the graph of computation.
#pragma once

#include "fovea/autograd/node.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// A handle to an array and, where gradients flow, to its node. Copies of a parameter are the same
/// parameter; `clone` makes another. What `value` gives is a value: an Array copied from it stays
/// as it is whatever is written to the tensor, and the other way round.
///
/// Reading a tensor from several threads at once is safe. Writing to it, and running `backward`
/// into the same leaves, is for one thread at a time.
class Tensor {
 public:
  /// Not defined: the state of a module's parameters before they are built.
  Tensor() = default;

  /// A constant.
  Tensor(Array value) : value_(std::move(value)) {}  // NOLINT: implicit on purpose
  Tensor(const Shape& shape, std::initializer_list<real> values)
      : Tensor(Array(shape, values)) {}  ///< a constant, written out

  /// A leaf that gathers gradients: a parameter. The numbers are the tensor's own from now on.
  static Tensor parameter(const Array& value);

  /// A result of `record`; or with no array the handle to a Leaf.
  Tensor(Array value, NodePtr node) : value_(std::move(value)), node_(std::move(node)) {}

  bool defined() const {
    return value_.data() || node_;
  }  ///< whether it holds numbers: not as made by Tensor(), nor once moved from

  /// The numbers. Throws StateError when not defined.
  const Array& value() const& { return value_.data() ? value_ : leaf_value(); }
  Array value() const&& { return value(); }  ///< the same, of a temporary

  /// The numbers of a table of which only some rows are going to be read, and none kept: the others
  /// may lag behind their optimiser.
  const Array& rows_value(const Ids& ids) const&;
  Array rows_value(const Ids& ids) const&& {
    return rows_value(ids);
  }  ///< the same, of a temporary

  const Shape& shape() const& {
    return node_ ? node_->gradient.shape() : value().shape();
  }                                          ///< throws StateError when not defined
  Shape shape() const&& { return shape(); }  ///< the same, of a temporary

  /// The number of a tensor that holds one. Throws ShapeError.
  real item() const;

  /// Writes new numbers in place; all copies of a parameter's handle see them (a constant gets
  /// numbers of its own). A graph recorded before can no longer run backward past this tensor: it
  /// throws StateError. Throws ShapeError when the shapes differ, StateError on a result that was
  /// recorded.
  void assign(const Array& value);

  /// The numbers, to be written in place by an optimiser, on the same terms as `assign`.
  Array& mutable_value() &;

  /// Whether gradients flow to this tensor.
  bool requires_grad() const { return node_ && node_->requires_grad; }

  /// Whether it is a parameter, not the result of an operation that was recorded, nor a constant.
  bool is_leaf() const { return node_ && node_->is_leaf(); }

  /// Freezes a parameter, or lets it gather gradients again; all copies of its handle with it.
  /// Makes a parameter of a constant. Throws StateError on a result that was recorded.
  void set_requires_grad(bool wanted);

  /// The gradient gathered by the calls of `backward` since the last `zero_grad`, dense; zeros when
  /// there was none. Throws StateError unless this is a leaf that requires gradients.
  Array grad() const;

  /// The same as it is kept: perhaps only the touched rows of a table.
  Gradient& gradient() const;

  /// Forgets the gathered gradient.
  void zero_grad() const;

  /// Computes the gradient of this single number by every leaf that it depends on, and adds it to
  /// the leaves' gradients. The graph is released on the way unless `retain_graph`. Throws
  /// ShapeError when this is not one number, StateError when it depends on no leaf, was released
  /// before, or a leaf's numbers changed since the forward pass.
  void backward(bool retain_graph = false) const;

  /// The same for a tensor of any shape, whose own gradient is `dy`. Throws ShapeError unless dy
  /// has its shape.
  void backward(const Array& dy, bool retain_graph = false) const;

  /// The same numbers, without a history. They stay as they are when a parameter is written to.
  Tensor detach() const { return Tensor(value()); }

  /// A copy of the numbers, a leaf if this is one.
  Tensor clone() const;

  const NodePtr& node() const& { return node_; }  ///< null for a constant
  NodePtr node() const&& { return node_; }        ///< the same, of a temporary

 private:
  const Array& leaf_value() const;

  Array value_;
  NodePtr node_;
};

}}  // namespace fovea
