// What is masked is never computed with: a NaN there reaches neither results nor gradients, and
// changes no bit of them.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdio>
#include <limits>

#include "support/approx.hpp"
#include "support/gradcheck.hpp"
#include "support/op_cases.hpp"

using namespace support;

namespace {

constexpr Index masks = 100;
const real not_a_number = std::numeric_limits<real>::quiet_NaN();

struct Masked {
  Shape shape;
  int axis;
  Mask mask;  // broadcasts to shape
  Array x, weights;

  explicit Masked(Generate& g)
      : shape(g.shape(1, 4)), axis(static_cast<int>(g.integer(0, shape.rank() - 1))) {
    mask = g.mask(g.trial() % 3 == 0 ? g.broadcastable(shape) : shape,
                  g.trial() % 10 == 9 ? 0 : g.uniform(0.1, 0.9));
    // Every other mask drops some rows altogether.
    if (g.trial() % 2 == 0)
      for (Index i = 0; i < mask.count(); ++i) {
        Position place = position(mask.shape(), i);
        if (const int own = axis - (shape.rank() - mask.shape().rank()); own >= 0)
          place[static_cast<std::size_t>(own)] = 0;
        if (number(mask.shape(), place) % 3 == 0)
          mask.mutable_keep()[static_cast<std::size_t>(i)] = 0;
      }
    x = g.array(shape, {-3, 3});
    weights = g.array(shape, {-1, 1});
  }

  bool keeps(Index i) const {
    return mask.keep()[static_cast<std::size_t>(number(mask.shape(), position(shape, i)))] != 0;
  }

  // How many rows along the axis keep nothing.
  Index dropped_rows() const {
    Index rows = 0;
    for (Index i = 0; i < shape.count(); ++i) {
      Position place = position(shape, i);
      if (place[static_cast<std::size_t>(axis)] != 0) continue;
      bool any = false;
      for (; place[static_cast<std::size_t>(axis)] < shape[axis];
           ++place[static_cast<std::size_t>(axis)])
        any = any || keeps(number(shape, place));
      rows += !any;
    }
    return rows;
  }

  // NaN wherever nothing is kept.
  Array planted(const Array& values) const {
    Array result = values.clone();
    for (Index i = 0; i < result.count(); ++i)
      if (!keeps(i)) result.mutable_data()[i] = not_a_number;
    return result;
  }
};

struct Result {
  Array y, dx;
};

// The gradient that comes in is `weights`, NaN included.
Result run(Tensor (*op)(const Tensor&, int, const std::optional<Mask>&), const Masked& masked,
           const Array& x, const Array& weights) {
  const Tensor leaf = Tensor::parameter(x);
  const Tensor y = op(leaf, masked.axis, masked.mask);
  record("incoming", Array::zeros({}),
         wrt(y, [&](const Array&, fovea::Gradient& dy) { dy.add(weights); }))
      .backward();
  return {y.value(), leaf.grad()};
}

}  // namespace

TEST_CASE(
    "NaN in every masked position of 100 masks reaches neither values nor gradients, and changes "
    "no bit") {
  Index positions = 0, rows = 0;
  for (Index trial = 0; trial < masks; ++trial) {
    Generate g("masks", trial);
    const Masked masked(g);
    rows += masked.dropped_rows();
    for (const auto op : {fovea::softmax, fovea::log_softmax}) {
      INFO(std::string(op == fovea::softmax ? "softmax " : "log_softmax "), to_string(masked.shape),
           " axis ", masked.axis, ", mask ", to_string(masked.mask.shape()), ", trial ", trial,
           ", FOVEA_SEED=", seed());
      const Result clean = run(op, masked, masked.x, masked.weights);
      const Result planted =
          run(op, masked, masked.planted(masked.x), masked.planted(masked.weights));
      CHECK(bits_differ(planted.y, clean.y) == "");
      CHECK(bits_differ(planted.dx, clean.dx) == "");
      const real outside = op == fovea::softmax ? real(0) : -std::numeric_limits<real>::infinity();
      for (Index i = 0; i < masked.shape.count(); ++i) {
        CHECK(std::isfinite(planted.dx.data()[i]));
        if (masked.keeps(i)) {
          CHECK(std::isfinite(planted.y.data()[i]));
        } else {
          CHECK(planted.y.data()[i] == outside);
          CHECK(planted.dx.data()[i] == 0);
          ++positions;
        }
      }
    }
  }
  CHECK(positions > 1000);
  CHECK(rows > 100);
  std::printf("figure: masked positions with a NaN = %lld\n", static_cast<long long>(positions));
}

TEST_CASE("a mask that keeps all gives the same bits as none") {
  for (Index trial = 0; trial < 20; ++trial) {
    Generate g("all kept", trial);
    Masked masked(g);
    std::ranges::fill(masked.mask.mutable_keep(), std::uint8_t(1));
    INFO(to_string(masked.shape), " axis ", masked.axis, ", trial ", trial,
         ", FOVEA_SEED=", seed());
    const Result with = run(fovea::softmax, masked, masked.x, masked.weights);
    const Tensor leaf = Tensor::parameter(masked.x);
    const Tensor y = fovea::softmax(leaf, masked.axis);
    weighted_sum(y, masked.weights).backward();
    CHECK(bits_differ(y.value(), with.y) == "");
    CHECK(bits_differ(leaf.grad(), with.dx) == "");
  }
}

TEST_CASE("a NaN that dropout drops reaches neither values nor gradients") {
  Generate g("dropout", 0);
  const fovea::Rng random(3);
  const Array x = g.array({1000}, {-3, 3}), weights = g.array({1000}, {-1, 1});
  const auto run_dropout = [&](const Array& at) {
    const Tensor leaf = Tensor::parameter(at);
    const Tensor y = fovea::dropout(leaf, real(0.4), random);
    weighted_sum(y, weights).backward();
    return Result{y.value(), leaf.grad()};
  };
  const Result clean = run_dropout(x);
  Array planted = x.clone();
  for (Index i = 0; i < x.count(); ++i)
    if (clean.y.data()[i] == 0) planted.mutable_data()[i] = not_a_number;
  const Result dropped = run_dropout(planted);
  CHECK(bits_differ(dropped.y, clean.y) == "");
  CHECK(bits_differ(dropped.dx, clean.dx) == "");
}
