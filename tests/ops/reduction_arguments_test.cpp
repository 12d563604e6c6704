// What reductions take, and what does not compile.
#include <doctest/doctest.h>

#include "fovea/ops/ops.hpp"
#include "support/approx.hpp"
#include "support/generate.hpp"

using namespace fovea;

// Whether a call compiles. T is Tensor: what depends on it may fail.
#define COMPILES(call)                     \
  ([]<class T>(T*) consteval {             \
    return requires(const T& x) { call; }; \
  }(static_cast<Tensor*>(nullptr)))

#define REDUCTIONS(check)                                                               \
  check(sum) check(mean) check(var) check(fovea::std) check(max) check(min) check(prod) \
      check(logsumexp) check(norm)

#define REFUSES_NUMPYS_LIST(f)                                                                     \
  static_assert(!COMPILES(f(x, 0, 1)) && !COMPILES(f(x, 1, 0)) && !COMPILES(f(x, -1, Index(1))) && \
                !COMPILES(f(x, {0, 1}, 1)));                                                       \
  static_assert(!COMPILES(f(x, 0, 1.0)) && !COMPILES(f(x, 0, nullptr)) &&                          \
                !COMPILES(f(x, 0, "true")));                                                       \
  static_assert(!COMPILES(f(x, true)) && !COMPILES(f(x, 1.5)) && !COMPILES(f(x, 0, 1, true)));     \
  static_assert(COMPILES(f(x)) && COMPILES(f(x, 0)) && COMPILES(f(x, {0, 1})) &&                   \
                COMPILES(f(x, {})) && COMPILES(f(x, 0, true)) && COMPILES(f(x, {0, -1}, false)) && \
                COMPILES(f(x, Index(1))) && COMPILES(f(x, Axes(std::vector<int>{0}), true)));
REDUCTIONS(REFUSES_NUMPYS_LIST)
static_assert(!COMPILES(argmax(x, 0, 1)) && !COMPILES(argmin(x, 0, 1)) &&
              !COMPILES(argmax(x, 0, true)) && COMPILES(argmax(x, 0)));
static_assert(!COMPILES(squeeze(x, 0, 1)) && !COMPILES(flip(x, 0, 1)) &&
              !COMPILES(squeeze(x, true)) && COMPILES(flip(x, {0, 1})));

TEST_CASE(
    "a list of axes without its braces, sum(x, 0, 1), compiles in no reduction; with them it is "
    "the list") {
  for (int trial = 0; trial < 20; ++trial) {
    support::Generate g("list of axes", trial);
    const Tensor x(
        g.array(Shape{g.integer(1, 4), g.integer(1, 4), g.integer(1, 9)}, {real(0.5), 2}));
    const Shape left{x.shape()[2]}, kept{1, 1, x.shape()[2]};
#define REDUCES_BOTH(f)                      \
  CHECK(f(x, {0, 1}).shape() == left);       \
  CHECK(f(x, {0, 1}, true).shape() == kept); \
  CHECK(f(x, 0, true).shape() == x.shape().with(0, 1));
    REDUCTIONS(REDUCES_BOTH)
    CHECK(support::bits_differ(max(x, {0, 1}).value(), max(max(x, 1), 0).value()) == "");
  }
}
