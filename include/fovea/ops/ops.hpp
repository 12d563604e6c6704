// Every differentiable function: the table of contents. Each allocates its result, checks shapes
// first (ShapeError), and can be recorded. Names are NumPy's and PyTorch's. Derivatives are given
// where they are a convention rather than calculus.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "fovea/array/mask.hpp"
#include "fovea/autograd/tensor.hpp"
#include "fovea/base/random.hpp"
#include "fovea/ops/attention.hpp"
#include "fovea/ops/options.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

// Arithmetic. Operands broadcast as in NumPy: aligned at the last axis, sizes equal or 1.

/// a + b
Tensor add(const Tensor& a, const Tensor& b);
/// a - b
Tensor sub(const Tensor& a, const Tensor& b);
/// a b, element by element
Tensor mul(const Tensor& a, const Tensor& b);
/// a b, and 0 where b is 0, whatever a is: the weighted sum of logarithms of which some are
/// -infinity, such as sum(multiply_no_nan(log_softmax(x, -1, mask), targets)). TensorFlow's
/// multiply_no_nan; so are its gradients: dc b, and dc a, which is 0 where dc is.
Tensor multiply_no_nan(const Tensor& a, const Tensor& b);
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
/// e^x - 1, exact near 0
Tensor expm1(const Tensor& x);
/// ln x
Tensor log(const Tensor& x);
/// ln (1 + x), exact near 0
Tensor log1p(const Tensor& x);
/// |x|; slope 0 at 0
Tensor abs(const Tensor& x);
/// -1, 0 or 1; slope 0
Tensor sign(const Tensor& x);
/// x^2
Tensor square(const Tensor& x);
/// The square root of x.
Tensor sqrt(const Tensor& x);
/// 1 / sqrt x
Tensor rsqrt(const Tensor& x);
/// x to a power; NaN of a negative x unless the exponent is whole. Slope 0 everywhere for exponent
/// 0.
Tensor pow(const Tensor& x, real exponent);
/// sin x, x in radians
Tensor sin(const Tensor& x);
/// cos x, x in radians
Tensor cos(const Tensor& x);
/// 2 / sqrt pi times the integral of e^-t^2 from 0 to x
Tensor erf(const Tensor& x);
/// tanh x
Tensor tanh(const Tensor& x);
/// 1 / (1 + e^-x)
Tensor sigmoid(const Tensor& x);
/// max(x, 0); slope 0 at 0
Tensor relu(const Tensor& x);
/// x above 0, slope x elsewhere; its slope at 0 is `slope`. The default is Keras'; PyTorch's is
/// 0.01.
Tensor leaky_relu(const Tensor& x, real slope = real(0.2));
/// x above 0, alpha (e^x - 1) elsewhere
Tensor elu(const Tensor& x, real alpha = 1);
/// x Phi(x), Phi the standard normal distribution function: x (1 + erf(x / sqrt 2)) / 2, but
/// accurate far below 0 as well.
Tensor gelu(const Tensor& x);
/// x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2, an approximation of gelu.
Tensor gelu_tanh(const Tensor& x);
/// x sigmoid(x), also called swish
Tensor silu(const Tensor& x);
/// ln(1 + e^x)
Tensor softplus(const Tensor& x);
/// min(max(x, low), high); slope 1 at the bounds, 0 beyond. Throws ValueError unless low <= high.
Tensor clip(const Tensor& x, real low, real high);

/// The smaller of a and b, broadcast; NaN where either is, as are both gradients. Where they are
/// equal each gets half of the gradient.
Tensor minimum(const Tensor& a, const Tensor& b);
/// The larger, on the same terms.
Tensor maximum(const Tensor& a, const Tensor& b);

/// a where the mask is 1, b where it is 0, all three broadcast. Chosen, not multiplied: what is not
/// chosen, NaN included, reaches neither values nor gradients, and its gradient is 0.
Tensor where(const Mask& mask, const Tensor& a, const Tensor& b);
/// `value` where the mask is 1, x where it is 0: where(mask, value, x), as in PyTorch. To fill what
/// a mask drops, give logical_not(mask). The mask broadcasts to x.
Tensor masked_fill(const Tensor& x, const Mask& mask, real value);

// Comparisons, element by element and broadcast: a mask with 1 where they hold. Nothing is
// recorded. A NaN is equal to nothing, not even to itself, and neither less nor greater.

Mask equal(const Tensor& a, const Tensor& b);          ///< a = b
Mask not_equal(const Tensor& a, const Tensor& b);      ///< a != b, also of a NaN
Mask less(const Tensor& a, const Tensor& b);           ///< a < b
Mask less_equal(const Tensor& a, const Tensor& b);     ///< a <= b
Mask greater(const Tensor& a, const Tensor& b);        ///< a > b
Mask greater_equal(const Tensor& a, const Tensor& b);  ///< a >= b

inline Mask equal(const Tensor& a, real b) { return equal(a, scalar(b)); }
inline Mask not_equal(const Tensor& a, real b) { return not_equal(a, scalar(b)); }
inline Mask less(const Tensor& a, real b) { return less(a, scalar(b)); }
inline Mask less_equal(const Tensor& a, real b) { return less_equal(a, scalar(b)); }
inline Mask greater(const Tensor& a, real b) { return greater(a, scalar(b)); }
inline Mask greater_equal(const Tensor& a, real b) { return greater_equal(a, scalar(b)); }

Mask logical_and(const Mask& a, const Mask& b);  ///< 1 where both are; masks broadcast
Mask logical_or(const Mask& a, const Mask& b);   ///< 1 where one is, at least
Mask logical_not(const Mask& mask);              ///< 1 where the mask is 0

// Products.

/// Which operands of matmul are to be read with their last two axes exchanged. Nothing is copied.
struct MatmulOptions {
  bool transpose_a = false;  ///< read a's last two axes exchanged
  bool transpose_b = false;  ///< read b's last two axes exchanged
};

/// a b over the last two axes, leading axes broadcast: (..., rows, inner) (..., inner, columns) ->
/// (..., rows, columns). A vector is one row (a) or one column (b), which the result does not have,
/// and stays as it is when transposed.
Tensor matmul(const Tensor& a, const Tensor& b, MatmulOptions options = {});

/// activation(x); x itself for linear.
Tensor activate(const Tensor& x, Activation activation);

/// activation(x weight + bias), the bits of activate(matmul(x, weight) + bias, activation): x (...,
/// inputs), weight (inputs, units), bias (units) or not defined -> (..., units). PyTorch keeps the
/// weight transposed. One node, also with the activation where that is relu, sigmoid or tanh;
/// another activation is a node of its own. Throws ValueError for one that there is not.
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
              Activation activation = Activation::linear);

/// The sum of products over named axes: einsum("bqh,bkh->bqk", {q, k}). Each operand has a letter
/// for each axis; letters that the result does not have are summed over. Without "->" the result
/// has those that stand once, in the order of the alphabet. A letter twice in one term and "..."
/// are refused.
Tensor einsum(std::string_view subscripts, const std::vector<Tensor>& tensors);
/// a_i b_j: (rows) (columns) -> (rows, columns). What is no vector is read as one, row by row, as
/// in NumPy.
Tensor outer(const Tensor& a, const Tensor& b);
/// The sum of a b over the last axis, leading axes broadcast: (..., n) (..., n) -> (...)
Tensor dot(const Tensor& a, const Tensor& b);

// Reductions. Reduced axes go, or stay with size 1 when `keepdims`.

/// The sum over axes; 0 over nothing.
Tensor sum(const Tensor& x, const Axes& axes = {}, KeepDims keepdims = false);
/// The mean over axes. Throws ValueError over nothing.
Tensor mean(const Tensor& x, const Axes& axes = {}, KeepDims keepdims = false);
/// The maximum over axes; its gradient is shared equally among equals, and NaN where one is NaN.
/// Throws ValueError over nothing.
Tensor max(const Tensor& x, const Axes& axes = {}, KeepDims keepdims = false);
/// The minimum over axes, on the same terms.
Tensor min(const Tensor& x, const Axes& axes = {}, KeepDims keepdims = false);
/// The product over axes; 1 over nothing. Its gradient is right with zeros among the factors.
Tensor prod(const Tensor& x, const Axes& axes = {}, KeepDims keepdims = false);
/// ln sum e^x over axes, without overflow; -infinity over nothing.
Tensor logsumexp(const Tensor& x, const Axes& axes = {}, KeepDims keepdims = false);
/// The square root of the sum of squares over axes, which must not overflow; gradient 0 where it is
/// 0.
Tensor norm(const Tensor& x, const Axes& axes = {}, KeepDims keepdims = false);

/// What the sum of squared deviations is divided by: the number of elements, or one less.
struct VarOptions {
  bool unbiased = false;  ///< one less
};

/// The mean squared deviation from the mean over axes. Throws ValueError over nothing, and unbiased
/// over one element.
Tensor var(const Tensor& x, const Axes& axes = {}, KeepDims keepdims = false,
           VarOptions options = {});
/// The standard deviation: the root of var, on the same terms; gradient 0 where it is 0, as of
/// equal numbers. Behind `using namespace fovea` it is called by its full name, fovea::std(x).
Tensor std(const Tensor& x, const Axes& axes = {}, KeepDims keepdims = false,
           VarOptions options = {});

/// Where along an axis the largest number is, the first of equals; a NaN counts as the largest, and
/// below as the smallest. The result has x's shape without the axis. Throws ValueError over
/// nothing.
Ids argmax(const Tensor& x, int axis = -1);
/// Where the smallest is, on the same terms.
Ids argmin(const Tensor& x, int axis = -1);

/// Numbers and where they were along the last axis.
struct TopK {
  Tensor values;  ///< (..., k)
  Ids ids;        ///< (..., k)
};

/// The k largest numbers along the last axis, the largest first, of equals the first; a NaN comes
/// before all numbers. Their gradient goes to where they were. Throws ValueError unless 0 <= k <=
/// the size of the axis.
TopK top_k(const Tensor& x, Index k);

/// y[i] = x[0] + ... + x[i] along an axis.
Tensor cumsum(const Tensor& x, int axis = -1);

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
/// The part that each axis' range names; axes without a range are whole. slice(x, {{}, {.begin =
/// -3}, {.step = 2}}). Throws IndexError for a range beyond its axis or backwards, ValueError for a
/// step of 0.
Tensor slice(const Tensor& x, const std::vector<Range>& ranges);
/// Consecutive parts of an axis of the sizes given, or equal ones.
std::vector<Tensor> split(const Tensor& x, const std::vector<Index>& sizes, int axis = -1);
std::vector<Tensor> split(const Tensor& x, Index parts, int axis = -1);
/// Tensors of one shape side by side along a new axis: rank + 1. An axis below 0 counts from the
/// end of the result.
Tensor stack(const std::vector<Tensor>& tensors, int axis = 0);
/// x without axes of size 1: those named, or all.
Tensor squeeze(const Tensor& x, const Axes& axes = {});
/// x with a new axis of size 1. An axis below 0 counts from the end of the result.
Tensor unsqueeze(const Tensor& x, int axis);
/// x repeated along new axes and those of size 1 until it has these sizes; aligned at the last
/// axis.
Tensor broadcast_to(const Tensor& x, const std::vector<Index>& sizes);
/// x with `value` put around it: widths[i] says how many before and after axis i.
Tensor pad(const Tensor& x, const std::vector<PadWidth>& widths, real value = 0);
/// x backwards along axes, all when none is named.
Tensor flip(const Tensor& x, const Axes& axes = {});
/// x moved `shift` positions on along an axis; what leaves at one end enters at the other.
Tensor roll(const Tensor& x, Index shift, int axis = -1);
/// Each element `count` times in a row: a b -> a a b b. An axis n becomes n count.
Tensor repeat(const Tensor& x, Index count, int axis = -1);
/// The whole of x counts[i] times along axis i: a b -> a b a b.
Tensor tile(const Tensor& x, const std::vector<Index>& counts);

// Indexing.

/// Rows of a table by id: table (rows, width...), ids (...) -> (..., width...). The gradient of the
/// table is its touched rows. Throws IndexError for an id below 0 or past the last row.
Tensor gather_rows(const Tensor& table, const Ids& ids);

/// Positions of an axis by id: the axis is replaced by the ids' axes. For axis 0 this is
/// gather_rows. Throws IndexError, as the next three do.
Tensor take(const Tensor& x, const Ids& ids, int axis = 0);
/// For each element an id along the axis: y[i, j, k] = x[i, ids[i, j, k], k] for axis 1. The other
/// sizes of ids are those of x.
Tensor take_along(const Tensor& x, const Ids& ids, int axis = -1);
/// x with rows added: y = x, then y[ids[i]] += updates[i]. x (rows, width...), ids (...), updates
/// (..., width...).
Tensor scatter_add(const Tensor& x, const Ids& ids, const Tensor& updates);
/// 1 at each id, 0 elsewhere: ids (...) -> (..., classes). A constant. (Keras gives a row of zeros
/// for an id outside; here it throws.)
Tensor one_hot(const Ids& ids, Index classes);

// Normalisation, fused.

/// (x - mean) / sqrt(variance + epsilon) gamma + beta over the last axis; the variance is the
/// population's. x (..., width), gamma beta (width). Keras' epsilon is 1e-3, PyTorch's 1e-5.
Tensor layer_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta,
                  real epsilon = real(1e-3));
/// x / sqrt(mean(x^2) + epsilon) gamma over the last axis. x (..., width), gamma (width).
Tensor rms_norm(const Tensor& x, const Tensor& gamma, real epsilon = real(1e-6));

// Windows that slide over one or two axes; channels are last. Kernels are not flipped.

/// y[b, t, o] = sum over w and i of x[b, t stride + w dilation - padding, i] kernel[w, i, o].
/// x (batch, time, in), kernel (width, in, out) -> (batch, windows, out)
Tensor conv1d(const Tensor& x, const Tensor& kernel, const Conv1DOptions& options = {});
/// x (batch, rows, columns, in), kernel (height, width, in, out) -> (batch, windows, windows, out).
/// Padding is not causal.
Tensor conv2d(const Tensor& x, const Tensor& kernel, const Conv2DOptions& options = {});
/// The largest of each window; its gradient goes to the first among equals. x (batch, time,
/// channels) -> (batch, windows, channels)
Tensor max_pool1d(const Tensor& x, const Pool1DOptions& options = {});
/// The same of x (batch, rows, columns, channels).
Tensor max_pool2d(const Tensor& x, const Pool2DOptions& options = {});
/// The mean of each window; padding does not count. x (batch, time, channels) -> (batch, windows,
/// channels)
Tensor average_pool1d(const Tensor& x, const Pool1DOptions& options = {});
/// The same of x (batch, rows, columns, channels).
Tensor average_pool2d(const Tensor& x, const Pool2DOptions& options = {});

// Distributions.

/// e^x / sum e^x along an axis. A mask broadcasts to x and says which positions count; the others
/// get weight 0 and are never computed with. Where nothing is kept, weights and gradients are 0.
Tensor softmax(const Tensor& x, int axis = -1, const std::optional<Mask>& mask = {});
/// ln softmax(x), from x directly; -infinity where masked.
Tensor log_softmax(const Tensor& x, int axis = -1, const std::optional<Mask>& mask = {});

/// x with each element set to 0 with probability `rate`, the others divided by 1 - rate. Element i
/// is decided by random.uniform(first + i), so a part of a batch draws the same as the whole.
/// Throws ValueError unless 0 <= rate <= 1; all zeros at 1.
Tensor dropout(const Tensor& x, real rate, const Rng& random, Index first = 0);

// Attention, fused.

/// e^x / sum e^x over the positions that each query looks at, for scores x (batch, ..., queries,
/// time): the bits of softmax(scores, -1, mask.dense(scores.shape())), without that array.
/// Throws ShapeError for a mask that does not fit the scores, ValueError for a window below 1.
Tensor attention_weights(const Tensor& scores, const AttentionMask& mask);

/// e_t = v . tanh(x_t W1 + b1 + x_t W2 + b2), weights = softmax over t, context = sum_t weight_t
/// x_t, in one visit to each sample. x (batch, time, features), W1 W2 (features, units), b1 b2
/// (units) or both not defined, v (units, 1). Equal to
/// sum(softmax(matmul(tanh(matmul(x, W1) + b1 + matmul(x, W2) + b2), v), 1, mask) * x, 1).
Attention additive_pool(const Tensor& x, const Tensor& w1, const Tensor& b1, const Tensor& w2,
                        const Tensor& b2, const Tensor& v, const AdditivePoolOptions& options = {});

// Losses, one for each sample: reductions over samples are the caller's. Predictions come first.

/// What a class label means besides its class.
struct SparseCrossEntropyOptions {
  real label_smoothing = 0;  ///< this part of each label is spread evenly over all classes
  std::optional<Index> ignored_label =
      {};  ///< loss and gradient are 0 where the label is this; it need not be a class
  Tensor class_weights =
      {};  ///< (classes,), constant: what each class' share of a loss is multiplied by
};

/// Cross-entropy of class labels from logits z: log sum e^z - z[label]. logits (..., classes),
/// labels (...) -> (...). With options sum_c t_c (log sum e^z - z_c), t_c = weight_c ((1 -
/// smoothing) [c = label] + smoothing / classes), as in PyTorch. Rows of an ignored label, or of
/// one of weight 0 without smoothing, are not looked at. Throws IndexError for what is no class.
Tensor sparse_cross_entropy(const Tensor& logits, const Ids& labels,
                            const SparseCrossEntropyOptions& options = {});

/// Cross-entropy of class labels from probabilities, as Keras on TensorFlow computes it: p clipped
/// to [1e-7, 1 - 1e-7], then renormalised: log sum p - log p[label]. probabilities (..., classes),
/// labels (...) -> (...).
Tensor sparse_cross_entropy_from_probabilities(const Tensor& probabilities, const Ids& labels,
                                               const SparseCrossEntropyOptions& options = {});

/// What targets mean besides their numbers: t (1 - smoothing) + smoothing / classes takes their
/// place; 2 classes where each number is a yes or no of its own.
struct CrossEntropyOptions {
  real label_smoothing = 0;  ///< from 0 to 1
};

/// Cross-entropy of target distributions t from logits z: -sum_c t_c log_softmax(z)_c. Both (...,
/// classes) -> (...).
Tensor cross_entropy(const Tensor& logits, const Tensor& targets, CrossEntropyOptions options = {});

/// Cross-entropy of target distributions from probabilities, in Keras' order: p renormalised, then
/// clipped to [1e-7, 1 - 1e-7]: -sum_c t_c log p_c. Both (..., classes) -> (...).
Tensor cross_entropy_from_probabilities(const Tensor& probabilities, const Tensor& targets,
                                        CrossEntropyOptions options = {});

/// -t log s - (1 - t) log(1 - s), s = sigmoid(logit), without overflow; the mean over the last
/// axis. Both (..., n) -> (...).
Tensor binary_cross_entropy(const Tensor& logits, const Tensor& targets,
                            CrossEntropyOptions options = {});

/// The same from probabilities, clipped to [1e-7, 1 - 1e-7] as in Keras.
Tensor binary_cross_entropy_from_probabilities(const Tensor& probabilities, const Tensor& targets,
                                               CrossEntropyOptions options = {});

/// The mean of (p - t)^2 over the last axis. Both (..., n) -> (...); this and the next three.
Tensor mean_squared_error(const Tensor& predictions, const Tensor& targets);
/// The mean of |p - t|; slope 0 where p = t.
Tensor mean_absolute_error(const Tensor& predictions, const Tensor& targets);
/// The mean of d^2 / 2 where |d| = |p - t| <= delta, delta (|d| - delta / 2) beyond. Throws
/// ValueError unless delta > 0.
Tensor huber(const Tensor& predictions, const Tensor& targets, real delta = 1);
/// The sum of t log(t / p), both clipped to [1e-7, 1] as in Keras.
Tensor kl_divergence(const Tensor& predictions, const Tensor& targets);

}}  // namespace fovea
