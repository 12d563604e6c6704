// Rows of the table: what layers are made of.
#include <cmath>

#include "support/op_draws.hpp"

namespace support {

namespace {

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

// x (..., width), and as many vectors (width).
auto normed(std::size_t parameters) {
  return [=](Generate& g) {
    const Shape x = g.shape(1, g.wants_same() ? 1 : 4), width{x[-1]};
    Shapes shapes(parameters + 1, width);
    shapes[0] = x;
    return shapes;
  };
}

// In plain loops, with what rounding is measured by: the mean and the differences are rounded
// before they are scaled up.
Plain norm(const std::vector<Plain>& in, bool centred, wide epsilon) {
  const Plain& x = in[0];
  Plain y(x.shape);
  y.scales.resize(y.values.size());
  const Index width = x.shape[-1];
  for (Index row = 0; width > 0 && row < x.shape.count() / width; ++row) {
    const wide* const from = x.values.data() + row * width;
    wide mean = 0, magnitude = 0, squares = 0;
    for (Index i = 0; i < width; ++i)
      mean += from[i] / static_cast<wide>(width),
          magnitude += std::abs(from[i]) / static_cast<wide>(width);
    if (!centred) mean = 0;
    for (Index i = 0; i < width; ++i)
      squares += (from[i] - mean) * (from[i] - mean) / static_cast<wide>(width);
    const wide scale = 1 / std::sqrt(squares + epsilon),
               longer = 1 + std::sqrt(static_cast<wide>(width)) / 16;
    for (Index i = 0; i < width; ++i) {
      const wide gamma = in[1].values[at(i)], beta = centred ? in[2].values[at(i)] : 0;
      y.values[at(row * width + i)] = (from[i] - mean) * scale * gamma + beta;
      y.scales[at(row * width + i)] =
          (std::abs(from[i]) + magnitude) * scale * std::abs(gamma) * longer + std::abs(beta);
    }
  }
  return y;
}

Call layer_norm_call(const Shapes&, Generate& g) {
  const real epsilon = g.chance(0.5) ? real(1e-3) : real(1e-5);
  return {[=](Inputs x) { return fovea::layer_norm(x[0], x[1], x[2], epsilon); },
          [=](const auto& x) { return norm(x, true, epsilon); },
          fmt::format("epsilon {}", epsilon)};
}

Call rms_norm_call(const Shapes&, Generate& g) {
  const real epsilon = g.chance(0.5) ? real(1e-6) : real(1e-3);
  return {[=](Inputs x) { return fovea::rms_norm(x[0], x[1], epsilon); },
          [=](const auto& x) { return norm(x, false, epsilon); },
          fmt::format("epsilon {}", epsilon)};
}

// Windows.

constexpr fovea::Padding paddings[] = {fovea::Padding::valid, fovea::Padding::same,
                                       fovea::Padding::causal};

// One axis of them, as its definition says: window o begins at o stride - before and has `size`
// elements, `dilation` apart.
struct Axis {
  Index in, size, stride, dilation, before, out;

  Axis(Index length, Index width, Index step, Index gap, fovea::Padding padding)
      : in(length), size(width), stride(step), dilation(gap) {
    const Index reach = (size - 1) * dilation + 1;
    out = padding == fovea::Padding::valid ? (in - reach + stride) / stride
                                           : (in + stride - 1) / stride;
    const Index total = std::max<Index>((out - 1) * stride + reach - in, 0);
    before = padding == fovea::Padding::valid  ? 0
             : padding == fovea::Padding::same ? total / 2
                                               : reach - 1;
  }

  // The position of element k of window o; none in the padding.
  std::optional<Index> place(Index o, Index k) const {
    const Index i = o * stride + k * dilation - before;
    return i >= 0 && i < in ? std::optional(i) : std::nullopt;
  }
};

// Calls visit(position in x, row and column within the window) for what is inside of a window of
// (batch, rows, columns, channels).
void for_window(const Axis& rows, const Axis& columns, const Position& window,
                const std::function<void(Index, Index, Index, Index)>& visit) {
  for (Index i = 0; i < rows.size; ++i)
    for (Index j = 0; j < columns.size; ++j)
      if (const auto row = rows.place(window[1], i), column = columns.place(window[2], j);
          row && column)
        visit(*row, *column, i, j);
}

// Sizes of axes over which a window of `size` with gaps fits.
Index axis_size(Generate& g, Index size, Index dilation) {
  return (size - 1) * dilation + g.integer(1, g.large() ? 40 : 5);
}

struct Drawn {
  Index size_rows, size_columns;  // of windows
  std::array<Index, 2> stride, dilation;
  fovea::Padding padding;
};

// The same each time that it is called with a fresh generator of the same trial.
Drawn draw_windows(const Generate& from, bool one_axis, bool dilates) {
  Generate g("windows", from.trial());
  Drawn d{one_axis ? 1 : g.integer(1, 3),
          g.integer(1, 3),
          {g.integer(1, 3), g.integer(1, 3)},
          {g.integer(1, 2), g.integer(1, 2)},
          paddings[g.integer(0, one_axis && dilates ? 2 : 1)]};
  if (one_axis) d.stride[0] = 1, d.dilation[0] = 1;
  if (!dilates) d.dilation = {1, 1};
  return d;
}

// x (batch, [rows,] columns, channels), then, for a convolution, the kernel ([rows,] columns,
// channels, filters).
auto images(bool one_axis, bool convolves) {
  return [=](Generate& g) {
    const Drawn d = draw_windows(g, one_axis, convolves);
    Index batch = g.integer(1, 3), channels = g.integer(1, g.large() ? 20 : 3),
          filters = g.integer(1, g.large() ? 20 : 3);
    if (g.wants_ones()) channels = 1;
    if (g.wants_empty()) (g.chance(0.5) ? batch : channels) = 0;
    Shape x{batch, axis_size(g, d.size_columns, d.dilation[1]), channels},
        kernel{d.size_columns, channels, filters};
    if (!one_axis)
      x = x.inserted(1, axis_size(g, d.size_rows, d.dilation[0])),
      kernel = kernel.inserted(0, d.size_rows);
    if (g.large()) x = x.with(0, 40000 / std::max<Index>(1, x.with(0, 1).count()) + 1);
    if (convolves && g.wants_same())
      x = kernel = one_axis
                       ? Shape{d.size_columns, 5, 5}
                       : Shape{d.size_rows, 5, 9, 9};  // each axis longer than a window reaches
    return convolves ? Shapes{x, kernel} : Shapes{x};
  };
}

Shape with_rows(const Shape& x) { return x.rank() == 3 ? x.inserted(1, 1) : x; }

// The two axes of windows over x.
std::pair<Axis, Axis> axes_of(const Drawn& d, const Shape& x, Index size_rows, Index size_columns) {
  const Shape image = with_rows(x);
  return {Axis(image[1], size_rows, d.stride[0], d.dilation[0],
               image[1] == 1 && x.rank() == 3 ? fovea::Padding::valid : d.padding),
          Axis(image[2], size_columns, d.stride[1], d.dilation[1], d.padding)};
}

Shape result_shape(const Shape& x, const Axis& rows, const Axis& columns, Index channels) {
  const Shape result{x[0], rows.out, columns.out, channels};
  return x.rank() == 3 ? result.without(1) : result;
}

Plain convolution(const Plain& x, const Plain& kernel, const Drawn& d) {
  const Shape image = with_rows(x.shape),
              window = kernel.shape.rank() == 3 ? kernel.shape.inserted(0, 1) : kernel.shape;
  const auto [rows, columns] = axes_of(d, x.shape, window[0], window[1]);
  Plain y(result_shape(x.shape, rows, columns, window[3]));
  y.scales.resize(y.values.size());
  const Shape full{image[0], rows.out, columns.out, window[3]};
  for (Index i = 0; i < full.count(); ++i) {
    const Position to = position(full, i);
    for_window(rows, columns, to, [&](Index row, Index column, Index k_row, Index k_column) {
      for (Index c = 0; c < image[3]; ++c) {
        const wide term = x.values[at(number(image, {to[0], row, column, c}))] *
                          kernel.values[at(number(window, {k_row, k_column, c, to[3]}))];
        y.values[at(i)] += term;
        y.scales[at(i)] += std::abs(term);
      }
    });
  }
  return y;
}

Plain pool(const Plain& x, const Drawn& d, bool largest) {
  const Shape image = with_rows(x.shape);
  const auto [rows, columns] = axes_of(d, x.shape, d.size_rows, d.size_columns);
  Plain y(result_shape(x.shape, rows, columns, image[3]));
  y.scales.resize(y.values.size());
  const Shape full{image[0], rows.out, columns.out, image[3]};
  for (Index i = 0; i < full.count(); ++i) {
    const Position to = position(full, i);
    std::vector<wide> found;
    for_window(rows, columns, to, [&](Index row, Index column, Index, Index) {
      found.push_back(x.values[at(number(image, {to[0], row, column, to[3]}))]);
    });
    for (const wide value : found) {
      y.values[at(i)] += value / static_cast<wide>(found.size());
      y.scales[at(i)] += std::abs(value) / static_cast<wide>(found.size());
    }
    if (largest) y.values[at(i)] = *std::ranges::max_element(found), y.scales[at(i)] = 0;
  }
  return y;
}

std::string text(const Drawn& d) {
  return fmt::format("window ({}, {}), stride ({}), dilation ({}), padding {}", d.size_rows,
                     d.size_columns, fmt::join(d.stride, ", "), fmt::join(d.dilation, ", "),
                     static_cast<int>(d.padding));
}

auto convolution_call(bool one_axis) {
  return [=](const Shapes&, Generate& g) {
    const Drawn d = draw_windows(g, one_axis, true);
    return Call{[=](Inputs x) {
                  return one_axis ? fovea::conv1d(x[0], x[1],
                                                  {.strides = d.stride[1],
                                                   .padding = d.padding,
                                                   .dilation_rate = d.dilation[1]})
                                  : fovea::conv2d(x[0], x[1],
                                                  {.strides = d.stride,
                                                   .padding = d.padding,
                                                   .dilation_rate = d.dilation});
                },
                [=](const auto& x) { return convolution(x[0], x[1], d); }, text(d)};
  };
}

auto pool_call(bool one_axis, bool largest) {
  return [=](const Shapes&, Generate& g) {
    const Drawn d = draw_windows(g, one_axis, false);
    return Call{
        [=](Inputs x) {
          if (one_axis) {
            const fovea::Pool1DOptions options{d.size_columns, d.stride[1], d.padding};
            return largest ? fovea::max_pool1d(x[0], options)
                           : fovea::average_pool1d(x[0], options);
          }
          const fovea::Pool2DOptions options{{d.size_rows, d.size_columns}, d.stride, d.padding};
          return largest ? fovea::max_pool2d(x[0], options) : fovea::average_pool2d(x[0], options);
        },
        [=](const auto& x) { return pool(x[0], d, largest); }, text(d)};
  };
}

}  // namespace

std::vector<OpCase> layer_cases() {
  const Range numbers = {-3, 3}, apart = {-3, 3, {}, 0, true};
  return {
      {"layer_norm", {-3, 3}, 8, normed(2), layer_norm_call},
      {"rms_norm", {-3, 3, {0}}, 8, normed(1), rms_norm_call},
      {"conv1d", numbers, 4, images(true, true), convolution_call(true)},
      {"conv2d", numbers, 4, images(false, true), convolution_call(false)},
      {"max_pool1d", apart, 0, images(true, false), pool_call(true, true)},
      {"max_pool2d", apart, 0, images(false, false), pool_call(false, true)},
      {"average_pool1d", numbers, 4, images(true, false), pool_call(true, false)},
      {"average_pool2d", numbers, 4, images(false, false), pool_call(false, false)},
  };
}

}  // namespace support
