// Gradients against differences: v.(J u) from backward, and (v.f(x + eps u) - v.f(x - eps u)) / 2 eps. Sharp in double only.
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "fovea/autograd/graph.hpp"
#include "support/generate.hpp"

namespace support {

using fovea::Tensor;
using Inputs = const std::vector<Tensor>&;
using Function = std::function<Tensor(Inputs)>;

/// The sum of weights y, whose gradient by y is the weights, bit for bit. Elements of weight 0 are not looked at.
inline Tensor weighted_sum(const Tensor& y, const Array& weights) {
  long double sum = 0;
  for (Index i = 0; i < y.value().count(); ++i)
    if (weights.data()[i] != 0) sum += static_cast<long double>(weights.data()[i]) * y.value().data()[i];
  return record("weighted_sum", Array::full(Shape{}, static_cast<real>(sum)),
                wrt(y, [weights](const Array&, fovea::Gradient& dy) { dy.add(weights); }));
}

/// Weights from -1 to 1 for a result; 0 where it is not finite (log_softmax under a mask).
inline Array draw_weights(const Array& y, Generate& generate) {
  Array weights = generate.array(y.shape(), {-1, 1});
  for (Index i = 0; i < y.count(); ++i)
    if (!std::isfinite(y.data()[i])) weights.mutable_data()[i] = 0;
  return weights;
}

inline std::vector<Tensor> as_parameters(const std::vector<Array>& values) {
  std::vector<Tensor> parameters;
  for (const Array& value : values) parameters.push_back(Tensor::parameter(value));
  return parameters;
}

constexpr double gradcheck_step = 1e-6, gradcheck_absolute = 1e-5, gradcheck_relative = 1e-3;
constexpr int gradcheck_directions = 3;
constexpr Index gradcheck_every_element_up_to = 24;

/// Checks the gradient of f at `at` by each of its inputs along random directions, and by every single element of a small case.
/// Adds the number of comparisons to `comparisons`. Returns an empty string or the first failure.
inline std::string gradcheck(const Function& f, const std::vector<Array>& at, Generate& generate, Index& comparisons) {
  const std::vector<Tensor> parameters = as_parameters(at);
  const Tensor y = f(parameters);
  const Array weights = draw_weights(y.value(), generate);
  weighted_sum(y, weights).backward();

  const auto value_at = [&](const std::vector<Array>& directions, double step) {
    std::vector<Tensor> moved;
    for (std::size_t k = 0; k < at.size(); ++k) {
      Array point = at[k].clone();
      for (Index i = 0; i < point.count(); ++i) point.mutable_data()[i] += static_cast<real>(step * directions[k].data()[i]);
      moved.emplace_back(point);
    }
    const Array result = f(moved).value();
    long double sum = 0;
    for (Index i = 0; i < result.count(); ++i)
      if (weights.data()[i] != 0) sum += static_cast<long double>(weights.data()[i]) * result.data()[i];
    return sum;
  };
  const auto compare = [&](const std::vector<Array>& directions, const std::string& what) -> std::string {
    long double analytic = 0;
    for (std::size_t k = 0; k < at.size(); ++k) {
      const Array gradient = parameters[k].grad();
      for (Index i = 0; i < gradient.count(); ++i) analytic += static_cast<long double>(gradient.data()[i]) * directions[k].data()[i];
    }
    const long double numeric = (value_at(directions, gradcheck_step) - value_at(directions, -gradcheck_step)) / (2 * gradcheck_step);
    ++comparisons;
    if (std::abs(analytic - numeric) <= gradcheck_absolute + gradcheck_relative * std::abs(numeric)) return "";
    return fmt::format("{}: analytic {}, numeric {}", what, analytic, numeric);
  };

  Index elements = 0;
  std::vector<Array> directions;
  for (const Array& input : at) {
    elements += input.count();
    directions.push_back(Array::zeros(input.shape()));
  }
  for (int direction = 0; direction < gradcheck_directions; ++direction) {
    for (std::size_t k = 0; k < at.size(); ++k) directions[k] = generate.array(at[k].shape(), {-1, 1});
    if (const std::string failure = compare(directions, fmt::format("direction {}", direction)); !failure.empty()) return failure;
  }
  if (elements > gradcheck_every_element_up_to) return "";
  for (Array& direction : directions) direction = Array::zeros(direction.shape());
  for (std::size_t k = 0; k < at.size(); ++k)
    for (Index i = 0; i < at[k].count(); ++i) {
      directions[k].mutable_data()[i] = 1;
      const std::string failure = compare(directions, fmt::format("element {} of input {}", i, k));
      directions[k].mutable_data()[i] = 0;
      if (!failure.empty()) return failure;
    }
  return "";
}

}  // namespace support
