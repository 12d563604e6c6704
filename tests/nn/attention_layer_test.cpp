// AttentionLayer: its parameters, and what it refuses.
#include "fovea/nn/attention_layer.hpp"

#include <doctest/doctest.h>

#include <limits>

#include "fovea/base/error.hpp"
#include "fovea/nn/layer.hpp"
#include "fovea/ops/ops.hpp"
#include "support/generate.hpp"

using namespace fovea;
using support::Generate;

namespace {

AttentionLayer built(AttentionLayer layer, const Shape& sample) {
  layer.build(sample, Rng(1));
  return layer;
}

std::vector<std::string> paths(const AttentionLayer& layer) {
  std::vector<std::string> list;
  for (const NamedParameter& parameter : parameters_of(layer)) list.push_back(parameter.path);
  return list;
}

using Paths = std::vector<std::string>;

}  // namespace

TEST_CASE(
    "the documented layer holds 16,577 numbers in either reading, and 64 fewer for each bias that "
    "is left out") {
  CHECK(parameter_count(built(AttentionLayer{64}, Shape{20, 128})) == 16577);
  CHECK(parameter_count(built(AttentionLayer{.units = 64, .reading = Reading::per_position},
                              Shape{20, 128})) == 16577);
  CHECK(parameter_count(built(AttentionLayer{.units = 64, .use_bias = false}, Shape{20, 128})) ==
        16577 - 64 - 64 - 1);
}

TEST_CASE("each reading and score has the parameters that its formula names") {
  const Shape sample{5, 6};
  CHECK(paths(built(AttentionLayer{3}, sample)) ==
        Paths{"W1/kernel", "W1/bias", "W2/kernel", "W2/bias", "V/kernel", "V/bias"});
  CHECK(paths(built(AttentionLayer{.units = 3, .reading = Reading::query, .learned_query = true},
                    sample)) ==
        Paths{"W1/kernel", "W1/bias", "W2/kernel", "W2/bias", "V/kernel", "V/bias", "query"});
  CHECK(
      paths(built(AttentionLayer{.units = 3, .reading = Reading::per_position, .score = Score::dot},
                  sample)) == Paths{"W1/kernel", "W1/bias", "W2/kernel", "W2/bias"});
  CHECK(paths(built(AttentionLayer{.units = 3,
                                   .reading = Reading::per_position,
                                   .score = Score::scaled_dot,
                                   .use_bias = false},
                    sample)) == Paths{"W1/kernel", "W2/kernel"});
  CHECK(paths(built(
            AttentionLayer{.units = 0, .reading = Reading::per_position, .score = Score::general},
            sample)) == Paths{"W1/kernel"});
  const AttentionLayer layer =
      built(AttentionLayer{.units = 3, .reading = Reading::query, .learned_query = true}, sample);
  CHECK(layer.W1.kernel.shape() == Shape{6, 3});
  CHECK(layer.W2.bias.shape() == Shape{3});
  CHECK(layer.V.kernel.shape() == Shape{3, 1});
  CHECK(layer.V.bias.shape() == Shape{1});
  CHECK(layer.query.shape() == Shape{6});
  CHECK(built(AttentionLayer{.units = 0, .reading = Reading::per_position, .score = Score::general},
              sample)
            .W1.kernel.shape() == Shape{6, 6});
}

TEST_CASE("W1, W2 and V are Dense layers, and the context is that of the listing") {
  const AttentionLayer layer = built(AttentionLayer{3}, Shape{5, 6});
  const Tensor x(Generate("listing", 0).array(Shape{2, 5, 6}, {-1, 1}));
  const Tensor weights = softmax(layer.V(tanh(layer.W1(x) + layer.W2(x))), 1);
  const Array expected = sum(weights * x, 1).value(), context = layer(x).value();
  REQUIRE(context.shape() == expected.shape());
  for (Index i = 0; i < context.count(); ++i)
    CHECK(context.at(i) == doctest::Approx(expected.at(i)).epsilon(1e-5));
}

TEST_CASE("building a layer that asks by a query does not call it") {
  Layer layer(AttentionLayer{.units = 3, .reading = Reading::query});
  CHECK(layer.build(Shape{5, 6}, Rng(1)) == Shape{6});
  CHECK(layer.count() == 6 * 3 + 3 + 6 * 3 + 3 + 3 + 1);
}

TEST_CASE("the context has one row for the sequence, for each position, or for each query") {
  const Tensor x(Array::full(Shape{2, 5, 6}, 1)), query(Array::full(Shape{2, 3, 6}, 1));
  AttentionLayer pool{4}, each{.units = 4, .reading = Reading::per_position},
      asked{.units = 4, .reading = Reading::query};
  CHECK(pool.build(Shape{5, 6}, Rng(1)) == Shape{6});
  CHECK(each.build(Shape{5, 6}, Rng(1)) == Shape{5, 6});
  CHECK(asked.build(Shape{5, 6}, Rng(1)) == Shape{6});
  CHECK(pool.attend(x).context.shape() == Shape{2, 6});
  CHECK(pool.attend(x, {.weights = true}).weights().shape() == Shape{2, 5});
  CHECK(each.attend(x).context.shape() == Shape{2, 5, 6});
  CHECK(each.attend(x, {.weights = true}).weights().shape() == Shape{2, 5, 5});
  CHECK(asked.attend(x, {.query = query}).context.shape() == Shape{2, 3, 6});
  CHECK(asked.attend(x, {.query = query, .weights = true}).weights().shape() == Shape{2, 3, 5});
}

TEST_CASE("options that do not go together are refused when the layer is built") {
  const auto build = [](AttentionLayer layer) { layer.build(Shape{5, 6}, Rng(1)); };
  CHECK_THROWS_WITH_AS(build({.units = 0}), "AttentionLayer: units is 0; it must be at least 1",
                       ValueError);
  CHECK_THROWS_WITH_AS(build({.units = -3, .reading = Reading::query, .score = Score::dot}),
                       "AttentionLayer: units is -3; it must be at least 1", ValueError);
  CHECK_THROWS_WITH_AS(build({.units = 4, .reading = Reading::query, .score = Score::general}),
                       "AttentionLayer: units is 4 with the general score, which has none; use 0",
                       ValueError);
  for (const Score score : {Score::dot, Score::scaled_dot})
    CHECK_THROWS_WITH_AS(build({.units = 4, .score = score}),
                         "AttentionLayer: the reading pool scores each position by itself, which "
                         "only the additive score can; use the reading query with learned_query",
                         ValueError);
  CHECK_THROWS_WITH_AS(build({.units = 4, .causal = true}),
                       "AttentionLayer: causal orders positions against each other; it needs the "
                       "reading per_position",
                       ValueError);
  CHECK_THROWS_WITH_AS(build({.units = 4, .learned_query = true}),
                       "AttentionLayer: learned_query needs the reading query", ValueError);
  CHECK_THROWS_WITH_AS(build({.units = 4, .dropout = real(1.5)}),
                       "AttentionLayer: dropout is 1.5; it must be 0 to 1", ValueError);
  CHECK_THROWS_AS(build({.units = 4, .dropout = -real(0.25)}), ValueError);
  CHECK_THROWS_AS(build({.units = 4, .dropout = std::numeric_limits<real>::quiet_NaN()}),
                  ValueError);
}

TEST_CASE("a sample that is no sequence of feature vectors is refused") {
  AttentionLayer layer{4};
  CHECK_THROWS_WITH_AS(layer.build(Shape{6}, Rng(1)),
                       "AttentionLayer: a sample is (6,); it must be (time, features)", ShapeError);
  CHECK_THROWS_WITH_AS(layer.build(Shape{2, 5, 6}, Rng(1)),
                       "AttentionLayer: a sample is (2, 5, 6); it must be (time, features)",
                       ShapeError);
  layer.build(Shape{5, 6}, Rng(1));
  CHECK_THROWS_WITH_AS(layer(Array::zeros(Shape{5, 6})),
                       "AttentionLayer: x is (5, 6); it must be (batch, time, features)",
                       ShapeError);
  CHECK_THROWS_AS(layer(Array::zeros(Shape{2, 5, 7})), ShapeError);
}

TEST_CASE("building again keeps the numbers for another length, and refuses other features") {
  AttentionLayer layer = built(AttentionLayer{4}, Shape{5, 6});
  const real* const numbers = layer.W1.kernel.value().data();
  layer.build(Shape{9, 6}, Rng(2));
  CHECK(layer.W1.kernel.value().data() == numbers);
  CHECK_THROWS_WITH_AS(layer.build(Shape{5, 7}, Rng(2)),
                       "AttentionLayer: built for 6 features; now a sample is (5, 7)", ShapeError);
}

TEST_CASE("a layer that is not built says what to call, in every reading") {
  const char* const text =
      "AttentionLayer: it is not built; call build with the shape of a sample, put it into a "
      "Sequential, or call it by a Caller inside a module";
  const Tensor x(Array::zeros(Shape{2, 5, 6}));
  for (const AttentionLayer& layer :
       {AttentionLayer{4}, AttentionLayer{.units = 4, .reading = Reading::per_position},
        AttentionLayer{.units = 0, .reading = Reading::per_position, .score = Score::general},
        AttentionLayer{.units = 4, .reading = Reading::query, .learned_query = true}})
    CHECK_THROWS_WITH_AS(layer(x), text, StateError);
}

TEST_CASE("a query is wanted in the reading query, and refused in the others") {
  const Tensor x(Array::zeros(Shape{2, 5, 6}));
  const AttentionLayer pool = built(AttentionLayer{4}, Shape{5, 6}),
                       asked = built(AttentionLayer{.units = 4, .reading = Reading::query},
                                     Shape{5, 6});
  CHECK_THROWS_WITH_AS(pool.attend(x, {.query = x}),
                       "AttentionLayer: a query is given, but the layer's reading is not query",
                       ValueError);
  CHECK_THROWS_WITH_AS(asked(x),
                       "AttentionLayer: the reading is query, and there is none; give one to "
                       "attend, or set learned_query",
                       StateError);
  CHECK_THROWS_WITH_AS(asked.attend(x, {.query = Tensor(Array::zeros(Shape{2, 6}))}),
                       "AttentionLayer: the query is (2, 6); it must be (2, queries, features)",
                       ShapeError);
  CHECK_THROWS_WITH_AS(asked.attend(x, {.query = Tensor(Array::zeros(Shape{3, 1, 6}))}),
                       "AttentionLayer: the query is (3, 1, 6); it must be (2, queries, features)",
                       ShapeError);
  CHECK_THROWS_AS(asked.attend(x, {.query = Tensor(Array::zeros(Shape{2, 1, 7}))}), ShapeError);
}

TEST_CASE("a mask of another shape is refused") {
  const Tensor x(Array::zeros(Shape{2, 5, 6}));
  const AttentionLayer layer =
      built(AttentionLayer{.units = 4, .reading = Reading::per_position}, Shape{5, 6});
  CHECK_THROWS_WITH_AS(layer(x, Mask(Shape{2, 4}, std::vector<std::uint8_t>(8, 1))),
                       "AttentionLayer: the mask has shape (2, 4); it must be (2, 5)", ShapeError);
  CHECK_THROWS_WITH_AS(
      layer.attend(x, {.mask = {.queries = Mask(Shape{5}, std::vector<std::uint8_t>(5, 1))}}),
      "AttentionLayer: the mask of queries has shape (5,); it must be (2, 5)", ShapeError);
}
