#include "fovea/diff/gradcheck.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "fovea/autograd/graph.hpp"
#include "fovea/base/error.hpp"
#include "fovea/base/random.hpp"
#include "fovea/ops/ops.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

// Numbers from -1 to 1.
Array draw(const Shape& shape, Rng& random) {
  Array numbers(shape);
  for (real& number : numbers.mutable_values())
    number = 2 * static_cast<real>(random.next() * 0x1p-32) - 1;
  return numbers;
}

// The sum of a_i b_i, without those whose a is 0.
long double weighted(const Array& a, const Array& b) {
  long double sum = 0;
  for (Index i = 0; i < a.count(); ++i)
    if (a.data()[i] != 0)
      sum += static_cast<long double>(a.data()[i]) * static_cast<long double>(b.data()[i]);
  return sum;
}

// The gradient of v . function at a point, and the difference quotients to compare it with.
class Comparison {
 public:
  Comparison(const TensorFunction& function, const std::vector<Array>& at,
             const GradcheckOptions& options, Rng& random)
      : function_(function), at_(at), options_(options) {
    std::vector<Tensor> inputs;
    for (const Array& input : at) inputs.push_back(Tensor::parameter(input));
    const Tensor y = function(inputs);
    weights_ = draw(y.shape(), random);
    for (Index i = 0; i < weights_.count(); ++i)
      if (!std::isfinite(y.value().data()[i])) weights_.mutable_data()[i] = 0;
    const std::span<const real> numbers = y.value().values();
    looks_at_nothing_ =
        std::ranges::any_of(numbers, [](real number) { return std::isnan(number); }) &&
        std::ranges::none_of(numbers, [](real number) { return std::isfinite(number); });
    if (y.requires_grad())
      gradients_ = grad(sum(y * Tensor(weights_)), inputs, {.allow_unused = true});
    else
      for (const Array& input : at) gradients_.push_back(Array::zeros(input.shape()));
  }

  // What differs along u, or nothing.
  std::string operator()(const std::vector<Array>& u, const std::string& what) const {
    if (looks_at_nothing_) return "the result is all NaN";
    long double analytic = 0;
    for (std::size_t k = 0; k < at_.size(); ++k) analytic += weighted(u[k], gradients_[k]);
    const long double numeric =
        (value_along(u, options_.step) - value_along(u, -options_.step)) / (2 * options_.step);
    if (std::abs(analytic - numeric) <= options_.absolute + options_.relative * std::abs(numeric))
      return "";
    return fmt::format("{}: analytic {}, numeric {}", what, static_cast<double>(analytic),
                       static_cast<double>(numeric));
  }

 private:
  long double value_along(const std::vector<Array>& u, double step) const {
    const NoGrad no_grad;
    std::vector<Tensor> moved;
    for (std::size_t k = 0; k < at_.size(); ++k) {
      Array point = at_[k].clone();
      for (Index i = 0; i < point.count(); ++i)
        point.mutable_data()[i] += static_cast<real>(step * static_cast<double>(u[k].data()[i]));
      moved.emplace_back(std::move(point));
    }
    return weighted(weights_, function_(moved).value());
  }

  const TensorFunction& function_;
  const std::vector<Array>& at_;
  const GradcheckOptions& options_;
  Array weights_;
  std::vector<Array> gradients_;
  bool looks_at_nothing_ = false;
};

}  // namespace

GradcheckResult gradcheck(const TensorFunction& function, const std::vector<Array>& at,
                          const GradcheckOptions& options) {
  if (options.directions < 1)
    throw ValueError(
        fmt::format("gradcheck: directions is {}; it must be at least 1", options.directions));
  Rng random(options.seed);
  const Comparison compare(function, at, options, random);
  GradcheckResult result;
  Index elements = 0;
  std::vector<Array> u;
  for (const Array& input : at) {
    elements += input.count();
    u.push_back(Array::zeros(input.shape()));
  }
  for (int direction = 0; direction < options.directions && result; ++direction) {
    for (std::size_t k = 0; k < at.size(); ++k) u[k] = draw(at[k].shape(), random);
    result.failure = compare(u, fmt::format("direction {}", direction));
    ++result.comparisons;
  }
  if (elements > options.every_element_up_to) return result;
  for (Array& direction : u) direction = Array::zeros(direction.shape());
  for (std::size_t k = 0; k < at.size(); ++k)
    for (Index i = 0; i < at[k].count() && result; ++i) {
      u[k].mutable_data()[i] = 1;
      result.failure = compare(u, fmt::format("element {} of input {}", i, k));
      u[k].mutable_data()[i] = 0;
      ++result.comparisons;
    }
  return result;
}

}}  // namespace fovea
