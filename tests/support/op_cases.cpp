#include "support/op_cases.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace support {

namespace {

// Shapes of inputs.

Shapes nothing(Generate&) { return {}; }
Shapes any(Generate& g) { return {g.shape(0, 4)}; }
Shapes vectors(Generate& g) { return {g.shape(1, 4)}; }
Shapes matrices(Generate& g) { return {g.shape(2, 5)}; }

Shapes pairs(Generate& g) {
  const Shape shape = g.shape(0, 4);
  if (g.wants_same()) return {shape, shape};
  if (g.chance(0.5)) return {shape, g.broadcastable(shape)};
  return g.chance(0.5) ? Shapes{g.broadcastable(shape), shape} : Shapes{g.broadcastable(shape), g.broadcastable(shape)};
}

// With an axis, if any, over which a mean exists.
Shapes reducible(Generate& g) {
  Shape shape = g.shape(0, 4);
  if (shape.count() == 0 && std::ranges::count(shape.sizes(), 0) == shape.rank()) shape = shape.inserted(0, 3);
  return {shape};
}

fovea::MatmulOptions matmul_options(const Generate& g) { return {g.variant(4) % 2 == 1, g.variant(4) / 2 == 1}; }

Shapes factors(Generate& g) {
  const auto [transpose_a, transpose_b] = matmul_options(g);
  std::vector<Index> sizes = {g.integer(1, 6), g.integer(1, 6), g.integer(1, 6)};
  const auto size = [&]() -> Index& { return sizes[static_cast<std::size_t>(g.integer(0, 2))]; };
  if (g.chance(0.3)) size() = g.integer(7, 40);
  if (g.wants_ones()) size() = 1;
  if (g.wants_empty()) sizes[static_cast<std::size_t>(g.trial() / 8 % 3)] = 0;
  if (g.wants_same()) sizes = {sizes[0], sizes[0], sizes[0]};
  Shape batch = g.chance(0.3) ? Shape() : Shape{g.integer(1, 3)};
  if (g.chance(0.3)) batch = batch.inserted(0, g.wants_empty() ? 0 : g.integer(1, 3));
  if (g.large()) {
    // Beyond 2e6 operations a product is cut into tiles; with few tiles and a long inner axis, that axis is cut as well.
    const std::vector<std::vector<Index>> cut = {{300, 70, 130},  {33, 4100, 35}, {5, 3000, 200}, {1, 70000, 40},
                                                 {200, 130, 600}, {40, 60, 50},   {130, 520, 500}};
    sizes = cut[static_cast<std::size_t>(g.trial()) % cut.size()];
    batch = sizes[0] == 40 ? Shape{4, 6} : g.chance(0.5) ? Shape{2} : Shape();
  }
  const auto matrix = [&](Shape leading, Index rows, Index columns, bool transpose) {
    if (transpose) std::swap(rows, columns);
    return leading.inserted(leading.rank(), rows).inserted(leading.rank() + 1, columns);
  };
  const bool same = g.wants_same();
  return {matrix(same ? batch : g.broadcastable(batch), sizes[0], sizes[1], transpose_a),
          matrix(same ? batch : g.broadcastable(batch), sizes[1], sizes[2], transpose_b)};
}

Shapes joinable(Generate& g) {
  const Shape shape = g.shape(1, 4);
  Shapes shapes(static_cast<std::size_t>(g.integer(g.wants_same() ? 2 : 1, 4)), shape);
  const int axis = static_cast<int>(g.integer(0, shape.rank() - 1));
  if (!g.wants_same())
    for (Shape& each : shapes) each = each.with(axis, std::max<Index>(0, shape[axis] + g.integer(-1, 2)));
  return shapes;
}

// (..., classes) of which there is one at least, unless there is nothing to be classified.
Shapes predictions(Generate& g) {
  const Shape shape = g.shape(1, 4);
  const bool classes = shape[-1] > 0 || shape.without(-1).count() == 0;
  return {classes ? shape : shape.with(-1, 3).with(0, shape.rank() > 1 ? 0 : 3)};
}

// What else a call takes.

int draw_axis(const Shape& shape, Generate& g) { return static_cast<int>(g.integer(-shape.rank(), shape.rank() - 1)); }

// Some axes, from 0 on, ascending: all, or a part. Where `nonempty`, none of size 0.
std::vector<int> draw_axes(const Shape& shape, Generate& g, bool nonempty) {
  std::vector<int> axes;
  for (int axis = 0; axis < shape.rank(); ++axis)
    if (!nonempty || shape[axis] > 0) axes.push_back(axis);
  if (static_cast<int>(axes.size()) == shape.rank() && g.chance(0.25)) return axes;
  g.shuffle(axes);
  if (!axes.empty()) axes.resize(static_cast<std::size_t>(g.integer(1, static_cast<Index>(axes.size()))));
  std::ranges::sort(axes);
  return axes;
}

// The same axes as a caller may name them: in any order, from either end; none for all of them.
fovea::Axes named(std::vector<int> axes, const Shape& shape, Generate& g) {
  if (static_cast<int>(axes.size()) == shape.rank() && g.chance(0.5)) return {};
  g.shuffle(axes);
  for (int& axis : axes)
    if (g.chance(0.4)) axis -= shape.rank();
  switch (axes.size()) {
    case 0:
      return {};
    case 1:
      return axes[0];
    case 2:
      return {axes[0], axes[1]};
    case 3:
      return {axes[0], axes[1], axes[2]};
    default:
      return {axes[0], axes[1], axes[2], axes[3]};
  }
}

std::optional<Mask> draw_mask(const Shape& shape, Generate& g) {
  if (g.variant(3) == 0) return {};
  return g.mask(g.variant(3) == 1 ? shape : g.broadcastable(shape),
                std::vector{0.0, 0.3, 0.7, 1.0}[static_cast<std::size_t>(g.integer(0, 3))]);
}

std::string text(const std::optional<Mask>& mask) {
  return mask ? fmt::format(", mask {} keeps {}", to_string(mask->shape()),
                            fmt::join(mask->keep().first(std::min<std::size_t>(64, mask->keep().size())), ""))
              : "";
}

// Calls of a family.

auto unary(Tensor (*op)(const Tensor&), wide (*exact)(wide)) {
  return [=](const Shapes&, Generate&) {
    return Call{[=](Inputs x) { return op(x[0]); }, [=](const auto& x) { return plain::map(x[0], exact); }};
  };
}

auto binary(Tensor (*op)(const Tensor&, const Tensor&), wide (*exact)(wide, wide)) {
  return [=](const Shapes&, Generate&) {
    return Call{[=](Inputs x) { return op(x[0], x[1]); }, [=](const auto& x) { return plain::zip(x[0], x[1], exact); }};
  };
}

auto reduction(Tensor (*op)(const Tensor&, const fovea::Axes&, bool), Plain (*exact)(const Plain&, const std::vector<int>&, bool),
               bool nonempty) {
  return [=](const Shapes& shapes, Generate& g) {
    const std::vector<int> axes = draw_axes(shapes[0], g, nonempty);
    const fovea::Axes given = named(axes, shapes[0], g);
    const bool keepdims = g.chance(0.5);
    return Call{[=](Inputs x) { return op(x[0], given, keepdims); }, [=](const auto& x) { return exact(x[0], axes, keepdims); },
                fmt::format("axes ({}), keepdims {}", fmt::join(given.list(), ", "), keepdims)};
  };
}

auto distribution(Tensor (*op)(const Tensor&, int, const std::optional<Mask>&),
                  Plain (*exact)(const Plain&, int, const std::optional<Mask>&)) {
  return [=](const Shapes& shapes, Generate& g) {
    const int axis = draw_axis(shapes[0], g);
    const std::optional<Mask> mask = draw_mask(shapes[0], g);
    return Call{[=](Inputs x) { return op(x[0], axis, mask); },
                [=, resolved = shapes[0].resolve(axis)](const auto& x) { return exact(x[0], resolved, mask); },
                fmt::format("axis {}{}", axis, text(mask))};
  };
}

auto labelled(Tensor (*op)(const Tensor&, const Ids&), Plain (*exact)(const Plain&, const Ids&)) {
  return [=](const Shapes& shapes, Generate& g) {
    const Ids labels = g.ids(shapes[0].without(-1), shapes[0][-1]);
    return Call{[=](Inputs x) { return op(x[0], labels); }, [=](const auto& x) { return exact(x[0], labels); },
                fmt::format("labels ({})", fmt::join(labels.values().first(std::min<std::size_t>(64, labels.values().size())), ", "))};
  };
}

Plain cross_entropy_of_probabilities(const Plain& probabilities, const Ids& labels) {
  const wide low = real(1e-7), high = real(1) - real(1e-7);
  return plain::cross_entropy(plain::map(probabilities, [=](wide p) { return std::log(std::clamp(p, low, high)); }), labels);
}

// Calls of single ops.

Call scalar_call(const Shapes&, Generate& g) {
  const real value = static_cast<real>(g.uniform(-3, 3));
  return {[=](Inputs) { return fovea::scalar(value); }, [=](const auto&) { return Plain(Array::full(Shape{}, value)); }};
}

Call clip_call(const Shapes&, Generate&) {
  return {[](Inputs x) { return fovea::clip(x[0], real(-0.5), real(0.75)); },
          [](const auto& x) { return plain::map(x[0], [](wide v) { return std::clamp<wide>(v, -0.5, 0.75); }); }, "low -0.5, high 0.75"};
}

Call matmul_call(const Shapes&, Generate& g) {
  const fovea::MatmulOptions options = matmul_options(g);
  return {[=](Inputs x) { return fovea::matmul(x[0], x[1], options); },
          [=](const auto& x) { return plain::matmul(x[0], x[1], options.transpose_a, options.transpose_b); },
          fmt::format("transpose_a {}, transpose_b {}", options.transpose_a, options.transpose_b)};
}

Call reshape_call(const Shapes& shapes, Generate& g) {
  std::vector<Index> sizes(shapes[0].sizes().begin(), shapes[0].sizes().end());
  g.shuffle(sizes);
  if (sizes.size() > 1 && g.chance(0.5)) {
    sizes[1] *= sizes[0];
    sizes.erase(sizes.begin());
  }
  if (g.chance(0.3)) sizes.insert(sizes.begin() + g.integer(0, static_cast<Index>(sizes.size())), 1);
  const Shape result(sizes);
  if (!sizes.empty() && g.chance(0.5)) {
    Index& left = sizes[static_cast<std::size_t>(g.integer(0, static_cast<Index>(sizes.size()) - 1))];
    const Index size = std::exchange(left, 1);
    left = Shape(sizes).count() > 0 ? -1 : size;
  }
  return {[=](Inputs x) { return fovea::reshape(x[0], sizes); }, [=](const auto& x) { return plain::reshape(x[0], result); },
          fmt::format("sizes ({})", fmt::join(sizes, ", "))};
}

Call permute_call(const Shapes& shapes, Generate& g) {
  std::vector<int> order(static_cast<std::size_t>(shapes[0].rank()));
  std::iota(order.begin(), order.end(), 0);
  g.shuffle(order);
  std::vector<int> given = order;
  for (int& axis : given)
    if (g.chance(0.3)) axis -= shapes[0].rank();
  return {[=](Inputs x) { return fovea::permute(x[0], given); }, [=](const auto& x) { return plain::permute(x[0], order); },
          fmt::format("order ({})", fmt::join(given, ", "))};
}

Call transpose_call(const Shapes& shapes, Generate& g) {
  const int a = g.chance(0.5) ? -1 : draw_axis(shapes[0], g), b = g.chance(0.5) ? -2 : draw_axis(shapes[0], g);
  std::vector<int> order(static_cast<std::size_t>(shapes[0].rank()));
  std::iota(order.begin(), order.end(), 0);
  std::swap(order[static_cast<std::size_t>(shapes[0].resolve(a))], order[static_cast<std::size_t>(shapes[0].resolve(b))]);
  return {[=](Inputs x) { return a == -1 && b == -2 ? fovea::transpose(x[0]) : fovea::transpose(x[0], a, b); },
          [=](const auto& x) { return plain::permute(x[0], order); }, fmt::format("axes {} and {}", a, b)};
}

Call concat_call(const Shapes& shapes, Generate& g) {
  int axis = draw_axis(shapes[0], g);
  for (int i = 0; i < shapes[0].rank(); ++i)
    if (std::ranges::any_of(shapes, [&](const Shape& shape) { return shape[i] != shapes[0][i]; }))
      axis = g.chance(0.5) ? i : i - shapes[0].rank();
  return {[=](Inputs x) { return fovea::concat(x, axis); },
          [=, resolved = shapes[0].resolve(axis)](const auto& x) { return plain::concat(x, resolved); }, fmt::format("axis {}", axis)};
}

Call slice_call(const Shapes& shapes, Generate& g) {
  const int axis = draw_axis(shapes[0], g);
  const Index begin = g.integer(0, shapes[0][axis]), end = g.integer(begin, shapes[0][axis]);
  return {[=](Inputs x) { return fovea::slice(x[0], axis, begin, end); },
          [=, resolved = shapes[0].resolve(axis)](const auto& x) { return plain::slice(x[0], resolved, begin, end); },
          fmt::format("axis {}, begin {}, end {}", axis, begin, end)};
}

// Up to twice as many ids as rows, so that some repeat.
Call gather_rows_call(const Shapes& shapes, Generate& g) {
  const Index rows = shapes[0][0], most = 2 * std::min<Index>(rows, g.large() ? 40000 * rows / shapes[0].count() + 1 : rows);
  Shape shape = rows == 0 ? Shape{0} : g.chance(0.2) ? Shape() : Shape{g.integer(1, most)};
  if (g.chance(0.3)) shape = shape.inserted(0, g.wants_empty() ? 0 : g.integer(1, 3));
  const Ids ids = g.ids(shape, rows);
  return {
      [=](Inputs x) { return fovea::gather_rows(x[0], ids); }, [=](const auto& x) { return plain::gather_rows(x[0], ids); },
      fmt::format("ids {} ({})", to_string(shape), fmt::join(ids.values().first(std::min<std::size_t>(64, ids.values().size())), ", "))};
}

Call dropout_call(const Shapes&, Generate& g) {
  const real rate = std::vector<real>{0, 0.5, 1, real(0.3)}[static_cast<std::size_t>(g.variant(4))];
  const fovea::Rng random(g.bits());
  const Index first = g.chance(0.5) ? 0 : g.integer(1, 1000);
  return {[=](Inputs x) { return first == 0 ? fovea::dropout(x[0], rate, random) : fovea::dropout(x[0], rate, random, first); },
          [=](const auto& x) {
            Plain y = x[0];
            for (std::size_t i = 0; i < y.values.size(); ++i)
              y.values[i] = random.uniform(static_cast<std::uint64_t>(first) + i) >= rate ? y.values[i] / (1 - wide(rate)) : 0;
            return y;
          },
          fmt::format("rate {}, first {}", rate, first)};
}

wide sigmoid(wide x) { return 1 / (1 + std::exp(-x)); }

}  // namespace

const std::vector<OpCase>& op_cases() {
  const Range plain_range = {-3, 3};
  static const std::vector<OpCase> rows = {
      {"add", plain_range, 1, pairs, binary(fovea::add, [](wide a, wide b) { return a + b; })},
      {"sub", plain_range, 1, pairs, binary(fovea::sub, [](wide a, wide b) { return a - b; })},
      {"mul", plain_range, 1, pairs, binary(fovea::mul, [](wide a, wide b) { return a * b; })},
      {"div", {-3, 3, {0}, 0.3}, 1, pairs, binary(fovea::div, [](wide a, wide b) { return a / b; })},
      {"neg", plain_range, 0, any, unary(fovea::neg, [](wide x) { return -x; })},
      {"scalar", plain_range, 0, nothing, scalar_call},
      {"exp", plain_range, 2, any, unary(fovea::exp, std::exp)},
      {"log", {0.1, 3}, 4, any, unary(fovea::log, std::log)},
      {"tanh", plain_range, 3, any, unary(fovea::tanh, std::tanh)},
      {"sigmoid", plain_range, 4, any, unary(fovea::sigmoid, sigmoid)},
      {"relu", {-3, 3, {0}}, 0, any, unary(fovea::relu, [](wide x) { return std::max<wide>(x, 0); })},
      {"clip", {-3, 3, {-0.5, 0.75}}, 0, any, clip_call},
      {"matmul", plain_range, 4, factors, matmul_call},
      {"sum", plain_range, 4, any, reduction(fovea::sum, plain::sum, false)},
      {"mean", plain_range, 4, reducible, reduction(fovea::mean, plain::mean, true)},
      {"max", {-3, 3, {}, 0, true}, 0, reducible, reduction(fovea::max, plain::max, true)},
      {"reshape", plain_range, 0, any, reshape_call},
      {"permute", plain_range, 0, any, permute_call},
      {"transpose", plain_range, 0, matrices, transpose_call},
      {"concat", plain_range, 0, joinable, concat_call},
      {"slice", plain_range, 0, vectors, slice_call},
      {"gather_rows", plain_range, 0, vectors, gather_rows_call},
      {"softmax", plain_range, 4, vectors, distribution(fovea::softmax, plain::softmax)},
      {"log_softmax", plain_range, 4, vectors, distribution(fovea::log_softmax, plain::log_softmax)},
      {"dropout", plain_range, 2, any, dropout_call},
      {"sparse_cross_entropy", plain_range, 4, predictions, labelled(fovea::sparse_cross_entropy, plain::cross_entropy)},
      {"sparse_cross_entropy_from_probabilities",
       {0.01, 0.99},
       8,
       predictions,
       labelled(fovea::sparse_cross_entropy_from_probabilities, cross_entropy_of_probabilities)},
  };
  return rows;
}

}  // namespace support
