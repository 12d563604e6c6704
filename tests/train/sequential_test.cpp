// The chain: building, counting, naming, and how the documented model begins.
#include "fovea/train/sequential.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "train/toy.hpp"

using namespace fovea;

namespace {

Sequential documented(Reading reading = Reading::pool) {
  Sequential model{Embedding{10000, 128}, AttentionLayer{.units = 64, .reading = reading},
                   Dense{10, Activation::softmax}};
  model.compile(
      {.optimizer = Adam{}, .loss = SparseCategoricalCrossentropy{}, .metrics = {Accuracy{}}});
  model.build(Shape{20});
  return model;
}

std::vector<std::string> paths(const Sequential& model) {
  std::vector<std::string> list;
  for (const NamedParameter& parameter : parameters_of(model)) list.push_back(parameter.path);
  return list;
}

}  // namespace

TEST_CASE("the documented model has 1,297,867 parameters, in both readings of its attention") {
  for (const Reading reading : {Reading::pool, Reading::per_position}) {
    const Sequential model = documented(reading);
    CHECK(parameter_count(model) == 1297867);
    CHECK(model.layers()[0].count() == 1280000);
    CHECK(model.layers()[1].count() == 16577);
    CHECK(model.layers()[2].count() == 1290);
    const std::string summary = model.summary();
    for (const char* text : {"1,280,000", "16,577", "1,290", "Total params: 1,297,867",
                             "(None, 20, 128)", "AttentionLayer"})
      CHECK(summary.find(text) != std::string::npos);
  }
}

TEST_CASE(
    "the documented model begins undecided: loss close to ln 10, attention close to uniform") {
  const Sequential model = documented();
  support::Generate g("documented", 0);
  const Ids x = g.ids(Shape{64, 20}, 10000), y = g.ids(Shape{64}, 10);
  CHECK(model.evaluate(x, y).at("loss") == doctest::Approx(std::log(10.0)).epsilon(0.005));
  const Array weights = model.attention(x).at("sequential/attention_layer");
  double entropy = 0;
  for (const real weight : weights.values())
    entropy -= static_cast<double>(weight) * std::log(static_cast<double>(weight));
  CHECK(entropy / 64 == doctest::Approx(std::log(20.0)).epsilon(0.005));
}

TEST_CASE("parameters have paths of layer and name, and layers of one type are numbered") {
  Sequential model{Embedding{7, 4}, AttentionLayer{.units = 3, .use_bias = false}, Dense{4},
                   Dense{2}};
  model.build(Shape{5});
  CHECK(paths(model) ==
        std::vector<std::string>{"embedding/embeddings", "attention_layer/W1/kernel",
                                 "attention_layer/W2/kernel", "attention_layer/V/kernel",
                                 "dense/kernel", "dense/bias", "dense_1/kernel", "dense_1/bias"});
}

TEST_CASE("every layer draws initial weights of its own, by seed and name") {
  const auto built = [](std::uint64_t seed) {
    Sequential model{Dense{4}, Dense{4}};
    model.compile({.loss = SparseCategoricalCrossentropy{}, .seed = seed});
    model.build(Shape{4});
    return toy::weights(model);
  };
  CHECK(toy::bits_differ(built(1), built(1)) == "");
  CHECK(support::bits_differ(built(1)[0], built(2)[0]) != "");
  CHECK(support::bits_differ(built(1)[0], built(1)[2]) != "");
}

TEST_CASE(
    "building for the same samples again changes nothing, and layers cannot be added any more") {
  Sequential model{Dense{4}, Dense{2}};
  model.build(Shape{3});
  const std::vector<Array> before = toy::weights(model);
  model.build(Shape{3});
  CHECK(toy::bits_differ(toy::weights(model), before) == "");
  CHECK_THROWS_WITH_AS(
      model.add(Layer(Dense{1})),
      "sequential: a layer is added to a model that is built; add all layers first", StateError);
}

TEST_CASE("an error in a layer says which, when it is built and when it is called") {
  Sequential wrong{Embedding{7, 4}, AttentionLayer{.units = 3, .score = Score::dot}, Dense{2}};
  wrong.set_name("reader");
  CHECK_THROWS_WITH_AS(
      wrong.build(Shape{5}),
      "reader/attention_layer: AttentionLayer: the reading pool scores each position by itself, "
      "which only the additive score can; use the reading query with learned_query",
      ValueError);
  Sequential zero{Embedding{7, 4}, AttentionLayer{3}, Dense{2}, Dense{0}};
  CHECK_THROWS_WITH_AS(zero.build(Shape{5}),
                       "sequential/dense_1: Dense: units is 0; it must be at least 1", ValueError);
  Sequential flat{Embedding{7, 4}, AttentionLayer{3}};
  CHECK_THROWS_WITH_AS(
      flat.build(Shape{}),
      "sequential/attention_layer: AttentionLayer: a sample is (4,); it must be (time, features)",
      ShapeError);
  Sequential asks{Embedding{7, 4}, AttentionLayer{.units = 3, .reading = Reading::query}};
  asks.build(Shape{5});
  try {
    asks.predict(Ids(Shape{1, 5}, {0, 1, 2, 3, 4}));
    FAIL("nothing was thrown");
  } catch (const StateError& error) {
    CHECK(std::string(error.what()) ==
          "sequential/attention_layer: AttentionLayer: the reading is query, and there is none; "
          "give one to attend, or set learned_query");
    CHECK(error.path() == "sequential/attention_layer");
  }
}

TEST_CASE("a name is that of the paths, and is not empty") {
  Sequential model{Embedding{7, 4}, AttentionLayer{3}};
  model.set_name("reader");
  model.build(Shape{2});
  CHECK(model.attention(Ids(Shape{1, 2}, {0, 1})).begin()->first == "reader/attention_layer");
  CHECK_THROWS_WITH_AS(model.set_name(""), "Sequential: the name is empty", ValueError);
}

TEST_CASE("attention gives the weights of every attention layer, by path") {
  Sequential model{Embedding{7, 4}, AttentionLayer{.units = 3, .reading = Reading::per_position},
                   AttentionLayer{3}};
  model.build(Shape{5});
  const AttentionWeights weights =
      model.attention(Ids(Shape{2, 5}, {0, 1, 2, 3, 4, 5, 6, 0, 1, 2}));
  REQUIRE(weights.size() == 2);
  CHECK(weights.at("sequential/attention_layer").shape() == Shape{2, 5, 5});
  CHECK(weights.at("sequential/attention_layer_1").shape() == Shape{2, 5});
}

TEST_CASE(
    "a summary wants a model that is built, and tells frozen parameters and the optimiser's "
    "numbers apart") {
  CHECK_THROWS_WITH_AS(Sequential{Dense{2}}.summary(),
                       "sequential: it has no parameters yet; call build with the shape of a "
                       "sample, or fit, before summary",
                       StateError);
  Sequential model = toy::model();
  set_trainable(*model.layers()[3].as<Dense>(), false);
  CHECK(model.summary().find("Non-trainable params: 18") != std::string::npos);
  const auto [x, y] = toy::data(4);
  model.fit(x, y, toy::quiet(1, 4));
  CHECK(model.summary().find("Optimizer params: " + std::to_string(2 * (parameter_count(model) -
                                                                        18))) != std::string::npos);
}

TEST_CASE("a model can be moved, and goes on training") {
  const auto [x, y] = toy::data(12);
  Sequential first = toy::model(), second = toy::model();
  first.fit(x, y, toy::quiet(1, 4));
  second.fit(x, y, toy::quiet(1, 4));
  Sequential moved = std::move(first);
  moved.fit(x, y, toy::quiet(1, 4));
  second.fit(x, y, toy::quiet(1, 4));
  CHECK(toy::bits_differ(toy::weights(moved), toy::weights(second)) == "");
}
