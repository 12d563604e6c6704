// Checks that modules share, of calls before a module is built and of inputs that a module was not
// built for, and the random streams of dropout.
#pragma once

#include <optional>

#include "fovea/autograd/tensor.hpp"
#include "fovea/nn/context.hpp"
#include "fovea/ops/options.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Throws StateError where the parameter, which `build` makes last, does not exist.
void check_built(const char* module, const Tensor& parameter);

/// Throws ShapeError unless the last axis of x has size `features`; `what` names x in the message.
void check_features(const char* module, const char* what, const Shape& x, Index features);

/// Throws ShapeError unless a sample has `rank` axes: those of the windows, and the channels.
void check_windowed(const char* module, const Shape& sample, int rank);

/// Throws ValueError for a softmax over one unit, which is always 1 and has a gradient of 0.
void check_softmax_units(const char* module, Activation activation, Index units);

/// Returns the id of a module's random draws, drawn when the module is built. The id separates the
/// draws of modules without a path.
std::uint64_t stream_of(const Rng& random);

/// Returns the stream by which a module drops elements in this step. Throws StateError before the
/// module is built, and without a step.
Rng drops(const char* module, const Context& context, const std::optional<std::uint64_t>& stream);

}}  // namespace fovea
