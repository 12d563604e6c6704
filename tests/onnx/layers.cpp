// Products, windows, normalisation.
#include <algorithm>
#include <limits>

#include "onnx/dictionary.hpp"

namespace onnx {

namespace {

using enum Result;

constexpr real infinity = std::numeric_limits<real>::infinity();

std::string without_spaces(std::string text) {
  std::erase(text, ' ');
  return text;
}

Tensor named_axes(const Case& c) {
  const std::string subscripts = without_spaces(c.option("equation", ""));
  std::vector<Tensor> tensors;
  for (std::size_t i = 0; i < c.inputs(); ++i) tensors.push_back(c.tensor(i));
  return einsum(subscripts, tensors);
}

// alpha a b + beta c
Tensor scaled_product(const Case& c) {
  const MatmulOptions options{.transpose_a = c.option("transA", 0) != 0,
                              .transpose_b = c.option("transB", 0) != 0};
  const Tensor y = c.option("alpha", 1.0) * matmul(c.tensor(0), c.tensor(1), options);
  return c.has(2) ? y + c.option("beta", 1.0) * c.tensor(2) : y;
}

// ONNX has channels before the axes that windows slide over, fovea behind them.
Tensor channels_last(const Tensor& x) { return move_axis(x, 1, -1); }
Tensor channels_first(const Tensor& x) { return move_axis(x, -1, 1); }

// How windows slide. Padding::same is ONNX's SAME_UPPER; other padding is put around x (batch,
// space..., channels) before.
struct Windows {
  std::vector<Index> size, stride, dilation;
  Padding padding = Padding::valid;
  std::vector<PadWidth> around;
};

Windows windows_of(const Case& c, const Shape& x, const std::vector<Index>& size) {
  const std::size_t axes = size.size();
  if (axes > 2) throw LeftOut("windows over three axes");
  const auto list = [&](const char* name, Index otherwise, std::size_t count) {
    return c.has_option(name) ? c.options(name) : std::vector<Index>(count, otherwise);
  };
  Windows w{.size = size,
            .stride = list("strides", 1, axes),
            .dilation = list("dilations", 1, axes),
            .around = {{}}};
  const std::vector<Index> pads = list("pads", 0, 2 * axes);
  const std::string automatic = c.option("auto_pad", "NOTSET");
  if (automatic == "SAME_UPPER") w.padding = Padding::same;
  for (std::size_t i = 0; i < axes; ++i) {
    const Index length = x[static_cast<int>(i) + 2], reach = (size[i] - 1) * w.dilation[i] + 1,
                stride = w.stride[i];
    PadWidth width{pads[i], pads[i + axes]};
    if (automatic == "SAME_LOWER") {
      const Index missing =
          std::max<Index>(0, (length + stride - 1) / stride * stride - stride + reach - length);
      width = {missing - missing / 2, missing / 2};
    }
    // One window more, which reaches beyond the padding; it does not begin there.
    const Index last = length + width.before + width.after - reach, rest = last % stride,
                next = last - rest + stride;
    if (c.option("ceil_mode", 0) && rest > 0 && next < length + width.before)
      width.after += stride - rest;
    w.around.push_back(width);
  }
  w.around.emplace_back();
  return w;
}

Tensor convolved(const Case& c, const Tensor& x, const Tensor& kernel) {
  const Shape& shape = kernel.shape();  // (out, in, rows, columns)
  if (x.shape().rank() != 4) throw LeftOut("convolution over one or three axes");
  if (c.option("group", 1) != 1) throw LeftOut("convolution in groups");
  const Windows w = windows_of(c, x.shape(), {shape[2], shape[3]});
  const Conv2DOptions options{.strides = {w.stride[0], w.stride[1]},
                              .padding = w.padding,
                              .dilation_rate = {w.dilation[0], w.dilation[1]}};
  return channels_first(
      conv2d(pad(channels_last(x), w.around), permute_dims(kernel, {2, 3, 1, 0}), options));
}

Tensor convolution(const Case& c) {
  if (c.has(2)) throw LeftOut("convolution with a bias");
  return convolved(c, c.tensor(0), c.tensor(1));
}

template <class Pool1D, class Pool2D>
Tensor pooled(const Tensor& x, const Windows& w, const Pool1D& pool1d, const Pool2D& pool2d) {
  if (std::ranges::count(w.dilation, 1) != std::ssize(w.dilation))
    throw LeftOut("pooling with gaps in the windows");
  if (w.size.size() == 1)
    return pool1d(x, {.pool_size = w.size[0], .strides = w.stride[0], .padding = w.padding});
  return pool2d(x, {.pool_size = {w.size[0], w.size[1]},
                    .strides = {w.stride[0], w.stride[1]},
                    .padding = w.padding});
}

Tensor largest_of_windows(const Case& c) {
  if (c.expected().size() > 1) throw LeftOut("where the largest of a window is");
  const Tensor x = c.tensor(0);
  const Windows w = windows_of(c, x.shape(), c.options("kernel_shape"));
  return channels_first(
      pooled(pad(channels_last(x), w.around, -infinity), w, max_pool1d, max_pool2d));
}

// Padding put around counts: unless it shall, the mean is divided by that of ones with the same
// zeros around.
Tensor means_of_windows(const Case& c) {
  const Tensor x = channels_last(c.tensor(0)), ones = Array::full(x.shape(), 1);
  const Windows w = windows_of(c, c.tensor(0).shape(), c.options("kernel_shape"));
  const auto means = [&](const Tensor& of) {
    return pooled(pad(of, w.around), w, average_pool1d, average_pool2d);
  };
  return channels_first(c.option("count_include_pad", 0) ? means(x) : means(x) / means(ones));
}

// One value for each channel, axis 1, of x; or one for all.
Tensor per_channel(const Tensor& values, const Tensor& x) {
  std::vector<Index> sizes(static_cast<std::size_t>(x.shape().rank()), 1);
  sizes[1] = values.shape().count();
  return reshape(values, sizes);
}

// (x - zero) scale: inputs x, scale, zero.
Tensor dequantised(const Case& c) {
  const Tensor x = c.tensor(0);
  if (c.option("block_size", 0) != 0) throw LeftOut("a scale for each block of positions");
  if (c.option("axis", 1) != 1) throw LeftOut("a scale for each position of another axis than 1");
  return (x - per_channel(c.tensor(2), x)) * per_channel(c.tensor(1), x);
}

// Outputs: y; in training also the running mean and variance, moved towards the batch's.
Values batch_norm(const Case& c) {
  const Tensor x = c.tensor(0);
  const bool training = c.option("training_mode", 0);
  const Tensor mean = training ? fovea::mean(x, {0, 2, 3}) : c.tensor(3),
               variance = training ? var(x, {0, 2, 3}) : c.tensor(4);
  const auto fit = [&](const Tensor& values) { return per_channel(values, x); };
  const Tensor y =
      (x - fit(mean)) * fit(rsqrt(variance + c.option("epsilon", 1e-5)) * c.tensor(1)) +
      fit(c.tensor(2));
  const real momentum = c.option("momentum", 0.9);
  const auto running = [&](const Tensor& before, const Tensor& now) {
    return momentum * before + (1 - momentum) * now;
  };
  if (!training) return {y};
  return {y, running(c.tensor(3), mean), running(c.tensor(4), variance)};
}

// layer_norm over all axes behind the channels, with one scale and one bias for each channel.
Tensor instance_norm(const Case& c) {
  const Tensor x = c.tensor(0), rows = reshape(x, {x.shape()[0], x.shape()[1], -1});
  const Index width = rows.shape()[2];
  const Tensor y =
      layer_norm(rows, Array::full({width}, 1), Array::zeros({width}), c.option("epsilon", 1e-5));
  return reshape(per_channel(c.tensor(1), y) * y + per_channel(c.tensor(2), y),
                 {x.shape().sizes().begin(), x.shape().sizes().end()});
}

// layer_norm over the axes from "axis" on, as one. Outputs: y, the means, and 1 / sqrt(variance +
// epsilon).
Values layer_normalisation(const Case& c) {
  const Tensor x = c.tensor(0);
  const std::vector<Index> sizes(x.shape().sizes().begin(), x.shape().sizes().end());
  const Index width = c.tensor(1).shape().count();
  const Tensor rows = reshape(x, {-1, width});
  const real epsilon = c.option("epsilon", 1e-5);
  std::vector<Index> outer = sizes;
  std::fill(outer.begin() + x.shape().resolve(static_cast<int>(c.option("axis", -1))), outer.end(),
            1);
  return {reshape(layer_norm(rows, reshape(c.tensor(1), {-1}), reshape(c.tensor(2), {-1}), epsilon),
                  sizes),
          reshape(mean(rows, -1), outer), reshape(rsqrt(var(rows, -1) + epsilon), outer)};
}

Tensor mean_variance_normalised(const Case& c) {
  const Tensor x = c.tensor(0);
  if (c.has_option("axes")) throw LeftOut("other axes than batch, rows and columns");
  return (x - mean(x, {0, 2, 3}, true)) / sqrt(var(x, {0, 2, 3}, true));
}

}  // namespace

std::vector<Translation> layers() {
  return {
      {"MatMul", computed, [](const Case& c) { return matmul(c.tensor(0), c.tensor(1)); }},
      {"MatMulInteger", computed,
       [](const Case& c) { return matmul(c.tensor(0) - c.tensor(2), c.tensor(1) - c.tensor(3)); }},
      {"Gemm", computed, scaled_product},
      {"Einsum", computed, named_axes},

      {"Conv", computed, convolution},
      {"ConvInteger", computed,
       [](const Case& c) { return convolved(c, c.tensor(0) - c.tensor(2), c.tensor(1)); }},
      {"MaxPool", moved, largest_of_windows},
      {"AveragePool", computed, means_of_windows},
      {"GlobalMaxPool", moved,
       [](const Case& c) {
         return max(c.tensor(0), {2, 3}, true);
       }},
      {"GlobalAveragePool", computed,
       [](const Case& c) {
         return mean(c.tensor(0), {2, 3}, true);
       }},

      {"BatchNormalization", computed, batch_norm},
      {"InstanceNormalization", computed, instance_norm},
      {"LayerNormalization", computed, layer_normalisation},
      {"MeanVarianceNormalization", computed, mean_variance_normalised},
      {"DequantizeLinear", computed, dequantised},
  };
}

}  // namespace onnx
