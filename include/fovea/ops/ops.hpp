// Every differentiable function. Each checks shapes first (ShapeError), allocates its result, and
// is recorded where an input requires a gradient. Names are those of NumPy's array API, and Keras'
// for losses. Derivatives are stated where they are a convention rather than calculus.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "fovea/array/mask.hpp"
#include "fovea/autograd/tensor.hpp"
#include "fovea/base/random.hpp"
#include "fovea/ops/attention.hpp"
#include "fovea/ops/losses.hpp"
#include "fovea/ops/options.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

// Arithmetic. Operands broadcast as in NumPy: aligned at the last axis, sizes equal or 1. Each of
// two operands can be a number, here and below: maximum(x, 0), where(mask, x, 0).

/// a + b
Tensor add(const Tensor& a, const Tensor& b);
/// a - b
Tensor subtract(const Tensor& a, const Tensor& b);
/// a b, elementwise
Tensor multiply(const Tensor& a, const Tensor& b);
/// a b, but 0 wherever b is 0, even if a is infinite or NaN. For weighted sums of logarithms:
/// sum(multiply_no_nan(log_softmax(x, -1, mask), targets)). As TensorFlow's, gradients included:
/// that of a is dc b, or 0 where b is 0; that of b is dc a, or 0 where dc is 0.
Tensor multiply_no_nan(const Tensor& a, const Tensor& b);
/// a / b
Tensor divide(const Tensor& a, const Tensor& b);
/// -x
Tensor negative(const Tensor& x);

inline Tensor operator+(const Tensor& a, const Tensor& b) { return add(a, b); }
inline Tensor operator-(const Tensor& a, const Tensor& b) { return subtract(a, b); }
inline Tensor operator*(const Tensor& a, const Tensor& b) { return multiply(a, b); }
inline Tensor operator/(const Tensor& a, const Tensor& b) { return divide(a, b); }
inline Tensor operator-(const Tensor& x) { return negative(x); }

/// Returns a constant of rank 0, which broadcasts to every shape. A number converts to it: x + 1.
Tensor scalar(real value);

// Elementwise functions.

/// e^x
Tensor exp(const Tensor& x);
/// e^x - 1, exact near 0
Tensor expm1(const Tensor& x);
/// ln x
Tensor log(const Tensor& x);
/// ln (1 + x), exact near 0
Tensor log1p(const Tensor& x);
/// |x|; derivative 0 at 0
Tensor abs(const Tensor& x);
/// -1, 0 or 1; derivative 0
Tensor sign(const Tensor& x);
/// x^2
Tensor square(const Tensor& x);
/// The square root of x
Tensor sqrt(const Tensor& x);
/// 1 / sqrt x
Tensor rsqrt(const Tensor& x);
/// x^exponent; NaN for a negative x unless the exponent is an integer. Derivative 0 for exponent 0.
Tensor pow(const Tensor& x, real exponent);
/// x^exponent, broadcast, on the same terms. The derivative by the exponent is x^exponent ln x: 0
/// where the power is 0 or x and exponent are 0, NaN of a negative x.
Tensor pow(const Tensor& x, const Tensor& exponent);
/// The largest integer not above x; derivative 0
Tensor floor(const Tensor& x);
/// The integer nearest to x, the even one of two, as in NumPy; derivative 0
Tensor round(const Tensor& x);
/// sin x, x in radians
Tensor sin(const Tensor& x);
/// cos x, x in radians
Tensor cos(const Tensor& x);
/// 2 / sqrt pi times the integral of e^(-t^2) from 0 to x
Tensor erf(const Tensor& x);
/// tanh x
Tensor tanh(const Tensor& x);
/// 1 / (1 + e^-x)
Tensor sigmoid(const Tensor& x);
/// max(x, 0); derivative 0 at 0
Tensor relu(const Tensor& x);
/// x above 0, slope x elsewhere; the derivative at 0 is `slope`. Keras' default; PyTorch's is 0.01.
Tensor leaky_relu(const Tensor& x, real slope = real(0.2));
/// x above 0, alpha (e^x - 1) elsewhere
Tensor elu(const Tensor& x, real alpha = 1);
/// x Phi(x) = x (1 + erf(x / sqrt 2)) / 2, accurate far below 0 as well. Phi is the distribution
/// function of the standard normal distribution.
Tensor gelu(const Tensor& x);
/// x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2, an approximation of gelu
Tensor gelu_tanh(const Tensor& x);
/// x sigmoid(x), also called swish
Tensor silu(const Tensor& x);
/// ln(1 + e^x)
Tensor softplus(const Tensor& x);
/// min(max(x, low), high); derivative 1 at the bounds, 0 beyond. Throws ValueError unless
/// low <= high.
Tensor clip(const Tensor& x, real low, real high);

/// The smaller of a and b, broadcast. Where either is NaN, the result and both gradients are NaN.
/// Where they are equal, each gets half of the gradient.
Tensor minimum(const Tensor& a, const Tensor& b);
/// The larger of a and b, on the same terms.
Tensor maximum(const Tensor& a, const Tensor& b);
/// ln(e^a + e^b), broadcast, without overflow. Where they are equal, infinities included, each gets
/// half of the gradient.
Tensor logaddexp(const Tensor& a, const Tensor& b);
/// The angle from the x axis to the point (x, y), from -pi to pi, broadcast. Both derivatives are 0
/// at the origin.
Tensor atan2(const Tensor& y, const Tensor& x);

/// a where the mask is 1, b where it is 0, all three broadcast. Selects rather than multiplies, so
/// unselected NaNs affect neither values nor gradients; their gradient is 0.
Tensor where(const Mask& mask, const Tensor& a, const Tensor& b);
/// `value` where the mask is 1, x where it is 0, as in PyTorch. The mask broadcasts to x. Pass
/// logical_not(mask) to fill the positions that a mask drops.
Tensor masked_fill(const Tensor& x, const Mask& mask, real value);

// Comparisons, elementwise and broadcast: 1 where they hold. They are not recorded. A NaN is
// neither equal to, nor less, nor greater than any value.

Mask equal(const Tensor& a, const Tensor& b);          ///< a = b
Mask not_equal(const Tensor& a, const Tensor& b);      ///< a != b; 1 for a NaN
Mask less(const Tensor& a, const Tensor& b);           ///< a < b
Mask less_equal(const Tensor& a, const Tensor& b);     ///< a <= b
Mask greater(const Tensor& a, const Tensor& b);        ///< a > b
Mask greater_equal(const Tensor& a, const Tensor& b);  ///< a >= b

Mask logical_and(const Mask& a, const Mask& b);  ///< 1 where both are 1; masks broadcast
Mask logical_or(const Mask& a, const Mask& b);   ///< 1 where at least one is 1
Mask logical_not(const Mask& mask);              ///< 1 where the mask is 0

// Products.

/// Which operands of matmul are transposed. Transposing does not copy.
struct MatmulOptions {
  bool transpose_a = false;  ///< whether to exchange the last two axes of a
  bool transpose_b = false;  ///< whether to exchange the last two axes of b
};

/// The matrix product a b, leading axes broadcast: (..., rows, inner) (..., inner, columns) ->
/// (..., rows, columns). A vector acts as a row (a) or a column (b); that axis is removed from the
/// result. Transposing a vector has no effect.
Tensor matmul(const Tensor& a, const Tensor& b, MatmulOptions options = {});

/// activation(x); x itself for linear
Tensor activate(const Tensor& x, Activation activation);

/// activation(x weight + bias): x (..., inputs), weight (inputs, units), bias (units) or undefined
/// -> (..., units). The bits are those of activate(matmul(x, weight) + bias, activation). PyTorch
/// stores the weight transposed. Relu, sigmoid and tanh are part of the node; other activations are
/// a node of their own. Throws ValueError for an unknown activation.
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
              Activation activation = Activation::linear);

/// The sum of products over named axes: einsum("bqh,bkh->bqk", {q, k}). Letters that the result
/// does not have are summed over. A letter twice in one operand names its diagonal. "..." is all
/// other axes of an operand, which broadcast. Without "->" the result has these, then the
/// letters that occur once, in alphabetical order. Axes of one letter are of one size, 1 included.
Tensor einsum(std::string_view subscripts, const std::vector<Tensor>& tensors);
/// a_i b_j: (rows) (columns) -> (rows, columns). Operands of another rank are flattened, as in
/// NumPy.
Tensor outer(const Tensor& a, const Tensor& b);
/// The sum of a b over the last axis, leading axes broadcast: (..., n) (..., n) -> (...)
Tensor dot(const Tensor& a, const Tensor& b);

// Reductions. Reduced axes are removed, or kept with size 1 if `keepdims`.

/// The sum over axes; 0 over no elements.
Tensor sum(const Tensor& x, const Axes& axes = {}, KeepDims keepdims = false);
/// The mean over axes. Throws ValueError over no elements.
Tensor mean(const Tensor& x, const Axes& axes = {}, KeepDims keepdims = false);
/// The maximum over axes. The gradient is divided equally among equal maxima, and is NaN where an
/// element is NaN. Throws ValueError over no elements.
Tensor max(const Tensor& x, const Axes& axes = {}, KeepDims keepdims = false);
/// The minimum over axes, on the same terms.
Tensor min(const Tensor& x, const Axes& axes = {}, KeepDims keepdims = false);
/// The product over axes; 1 over no elements. The gradient is exact with zeros among the factors.
Tensor prod(const Tensor& x, const Axes& axes = {}, KeepDims keepdims = false);
/// ln sum e^x over axes, without overflow; -infinity over no elements.
Tensor logsumexp(const Tensor& x, const Axes& axes = {}, KeepDims keepdims = false);
/// The square root of the sum of squares over axes; gradient 0 where it is 0. The sum must not
/// overflow.
Tensor norm(const Tensor& x, const Axes& axes = {}, KeepDims keepdims = false);

/// The divisor of the sum of squared deviations.
struct VarOptions {
  bool unbiased = false;  ///< the number of elements minus 1, instead of the number of elements
};

/// The variance over axes. Throws ValueError over no elements and, if unbiased, over one element.
Tensor var(const Tensor& x, const Axes& axes = {}, KeepDims keepdims = false,
           VarOptions options = {});
/// The standard deviation, on the terms of var; gradient 0 where it is 0. After `using namespace
/// fovea` it must be called by its full name: fovea::std(x).
Tensor std(const Tensor& x, const Axes& axes = {}, KeepDims keepdims = false,
           VarOptions options = {});

/// The position of the largest element along an axis, the first of equals. A NaN counts as the
/// largest. The result has x's shape without the axis. Throws ValueError over no elements.
Ids argmax(const Tensor& x, int axis = -1);
/// The position of the smallest element, on the same terms; a NaN counts as the smallest.
Ids argmin(const Tensor& x, int axis = -1);

/// Elements, and their positions along the last axis.
struct TopK {
  Tensor values;  ///< (..., k)
  Ids ids;        ///< (..., k)
};

/// The k largest elements along the last axis, largest first; of equal elements the first comes
/// first. A NaN counts as the largest. The gradient goes to their positions. Throws ValueError
/// unless 0 <= k <= the size of the axis.
TopK top_k(const Tensor& x, Index k);

/// The elements along an axis in ascending order, NaN last, as in NumPy. The gradient goes to their
/// positions.
Tensor sort(const Tensor& x, int axis = -1);
/// The positions of the elements in ascending order, NaN last; of equal elements the first comes
/// first.
Ids argsort(const Tensor& x, int axis = -1);

/// y[i] = x[0] + ... + x[i] along an axis.
Tensor cumsum(const Tensor& x, int axis = -1);
/// y[i] = x[0] x[1] ... x[i] along an axis. The gradient is exact with zeros among the factors.
Tensor cumprod(const Tensor& x, int axis = -1);
/// y[i] = x[i + 1] - x[i] along an axis, n times over: each shortens the axis by 1, or leaves it
/// empty. Throws ValueError for a negative n.
Tensor diff(const Tensor& x, Index n = 1, int axis = -1);

// Shapes.

/// The same elements under other sizes. One size can be -1: it is computed from the others.
Tensor reshape(const Tensor& x, const std::vector<Index>& sizes);
/// Axis i of the result is axis order[i] of x.
Tensor permute_dims(const Tensor& x, const std::vector<int>& order);
/// x with two axes exchanged.
Tensor transpose(const Tensor& x, int axis_a = -1, int axis_b = -2);
/// The tensors joined along an axis; their other sizes must be equal.
Tensor concat(const std::vector<Tensor>& tensors, int axis = -1);
/// The part [begin, end) of an axis. Throws IndexError.
Tensor slice(const Tensor& x, int axis, Index begin, Index end);
/// The part named by a range for each axis; axes without a range stay whole:
/// slice(x, {{}, {.begin = -3}, {.step = 2}}). Throws IndexError for a range beyond its axis or one
/// that runs against its step, ValueError for a step of 0.
Tensor slice(const Tensor& x, const std::vector<Range>& ranges);
/// Consecutive parts of an axis, of the given sizes.
std::vector<Tensor> split(const Tensor& x, const std::vector<Index>& sizes, int axis = -1);
/// Consecutive parts of an axis, of equal size.
std::vector<Tensor> split(const Tensor& x, Index parts, int axis = -1);
/// Tensors of one shape joined along a new axis. A negative axis counts from the end of the result.
Tensor stack(const std::vector<Tensor>& tensors, int axis = 0);
/// x without the named axes, which must be of size 1, or without all axes of size 1.
Tensor squeeze(const Tensor& x, const Axes& axes = {});
/// x with a new axis of size 1. A negative axis counts from the end of the result.
Tensor expand_dims(const Tensor& x, int axis);
/// x repeated along new axes and axes of size 1 to the given sizes; aligned at the last axis.
Tensor broadcast_to(const Tensor& x, const std::vector<Index>& sizes);
/// x surrounded by `value`: widths[i] gives the numbers of elements before and after axis i.
Tensor pad(const Tensor& x, const std::vector<PadWidth>& widths, real value = 0);
/// x reversed along the named axes, or along all axes.
Tensor flip(const Tensor& x, const Axes& axes = {});
/// x moved forward by `shift` positions along an axis. Elements that leave at one end enter at the
/// other.
Tensor roll(const Tensor& x, Index shift, int axis = -1);
/// x with zeros above a diagonal of the last two axes: (i, j) stays where j - i <= diagonal.
Tensor tril(const Tensor& x, Index diagonal = 0);
/// x with zeros below a diagonal of the last two axes: (i, j) stays where j - i >= diagonal.
Tensor triu(const Tensor& x, Index diagonal = 0);
/// Each element repeated `count` times: a b -> a a b b. Size n becomes n count.
Tensor repeat(const Tensor& x, Index count, int axis = -1);
/// The whole of x repeated counts[i] times along axis i: a b -> a b a b.
Tensor tile(const Tensor& x, const std::vector<Index>& counts);

// Indexing.

/// Rows of a table by id: table (rows, width...), ids (...) -> (..., width...). The gradient of the
/// table consists of its touched rows. Throws IndexError for an id that is not a row.
Tensor gather_rows(const Tensor& table, const Ids& ids);

/// Positions of an axis by id: the axes of `ids` replace the axis. For axis 0 this is gather_rows.
/// Throws IndexError for an id that is not a position, as the next three do.
Tensor take(const Tensor& x, const Ids& ids, int axis = 0);
/// One id for each element: y[i, j, k] = x[i, ids[i, j, k], k] for axis 1. The other sizes of ids
/// must be those of x.
Tensor take_along_axis(const Tensor& x, const Ids& ids, int axis = -1);
/// x with rows added: y = x, then y[ids[i]] += updates[i]. x (rows, width...), ids (...), updates
/// (..., width...).
Tensor scatter_add(const Tensor& x, const Ids& ids, const Tensor& updates);
/// 1 at each id, 0 elsewhere: ids (...) -> (..., classes). A constant. (Keras returns a row of
/// zeros for an id that is not a class.)
Tensor one_hot(const Ids& ids, Index classes);

// Normalisation, fused.

/// (x - mean) / sqrt(variance + epsilon) gamma + beta over the last axis, with the biased variance.
/// x (..., width), gamma beta (width). Keras' epsilon is 1e-3, PyTorch's 1e-5.
Tensor layer_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta,
                  real epsilon = real(1e-3));
/// x / sqrt(mean(x^2) + epsilon) gamma over the last axis. x (..., width), gamma (width).
Tensor rms_norm(const Tensor& x, const Tensor& gamma, real epsilon = real(1e-6));

// Windows that slide over one or two axes. Channels are the last axis. Kernels are not flipped.

/// y[b, t, o] = sum over w and i of x[b, t strides + w dilation_rate - padding, i] kernel[w, i, o].
/// x (batch, time, in), kernel (width, in, out) -> (batch, windows, out)
Tensor conv1d(const Tensor& x, const Tensor& kernel, const Conv1DOptions& options = {});
/// x (batch, rows, columns, in), kernel (height, width, in, out) -> (batch, windows, windows, out).
/// Throws ValueError for causal padding.
Tensor conv2d(const Tensor& x, const Tensor& kernel, const Conv2DOptions& options = {});
/// The maximum of each window: x (batch, time, channels) -> (batch, windows, channels). The
/// gradient goes to the first of equal maxima.
Tensor max_pool1d(const Tensor& x, const Pool1DOptions& options = {});
/// The maximum of each window: x (batch, rows, columns, channels) -> the same rank.
Tensor max_pool2d(const Tensor& x, const Pool2DOptions& options = {});
/// The mean of each window, without padding:
/// x (batch, time, channels) -> (batch, windows, channels)
Tensor average_pool1d(const Tensor& x, const Pool1DOptions& options = {});
/// The mean of each window, without padding: x (batch, rows, columns, channels) -> the same rank
Tensor average_pool2d(const Tensor& x, const Pool2DOptions& options = {});

// Distributions.

/// e^x / sum e^x along an axis. A mask broadcasts to x; positions that it drops get weight 0 and
/// affect nothing. Where no position is kept, weights and gradients are 0.
Tensor softmax(const Tensor& x, int axis = -1, const std::optional<Mask>& mask = {});
/// ln softmax(x), computed from x directly; -infinity where the mask drops.
Tensor log_softmax(const Tensor& x, int axis = -1, const std::optional<Mask>& mask = {});

/// x with each element set to 0 with probability `rate`, and divided by 1 - rate otherwise; all
/// zeros at rate 1. Element i is decided by random.uniform(first + i), so a part of a batch draws
/// as the whole. Throws ValueError unless 0 <= rate <= 1.
Tensor dropout(const Tensor& x, real rate, const Rng& random, Index first = 0);

// Attention, fused.

/// e^x / sum e^x over the positions that each query looks at: scores x (batch, ..., queries, time).
/// The bits are those of softmax(scores, -1, mask.dense(scores.shape())), without that array.
/// Throws ShapeError for a mask that does not fit the scores, ValueError for a window below 1.
Tensor attention_weights(const Tensor& scores, const AttentionMask& mask);

/// Additive attention over time: weights = softmax over t of v . tanh(x_t W1 + b1 + x_t W2 + b2),
/// context = sum_t weights_t x_t. x (batch, time, features), W1 W2 (features, units), b1 b2 (units)
/// or both undefined, v (units, 1). Equal to
/// sum(softmax(matmul(tanh(matmul(x, W1) + b1 + matmul(x, W2) + b2), v), 1, mask) * x, 1).
Attended additive_pool(const Tensor& x, const Tensor& w1, const Tensor& b1, const Tensor& w2,
                       const Tensor& b2, const Tensor& v, const AdditivePoolOptions& options = {});

}}  // namespace fovea
