// Element by element: arithmetic, functions, activations, comparisons; and reductions.
#include <cmath>
#include <limits>
#include <set>

#include "onnx/dictionary.hpp"

namespace onnx {

namespace {

using enum Result;

constexpr double infinity = std::numeric_limits<double>::infinity();

auto unary(Tensor (*f)(const Tensor&)) {
  return [f](const Case& c) { return f(c.tensor(0)); };
}

auto binary(Tensor (*f)(const Tensor&, const Tensor&)) {
  return [f](const Case& c) { return f(c.tensor(0), c.tensor(1)); };
}

auto comparison(Mask (*f)(const Tensor&, const Tensor&)) {
  return [f](const Case& c) { return f(c.tensor(0), c.tensor(1)); };
}

auto logical(Mask (*f)(const Mask&, const Mask&)) {
  return [f](const Case& c) { return f(c.mask(0), c.mask(1)); };
}

// f(f(x0, x1), x2) ...
auto folded(Tensor (*f)(const Tensor&, const Tensor&)) {
  return [f](const Case& c) {
    Tensor y = c.tensor(0);
    for (std::size_t i = 1; i < c.inputs(); ++i) y = f(y, c.tensor(i));
    return y;
  };
}

Tensor quotient(const Case& c) {
  if (is_whole(c.plain(0).type)) throw LeftOut("division of whole numbers");
  return c.tensor(0) / c.tensor(1);
}

// An exponent is one number here: x is raised to each of y's, and what y did not ask for is
// dropped.
Tensor power(const Case& c) {
  const Tensor y = c.tensor(1), x = c.tensor(0) + 0 * y;
  Tensor z = x;
  for (const real exponent : std::set<real>(y.value().values().begin(), y.value().values().end()))
    z = where(equal(y, exponent), pow(x, exponent), z);
  return z;
}

Tensor clipped(const Case& c) {
  return clip(c.tensor(0), c.has(1) ? c.number(1) : static_cast<real>(-infinity),
              c.has(2) ? c.number(2) : static_cast<real>(infinity));
}

Tensor shrunk(const Case& c) {
  const Tensor x = c.tensor(0);
  const real lambda = c.option("lambd", 0.5), bias = c.option("bias", 0.0);
  return where(less(x, -lambda), x + bias, where(greater(x, lambda), x - bias, scalar(0)));
}

Mask infinite(const Case& c) {
  const auto is = [&](const char* wanted, double sign) {
    return equal(c.tensor(0), static_cast<real>(c.option(wanted, 1) ? sign * infinity : NAN));
  };
  return logical_or(is("detect_positive", 1), is("detect_negative", -1));
}

template <class Reduce>
auto reduced(const Reduce& f) {
  return [f](const Case& c) {
    const Axes axes = axes_of(c);
    if (axes.list().empty() && c.option("noop_with_empty_axes", 0)) return c.tensor(0);
    return f(c.tensor(0), axes, c.option("keepdims", 1) != 0);
  };
}

// The largest and the smallest of nothing are infinite for ONNX, and an error here.
auto chosen(Tensor (*f)(const Tensor&, const Axes&, KeepDims)) {
  return [f](const Case& c) {
    if (c.tensor(0).shape().count() == 0) throw LeftOut("the largest or smallest of nothing");
    return reduced(f)(c);
  };
}

// The last of equals is the first one from the other end.
auto position(Ids (*first)(const Tensor&, int)) {
  return [first](const Case& c) {
    const Tensor x = c.tensor(0);
    const int axis = static_cast<int>(c.option("axis", 0));
    const bool last = c.option("select_last_index", 0);
    const Ids found = first(last ? flip(x, axis) : x, axis);
    std::vector<std::int32_t> ids(found.values().begin(), found.values().end());
    for (std::int32_t& id : ids)
      id = last ? static_cast<std::int32_t>(x.shape()[axis]) - 1 - id : id;
    return Ids(c.option("keepdims", 1) ? x.shape().with(axis, 1) : x.shape().without(axis), ids);
  };
}

// From the other end with "reverse"; "exclusive" leaves each element out of its own sum.
Tensor running_sum(const Case& c) {
  const int axis = static_cast<int>(c.list(1)[0]);
  const bool reverse = c.option("reverse", 0);
  const Tensor x = reverse ? flip(c.tensor(0), axis) : c.tensor(0);
  const Tensor y = c.option("exclusive", 0) ? cumsum(x, axis) - x : cumsum(x, axis);
  return reverse ? flip(y, axis) : y;
}

}  // namespace

std::vector<Translation> elementwise() {
  return {
      {"Add", computed, binary(fovea::add)},
      {"Sub", computed, binary(fovea::subtract)},
      {"Mul", computed, binary(fovea::multiply)},
      {"Div", computed, quotient},
      {"Neg", moved, unary(fovea::negative)},
      {"Reciprocal", computed, [](const Case& c) { return 1 / c.tensor(0); }},
      {"Pow", computed, power},
      {"Sum", computed, folded(fovea::add)},
      {"Mean", computed,
       [](const Case& c) { return folded(fovea::add)(c) / static_cast<real>(c.inputs()); }},
      {"Max", moved, folded(fovea::maximum)},
      {"Min", moved, folded(fovea::minimum)},

      {"Abs", moved, unary(fovea::abs)},
      {"Sign", moved, unary(fovea::sign)},
      {"Sqrt", computed, unary(fovea::sqrt)},
      {"Exp", computed, unary(fovea::exp)},
      {"Log", computed, unary(fovea::log)},
      {"Erf", computed, unary(fovea::erf)},
      {"Sin", computed, unary(fovea::sin)},
      {"Cos", computed, unary(fovea::cos)},
      {"Tan", computed, [](const Case& c) { return sin(c.tensor(0)) / cos(c.tensor(0)); }},
      {"Sinh", computed,
       [](const Case& c) { return (expm1(c.tensor(0)) - expm1(-c.tensor(0))) / 2; }},
      {"Cosh", computed, [](const Case& c) { return (exp(c.tensor(0)) + exp(-c.tensor(0))) / 2; }},
      {"Tanh", computed, unary(fovea::tanh)},
      {"Asinh", computed,
       [](const Case& c) {
         return sign(c.tensor(0)) * log(abs(c.tensor(0)) + sqrt(square(c.tensor(0)) + 1));
       }},
      {"Acosh", computed,
       [](const Case& c) { return log(c.tensor(0) + sqrt(square(c.tensor(0)) - 1)); }},
      {"Atanh", computed,
       [](const Case& c) { return (log1p(c.tensor(0)) - log1p(-c.tensor(0))) / 2; }},

      {"Sigmoid", computed, unary(fovea::sigmoid)},
      {"Relu", moved, unary(fovea::relu)},
      {"LeakyRelu", computed,
       [](const Case& c) { return leaky_relu(c.tensor(0), c.option("alpha", 0.01)); }},
      {"PRelu", computed,
       [](const Case& c) {
         return maximum(c.tensor(0), scalar(0)) + c.tensor(1) * minimum(c.tensor(0), scalar(0));
       }},
      {"ThresholdedRelu", moved,
       [](const Case& c) {
         return where(greater(c.tensor(0), c.option("alpha", 1.0)), c.tensor(0), scalar(0));
       }},
      {"Elu", computed, [](const Case& c) { return elu(c.tensor(0), c.option("alpha", 1.0)); }},
      {"Celu", computed,
       [](const Case& c) {
         return c.option("alpha", 1.0) * elu(c.tensor(0) / c.option("alpha", 1.0));
       }},
      {"Selu", computed,
       [](const Case& c) {
         return c.option("gamma", 1.0507009873554805) *
                elu(c.tensor(0), c.option("alpha", 1.6732632423543772));
       }},
      {"Softplus", computed, unary(fovea::softplus)},
      {"Softsign", computed, [](const Case& c) { return c.tensor(0) / (1 + abs(c.tensor(0))); }},
      {"HardSigmoid", computed,
       [](const Case& c) {
         return clip(c.option("alpha", 0.2) * c.tensor(0) + c.option("beta", 0.5), 0, 1);
       }},
      {"HardSwish", computed,
       [](const Case& c) { return c.tensor(0) * clip(c.tensor(0) / 6 + real(0.5), 0, 1); }},
      {"Shrink", computed, shrunk},
      {"Clip", moved, clipped},

      {"Equal", moved, comparison(fovea::equal)},
      {"Less", moved, comparison(fovea::less)},
      {"LessOrEqual", moved, comparison(fovea::less_equal)},
      {"Greater", moved, comparison(fovea::greater)},
      {"GreaterOrEqual", moved, comparison(fovea::greater_equal)},
      {"IsNaN", moved, [](const Case& c) { return not_equal(c.tensor(0), c.tensor(0)); }},
      {"IsInf", moved, infinite},
      {"And", moved, logical(fovea::logical_and)},
      {"Or", moved, logical(fovea::logical_or)},
      {"Xor", moved,
       [](const Case& c) {
         return logical_and(logical_or(c.mask(0), c.mask(1)),
                            logical_not(logical_and(c.mask(0), c.mask(1))));
       }},
      {"Not", moved, [](const Case& c) { return logical_not(c.mask(0)); }},
      {"Where", moved, [](const Case& c) { return where(c.mask(0), c.tensor(1), c.tensor(2)); }},

      {"ReduceSum", computed, reduced(fovea::sum)},
      {"ReduceMean", computed, reduced(fovea::mean)},
      {"ReduceMax", moved, chosen(fovea::max)},
      {"ReduceMin", moved, chosen(fovea::min)},
      {"ReduceProd", computed, reduced(fovea::prod)},
      {"ReduceL1", computed, reduced([](const Tensor& x, const Axes& axes, bool keepdims) {
         return sum(abs(x), axes, keepdims);
       })},
      {"ReduceL2", computed, reduced(fovea::norm)},
      {"ReduceSumSquare", computed, reduced([](const Tensor& x, const Axes& axes, bool keepdims) {
         return sum(square(x), axes, keepdims);
       })},
      {"ReduceLogSum", computed, reduced([](const Tensor& x, const Axes& axes, bool keepdims) {
         return log(sum(x, axes, keepdims));
       })},
      {"ReduceLogSumExp", computed, reduced(fovea::logsumexp)},
      {"ArgMax", moved, position(fovea::argmax)},
      {"ArgMin", moved, position(fovea::argmin)},
      {"CumSum", computed, running_sum},
  };
}

}  // namespace onnx
