#include "nn/checks.hpp"

#include <fmt/format.h>

#include "fovea/base/error.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

void check_built(const char* module, const Tensor& parameter) {
  if (!parameter.defined())
    throw StateError(
        fmt::format("{}: it is not built; call build with the shape of a sample, put it into a "
                    "Sequential, or call it by a Caller inside a module",
                    module));
}

void check_features(const char* module, const char* what, const Shape& x, Index features) {
  if (x.rank() < 1 || x[-1] != features)
    throw ShapeError(
        fmt::format("{}: {} is {}, built for {} features; the last size of {} must be {}", module,
                    what, to_string(x), features, what, features));
}

void check_windowed(const char* module, const Shape& sample, int rank) {
  if (sample.rank() != rank)
    throw ShapeError(fmt::format("{}: a sample is {}; it must be {}", module, to_string(sample),
                                 rank == 2 ? "(time, channels)" : "(rows, columns, channels)"));
}

void check_softmax_units(const char* module, Activation activation, Index units) {
  if (activation == Activation::softmax && units == 1)
    throw ValueError(fmt::format(
        "{}: a softmax over one unit is always 1 and never learns; use Activation::sigmoid, "
        "with BinaryCrossentropy, or a unit for each class",
        module));
}

std::uint64_t stream_of(const Rng& random) {
  Rng stream = random.split("dropout");
  const std::uint64_t high = stream.next();
  return high << 32 | stream.next();
}

Rng drops(const char* module, const Context& context, const std::optional<std::uint64_t>& stream) {
  if (!stream)
    throw StateError(
        fmt::format("{}: it is not built, so it would drop the same elements as other layers; call "
                    "build with the "
                    "shape of a sample, or put it into a Sequential",
                    module));
  return context.random().split("dropout", *stream);
}

}}  // namespace fovea
