// Models of any module: several inputs, several outputs, layers inside layers.
#include <doctest/doctest.h>

#include <cmath>

#include "train/models.hpp"

using namespace fovea;
using models::first_class;
using models::measures;
using models::prices;
using models::two_heads;
using support::Generate;
using support::refusal;

namespace {

struct Outcome {
  std::vector<Array> arrays;
  History history;
  Logs evaluated;
};

struct Threads {
  Index before = threads();
  ~Threads() { set_threads(before); }
};

// Trained the same way on 1, 2, 3 and 8 threads, all gives the same bits.
template <class Train>
void check_same_bits(const Train& train) {
  const Threads restore;
  set_threads(1);
  const Outcome expected = train();
  for (const Index count : {2, 3, 8}) {
    CAPTURE(count);
    set_threads(count);
    const Outcome got = train();
    CHECK(toy::bits_differ(got.arrays, expected.arrays) == "");
    CHECK(got.history.history == expected.history.history);
    CHECK(got.evaluated == expected.evaluated);
  }
}

std::vector<Array> arrays_of(const Model& model, const SampleSet& x) {
  std::vector<Array> arrays = toy::weights(model);
  const Predictions predictions = model.predict(x, 50);
  for (std::size_t i = 0; i < predictions.size(); ++i) arrays.push_back(predictions[i]);
  return arrays;
}

// The toy model, as a struct.
struct Chained {
  Embedding embedding{toy::vocabulary, 5, true};
  AttentionLayer attention_layer{.units = 4, .dropout = real(0.2)};
  Dropout dropout{real(0.2)};
  Dense dense{toy::classes, Activation::softmax};
  Tensor operator()(const Ids& ids, const Context& context = {}) const {
    const Caller call(*this, context);
    return call(dense,
                call(dropout, call(attention_layer, call(embedding, ids), embedding.mask(ids))));
  }
  static void parameters(auto& self, auto&& visit) {
    visit("embedding", self.embedding);
    visit("attention_layer", self.attention_layer);
    visit("dropout", self.dropout);
    visit("dense", self.dense);
  }
};

}  // namespace

TEST_CASE(
    "an encoder and a decoder with teacher forcing learn to reverse, in the same bits on "
    "any number of threads") {
  const models::Sentences data = models::sentences(400, 5, 7),
                          other = models::sentences(90, 5, 7, 1);
  const auto train = [&](Index epochs) {
    Model model{models::Translator{7}};
    model.compile({.optimizer = Adam{{.learning_rate = 0.02}},
                   .loss = SparseCategoricalCrossentropy{},
                   .metrics = {Accuracy{}},
                   .seed = 2});
    FitOptions options = toy::quiet(epochs, 64);
    options.validation_data = Validation{{other.source, other.told}, other.target};
    Outcome outcome;
    outcome.history = model.fit({data.source, data.told}, data.target, options);
    outcome.evaluated = model.evaluate({other.source, other.told}, other.target, 40);
    outcome.arrays = arrays_of(model, {other.source, other.told});
    return outcome;
  };
  check_same_bits([&] { return train(2); });
  const Outcome outcome = train(30);
  CHECK(outcome.history["loss"].front() > 1.2);
  CHECK(outcome.evaluated.at("accuracy") > 0.85);
}

TEST_CASE(
    "masks that come with the outputs make means over all kept positions, however samples "
    "fall into batches") {
  const models::Sentences data = models::sentences(30, 5, 7);
  Model model{models::Translator{7}};
  model.compile({.loss = SparseCategoricalCrossentropy{}, .metrics = {Accuracy{}}});
  model.build({data.source, data.told});
  const Logs whole = model.evaluate({data.source, data.told}, data.target, 30);
  for (const Index batch : {1, 7, 29})
    for (const auto& value : model.evaluate({data.source, data.told}, data.target, batch))
      CHECK(value.second == doctest::Approx(whole.at(value.first)).epsilon(1e-5));
  // By hand, over the positions that are not padding.
  const Array predicted = model.predict({{"target", data.told}, {"source", data.source}});
  double loss = 0, kept = 0;
  for (Index i = 0; i < data.told.count(); ++i)
    if (data.told.at(i) != 0) {
      loss -= std::log(static_cast<double>(predicted.at(7 * i + data.target.at(i))));
      ++kept;
    }
  CHECK(whole.at("loss") == doctest::Approx(loss / kept).epsilon(1e-4));
}

TEST_CASE(
    "a model of text and numbers, with a Sequential inside, learns from both, in the same "
    "bits on any number of threads") {
  const toy::Data text = toy::data(600);
  const Array numbers = measures(600), y = prices(text, numbers);
  const auto train = [&](Index epochs) {
    Model model{models::Appraiser{}};
    model.compile(
        {.optimizer = Adam{{.learning_rate = 0.02}}, .loss = MeanSquaredError{}, .seed = 4});
    FitOptions options = toy::quiet(epochs, 128);
    options.validation_split = 0.1;
    Outcome outcome;
    outcome.history = model.fit({{"measures", numbers}, {"text", text.x}}, y, options);
    outcome.evaluated = model.evaluate({text.x, numbers}, y, 100);
    outcome.arrays = arrays_of(model, {text.x, numbers});
    outcome.arrays.push_back(model.attention({text.x, numbers})["appraiser/text/attention_layer"]);
    return outcome;
  };
  check_same_bits([&] { return train(2); });
  CHECK(train(40).evaluated.at("loss") < 0.1);
}

TEST_CASE(
    "a model with two outputs has a loss, metrics and a weight for each, by name, and trains "
    "in the same bits on any number of threads") {
  const toy::Data data = toy::data(400);
  const Array urgent = first_class(data.y);
  const auto train = [&](Index epochs) {
    Model model = two_heads();
    FitOptions options = toy::quiet(epochs, 64);
    options.validation_split = 0.2;
    Outcome outcome;
    outcome.history = model.fit(data.x, {{"urgent", urgent}, {"topic", data.y}}, options);
    outcome.evaluated = model.evaluate(data.x, {data.y, urgent}, 100);
    outcome.arrays = arrays_of(model, data.x);
    return outcome;
  };
  check_same_bits([&] { return train(2); });
  const Outcome outcome = train(25);
  for (const char* name :
       {"loss", "topic_loss", "topic_accuracy", "urgent_loss", "urgent_accuracy"}) {
    CAPTURE(name);
    CHECK(outcome.history[name].size() == 25);
    CHECK(outcome.history["val_" + std::string(name)].size() == 25);
  }
  CHECK(outcome.evaluated.at("loss") == doctest::Approx(outcome.evaluated.at("topic_loss") +
                                                        0.5 * outcome.evaluated.at("urgent_loss")));
  CHECK(outcome.evaluated.at("topic_accuracy") > 0.8);
  CHECK(outcome.evaluated.at("urgent_accuracy") > 0.8);
}

TEST_CASE("a step of a model with two outputs goes down the weighted sum of their mean losses") {
  const toy::Data data = toy::data(20);
  const Array urgent = first_class(data.y);
  Model model = two_heads(0.25), by_hand = two_heads(0.25);
  model.build(data.x);
  by_hand.build(data.x);
  const std::vector<Tensor> outputs = by_hand(data.x, {.training = true, .step = 0});
  Adam adam{{.learning_rate = 0.02}};
  adam.attach(by_hand);
  (mean(sparse_categorical_crossentropy_from_probabilities(outputs[0], data.y)) +
   mean(BinaryCrossentropy{}(outputs[1], urgent)) * real(0.25))
      .backward();
  adam.step();
  model.train_on_batch(data.x, {data.y, urgent});
  CHECK(toy::far(toy::weights(model), toy::weights(by_hand), real(1e-4)) == "");
}

TEST_CASE("a struct of layers trains to the bits of the same layers in a Sequential") {
  const toy::Data data = toy::data(300);
  Sequential sequential = toy::model({.dropout = real(0.2)});
  Model model{Chained{}};
  CHECK(model.name() == "chained");
  model.set_name("sequential");
  model.compile({.optimizer = Adam{{.learning_rate = 0.02}},
                 .loss = SparseCategoricalCrossentropy{},
                 .metrics = {Accuracy{}},
                 .seed = 1});
  const History one = sequential.fit(data.x, data.y, toy::quiet(3, 50)),
                other = model.fit(data.x, data.y, toy::quiet(3, 50));
  CHECK(one.history == other.history);
  CHECK(toy::bits_differ(toy::weights(model), toy::weights(sequential)) == "");
  CHECK(model.summary() == sequential.summary());
  sequential.set_name("renamed");
  model.set_name("renamed");
  CHECK(model.summary() == sequential.summary());
  CHECK(model.summary().find("?") == std::string::npos);
}

TEST_CASE("a Sequential is a layer of another: it carries masks and gradients, and is named once") {
  const toy::Data data = toy::data(60);
  const auto compile = [](Model& model) {
    model.compile({.optimizer = Adam{{.learning_rate = 0.02}},
                   .loss = SparseCategoricalCrossentropy{},
                   .seed = 1});
  };
  Sequential nested{
      Sequential{Embedding{toy::vocabulary, 5, true}, GRU{4, true}},
      named("head", Sequential{AttentionLayer{4}, Dense{toy::classes, Activation::softmax}})};
  compile(nested);
  nested.fit(data.x, data.y, toy::quiet(3, 20));
  std::string paths;
  for (const NamedParameter& parameter : parameters_of(nested)) paths += parameter.path + " ";
  CHECK(paths.starts_with("sequential/embedding/embeddings sequential/gru/kernel "));
  CHECK(paths.ends_with("head/dense/kernel head/dense/bias "));
  CHECK(nested.attention(data.x).begin()->first == "sequential/head/attention_layer");
  // The padding behind takes no part: more of it changes nothing.
  std::vector<std::int32_t> longer;
  for (Index i = 0; i < 60; ++i)
    for (Index t = 0; t < toy::time + 3; ++t)
      longer.push_back(t < toy::time ? data.x.at(i * toy::time + t) : 0);
  const Array expected = nested.predict(data.x),
              got = nested.predict(Ids(Shape{60, toy::time + 3}, longer));
  CHECK(toy::far({got}, {expected}, real(1e-5)) == "");
  // Gradients reach its input.
  Sequential body{Dense{3, Activation::tanh}, Dense{1}};
  body.build(Shape{4});
  const Tensor x = Tensor::parameter(Generate("x", 0).array(Shape{2, 4}, {-1, 1}));
  sum(body(x)).backward();
  CHECK(std::ranges::all_of(x.grad().values(), [](real slope) { return slope != 0; }));
  // The loss of the last softmax inside is computed from its logits, as of one that is not inside.
  Sequential flat{AttentionLayer{4}, Dense{toy::classes, Activation::softmax}},
      inner{Sequential{AttentionLayer{4}, Dense{toy::classes, Activation::softmax}}, DropMask{}};
  const Array values = Generate("values", 0).array(Shape{20, 5, 3}, {-1, 1});
  for (Sequential* const model : {&flat, &inner}) {
    compile(*model);
    model->build(Shape{5, 3});
    for (const NamedParameter& parameter : parameters_of(*model))
      Tensor(parameter.tensor).assign((parameter.tensor.detach() * 0 + real(0.3)).value());
  }
  flat.set_forward_hook("sequential/dense", [](const Tensor& out) { return out * 1000; });
  inner.set_forward_hook("sequential/sequential/dense",
                         [](const Tensor& out) { return out * 1000; });
  const Ids labels(Shape{20}, std::vector<std::int32_t>(20, 1));
  CHECK(inner.evaluate(values, labels).at("loss") == flat.evaluate(values, labels).at("loss"));
}

TEST_CASE("hooks, the summary and names know the modules inside a struct") {
  const toy::Data data = toy::data(8);
  Model model = two_heads();
  model.build(data.x);
  int calls = 0;
  model.set_forward_hook("two_heads/attention", [&](const Tensor& context) {
    ++calls;
    return context * 0;
  });
  CHECK(refusal<IndexError>([&] { model.set_forward_hook("two_heads/body", {}); }) ==
        "two_heads: there is no layer \"two_heads/body\"; there are: two_heads/embedding, "
        "two_heads/attention, two_heads/topic, two_heads/urgent");
  const Predictions predicted = model.predict(data.x);
  CHECK(calls == 1);
  CHECK(predicted["urgent"].at(0) == predicted[1].at(7));  // the body is 0: all are the biases
  CHECK(refusal<IndexError>([&] { predicted["price"].count(); }) ==
        "predict: there is no output \"price\"; there are: topic, urgent");
  CHECK(refusal<StateError>([&] {
          const Array one = predicted;
        }).starts_with("predict: the model has 2 outputs"));
  const std::string summary = model.summary();
  for (const char* text : {"two_heads", "embedding (Embedding)", "(None, 6, 6)", "topic (Dense)"})
    CHECK_MESSAGE(summary.find(text) != std::string::npos, summary);
  Model other = std::move(model);
  CHECK(other.name() == "two_heads");
  CHECK(refusal<StateError>([&] { model.name(); }) ==
        "Model: it was moved from; use the model that it was moved to");
}

namespace {

// Two heads of which one loss wants logits and the other does not.
struct Pair {
  Dense a{3, Activation::softmax}, b{3, Activation::softmax};
  std::pair<Tensor, Tensor> operator()(const Tensor& x, const Context& context = {}) const {
    const Caller call(*this, context);
    return {call(a, x), call(b, x)};
  }
  static void parameters(auto& self, auto&& visit) {
    visit("a", self.a);
    visit("b", self.b);
  }
};

// A build of its own, and a module that it leaves to the first call.
struct Scaled {
  Tensor scale = {};
  Dense dense{2};
  Shape build(const Shape& sample, const Rng&) {
    if (!scale.defined()) scale = Tensor::parameter(Array::full(Shape{2}, 1));
    return sample.with(-1, 2);
  }
  Tensor operator()(const Tensor& x, const Context& context = {}) const {
    const Caller call(*this, context);
    return call(dense, x) * scale;
  }
  static void parameters(auto& self, auto&& visit) {
    visit("scale", self.scale);
    visit("dense", self.dense);
  }
};

}  // namespace

TEST_CASE("each output's loss is computed from its own logits, or from its output") {
  const Array x = measures(6), target = Generate("target", 0).array(Shape{6, 3}, {0, 1});
  const Ids labels(Shape{6}, {0, 1, 2, 0, 1, 2});
  Model model{Pair{}};
  model.compile(
      {.outputs = {{.loss = MeanSquaredError{}}, {.loss = SparseCategoricalCrossentropy{}}}});
  model.build(x);
  const Array predicted = model.predict(x)[0];
  CHECK(model.evaluate(x, {target, labels}).at("output_1_loss") ==
        doctest::Approx(mean(MeanSquaredError{}(Tensor(predicted), target)).item()));
  model.compile(
      {.outputs = {{.loss = BinaryCrossentropy{}}, {.loss = SparseCategoricalCrossentropy{}}}});
  CHECK(model.evaluate(x, {target, labels}).at("output_1_loss") ==
        doctest::Approx(mean(BinaryCrossentropy{}(Tensor(predicted), target)).item()));
}

TEST_CASE("a model that is fine-tuned with smaller batches and frozen layers goes on learning") {
  const toy::Data data = toy::data(1200);
  Sequential model = toy::model();
  model.fit(data.x, data.y, toy::quiet(1, 1200));
  set_trainable(*model.layers()[0].as<Embedding>(), false);
  model.compile({.loss = SparseCategoricalCrossentropy{}, .seed = 1});
  model.fit(data.x.rows(0, 20), data.y.rows(0, 20), toy::quiet(1, 20));
}

TEST_CASE(
    "a module that builds a part of itself gets the rest built, in a Sequential as in a Model") {
  const Array x = measures(4);
  Sequential sequential{Residual{Sequential{Scaled{}, Dense{3}}}};
  sequential.build(Shape{3});
  CHECK(sequential(x).shape() == Shape{4, 3});
  Model model{Scaled{}};
  model.build(x);
  CHECK(model(x)[0].shape() == Shape{4, 2});
}

TEST_CASE("a hook sees what a child gives that is called within another call") {
  const models::Sentences data = models::sentences(6, 4, 7);
  Model model{models::Translator{7}};
  model.build({data.source, data.told});
  int calls = 0;
  model.set_forward_hook("translator/decoder", [&](const Tensor& states) {
    ++calls;
    return states;
  });
  model.predict({data.source, data.told});
  CHECK(calls == 1);
  CHECK(model.summary().find("?") == std::string::npos);
}
