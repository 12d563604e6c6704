// A tensor: an array with a place in the graph of computation.
#pragma once

#include "fovea/array/print.hpp"
#include "fovea/autograd/node.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// A handle to an array and, where gradients flow, to its node. Copies of a parameter are the same
/// parameter; `clone` makes a new one. An Array copied from `value` does not change when the tensor
/// is written to, nor the other way round.
///
/// Several threads can read a tensor at once. Only one thread at a time can write to a tensor, or
/// run `backward` into the same leaves.
class Tensor {
 public:
  /// Constructs an undefined tensor, such as the parameters of a module that is not built.
  Tensor() = default;

  /// Constructs a constant.
  Tensor(Array value) : value_(std::move(value)) {}  // NOLINT: implicit on purpose
  /// Constructs a constant of rank 0, which broadcasts to every shape: maximum(x, 0). The number is
  /// rounded. Throws ValueError for a finite one beyond the range of real.
  template <NumberType N>
  requires(!std::same_as<N, bool>) Tensor(N number)  // NOLINT: implicit on purpose
      : Tensor(Array::full(Shape(), Number(number).rounded())) {}
  /// Constructs a constant from braces, one pair for each axis, as Array does.
  Tensor(std::initializer_list<NestedNumbers> values)  // NOLINT: implicit on purpose
      : Tensor(Array(values)) {}
  /// Constructs a constant from row-major values. Throws ShapeError unless they fit the shape.
  Tensor(const Shape& shape, std::initializer_list<real> values) : Tensor(Array(shape, values)) {}

  /// Returns a parameter: a leaf that accumulates gradients, with a copy of the values.
  static Tensor parameter(const Array& value);

  /// Constructs a result of `record` or, with an empty array, the handle of a Leaf.
  Tensor(Array value, NodePtr node) : value_(std::move(value)), node_(std::move(node)) {}

  /// Returns whether the tensor has values. A default or moved-from tensor has none.
  bool defined() const { return value_.data() || node_; }

  /// Returns the values. Throws StateError when the tensor is undefined.
  const Array& value() const& { return value_.data() ? value_ : leaf_value(); }
  /// Returns the values of a temporary, on the same terms.
  Array value() const&& { return value(); }

  /// Returns the values of a table for reading the rows `ids` at once. Other rows can be out of
  /// date.
  const Array& rows_value(const Ids& ids) const&;
  /// Returns the values of a temporary, on the same terms.
  Array rows_value(const Ids& ids) const&& { return rows_value(ids); }

  /// Returns the shape. Throws StateError when the tensor is undefined.
  const Shape& shape() const& { return node_ ? node_->gradient.shape() : value().shape(); }
  /// Returns the shape of a temporary, on the same terms.
  Shape shape() const&& { return shape(); }

  /// Returns the value of a tensor of one element. Throws ShapeError for more or fewer.
  real item() const;

  /// Returns the element at a position of each axis, as Array does: x(i, j). Throws IndexError.
  template <std::integral... Positions>
  real operator()(Positions... positions) const {
    return value()(positions...);
  }

  /// Writes new values in place. All copies of a parameter's handle see them; a constant gets
  /// memory of its own. A graph that was recorded before throws StateError when it runs backward
  /// past this tensor. Throws ShapeError when the shapes differ, StateError on a recorded result.
  void assign(const Array& value);

  /// Returns the values for an optimiser to write in place, on the terms of `assign`.
  Array& mutable_value() &;

  /// Returns whether gradients flow to this tensor.
  bool requires_grad() const { return node_ && node_->requires_grad; }

  /// Returns whether this is a parameter: neither a recorded result nor a constant.
  bool is_leaf() const { return node_ && node_->is_leaf(); }

  /// Freezes a parameter, or lets it accumulate gradients again, with all copies of its handle.
  /// Makes a parameter of a constant. Throws StateError on a recorded result.
  void set_requires_grad(bool wanted);

  /// Returns the gradient accumulated since the last `zero_grad` as a dense array; zeros when there
  /// was none. Throws StateError unless this is a leaf that requires gradients.
  Array grad() const;

  /// Returns the accumulated gradient as it is stored, such as the touched rows of a table. Throws
  /// StateError as `grad` does.
  Gradient& gradient() const;

  /// Clears the accumulated gradient.
  void zero_grad() const;

  /// Computes the gradient of this scalar with respect to every leaf that it depends on, and adds
  /// it to the leaves' gradients. Releases the graph unless `retain_graph`. Throws ShapeError when
  /// this has more than one element. Throws StateError when it depends on no leaf, when the graph
  /// was released before, and when a leaf was written to since the forward pass.
  void backward(bool retain_graph = false) const;

  /// Runs backward from a tensor of any shape whose own gradient is `dy`. Throws as above, and
  /// ShapeError unless dy has the shape of this tensor.
  void backward(const Array& dy, bool retain_graph = false) const;

  /// Returns a constant with the same values. The constant does not change when a parameter is
  /// written to.
  Tensor detach() const { return Tensor(value()); }

  /// Returns a tensor with a copy of the values; a leaf if this is one.
  Tensor clone() const;

  /// Returns the node; null for a constant.
  const NodePtr& node() const& { return node_; }
  /// Returns the node of a temporary.
  NodePtr node() const&& { return node_; }

 private:
  const Array& leaf_value() const;

  Array value_;
  NodePtr node_;
};

/// Returns the values as text, as an Array is printed; "undefined" where there are none.
std::string to_string(const Tensor& tensor, const PrintOptions& options = {});
/// Writes to_string(tensor).
std::ostream& operator<<(std::ostream& stream, const Tensor& tensor);

}}  // namespace fovea
