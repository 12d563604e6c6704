// Every differentiable function: the table of contents. Each allocates its result, checks shapes first (ShapeError), and can be
// recorded. Names are NumPy's and PyTorch's. Derivatives are given where they are a convention rather than calculus.
#pragma once

#include <optional>
#include <vector>

#include "fovea/array/mask.hpp"
#include "fovea/autograd/tensor.hpp"
#include "fovea/base/random.hpp"

namespace fovea::inline FOVEA_PRECISION {

/// Axes to reduce: one, several, or none named, which means all. Negative axes count from the end.
class Axes {
 public:
  Axes() = default;
  Axes(int axis) : list_{axis} {}                                // NOLINT: implicit on purpose
  Axes(std::initializer_list<int> axes) : list_(axes) {}         // NOLINT: implicit on purpose
  const std::vector<int>& list() const { return list_; }

 private:
  std::vector<int> list_;
};

// Arithmetic. Operands broadcast as in NumPy: aligned at the last axis, sizes equal or 1.

/// a + b
Tensor add(const Tensor& a, const Tensor& b);
/// a - b
Tensor sub(const Tensor& a, const Tensor& b);
/// a b, element by element
Tensor mul(const Tensor& a, const Tensor& b);
/// a / b
Tensor div(const Tensor& a, const Tensor& b);
/// -x
Tensor neg(const Tensor& x);

inline Tensor operator+(const Tensor& a, const Tensor& b) { return add(a, b); }
inline Tensor operator-(const Tensor& a, const Tensor& b) { return sub(a, b); }
inline Tensor operator*(const Tensor& a, const Tensor& b) { return mul(a, b); }
inline Tensor operator/(const Tensor& a, const Tensor& b) { return div(a, b); }
inline Tensor operator-(const Tensor& x) { return neg(x); }

/// One number as a tensor of rank 0, which broadcasts to everything.
Tensor scalar(real value);
inline Tensor operator+(const Tensor& a, real b) { return add(a, scalar(b)); }
inline Tensor operator-(const Tensor& a, real b) { return sub(a, scalar(b)); }
inline Tensor operator*(const Tensor& a, real b) { return mul(a, scalar(b)); }
inline Tensor operator/(const Tensor& a, real b) { return div(a, scalar(b)); }
inline Tensor operator+(real a, const Tensor& b) { return add(scalar(a), b); }
inline Tensor operator-(real a, const Tensor& b) { return sub(scalar(a), b); }
inline Tensor operator*(real a, const Tensor& b) { return mul(scalar(a), b); }
inline Tensor operator/(real a, const Tensor& b) { return div(scalar(a), b); }

// Element by element.

/// e^x
Tensor exp(const Tensor& x);
/// ln x
Tensor log(const Tensor& x);
/// tanh x
Tensor tanh(const Tensor& x);
/// 1 / (1 + e^-x)
Tensor sigmoid(const Tensor& x);
/// max(x, 0); slope 0 at 0
Tensor relu(const Tensor& x);
/// min(max(x, low), high); slope 1 at the bounds, 0 beyond. Throws ValueError unless low <= high.
Tensor clip(const Tensor& x, real low, real high);

// Products.

/// Which operands of matmul are to be read with their last two axes exchanged. Nothing is copied.
struct MatmulOptions {
  bool transpose_a = false;
  bool transpose_b = false;
};

/// a b over the last two axes, leading axes broadcast: (..., rows, inner) (..., inner, columns) -> (..., rows, columns)
Tensor matmul(const Tensor& a, const Tensor& b, MatmulOptions options = {});

// Reductions. Reduced axes go, or stay with size 1 when `keepdims`.

/// The sum over axes; 0 over nothing.
Tensor sum(const Tensor& x, const Axes& axes = {}, bool keepdims = false);
/// The mean over axes. Throws ValueError over nothing.
Tensor mean(const Tensor& x, const Axes& axes = {}, bool keepdims = false);
/// The maximum over axes; its gradient is shared equally among equals. Throws ValueError over nothing.
Tensor max(const Tensor& x, const Axes& axes = {}, bool keepdims = false);

// Shapes.

/// The same numbers under other sizes; one may be -1: whatever is left.
Tensor reshape(const Tensor& x, const std::vector<Index>& sizes);
/// Axis i of the result is axis order[i] of x.
Tensor permute(const Tensor& x, const std::vector<int>& order);
/// Two axes exchanged.
Tensor transpose(const Tensor& x, int axis_a = -1, int axis_b = -2);
/// Tensors joined along an axis; their other sizes are equal.
Tensor concat(const std::vector<Tensor>& tensors, int axis = -1);
/// The part [begin, end) of an axis. Throws IndexError.
Tensor slice(const Tensor& x, int axis, Index begin, Index end);

// Indexing.

/// Rows of a table by id: table (rows, width...), ids (...) -> (..., width...). The gradient of the table is its touched rows.
/// Throws IndexError for an id below 0 or past the last row.
Tensor gather_rows(const Tensor& table, const Ids& ids);

// Distributions.

/// e^x / sum e^x along an axis. A mask broadcasts to x and says which positions count; the others get weight 0 and are never
/// computed with. Where nothing is kept, weights and gradients are 0.
Tensor softmax(const Tensor& x, int axis = -1, const std::optional<Mask>& mask = {});
/// ln softmax(x), from x directly; -infinity where masked.
Tensor log_softmax(const Tensor& x, int axis = -1, const std::optional<Mask>& mask = {});

/// x with each element set to 0 with probability `rate`, the others divided by 1 - rate. Element i is decided by
/// random.uniform(first + i), so a part of a batch draws the same as the whole. Throws ValueError unless 0 <= rate <= 1; all zeros at 1.
Tensor dropout(const Tensor& x, real rate, const Rng& random, Index first = 0);

// Attention, fused.

/// What attention gives.
struct Attention {
  Tensor context;  ///< (batch, features), or (batch, queries, features) where there is one for each query
  Tensor weights;  ///< (batch, time), or (batch, queries, time): how much each query looks at each position; sums to 1, or is 0 where nothing is kept
};

/// e_t = v . tanh(x_t W1 + b1 + x_t W2 + b2), weights = softmax over t, context = sum_t weight_t x_t, in one visit to each sample.
/// x (batch, time, features), W1 W2 (features, units), b1 b2 (units) or both not defined, v (units, 1), mask (batch, time).
/// Equal to sum(softmax(matmul(tanh(matmul(x, W1) + b1 + matmul(x, W2) + b2), v), 1, mask) * x, 1).
Attention additive_pool(const Tensor& x, const Tensor& w1, const Tensor& b1, const Tensor& w2, const Tensor& b2, const Tensor& v, const std::optional<Mask>& mask = {});

// Losses, one for each sample: reductions are the caller's.

/// Cross-entropy of class labels from logits z: log sum e^z - z[label]. logits (..., classes), labels (...) -> (...).
/// Throws IndexError for a label that is no class.
Tensor sparse_cross_entropy(const Tensor& logits, const Ids& labels);

/// Cross-entropy of class labels from probabilities, as Keras on TensorFlow computes it: p clipped to [1e-7, 1 - 1e-7], then
/// renormalised: log sum p - log p[label]. probabilities (..., classes), labels (...) -> (...).
Tensor sparse_cross_entropy_from_probabilities(const Tensor& probabilities, const Ids& labels);

}  // namespace fovea
