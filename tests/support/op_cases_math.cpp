// Rows of the functions of one or two elements, and of reductions.
#include <cmath>
#include <limits>

#include "support/op_draws.hpp"

namespace support {

namespace {

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

// Truths of one element.

wide expit(wide x) { return 1 / (1 + std::exp(-x)); }
wide phi(wide x) { return std::erfc(-x * std::sqrt(0.5L)) / 2; }
wide gelu_tanh(wide x) {
  return x * (1 + std::tanh(std::sqrt(2 / std::acos(-1.0L)) * (x + 0.044715L * x * x * x))) / 2;
}

// Truths of reductions, made of plain::sum and the like.

Plain min(const Plain& x, const std::vector<int>& axes, bool keepdims) {
  const auto negative = [](wide v) { return -v; };
  return plain::map(plain::max(plain::map(x, negative), axes, keepdims), negative);
}

Plain prod(const Plain& x, const std::vector<int>& axes, bool keepdims) {
  Plain y = plain::sum(x, axes, keepdims);
  std::ranges::fill(y.values, 1);
  Shape ones = x.shape;
  for (const int axis : axes) ones = ones.with(axis, 1);
  for (Index i = 0; i < x.shape.count(); ++i)
    y.values[at(number(ones, position(x.shape, i)))] *= x.values[at(i)];
  const wide steps =
      1 + std::sqrt(static_cast<wide>(x.values.size()));  // rounded one after the other
  for (std::size_t i = 0; i < y.values.size(); ++i) y.scales[i] = std::abs(y.values[i]) * steps;
  return y;
}

Plain logsumexp(const Plain& x, const std::vector<int>& axes, bool keepdims) {
  Plain y =
      plain::map(plain::sum(plain::map(x, [](wide v) { return std::exp(v); }), axes, keepdims),
                 [](wide v) { return std::log(v); });
  for (const wide value : y.values) y.scales.push_back(6 + std::abs(value));
  return y;
}

Plain norm(const Plain& x, const std::vector<int>& axes, bool keepdims) {
  return plain::map(plain::sum(plain::map(x, [](wide v) { return v * v; }), axes, keepdims),
                    [](wide v) { return std::sqrt(v); });
}

Plain var(const Plain& x, const std::vector<int>& axes, bool keepdims) {
  const Plain deviations =
      plain::zip(x, plain::mean(x, axes, true), [](wide a, wide b) { return (a - b) * (a - b); });
  Plain y = plain::mean(deviations, axes, keepdims);
  for (wide& scale : y.scales)
    scale += 10 * std::numeric_limits<fovea::real>::epsilon();  // the mean is rounded, and squared
  return y;
}

// Calls of single ops.

Call leaky_relu_call(const Shapes&, Generate& g) {
  const real slope = g.chance(0.5) ? real(0.2) : static_cast<real>(g.uniform(-0.5, 0.5));
  return {[=](Inputs x) {
            return slope == real(0.2) ? fovea::leaky_relu(x[0]) : fovea::leaky_relu(x[0], slope);
          },
          [=](const auto& x) {
            return plain::map(x[0], [=](wide v) { return v > 0 ? v : slope * v; });
          },
          fmt::format("slope {}", slope)};
}

Call elu_call(const Shapes&, Generate& g) {
  const real alpha = g.chance(0.5) ? real(1) : static_cast<real>(g.uniform(0.2, 2));
  return {[=](Inputs x) { return alpha == 1 ? fovea::elu(x[0]) : fovea::elu(x[0], alpha); },
          [=](const auto& x) {
            return plain::map(x[0], [=](wide v) { return v > 0 ? v : alpha * std::expm1(v); });
          },
          fmt::format("alpha {}", alpha)};
}

Call pow_call(const Shapes& shapes, Generate& g) {
  if (shapes.size() == 2)
    return binary([](const Tensor& x, const Tensor& e) { return fovea::pow(x, e); }, std::pow)(
        shapes, g);
  const real exponent = std::vector<real>{0, 1, 2, -1, real(0.5), real(2.7)}[at(g.variant(6))];
  return {[=](Inputs x) { return fovea::pow(x[0], exponent); },
          [=](const auto& x) {
            return plain::map(x[0],
                              [=](wide v) { return std::pow(v, static_cast<wide>(exponent)); });
          },
          fmt::format("exponent {}", exponent)};
}

// Where the sum of two powers is near 1, its logarithm is 0 and its error is not.
Call logaddexp_call(const Shapes&, Generate&) {
  return {[](Inputs x) { return fovea::logaddexp(x[0], x[1]); },
          [](const auto& x) {
            Plain y = plain::zip(
                x[0], x[1], [](wide a, wide b) { return std::log(std::exp(a) + std::exp(b)); });
            for (const wide value : y.values) y.scales.push_back(6 + std::abs(value));
            return y;
          }};
}

// A mask that broadcasts to the shape of a and b together, and now and then has an axis more than
// they.
Call where_call(const Shapes& shapes, Generate& g) {
  const Shape both =
      plain::zip(Plain(shapes[0]), Plain(shapes[1]), [](wide, wide) { return 0; }).shape;
  const Mask mask = g.mask(g.chance(0.2)   ? both.inserted(0, 2)
                           : g.chance(0.5) ? both
                                           : g.broadcastable(both),
                           g.uniform(0, 1));
  return {[=](Inputs x) { return fovea::where(mask, x[0], x[1]); },
          [=](const auto& x) {
            Plain y(mask.shape().rank() > both.rank() ? mask.shape() : both);
            for (Index i = 0; i < y.shape.count(); ++i) {
              const Position place = position(y.shape, i);
              const Plain& from = x[mask.keep()[at(number(mask.shape(), place))] ? 0 : 1];
              y.values[at(i)] = from.values[at(number(from.shape, place))];
            }
            return y;
          },
          text(mask)};
}

Call masked_fill_call(const Shapes& shapes, Generate& g) {
  const Mask mask = g.mask(g.broadcastable(shapes[0]), g.uniform(0, 1));
  return {[=](Inputs x) { return fovea::masked_fill(x[0], mask, real(1.5)); },
          [=](const auto& x) {
            Plain y = x[0];
            for (Index i = 0; i < y.shape.count(); ++i)
              if (mask.keep()[at(number(mask.shape(), position(y.shape, i)))])
                y.values[at(i)] = 1.5;
            return y;
          },
          text(mask)};
}

using Variance = Tensor (*)(const Tensor&, const fovea::Axes&, fovea::KeepDims, fovea::VarOptions);
Call variance_call(const Shapes& shapes, Generate& g, Variance op, wide (*of_variance)(wide)) {
  const std::vector<int> axes = draw_axes(shapes[0], g, true);
  const fovea::Axes given = named(axes, shapes[0], g);
  const bool keepdims = g.chance(0.5);
  Index count = 1;
  for (const int axis : axes) count *= shapes[0][axis];
  const bool unbiased = count > 1 && g.chance(0.5);
  return {[=](Inputs x) { return op(x[0], given, keepdims, {.unbiased = unbiased}); },
          [=](const auto& x) {
            Plain y = var(x[0], axes, keepdims);
            for (wide& value : y.values)
              value = of_variance(
                  value * (unbiased ? static_cast<wide>(count) / static_cast<wide>(count - 1) : 1));
            return y;
          },
          fmt::format("axes ({}), keepdims {}, unbiased {}", fmt::join(given.list(), ", "),
                      keepdims, unbiased)};
}

Call var_call(const Shapes& shapes, Generate& g) {
  return variance_call(shapes, g, fovea::var, [](wide v) { return v; });
}

Call std_call(const Shapes& shapes, Generate& g) {
  return variance_call(shapes, g, fovea::std, [](wide v) { return std::sqrt(v); });
}

Call cumsum_call(const Shapes& shapes, Generate& g) {
  const int axis = draw_axis(shapes[0], g);
  return {[=](Inputs x) { return fovea::cumsum(x[0], axis); },
          [=, resolved = at(shapes[0].resolve(axis))](const auto& x) {
            Plain y = x[0];
            for (const wide value : y.values) y.scales.push_back(std::abs(value));
            for (Index i = 0; i < y.shape.count(); ++i) {
              Position before = position(y.shape, i);
              if (before[resolved]-- == 0) continue;
              y.values[at(i)] += y.values[at(number(y.shape, before))];
              y.scales[at(i)] += y.scales[at(number(y.shape, before))];
            }
            return y;
          },
          fmt::format("axis {}", axis)};
}

Call cumprod_call(const Shapes& shapes, Generate& g) {
  const int axis = draw_axis(shapes[0], g);
  return {[=](Inputs x) { return fovea::cumprod(x[0], axis); },
          [=, resolved = at(shapes[0].resolve(axis))](const auto& x) {
            Plain y = x[0];
            for (Index i = 0; i < y.shape.count(); ++i) {
              Position before = position(y.shape, i);
              const wide steps = 1 + std::sqrt(static_cast<wide>(before[resolved]));
              if (before[resolved]-- > 0) y.values[at(i)] *= y.values[at(number(y.shape, before))];
              y.scales.push_back(std::abs(y.values[at(i)]) * steps);
            }
            return y;
          },
          fmt::format("axis {}", axis)};
}

Call diff_call(const Shapes& shapes, Generate& g) {
  const int axis = draw_axis(shapes[0], g);
  const Index n = g.integer(0, 3);
  return {[=](Inputs x) { return fovea::diff(x[0], n, axis); },
          [=, resolved = shapes[0].resolve(axis)](const auto& x) {
            Plain y = x[0];
            for (Index k = 0; k < n && y.shape[resolved] > 0; ++k) {
              const Index size = y.shape[resolved];
              y = plain::zip(plain::slice(y, resolved, 1, size),
                             plain::slice(y, resolved, 0, size - 1),
                             [](wide a, wide b) { return a - b; });
            }
            y.scales.assign(y.values.size(), 3 << n);
            return y;
          },
          fmt::format("n {}, axis {}", n, axis)};
}

Call sort_call(const Shapes& shapes, Generate& g) {
  const int axis = draw_axis(shapes[0], g);
  return {[=](Inputs x) { return fovea::sort(x[0], axis); },
          [=, resolved = at(shapes[0].resolve(axis))](const auto& x) {
            Plain y = x[0];
            for (Index i = 0; i < y.shape.count(); ++i) {
              Position place = position(y.shape, i);
              if (place[resolved] > 0) continue;
              std::vector<wide> line;
              for (Index& t = place[resolved]; t < y.shape[axis]; ++t)
                line.push_back(x[0].values[at(number(y.shape, place))]);
              std::ranges::sort(line);
              for (place[resolved] = 0; place[resolved] < y.shape[axis]; ++place[resolved])
                y.values[at(number(y.shape, place))] = line[at(place[resolved])];
            }
            return y;
          },
          fmt::format("axis {}", axis)};
}

template <class Kept>
Call triangle_call(Tensor (*op)(const Tensor&, Index), Generate& g, const Kept& kept) {
  const Index diagonal = g.integer(-3, 3);
  return {[=](Inputs x) { return op(x[0], diagonal); },
          [=](const auto& x) {
            Plain y = x[0];
            for (Index i = 0; i < y.shape.count(); ++i) {
              const Position place = position(y.shape, i);
              if (!kept(place[place.size() - 1] - place[place.size() - 2], diagonal))
                y.values[at(i)] = 0;
            }
            return y;
          },
          fmt::format("diagonal {}", diagonal)};
}

Call tril_call(const Shapes&, Generate& g) {
  return triangle_call(fovea::tril, g, [](Index to, Index diagonal) { return to <= diagonal; });
}
Call triu_call(const Shapes&, Generate& g) {
  return triangle_call(fovea::triu, g, [](Index to, Index diagonal) { return to >= diagonal; });
}

Call top_k_call(const Shapes& shapes, Generate& g) {
  const Index length = shapes[0][-1], k = g.integer(0, length);
  return {[=](Inputs x) { return fovea::top_k(x[0], k).values; },
          [=](const auto& x) {
            Plain y(x[0].shape.with(-1, k));
            for (Index row = 0; row < x[0].shape.without(-1).count(); ++row) {
              std::vector<wide> numbers(x[0].values.begin() + row * length,
                                        x[0].values.begin() + (row + 1) * length);
              std::ranges::sort(numbers, std::greater());
              std::copy_n(numbers.begin(), k, y.values.begin() + row * k);
            }
            return y;
          },
          fmt::format("k {}", k)};
}

const Range all = {-3, 3}, positive = {0.1, 3}, kink_at_0 = {-3, 3, {0}},
            distinct = {-3, 3, {}, 0, true};

std::vector<OpCase> elementwise_cases() {
  return {
      {"expm1", all, 3, any, unary(fovea::expm1, std::expm1)},
      {"log1p", {-0.8, 3}, 4, any, unary(fovea::log1p, std::log1p)},
      {"abs", kink_at_0, 0, any, unary(fovea::abs, std::abs)},
      {"sign", kink_at_0, 0, any,
       unary(fovea::sign, [](wide x) -> wide { return x > 0 ? 1 : -1; })},
      {"square", all, 1, any, unary(fovea::square, [](wide x) { return x * x; })},
      {"sqrt", positive, 1, any, unary(fovea::sqrt, std::sqrt)},
      {"rsqrt", positive, 2, any, unary(fovea::rsqrt, [](wide x) { return 1 / std::sqrt(x); })},
      {"pow", positive, 1, [](Generate& g) { return g.variant(2) == 0 ? any(g) : pairs(g); },
       pow_call},
      {"floor", {-3, 3, {-2, -1, 0, 1, 2}}, 0, any, unary(fovea::floor, std::floor)},
      {"round", {-2, 2, {-1.5, -0.5, 0.5, 1.5}}, 0, any, unary(fovea::round, std::round)},
      {"logaddexp", all, 4, pairs, logaddexp_call},
      {"atan2", positive, 1, pairs, binary(fovea::atan2, std::atan2)},
      {"sin", {-10, 10}, 3, any, unary(fovea::sin, std::sin)},
      {"cos", {-10, 10}, 3, any, unary(fovea::cos, std::cos)},
      {"erf", all, 5, any, unary(fovea::erf, std::erf)},
      {"leaky_relu", kink_at_0, 1, any, leaky_relu_call},
      {"elu", kink_at_0, 4, any, elu_call},
      {"gelu", {-6, 4}, 8, any, unary(fovea::gelu, [](wide x) { return x * phi(x); })},
      {"gelu_tanh", {-4, 4}, 24, any, unary(fovea::gelu_tanh, gelu_tanh)},
      {"silu", {-6, 6}, 5, any, unary(fovea::silu, [](wide x) { return x * expit(x); })},
      {"softplus",
       {-6, 6},
       6,
       any,
       unary(fovea::softplus, [](wide x) { return std::log1p(std::exp(x)); })},
      {"minimum", all, 0, pairs,
       binary(fovea::minimum, [](wide a, wide b) { return std::min(a, b); })},
      {"maximum", all, 0, pairs,
       binary(fovea::maximum, [](wide a, wide b) { return std::max(a, b); })},
      {"where", all, 0, pairs, where_call},
      {"masked_fill", all, 0, any, masked_fill_call},
  };
}

std::vector<OpCase> reduction_cases() {
  // Of numbers from 0.9 to 1.10346 the mean logarithm is 0: the product of many stays in range.
  return {
      {"min", distinct, 0, reducible, reduction(fovea::min, min, true)},
      {"prod", {0.9, 1.10346}, 4, any, reduction(fovea::prod, prod, false)},
      {"logsumexp", all, 4, any, reduction(fovea::logsumexp, logsumexp, false)},
      {"norm", all, 4, any, reduction(fovea::norm, norm, false)},
      {"var", all, 8, reducible, var_call},
      {"std", distinct, 8, reducible, std_call},
      {"cumsum", all, 4, vectors, cumsum_call},
      {"cumprod", {0.9, 1.10346}, 4, vectors, cumprod_call},
      {"diff", all, 1, vectors, diff_call},
      {"sort", distinct, 0, vectors, sort_call},
      {"tril", all, 0, matrices, tril_call},
      {"triu", all, 0, matrices, triu_call},
      {"top_k", distinct, 0, vectors, top_k_call},
  };
}

}  // namespace

std::vector<OpCase> math_cases() {
  std::vector<OpCase> rows = elementwise_cases();
  const std::vector<OpCase> reductions = reduction_cases();
  rows.insert(rows.end(), reductions.begin(), reductions.end());
  return rows;
}

}  // namespace support
