// Normalisation of rows against its formulas in long double, short rows and long ones.
#include "kernels/norm.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "support/approx.hpp"
#include "support/generate.hpp"

using namespace fovea;
using support::Generate;
using support::Plain;
using support::wide;

namespace {

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

// What norm and norm_slopes should give.
struct Truth {
  Plain y, dx, dgamma, dbeta;

  Truth(kernels::NormSizes s, const Array& dy, const Array& x, const Array& gamma,
        const Array& beta, wide epsilon)
      : y(x.shape()), dx(x.shape()), dgamma(gamma.shape()), dbeta(gamma.shape()) {
    for (Plain* plain : {&y, &dx, &dgamma, &dbeta}) plain->scales.resize(plain->values.size());
    for (Index r = 0; r < s.rows; ++r) {
      const auto element = [&](const Array& array, Index i) {
        return wide(array.at(r * s.width + i));
      };
      wide mean = 0, squares = 0;
      for (Index i = 0; i < s.width && s.centred; ++i)
        mean += element(x, i) / static_cast<wide>(s.width);
      for (Index i = 0; i < s.width; ++i) squares += std::pow(element(x, i) - mean, 2);
      const wide scale = 1 / std::sqrt(squares / static_cast<wide>(s.width) + epsilon);
      const auto n = [&](Index i) { return (element(x, i) - mean) * scale; };
      const auto slope = [&](Index i) { return element(dy, i) * wide(gamma.at(i)); };
      wide mean_g = 0, mean_gn = 0;
      for (Index i = 0; i < s.width; ++i) {
        if (s.centred) mean_g += slope(i) / static_cast<wide>(s.width);
        mean_gn += slope(i) * n(i) / static_cast<wide>(s.width);
      }
      for (Index i = 0; i < s.width; ++i) {
        const auto here = at(r * s.width + i);
        y.values[here] = n(i) * wide(gamma.at(i)) + (s.centred ? wide(beta.at(i)) : 0);
        y.scales[here] = 4 + std::abs(n(i));
        dx.values[here] = scale * (slope(i) - mean_g - n(i) * mean_gn);
        dx.scales[here] = scale * (8 + n(i) * n(i));
        dgamma.values[at(i)] += element(dy, i) * n(i);
        dgamma.scales[at(i)] += 1 + std::abs(n(i));
        dbeta.values[at(i)] += element(dy, i);
        dbeta.scales[at(i)] += 1;
      }
    }
  }
};

}  // namespace

TEST_CASE("norm and its slopes agree with their formulas, on short rows and long ones") {
  for (Index trial = 0; trial < 60; ++trial) {
    Generate g("norm kernel", trial);
    const bool is_long = trial % 10 == 0, centred = trial % 2 == 0;
    const kernels::NormSizes sizes{g.integer(0, is_long ? 2 : 150),
                                   is_long ? g.integer(4097, 20000) : g.integer(1, 70), centred};
    const real epsilon = real(1e-3);
    const Shape shape{sizes.rows, sizes.width}, row{sizes.width};
    const Array x = g.array(shape, {-2, 3}), dy = g.array(shape, {-1, 1}),
                gamma = g.array(row, {0.5, 2}), beta = g.array(row, {-1, 1});
    Array y(shape), dx(shape), added = Array::full(shape, 1), dgamma(row), dbeta(row),
                               statistics(Shape{sizes.rows, kernels::statistics_per_row});
    kernels::norm(sizes, {x.data(), gamma.data(), centred ? beta.data() : nullptr, epsilon},
                  y.mutable_data(), statistics.mutable_data());
    kernels::norm_slopes(sizes, dy.data(), x.data(), gamma.data(), statistics.data(),
                         {dx.mutable_data(), false, dgamma.mutable_data(),
                          centred ? dbeta.mutable_data() : nullptr});
    kernels::norm_slopes(sizes, dy.data(), x.data(), gamma.data(), statistics.data(),
                         {added.mutable_data(), true, nullptr, nullptr});
    const Truth truth(sizes, dy, x, gamma, beta, epsilon);
    INFO("trial ", trial, ", rows ", sizes.rows, ", width ", sizes.width);
    CHECK(support::differs(y, truth.y, 32) == "");
    CHECK(support::differs(dx, truth.dx, 32) == "");
    CHECK(support::differs(dgamma, truth.dgamma, 32) == "");
    if (centred) CHECK(support::differs(dbeta, truth.dbeta, 32) == "");
    for (Index i = 0; i < dx.count(); ++i)
      if (1 + dx.at(i) != added.at(i)) FAIL_CHECK("element ", i, " is not added");
  }
}
