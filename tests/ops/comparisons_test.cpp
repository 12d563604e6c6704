// What has no gradient, against plain loops: comparisons, masks of masks, positions of extremes.
// And what a choice keeps out.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "fovea/ops/ops.hpp"
#include "support/approx.hpp"
#include "support/op_draws.hpp"

using namespace support;

namespace {

constexpr Index trials = 200, large_trials = 8;
const fovea::real missing = std::numeric_limits<fovea::real>::quiet_NaN(),
                  inf = std::numeric_limits<fovea::real>::infinity();

void for_each_trial(const char* name, const std::function<void(Generate&)>& check) {
  for (const Scale scale : {Scale::small, Scale::large})
    for (Index trial = 0; trial < (scale == Scale::small ? trials : large_trials); ++trial) {
      Generate g(name, trial, scale);
      INFO(std::string(name), ", trial ", trial, scale == Scale::large ? " (large)" : "",
           ", FOVEA_SEED=", seed());
      check(g);
    }
}

// Whole numbers, of which many are equal, and a few NaN and infinities.
Array crowded(const Shape& shape, Generate& g) {
  Array x(shape);
  for (fovea::real& value : x.mutable_values()) {
    value = static_cast<fovea::real>(g.integer(-3, 3));
    if (g.chance(0.05)) value = missing;
    if (g.chance(0.05)) value = g.chance(0.5) ? inf : -inf;
  }
  return x;
}

// Empty, or the first position where the mask is not what `expected` says.
std::string mask_differs(const Mask& got, const Shape& shape,
                         const std::function<bool(const Position&)>& expected) {
  if (got.shape() != shape)
    return "shape " + to_string(got.shape()) + ", expected " + to_string(shape);
  for (Index i = 0; i < got.count(); ++i)
    if (got.keep()[static_cast<std::size_t>(i)] != (expected(position(shape, i)) ? 1 : 0))
      return "position " + std::to_string(i);
  return "";
}

Shape broadcast(const Shape& a, const Shape& b) {
  return plain::zip(Plain(a), Plain(b), [](wide, wide) { return 0; }).shape;
}

struct Comparison {
  const char* name;
  Mask (*op)(const Tensor&, const Tensor&);
  bool (*exact)(fovea::real, fovea::real);
};

const Comparison comparisons[] = {
    {"equal", fovea::equal, [](fovea::real a, fovea::real b) { return a == b; }},
    {"not_equal", fovea::not_equal, [](fovea::real a, fovea::real b) { return a != b; }},
    {"less", fovea::less, [](fovea::real a, fovea::real b) { return a < b; }},
    {"less_equal", fovea::less_equal, [](fovea::real a, fovea::real b) { return a <= b; }},
    {"greater", fovea::greater, [](fovea::real a, fovea::real b) { return a > b; }},
    {"greater_equal", fovea::greater_equal, [](fovea::real a, fovea::real b) { return a >= b; }},
};

}  // namespace

TEST_CASE("comparisons broadcast and agree with plain loops, also of NaN and infinities") {
  for (const Comparison& row : comparisons)
    for_each_trial(row.name, [&](Generate& g) {
      const Shapes shapes = pairs(g);
      const Array a = crowded(shapes[0], g), b = crowded(shapes[1], g);
      CHECK(mask_differs(row.op(a, b), broadcast(shapes[0], shapes[1]), [&](const Position& place) {
              return row.exact(a.data()[number(a.shape(), place)],
                               b.data()[number(b.shape(), place)]);
            }) == "");
      CHECK(mask_differs(row.op(a, 1), a.shape(), [&](const Position& place) {
              return row.exact(a.data()[number(a.shape(), place)], 1);
            }) == "");
    });
}

TEST_CASE("masks of masks broadcast and agree with plain loops") {
  for_each_trial("logical", [](Generate& g) {
    const Shapes shapes = pairs(g);
    const Mask a = g.mask(shapes[0], 0.5), b = g.mask(shapes[1], 0.5);
    const auto of = [](const Mask& mask, const Position& place) {
      return mask.keep()[static_cast<std::size_t>(number(mask.shape(), place))] != 0;
    };
    const Shape both = broadcast(shapes[0], shapes[1]);
    CHECK(mask_differs(fovea::logical_and(a, b), both,
                       [&](const Position& p) { return of(a, p) && of(b, p); }) == "");
    CHECK(mask_differs(fovea::logical_or(a, b), both,
                       [&](const Position& p) { return of(a, p) || of(b, p); }) == "");
    CHECK(mask_differs(fovea::logical_not(a), a.shape(),
                       [&](const Position& p) { return !of(a, p); }) == "");
  });
}

TEST_CASE("argmax and argmin give the first of equals, and of NaN, along any axis") {
  for_each_trial("argmax", [](Generate& g) {
    Shape shape = g.shape(1, 4);
    const int axis = static_cast<int>(g.integer(0, shape.rank() - 1));
    if (shape[axis] == 0) shape = shape.with(axis, 2);
    const Array x = crowded(shape, g);
    const Ids largest = fovea::argmax(x, axis), smallest = fovea::argmin(x, axis - shape.rank());
    REQUIRE(largest.shape() == shape.without(axis));
    REQUIRE(smallest.shape() == shape.without(axis));
    for (Index i = 0; i < largest.count(); ++i) {
      std::vector<fovea::real> line;
      for (Index t = 0; t < shape[axis]; ++t) {
        Position place = position(shape.without(axis), i);
        place.insert(place.begin() + axis, t);
        line.push_back(x.data()[number(shape, place)]);
      }
      const auto nan = std::ranges::find_if(line, [](fovea::real v) { return std::isnan(v); });
      const auto most = nan != line.end() ? nan : std::ranges::max_element(line),
                 least = nan != line.end() ? nan : std::ranges::min_element(line);
      CHECK(largest.at(i) == most - line.begin());
      CHECK(smallest.at(i) == least - line.begin());
    }
  });
  CHECK(fovea::argmax(Tensor({2, 3}, {1, 5, 5, 7, 7, 0})).values()[1] ==
        0);  // the last axis, unless another is named
}

TEST_CASE(
    "top_k names the largest first, of equals the first, NaN before all, and its values are what "
    "it names") {
  for_each_trial("top_k", [](Generate& g) {
    const Array x = crowded(g.shape(1, 4), g);
    const Index length = x.shape()[-1], k = g.integer(0, length);
    const fovea::TopK top = fovea::top_k(x, k);
    REQUIRE(top.ids.shape() == x.shape().with(-1, k));
    for (Index row = 0; row < x.shape().without(-1).count(); ++row) {
      const auto of = [&](std::int32_t i) { return x.data()[row * length + i]; };
      std::vector<std::int32_t> order(static_cast<std::size_t>(length));
      std::iota(order.begin(), order.end(), 0);
      std::ranges::stable_sort(order, [&](std::int32_t a, std::int32_t b) {
        return std::isnan(of(a)) ? !std::isnan(of(b)) : of(a) > of(b);
      });
      for (Index j = 0; j < k; ++j) {
        CHECK(top.ids.at(row * k + j) == order[static_cast<std::size_t>(j)]);
        const fovea::real value = top.values.value().data()[row * k + j],
                          expected = of(order[static_cast<std::size_t>(j)]);
        CHECK((value == expected || (std::isnan(value) && std::isnan(expected))));
      }
    }
  });
}

TEST_CASE(
    "NaN in what where does not choose, and in what masked_fill fills, reaches neither values nor "
    "gradients") {
  for (Index trial = 0; trial < 100; ++trial) {
    Generate g("where", trial);
    const Shape shape = g.shape(0, 4);
    const Mask mask = g.mask(shape, g.uniform(0.1, 0.9));
    Array a = g.array(shape, {-3, 3}), b = g.array(shape, {-3, 3});
    const Array weights = g.array(shape, {-1, 1});
    for (Index i = 0; i < shape.count(); ++i)
      (mask.keep()[static_cast<std::size_t>(i)] ? b : a).mutable_data()[i] = missing;
    INFO(to_string(shape), ", trial ", trial, ", FOVEA_SEED=", seed());
    // Slopes beyond the choice are NaN where the numbers are: only a gradient of 0 that was never
    // multiplied would still be seen.
    const Tensor left = Tensor::parameter(a), right = Tensor::parameter(b),
                 filled = Tensor::parameter(a);
    const Tensor y = fovea::where(mask, left, right),
                 z = fovea::masked_fill(filled, fovea::logical_not(mask), 7);
    weighted_sum(y, weights).backward();
    weighted_sum(z, weights).backward();
    for (Index i = 0; i < shape.count(); ++i) {
      const bool first = mask.keep()[static_cast<std::size_t>(i)] != 0;
      const fovea::real w = weights.data()[i];
      CHECK(y.value().data()[i] == (first ? a : b).data()[i]);
      CHECK(z.value().data()[i] == (first ? a.data()[i] : fovea::real(7)));
      CHECK(left.grad().data()[i] == (first ? w : 0));
      CHECK(right.grad().data()[i] == (first ? 0 : w));
      CHECK(filled.grad().data()[i] == (first ? w : 0));
    }
  }
}

TEST_CASE("a gradient of NaN or infinity does not pass to what was not chosen") {
  const Tensor a = Tensor::parameter(Array({2}, {1, 2})), b = Tensor::parameter(Array({2}, {3, 4}));
  const Tensor y = fovea::where(Mask({2}, {1, 0}), a, b);
  record("incoming", Array::zeros({}),
         wrt(y,
             [](const Array&, fovea::Gradient& dy) {
               dy.add(Array({2}, {missing, inf}));
             }))
      .backward();
  CHECK(std::isnan(a.grad().at(0)));
  CHECK(a.grad().at(1) == 0);
  CHECK(b.grad().at(0) == 0);
  CHECK(b.grad().at(1) == inf);
}
