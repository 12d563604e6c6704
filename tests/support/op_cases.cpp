#include <cmath>
#include <numeric>

#include "support/op_draws.hpp"

namespace support {

namespace {

Shapes joinable(Generate& g) {
  const Shape shape = g.shape(1, 4);
  Shapes shapes(static_cast<std::size_t>(g.integer(g.wants_same() ? 2 : 1, 4)), shape);
  const int axis = static_cast<int>(g.integer(0, shape.rank() - 1));
  if (!g.wants_same())
    for (Shape& each : shapes)
      each = each.with(axis, std::max<Index>(0, shape[axis] + g.integer(-1, 2)));
  return shapes;
}

auto distribution(Tensor (*op)(const Tensor&, int, const std::optional<Mask>&),
                  Plain (*exact)(const Plain&, int, const std::optional<Mask>&)) {
  return [=](const Shapes& shapes, Generate& g) {
    const int axis = draw_axis(shapes[0], g);
    const std::optional<Mask> mask = draw_mask(shapes[0], g);
    return Call{[=](Inputs x) { return op(x[0], axis, mask); },
                [=, resolved = shapes[0].resolve(axis)](const auto& x) {
                  return exact(x[0], resolved, mask);
                },
                fmt::format("axis {}{}", axis, text(mask))};
  };
}

// Calls of single ops.

Call scalar_call(const Shapes&, Generate& g) {
  const real value = static_cast<real>(g.uniform(-3, 3));
  return {[=](Inputs) { return fovea::scalar(value); },
          [=](const auto&) { return Plain(Array::full(Shape{}, value)); }};
}

Call clip_call(const Shapes&, Generate&) {
  return {[](Inputs x) { return fovea::clip(x[0], real(-0.5), real(0.75)); },
          [](const auto& x) {
            return plain::map(x[0], [](wide v) { return std::clamp<wide>(v, -0.5, 0.75); });
          },
          "low -0.5, high 0.75"};
}

Call reshape_call(const Shapes& shapes, Generate& g) {
  std::vector<Index> sizes(shapes[0].sizes().begin(), shapes[0].sizes().end());
  g.shuffle(sizes);
  if (sizes.size() > 1 && g.chance(0.5)) {
    sizes[1] *= sizes[0];
    sizes.erase(sizes.begin());
  }
  if (g.chance(0.3))
    sizes.insert(sizes.begin() + g.integer(0, static_cast<Index>(sizes.size())), 1);
  const Shape result(sizes);
  if (!sizes.empty() && g.chance(0.5)) {
    Index& left =
        sizes[static_cast<std::size_t>(g.integer(0, static_cast<Index>(sizes.size()) - 1))];
    const Index size = std::exchange(left, 1);
    left = Shape(sizes).count() > 0 ? -1 : size;
  }
  return {[=](Inputs x) { return fovea::reshape(x[0], sizes); },
          [=](const auto& x) { return plain::reshape(x[0], result); },
          fmt::format("sizes ({})", fmt::join(sizes, ", "))};
}

Call permute_call(const Shapes& shapes, Generate& g) {
  std::vector<int> order(static_cast<std::size_t>(shapes[0].rank()));
  std::iota(order.begin(), order.end(), 0);
  g.shuffle(order);
  std::vector<int> given = order;
  for (int& axis : given)
    if (g.chance(0.3)) axis -= shapes[0].rank();
  return {[=](Inputs x) { return fovea::permute_dims(x[0], given); },
          [=](const auto& x) { return plain::permute(x[0], order); },
          fmt::format("order ({})", fmt::join(given, ", "))};
}

Call transpose_call(const Shapes& shapes, Generate& g) {
  const int a = g.chance(0.5) ? -1 : draw_axis(shapes[0], g),
            b = g.chance(0.5) ? -2 : draw_axis(shapes[0], g);
  std::vector<int> order(static_cast<std::size_t>(shapes[0].rank()));
  std::iota(order.begin(), order.end(), 0);
  std::swap(order[static_cast<std::size_t>(shapes[0].resolve(a))],
            order[static_cast<std::size_t>(shapes[0].resolve(b))]);
  return {[=](Inputs x) {
            return a == -1 && b == -2 ? fovea::transpose(x[0]) : fovea::transpose(x[0], a, b);
          },
          [=](const auto& x) { return plain::permute(x[0], order); },
          fmt::format("axes {} and {}", a, b)};
}

Call concat_call(const Shapes& shapes, Generate& g) {
  int axis = draw_axis(shapes[0], g);
  for (int i = 0; i < shapes[0].rank(); ++i)
    if (std::ranges::any_of(shapes, [&](const Shape& shape) { return shape[i] != shapes[0][i]; }))
      axis = g.chance(0.5) ? i : i - shapes[0].rank();
  return {
      [=](Inputs x) { return fovea::concat(x, axis); },
      [=, resolved = shapes[0].resolve(axis)](const auto& x) { return plain::concat(x, resolved); },
      fmt::format("axis {}", axis)};
}

// Up to twice as many ids as rows, so that some repeat.
Call gather_rows_call(const Shapes& shapes, Generate& g) {
  const Index rows = shapes[0][0],
              most = 2 *
                     std::min<Index>(rows, g.large() ? 40000 * rows / shapes[0].count() + 1 : rows);
  Shape shape = rows == 0 ? Shape{0} : g.chance(0.2) ? Shape() : Shape{g.integer(1, most)};
  if (g.chance(0.3)) shape = shape.inserted(0, g.wants_empty() ? 0 : g.integer(1, 3));
  const Ids ids = g.ids(shape, rows);
  return {[=](Inputs x) { return fovea::gather_rows(x[0], ids); },
          [=](const auto& x) { return plain::gather_rows(x[0], ids); },
          fmt::format(
              "ids {} ({})", to_string(shape),
              fmt::join(ids.values().first(std::min<std::size_t>(64, ids.values().size())), ", "))};
}

Call dropout_call(const Shapes&, Generate& g) {
  const real rate = std::vector<real>{0, 0.5, 1, real(0.3)}[static_cast<std::size_t>(g.variant(4))];
  const fovea::Rng random(g.bits());
  const Index first = g.chance(0.5) ? 0 : g.integer(1, 1000);
  return {[=](Inputs x) {
            return first == 0 ? fovea::dropout(x[0], rate, random)
                              : fovea::dropout(x[0], rate, random, first);
          },
          [=](const auto& x) {
            Plain y = x[0];
            for (std::size_t i = 0; i < y.values.size(); ++i)
              y.values[i] = random.uniform(static_cast<std::uint64_t>(first) + i) >= rate
                                ? y.values[i] / (1 - wide(rate))
                                : 0;
            return y;
          },
          fmt::format("rate {}, first {}", rate, first)};
}

wide sigmoid(wide x) { return 1 / (1 + std::exp(-x)); }

std::vector<OpCase> basic_cases() {
  const Range plain_range = {-3, 3};
  return {
      {"add", plain_range, 1, pairs, binary(fovea::add, [](wide a, wide b) { return a + b; })},
      {"subtract", plain_range, 1, pairs,
       binary(fovea::subtract, [](wide a, wide b) { return a - b; })},
      {"multiply", plain_range, 1, pairs,
       binary(fovea::multiply, [](wide a, wide b) { return a * b; })},
      {"multiply_no_nan", plain_range, 1, pairs,
       binary(fovea::multiply_no_nan, [](wide a, wide b) { return a * b; })},
      {"divide",
       {-3, 3, {0}, 0.3},
       1,
       pairs,
       binary(fovea::divide, [](wide a, wide b) { return a / b; })},
      {"negative", plain_range, 0, any, unary(fovea::negative, [](wide x) { return -x; })},
      {"scalar", plain_range, 0, nothing, scalar_call},
      {"exp", plain_range, 2, any, unary(fovea::exp, std::exp)},
      {"log", {0.1, 3}, 4, any, unary(fovea::log, std::log)},
      {"tanh", plain_range, 3, any, unary(fovea::tanh, std::tanh)},
      {"sigmoid", plain_range, 4, any, unary(fovea::sigmoid, sigmoid)},
      {"relu",
       {-3, 3, {0}},
       0,
       any,
       unary(fovea::relu, [](wide x) { return std::max<wide>(x, 0); })},
      {"clip", {-3, 3, {-0.5, 0.75}}, 0, any, clip_call},
      {"sum", plain_range, 4, any, reduction(fovea::sum, plain::sum, false)},
      {"mean", plain_range, 4, reducible, reduction(fovea::mean, plain::mean, true)},
      {"max", {-3, 3, {}, 0, true}, 0, reducible, reduction(fovea::max, plain::max, true)},
      {"reshape", plain_range, 0, any, reshape_call},
      {"permute_dims", plain_range, 0, any, permute_call},
      {"transpose", plain_range, 0, matrices, transpose_call},
      {"concat", plain_range, 0, joinable, concat_call},
      {"gather_rows", plain_range, 0, vectors, gather_rows_call},
      {"softmax", plain_range, 4, vectors, distribution(fovea::softmax, plain::softmax)},
      {"log_softmax", plain_range, 4, vectors,
       distribution(fovea::log_softmax, plain::log_softmax)},
      {"dropout", plain_range, 2, any, dropout_call},
  };
}

}  // namespace

const std::vector<OpCase>& op_cases() {
  static const std::vector<OpCase> rows = [] {
    std::vector<OpCase> all;
    for (const auto& part : {basic_cases(), math_cases(), loss_cases(), array_cases(),
                             product_cases(), layer_cases(), attention_cases(), recurrent_cases()})
      all.insert(all.end(), part.begin(), part.end());
    return all;
  }();
  return rows;
}

}  // namespace support
