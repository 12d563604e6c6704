// The shapes of what layers are made of: norms, and windows that slide.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "fovea/base/error.hpp"
#include "ops/shape_rules.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace shape {

void norm(const char* operation, const Shape& x, const Shape& gamma, const Shape& beta,
          real epsilon) {
  if (x.rank() < 1)
    throw ShapeError(
        fmt::format("{}: x is a single number; it needs an axis to normalise", operation));
  for (const auto& [name, parameter] : {std::pair("gamma", &gamma), std::pair("beta", &beta)})
    if (*parameter != Shape{x[-1]})
      throw ShapeError(fmt::format("{}: x is {}, {} is {}; it must be ({},), the last size of x",
                                   operation, to_string(x), name, to_string(*parameter), x[-1]));
  if (!(epsilon >= 0))
    throw ValueError(fmt::format("{}: epsilon is {}; it must be 0 at least", operation, epsilon));
}

namespace {

constexpr kernels::Slide one_row = {1, 1, 1, 1, 0, 1};

// Windows of `size` elements along an axis of x.
kernels::Slide slide(const char* operation, const Shape& x, int axis, Index size, Index stride,
                     Index dilation, Padding padding) {
  if (size < 1 || stride < 1 || dilation < 1)
    throw ValueError(fmt::format("{}: window {}, stride {}, dilation {}; each must be at least 1",
                                 operation, size, stride, dilation));
  if (size - 1 > (Index(1) << 40) / dilation)
    throw ValueError(
        fmt::format("{}: window {}, dilation {}; a window may reach over 2^40 elements at most",
                    operation, size, dilation));
  const Index in = x[axis], reach = (size - 1) * dilation + 1;
  const Index padded_out =
      in == 0 ? 0 : (in - 1) / stride + 1;  // where padding lets every window fit
  switch (padding) {
    case Padding::valid:
      if (in < reach)
        throw ShapeError(
            fmt::format("{}: a sample of x is {}, and a window reaches over {} along its axis {}; "
                        "pad it, or use Padding::same",
                        operation, to_string(x.without(0)), reach, axis - 1));
      return {in, size, stride, dilation, 0, (in - reach) / stride + 1};
    case Padding::same: {
      const Index missing = std::max<Index>(0, (padded_out - 1) * stride + reach - in);
      return {in, size, stride, dilation, missing / 2, padded_out};
    }
    case Padding::causal:
      return {in, size, stride, dilation, reach - 1, padded_out};
  }
  throw ValueError(
      fmt::format("{}: there is no padding of number {}", operation, static_cast<int>(padding)));
}

void check_not_causal(const char* operation, Padding padding) {
  if (padding == Padding::causal)
    throw ValueError(fmt::format("{}: causal padding is for conv1d", operation));
}

void check_rank(const char* operation, const Shape& x, int rank) {
  if (x.rank() != rank)
    throw ShapeError(
        fmt::format("{}: x is {}; it must be {}", operation, to_string(x),
                    rank == 3 ? "(batch, time, channels)" : "(batch, rows, columns, channels)"));
}

}  // namespace

kernels::Windows conv1d(const Shape& x, const Shape& kernel, const Conv1DOptions& options) {
  check_rank("conv1d", x, 3);
  if (kernel.rank() != 3 || kernel[1] != x[2])
    throw ShapeError(
        fmt::format("conv1d: x is {}, kernel {}; the kernel must be (width, {}, filters)",
                    to_string(x), to_string(kernel), x[2]));
  return {x[0], x[2], one_row,
          slide("conv1d", x, 1, kernel[0], options.stride, options.dilation, options.padding)};
}

kernels::Windows conv2d(const Shape& x, const Shape& kernel, const Conv2DOptions& options) {
  check_rank("conv2d", x, 4);
  check_not_causal("conv2d", options.padding);
  if (kernel.rank() != 4 || kernel[2] != x[3])
    throw ShapeError(
        fmt::format("conv2d: x is {}, kernel {}; the kernel must be (height, width, {}, filters)",
                    to_string(x), to_string(kernel), x[3]));
  const auto along = [&](int i) {
    return slide("conv2d", x, i + 1, kernel[i], options.stride[static_cast<std::size_t>(i)],
                 options.dilation[static_cast<std::size_t>(i)], options.padding);
  };
  return {x[0], x[3], along(0), along(1)};
}

kernels::Windows pool1d(const char* operation, const Shape& x, const Pool1DOptions& options) {
  check_rank(operation, x, 3);
  check_not_causal(operation, options.padding);
  return {x[0], x[2], one_row,
          slide(operation, x, 1, options.size, options.stride == 0 ? options.size : options.stride,
                1, options.padding)};
}

kernels::Windows pool2d(const char* operation, const Shape& x, const Pool2DOptions& options) {
  check_rank(operation, x, 4);
  check_not_causal(operation, options.padding);
  const auto along = [&](int i) {
    const auto [size, stride] = std::pair(options.size[static_cast<std::size_t>(i)],
                                          options.stride[static_cast<std::size_t>(i)]);
    return slide(operation, x, i + 1, size, stride == 0 ? size : stride, 1, options.padding);
  };
  return {x[0], x[3], along(0), along(1)};
}

}}}  // namespace fovea::shape
