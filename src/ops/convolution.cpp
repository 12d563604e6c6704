// A convolution is a matrix product: each window of x is a row (kernels/windows.hpp), the kernel a
// column for each filter.
//   Y = W(x) K      dK = W(x)ᵀ dY      dW = dY Kᵀ, added back to where the windows were taken from
// W(x) is as large as x times the window, so it is not kept but gathered again. One axis is the
// case of one row.
#include <fmt/format.h>

#include <algorithm>

#include <utility>

#include "fovea/autograd/graph.hpp"
#include "fovea/base/error.hpp"
#include "fovea/ops/ops.hpp"
#include "kernels/gemm.hpp"
#include "kernels/windows.hpp"
#include "ops/shape_rules.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace shape { namespace {

// How windows lie over x; one axis counts as columns of one row.
constexpr kernels::Slide one_row = {1, 1, 1, 1, 0, 1};

// Windows of `size` elements along an axis of x.
kernels::Slide slide(const char* operation, const Shape& x, int axis, Index size, Index stride,
                     Index dilation, Padding padding) {
  if (size < 1 || stride < 1 || dilation < 1)
    throw ValueError(
        fmt::format("{}: window {}, strides {}, dilation_rate {}; each must be at least 1",
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
  throw ValueError(fmt::format("{}: there is no Padding with the value {}", operation,
                               static_cast<int>(padding)));
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

kernels::Windows conv1d(const Shape& x, const Shape& kernel, const Conv1DOptions& options) {
  check_rank("conv1d", x, 3);
  if (kernel.rank() != 3 || kernel[1] != x[2])
    throw ShapeError(
        fmt::format("conv1d: x is {}, kernel {}; the kernel must be (width, {}, filters)",
                    to_string(x), to_string(kernel), x[2]));
  return {
      x[0], x[2], one_row,
      slide("conv1d", x, 1, kernel[0], options.strides, options.dilation_rate, options.padding)};
}

kernels::Windows conv2d(const Shape& x, const Shape& kernel, const Conv2DOptions& options) {
  check_rank("conv2d", x, 4);
  check_not_causal("conv2d", options.padding);
  if (kernel.rank() != 4 || kernel[2] != x[3])
    throw ShapeError(
        fmt::format("conv2d: x is {}, kernel {}; the kernel must be (height, width, {}, filters)",
                    to_string(x), to_string(kernel), x[3]));
  const auto along = [&](int i) {
    return slide("conv2d", x, i + 1, kernel[i], options.strides[static_cast<std::size_t>(i)],
                 options.dilation_rate[static_cast<std::size_t>(i)], options.padding);
  };
  return {x[0], x[3], along(0), along(1)};
}

kernels::Windows pool1d(const char* operation, const Shape& x, const Pool1DOptions& options) {
  check_rank(operation, x, 3);
  check_not_causal(operation, options.padding);
  return {x[0], x[2], one_row,
          slide(operation, x, 1, options.pool_size,
                options.strides == 0 ? options.pool_size : options.strides, 1, options.padding)};
}

kernels::Windows pool2d(const char* operation, const Shape& x, const Pool2DOptions& options) {
  check_rank(operation, x, 4);
  check_not_causal(operation, options.padding);
  const auto along = [&](int i) {
    const auto [size, stride] = std::pair(options.pool_size[static_cast<std::size_t>(i)],
                                          options.strides[static_cast<std::size_t>(i)]);
    return slide(operation, x, i + 1, size, stride == 0 ? size : stride, 1, options.padding);
  };
  return {x[0], x[3], along(0), along(1)};
}

}}  // namespace shape

namespace {

// (batch, time, channels) -> (batch, 1, time, channels), and back.
Tensor one_row(const Tensor& x) { return expand_dims(x, 1); }
Tensor without_row(const Tensor& x) { return squeeze(x, 1); }

Array window_matrix(const kernels::Windows& windows, const Array& x) {
  const Index count = windows.batch * windows.rows.out * windows.columns.out,
              size = windows.rows.size * windows.columns.size * windows.channels;
  Array matrix(Shape{count, size});
  kernels::gather_windows(windows, x.data(), matrix.mutable_data());
  return matrix;
}

// x (batch, rows, columns, in), kernel (rows, columns, in, out)
Tensor convolution(const char* operation, const Tensor& x, const Tensor& kernel,
                   const kernels::Windows& windows) {
  const Index filters = kernel.shape()[-1], size = kernel.shape().with(-1, 1).count();
  const Index count = windows.batch * windows.rows.out * windows.columns.out;
  const Array filter_matrix = kernel.value().reshaped(Shape{size, filters});
  Array y(Shape{count, filters});
  kernels::gemm(window_matrix(windows, x.value()).view(), filter_matrix.view(), y.mutable_view(),
                false);
  const auto rows_of = [count, filters](const Array& d) {
    return d.reshaped(Shape{count, filters});
  };
  return record(
      operation, y.reshaped(Shape{windows.batch, windows.rows.out, windows.columns.out, filters}),
      wrt(x,
          [windows, filter_matrix, rows_of, count, size](const Array& dy, Gradient& dx) {
            Array matrix(Shape{count, size});
            kernels::gemm(rows_of(dy).view(), transposed(filter_matrix.view()),
                          matrix.mutable_view(), false);
            const auto [view, add] = dx.dense();
            kernels::add_windows(windows, matrix.data(), view.data, add);
          }),
      wrt(kernel,
          [windows, x = x.value(), rows_of, size, filters](const Array& dy, Gradient& dkernel) {
            const Array matrix = window_matrix(windows, x);
            const auto [view, add] = dkernel.dense();
            const Shape flat{size, filters};
            kernels::gemm(transposed(matrix.view()), rows_of(dy).view(),
                          {view.data, flat, dense_strides(flat)}, add);
          }));
}

Tensor maximum_pool(const char* operation, const Tensor& x, const kernels::Windows& windows) {
  Array y(Shape{windows.batch, windows.rows.out, windows.columns.out, windows.channels});
  const Buffer places(y.count() * static_cast<Index>(sizeof(std::int32_t)));
  const bool has_nan =
      kernels::max_windows(windows, x.value().data(), y.mutable_data(), places.as<std::int32_t>());
  return record(operation, y, wrt(x, [windows, places, has_nan](const Array& dy, Gradient& dx) {
                  const auto [view, add] = dx.dense();
                  kernels::max_windows_slopes(windows, dy.data(), places.as<std::int32_t>(),
                                              has_nan, view.data, add);
                }));
}

Tensor mean_pool(const char* operation, const Tensor& x, const kernels::Windows& windows) {
  Array y(Shape{windows.batch, windows.rows.out, windows.columns.out, windows.channels});
  kernels::mean_windows(windows, x.value().data(), y.mutable_data());
  return record(operation, y, wrt(x, [windows](const Array& dy, Gradient& dx) {
                  const auto [view, add] = dx.dense();
                  kernels::mean_windows_slopes(windows, dy.data(), view.data, add);
                }));
}

}  // namespace

Tensor conv1d(const Tensor& x, const Tensor& kernel, const Conv1DOptions& options) {
  const kernels::Windows windows = shape::conv1d(x.shape(), kernel.shape(), options);
  return without_row(convolution("conv1d", one_row(x), expand_dims(kernel, 0), windows));
}

Tensor conv2d(const Tensor& x, const Tensor& kernel, const Conv2DOptions& options) {
  return convolution("conv2d", x, kernel, shape::conv2d(x.shape(), kernel.shape(), options));
}

Tensor max_pool1d(const Tensor& x, const Pool1DOptions& options) {
  return without_row(
      maximum_pool("max_pool1d", one_row(x), shape::pool1d("max_pool1d", x.shape(), options)));
}

Tensor max_pool2d(const Tensor& x, const Pool2DOptions& options) {
  return maximum_pool("max_pool2d", x, shape::pool2d("max_pool2d", x.shape(), options));
}

Tensor average_pool1d(const Tensor& x, const Pool1DOptions& options) {
  return without_row(
      mean_pool("average_pool1d", one_row(x), shape::pool1d("average_pool1d", x.shape(), options)));
}

Tensor average_pool2d(const Tensor& x, const Pool2DOptions& options) {
  return mean_pool("average_pool2d", x, shape::pool2d("average_pool2d", x.shape(), options));
}

}}  // namespace fovea
