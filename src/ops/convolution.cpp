// A convolution is a matrix product: each window of x is a row (kernels/windows.hpp), the kernel a
// column for each filter.
//   Y = W(x) K      dK = W(x)ᵀ dY      dW = dY Kᵀ, added back to where the windows were taken from
// W(x) is as large as x times the window, so it is not kept but gathered again. One axis is the
// case of one row.
#include "fovea/autograd/graph.hpp"
#include "fovea/ops/ops.hpp"
#include "kernels/gemm.hpp"
#include "kernels/windows.hpp"
#include "ops/shape_rules.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

// (batch, time, channels) -> (batch, 1, time, channels), and back.
Tensor one_row(const Tensor& x) { return unsqueeze(x, 1); }
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
  return without_row(convolution("conv1d", one_row(x), unsqueeze(kernel, 0), windows));
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
