// Numbers beside tensors, tensors from braces, and equality but for rounding.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <sstream>

#include "fovea/array/make.hpp"
#include "fovea/base/error.hpp"
#include "fovea/ops/allclose.hpp"
#include "fovea/ops/ops.hpp"
#include "support/generate.hpp"
#include "support/refusal.hpp"

using namespace fovea;
using support::refusal;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr AllcloseOptions exactly = {.rtol = 0, .atol = 0};

}  // namespace

TEST_CASE("a number beside a tensor is a tensor of rank 0, in every operation") {
  for (Index trial = 0; trial < 20; ++trial) {
    support::Generate generate("numbers", trial);
    const Tensor x = generate.array(generate.shape(0, 3), {-2, 2});
    const double c = generate.uniform(-1, 1);
    const Tensor number = scalar(static_cast<real>(c));
    CHECK(allclose(x + c, add(x, number), exactly));
    CHECK(allclose(c - x, subtract(number, x), exactly));
    CHECK(allclose(maximum(x, c), maximum(x, number), exactly));
    CHECK(allclose(minimum(c, x), minimum(number, x), exactly));
    CHECK(allclose(multiply_no_nan(x, c), multiply_no_nan(x, number), exactly));
    CHECK(allclose(where(greater(x, c), x, c), maximum(x, number), exactly));
    CHECK(maximum(x, 0).shape() == x.shape());
  }
  const std::size_t count = 16777217;  // no float
  CHECK((Tensor(33554432) / count).item() == doctest::Approx(2));
  CHECK((2 * Array{1, 2})(1) == 4);
  Tensor x = Tensor::parameter({-1, 3});
  sum(maximum(x, 0) * 2u).backward();
  CHECK(allclose(x.grad(), {0, 2}, exactly));
}

TEST_CASE("a finite number beyond the range of real is rejected, infinity is not") {
  if (sizeof(real) == 4)
    CHECK(refusal<ValueError>([] { maximum(Tensor{1}, 1e300); }) ==
          "1e+300 does not fit a float; for infinity, pass infinity");
  CHECK(minimum(Tensor{1}, infinity)(0) == 1);
  CHECK(std::isnan((Tensor{1} * std::nan(""))(0)));
}

TEST_CASE("a tensor is made of braces, read by position and printed") {
  const Tensor x = {{1, 2.5}, {3, 4}};
  CHECK(x.shape() == Shape{2, 2});
  CHECK(x(1, 0) == 3);
  CHECK_THROWS_AS(x(2, 0), IndexError);
  CHECK(to_string(x) == "[[1.  2.5]\n [3.  4. ]]");
  CHECK(to_string(Tensor()) == "undefined");
  CHECK(to_string(Tensor(2)) == "2.0");
  std::ostringstream stream;
  stream << Tensor::parameter({1, 2}) << x.shape();
  CHECK(stream.str() == "[1. 2.](2, 2)");
}

TEST_CASE("allclose has NumPy's tolerances, broadcasts, and minds NaN and infinities") {
  CHECK(allclose(Array{1000, 0}, Array{1000.009, 0}));
  CHECK(!allclose(Array{1000, 0}, Array{1000.02, 0}));
  CHECK(!allclose(Array{0}, Array{1e-7}));
  CHECK(allclose(Array{0}, Array{1e-7}, {.atol = 1e-6}));
  CHECK(allclose(Array{0.0}, Array{1.0}, {.rtol = 1}));
  CHECK(!allclose(Array{1.0}, Array{0.0}, {.rtol = 1}));  // relative to the second
  CHECK(allclose(ones({2, 3}), Array{1, 1, 1}));
  CHECK(allclose(ones({2, 3}), 1));
  CHECK(!allclose(Array{{1, 1}, {1, 2}}, 1));
  CHECK(allclose(Array{infinity, -infinity}, Array{infinity, -infinity}));
  CHECK(!allclose(Array{infinity}, Array{-infinity}));
  CHECK(!allclose(Array{infinity}, Array{1}));
  CHECK(!allclose(Array{1}, Array{infinity}));
  CHECK(!allclose(Array{std::nan("")}, Array{std::nan("")}));
  CHECK(allclose(Array{std::nan(""), 1}, Array{std::nan(""), 1}, {.equal_nan = true}));
  CHECK(!allclose(Array{std::nan("")}, Array{1}, {.equal_nan = true}));
  CHECK(refusal<ValueError>([] { allclose(1, 1, {.rtol = -1}); }) ==
        "allclose: expected tolerances of at least 0, got -1");
  CHECK_THROWS_AS(allclose(ones({2}), ones({3})), ShapeError);
}
