#include "fovea/nn/norm.hpp"

#include <fmt/format.h>

#include "fovea/base/error.hpp"
#include "fovea/ops/ops.hpp"
#include "nn/checks.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

void check_epsilon(const char* module, real epsilon) {
  if (!(epsilon >= 0))
    throw ValueError(fmt::format("{}: epsilon is {}; it must be at least 0", module, epsilon));
}

// Makes a parameter (features) if there is none, and rejects one of another size.
void build_vector(const char* module, const Shape& sample, real value, Tensor& parameter) {
  if (sample.rank() < 1)
    throw ShapeError(fmt::format("{}: a sample is a scalar; it must be (..., features)", module));
  if (!parameter.defined()) parameter = Tensor::parameter(Array::full(Shape{sample[-1]}, value));
  if (parameter.shape() != Shape{sample[-1]})
    throw ShapeError(fmt::format("{}: built for {} features; now a sample is {}", module,
                                 parameter.shape()[0], to_string(sample)));
}

}  // namespace

Shape LayerNormalization::build(const Shape& sample, const Rng&) {
  check_epsilon("LayerNormalization", epsilon);
  build_vector("LayerNormalization", sample, 1, gamma);
  build_vector("LayerNormalization", sample, 0, beta);
  return sample;
}

Tensor LayerNormalization::operator()(const Tensor& x, const Context&) const {
  check_built("LayerNormalization", beta);
  return layer_norm(x, gamma, beta, epsilon);
}

Shape RMSNormalization::build(const Shape& sample, const Rng&) {
  check_epsilon("RMSNormalization", epsilon);
  build_vector("RMSNormalization", sample, 1, gamma);
  return sample;
}

Tensor RMSNormalization::operator()(const Tensor& x, const Context&) const {
  check_built("RMSNormalization", gamma);
  return rms_norm(x, gamma, epsilon);
}

}}  // namespace fovea
