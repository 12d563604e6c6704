// What modules refuse alike: calls before they are built, and inputs that they were not built for.
// And what dropout draws.
#pragma once

#include <optional>

#include "fovea/autograd/tensor.hpp"
#include "fovea/nn/context.hpp"
#include "fovea/ops/options.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Throws StateError where the parameter, which `build` makes last, does not exist.
void check_built(const char* module, const Tensor& parameter);

/// Throws ShapeError unless the last size of x is `features`; `what` is x's name in the message.
void check_features(const char* module, const char* what, const Shape& x, Index features);

/// Throws ShapeError for a sample that has not the axes for windows, `rank` with the channels.
void check_windowed(const char* module, const Shape& sample, int rank);

/// Throws ValueError for a softmax over one unit: it is 1 whatever goes in, and its gradient is 0.
void check_softmax_units(const char* module, Activation activation, Index units);

/// What tells the draws of a module from those of others, where neither has a path: drawn when it
/// is built.
std::uint64_t stream_of(const Rng& random);

/// The numbers by which a module drops in this step. Throws StateError before it is built, and
/// without a step.
Rng drops(const char* module, const Context& context, const std::optional<std::uint64_t>& stream);

}}  // namespace fovea
