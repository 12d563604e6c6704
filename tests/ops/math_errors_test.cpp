// Every refusal of the arguments of comparisons, choices, reductions and losses, word for word.
#include <doctest/doctest.h>

#include <limits>
#include <string>
#include <utility>

#include "fovea/base/error.hpp"
#include "fovea/ops/ops.hpp"
#include "support/refusal.hpp"

using namespace fovea;
using support::of;
using support::refusal;

namespace {

const std::string do_not_broadcast =
    ": shapes (2, 3) and (4,) do not broadcast: aligned at the last axis, sizes 3 and 4 must be "
    "equal or one of them 1";

}  // namespace

TEST_CASE(
    "comparisons, minimum and maximum, and masks of masks refuse shapes that do not broadcast") {
  using Op = Mask (*)(const Tensor&, const Tensor&);
  for (const auto& [name, function] : {std::pair<std::string, Op>{"equal", equal},
                                       {"not_equal", not_equal},
                                       {"less", less},
                                       {"less_equal", less_equal},
                                       {"greater", greater},
                                       {"greater_equal", greater_equal}})
    CHECK(refusal<ShapeError>([&, op = function] {
            op(of({2, 3}), of({4}));
          }) == name + do_not_broadcast);
  for (const auto& [name, function] :
       {std::pair<std::string, decltype(&minimum)>{"minimum", minimum}, {"maximum", maximum}})
    CHECK(refusal<ShapeError>([&, op = function] {
            op(of({2, 3}), of({4}));
          }) == name + do_not_broadcast);
  for (const auto& [name, function] :
       {std::pair<std::string, decltype(&logical_and)>{"logical_and", logical_and},
        {"logical_or", logical_or}})
    CHECK(refusal<ShapeError>([&, op = function] {
            op(Mask(Shape{2, 3}), Mask(Shape{4}));
          }) == name + do_not_broadcast);
}

TEST_CASE(
    "where refuses operands and a mask that do not broadcast, masked_fill a mask that is larger "
    "than x") {
  CHECK(refusal<ShapeError>([] {
          where(Mask(Shape{2, 3}), of({2, 3}), of({4}));
        }) == "where" + do_not_broadcast);
  CHECK(refusal<ShapeError>([] {
          where(Mask(Shape{2, 3}), of({4}), of({4}));
        }) == "where" + do_not_broadcast);
  CHECK(refusal<ShapeError>([] {
          masked_fill(of({3}), Mask(Shape{2, 3}), 0);
        }) ==
        "masked_fill: a mask of shape (2, 3) does not broadcast to (3,): aligned at the last axis, "
        "each size must be equal or 1");
}

TEST_CASE("reductions refuse an axis named twice, and extremes and variances nothing at all") {
  CHECK(refusal<ShapeError>([] {
          min(of({2, 3}), {0, -2});
        }) == "min: an axis of (2, 3) is named twice in (0, -2)");
  CHECK(refusal<ShapeError>([] {
          prod(of({2, 3}), {1, 1});
        }) == "prod: an axis of (2, 3) is named twice in (1, 1)");
  CHECK(refusal<ShapeError>([] {
          logsumexp(of({2, 3}), {1, 1});
        }) == "logsumexp: an axis of (2, 3) is named twice in (1, 1)");
  CHECK(refusal<ShapeError>([] {
          var(of({2, 3}), {1, 1});
        }) == "var: an axis of (2, 3) is named twice in (1, 1)");
  CHECK(refusal<ValueError>([] {
          min(of({2, 0}), 1);
        }) == "min: over an axis of size 0 of (2, 0), where there is no min");
  CHECK(refusal<ValueError>([] {
          var(of({2, 0}), 1);
        }) == "var: over an axis of size 0 of (2, 0), where there is no var");
  CHECK(refusal<ValueError>([] {
          argmax(of({2, 0}), 1);
        }) == "argmax: over an axis of size 0 of (2, 0), where there is no argmax");
  CHECK(refusal<ValueError>([] { argmin(of({0}), 0); }) ==
        "argmin: over an axis of size 0 of (0,), where there is no argmin");
  CHECK(refusal<ValueError>([] {
          var(of({2, 1}), 1, false, {.unbiased = true});
        }) == "var: unbiased, over a single element of (2, 1); it needs two");
  CHECK(refusal<IndexError>([] {
          cumsum(of({2, 3}), 2);
        }) == "cumsum: axis 2 of shape (2, 3): there are axes -2 to 1");
  CHECK(refusal<IndexError>([] {
          argmax(of({2, 3}), -3);
        }) == "argmax: axis -3 of shape (2, 3): there are axes -2 to 1");
}

TEST_CASE("top_k refuses more than there are, and fewer than none") {
  CHECK(refusal<ValueError>([] {
          top_k(of({2, 3}), 4);
        }) == "top_k: k is 4; the last axis of (2, 3) has 3 elements; k must be 0 to 3");
  CHECK(refusal<ValueError>([] {
          top_k(of({2, 3}), -1);
        }) == "top_k: k is -1; the last axis of (2, 3) has 3 elements; k must be 0 to 3");
  CHECK(refusal<IndexError>([] { top_k(of({}), 0); }) ==
        "top_k: axis -1 of shape (): a scalar has no axes");
}

TEST_CASE("losses of targets refuse another shape, and a scalar") {
  using Op = Tensor (*)(const Tensor&, const Tensor&);
  const auto without = [](auto op) {
    return [op](const Tensor& p, const Tensor& t) { return op(p, t, {}); };
  };
  const auto check = [](const std::string& name, const auto& op) {
    CHECK(refusal<ShapeError>([&] {
            op(of({32, 10}), of({32, 5}));
          }) == name +
                    ": predictions are (32, 10), targets (32, 5); they must have the same shape, "
                    "of at least one axis");
    CHECK(refusal<ShapeError>([&] { op(of({}), of({})); }) ==
          name +
              ": predictions are (), targets (); they must have the same shape, of at least one "
              "axis");
  };
  check("categorical_crossentropy", without(categorical_crossentropy));
  check("categorical_crossentropy_from_probabilities",
        without(categorical_crossentropy_from_probabilities));
  check("binary_crossentropy", without(binary_crossentropy));
  check("binary_crossentropy_from_probabilities", without(binary_crossentropy_from_probabilities));
  check("mean_squared_error", Op(mean_squared_error));
  check("mean_absolute_error", Op(mean_absolute_error));
  check("kl_divergence", Op(kl_divergence));
  check("huber", [](const Tensor& p, const Tensor& t) { return huber(p, t); });
}

TEST_CASE(
    "losses refuse smoothing outside of 0 to 1, weights that are not one for each class, labels "
    "neither class nor ignored") {
  const auto sparse = [](const std::string& name, auto op) {
    CHECK(refusal<ValueError>([&] {
            op(of({1, 2}), Ids({1}, {0}), {.label_smoothing = real(1.5)});
          }) == name + ": the label smoothing is 1.5; it must be 0 to 1");
    CHECK(refusal<ShapeError>([&] {
            op(of({1, 2}), Ids({1}, {0}), {.class_weights = Array::zeros({3})});
          }) == name +
                    ": class weights are (3,), predictions (1, 2); there must be one weight for "
                    "each class, the last axis of the predictions");
    CHECK(refusal<IndexError>([&] {
            op(of({2, 2}), Ids({2}, {-100, 2}), {.ignored_label = -100});
          }) == name + ": the label at position 1 is 2; there are classes 0 to 1");
  };
  sparse("sparse_categorical_crossentropy", sparse_categorical_crossentropy);
  sparse("sparse_categorical_crossentropy_from_probabilities",
         sparse_categorical_crossentropy_from_probabilities);
  using Op = decltype(&categorical_crossentropy);
  for (const auto& [name, function] :
       {std::pair<std::string, Op>{"categorical_crossentropy", categorical_crossentropy},
        {"categorical_crossentropy_from_probabilities",
         categorical_crossentropy_from_probabilities},
        {"binary_crossentropy", binary_crossentropy},
        {"binary_crossentropy_from_probabilities", binary_crossentropy_from_probabilities}})
    CHECK(refusal<ValueError>([&, op = function] {
            op(of({1, 2}), of({1, 2}), {.label_smoothing = -1});
          }) == name + ": the label smoothing is -1; it must be 0 to 1");
}

TEST_CASE("huber refuses a delta that is not above 0, and NaN; means refuse an empty last axis") {
  CHECK(refusal<ValueError>([] {
          huber(of({1, 2}), of({1, 2}), 0);
        }) == "huber: delta is 0; it must be above 0");
  CHECK(refusal<ValueError>([] {
          huber(of({1, 2}), of({1, 2}), std::numeric_limits<real>::quiet_NaN());
        }) == "huber: delta is nan; it must be above 0");
  CHECK(refusal<ValueError>([] {
          mean_squared_error(of({3, 0}), of({3, 0}));
        }) == "mean: over an axis of size 0 of (3, 0), where there is no mean");
}
