// Wrong programs and what they are told, word for word: layers, models, training. Arrays and ops
// are in wrong_programs_test.cpp.
#include <cmath>

#include "errors/wrong_programs.hpp"

using namespace wrong_programs;

namespace {

Ids ids() { return Ids({4, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 3, 5}); }
Ids labels() { return Ids({4}, {0, 1, 0, 1}); }

// Classifies sequences of 3 ids below 10; compiled, not built.
Sequential classifier() {
  Sequential model{Embedding{10, 4}, AttentionLayer{3}, Dense{2, Activation::softmax}};
  model.compile({.loss = SparseCategoricalCrossentropy{}, .metrics = {Accuracy{}}});
  return model;
}

// The same after an epoch.
Sequential trained() {
  Sequential model = classifier();
  model.fit(ids(), labels(), {.verbose = 0});
  return model;
}

// A layer built by itself, as in a loop of one's own.
template <class Module>
Module built(Module module, const Shape& sample) {
  module.build(sample, Rng(1));
  return module;
}

}  // namespace

// A row is a mistake, a program and what it is told.

TEST_CASE("layers with wrong options") {
  check({
      {"makes a Dense of no units", [] { built(Dense{0}, {3}); },
       "ValueError: Dense: units is 0; it must be at least 1"},
      {"embeds a vocabulary that was never counted",
       [] {
         built(Embedding{0, 4}, {3});
       },
       "ValueError: Embedding: input_dim is 0, output_dim is 4; both must be at least 1"},
      {"drops out with a percentage", [] { built(Dropout{20}, {3}); },
       "ValueError: Dropout: the rate is 20; it must be 0 to 1"},
      {"drops attention weights with a percentage",
       [] {
         built(AttentionLayer{.units = 4, .dropout = 20}, {5, 3});
       },
       "ValueError: AttentionLayer: dropout is 20; it must be 0 to 1"},
      {"pools with the dot score",
       [] {
         built(AttentionLayer{4, Reading::pool, Score::dot}, {5, 3});
       },
       "ValueError: AttentionLayer: the reading pool scores each position by itself, which only "
       "the additive score can; use the reading "
       "query with learned_query"},
      {"gives the general score units",
       [] {
         built(AttentionLayer{4, Reading::query, Score::general}, {5, 3});
       },
       "ValueError: AttentionLayer: units is 4 with the general score, which has none; use 0"},
      {"pools causally",
       [] {
         built(AttentionLayer{.units = 4, .causal = true}, {5, 3});
       },
       "ValueError: AttentionLayer: causal orders positions against each other; it needs the "
       "reading per_position"},
      {"wants a learned query without the reading for it",
       [] {
         built(AttentionLayer{.units = 4, .learned_query = true}, {5, 3});
       },
       "ValueError: AttentionLayer: learned_query needs the reading query"},
      {"convolves without filters",
       [] {
         built(Conv1D{0, 3}, {10, 3});
       },
       "ValueError: Conv1D: filters is 0; it must be at least 1"},
      {"convolves with windows of size 0",
       [] {
         built(Conv1D{8, 0}, {10, 3});
       },
       "ValueError: Conv1D: a window size is 0; it must be at least 1"},
      {"makes an LSTM of no units",
       [] {
         built(LSTM{-1}, {5, 3});
       },
       "ValueError: LSTM: units is -1; it must be 1 to 2^40"},
      {"makes up an activation",
       [] {
         built(Dense{4, Activation(99)}, {3});
       },
       "ValueError: Activation: there is none with the value 99"},
      {"makes up a reading",
       [] {
         built(AttentionLayer{4, Reading(7)}, {5, 3});
       },
       "ValueError: AttentionLayer: there is no Reading with the value 7"},
      {"makes up a score",
       [] {
         built(AttentionLayer{4, Reading::query, Score(9)}, {5, 3});
       },
       "ValueError: AttentionLayer: there is no Score with the value 9"},
      {"gives a projection of attention an activation",
       [] {
         built(AttentionLayer{.units = 4, .W1 = {.units = 4, .activation = Activation::relu}},
               {5, 3});
       },
       "ValueError: AttentionLayer: W1, W2 and V are linear; leave out the activation, or write a "
       "module of your own"},
      {"normalises with a negative epsilon", [] { built(LayerNormalization{-1}, {3}); },
       "ValueError: LayerNormalization: epsilon is -1; it must be at least 0"},
  });
}

TEST_CASE("layers called wrongly in a loop of one's own") {
  check({
      {"calls a layer before it is built",
       [] {
         Dense{4}(of({2, 3}));
       },
       "StateError: Dense: it is not built; call build with the shape of a sample, put it into a "
       "Sequential, or call it by a Caller inside a module"},
      {"calls an attention layer before it is built",
       [] {
         AttentionLayer{4}(of({2, 5, 3}));
       },
       "StateError: AttentionLayer: it is not built; call build with the shape of a sample, put it "
       "into a Sequential, or call it by a Caller inside a module"},
      {"gives Dense other features",
       [] {
         built(Dense{4}, {3})(of({2, 5}));
       },
       "ShapeError: Dense: x is (2, 5), built for 3 features; the last size of x must be 3"},
      {"gives a GRU other features",
       [] {
         built(GRU{4}, {5, 3})(of({2, 5, 4}));
       },
       "ShapeError: GRU: x is (2, 5, 4), built for 3 features; the last size of x must be 3"},
      {"gives a query of other features",
       [] {
         built(AttentionLayer{4, Reading::query}, {5, 3})
             .attend(of({2, 5, 3}), {.query = of({2, 1, 7})});
       },
       "ShapeError: AttentionLayer: the query is (2, 1, 7), built for 3 features; the last size of "
       "the query must be 3"},
      {"looks up an id that an Embedding has not",
       [] {
         built(Embedding{10, 4}, {3})(Ids({1, 1}, {10}));
       },
       "IndexError: Embedding: the id at position 0 of ids of shape (1, 1) is 10; input_dim is 10, "
       "so ids are 0 to 9"},
      {"pools single vectors", [] { built(MaxPooling1D{}, {3}); },
       "ShapeError: MaxPooling1D: a sample is (3,); it must be (time, channels)"},
      {"builds a layer with the batch axis",
       [] {
         built(AttentionLayer{4}, {32, 5, 3});
       },
       "ShapeError: AttentionLayer: a sample is (32, 5, 3); it must be (time, features)"},
      {"builds a layer anew for other features", [] { built(built(Dense{4}, {3}), {5}); },
       "ShapeError: Dense: built for 3 inputs and 4 units; now a sample is (5,) and units is 4"},
      {"builds a recurrent layer for single vectors", [] { built(GRU{4}, {3}); },
       "ShapeError: GRU: a sample is (3,); it must be (time, features)"},
      {"builds Conv2D for images without channels",
       [] {
         built(Conv2D{8, {3, 3}}, {28, 28});
       },
       "ShapeError: Conv2D: a sample is (28, 28); it must be (rows, columns, channels)"},
      {"goes past a layer that changes the width", [] { built(Residual<Dense>{Dense{5}}, {3}); },
       "ShapeError: Residual: the module makes (5,) of a sample (3,); the two are added and must "
       "be equal"},
      {"attends to a batch of vectors",
       [] {
         built(AttentionLayer{4}, {5, 3})(of({2, 3}));
       },
       "ShapeError: AttentionLayer: x is (2, 3); it must be (batch, time, features)"},
      {"masks for another length",
       [] {
         built(AttentionLayer{4}, {5, 3})(of({2, 5, 3}), Mask({2, 4}));
       },
       "ShapeError: AttentionLayer: the mask has shape (2, 4); it must be (2, 5)"},
      {"reads against a query and gives none",
       [] {
         built(AttentionLayer{4, Reading::query}, {5, 3})(of({2, 5, 3}));
       },
       "StateError: AttentionLayer: the reading is query, and there is none; give one to attend, "
       "or set learned_query"},
      {"gives a query to a layer that pools",
       [] {
         built(AttentionLayer{4}, {5, 3}).attend(of({2, 5, 3}), {.query = of({2, 1, 3})});
       },
       "ValueError: AttentionLayer: a query is given, but the layer's reading is not query"},
      {"gives a query without an axis of queries",
       [] {
         built(AttentionLayer{4, Reading::query}, {5, 3})
             .attend(of({2, 5, 3}), {.query = of({2, 3})});
       },
       "ShapeError: AttentionLayer: the query is (2, 3); it must be (2, queries, features)"},
      {"gives an LSTM the state of a GRU",
       [] {
         built(LSTM{4}, {5, 3}).unroll(of({2, 5, 3}), {.states = {of({2, 4})}});
       },
       "ValueError: LSTM: 1 states are given; it has 2; give h and c"},
      {"walks along a sequence of length 0",
       [] {
         built(GRU{4}, {5, 3})(of({2, 0, 3}));
       },
       "ValueError: GRU: a sequence of length 0 has no last position"},
  });
}

TEST_CASE("layers in the wrong order") {
  check({
      {"puts Dense on ids",
       [] {
         Sequential model{Dense{4}};
         model.build({3});
         model.predict(ids().rows(0, 1));
       },
       "ValueError: sequential/dense: Dense expected real numbers, got ids of shape (1, 3); put "
       "an Embedding before it"},
      {"feeds numbers to an Embedding",
       [] {
         trained().predict(Array::zeros({1, 3}));
       },
       "ValueError: sequential/embedding: Embedding expected ids, got real numbers of shape (1, "
       "3); give Ids"},
      {"attends to vectors", [] { Sequential{AttentionLayer{4}}.build({3}); },
       "ShapeError: sequential/attention_layer: AttentionLayer: a sample is (3,); it must be "
       "(time, features)"},
      {"attends behind a GRU that gives only its last state",
       [] {
         Sequential{GRU{4}, AttentionLayer{3}}.build({5, 3});
       },
       "ShapeError: sequential/attention_layer: AttentionLayer: a sample is (4,); it must be "
       "(time, features)"},
      {"pools twice",
       [] {
         Sequential{Embedding{10, 4}, AttentionLayer{3}, GlobalAveragePooling1D{}}.build({3});
       },
       "ShapeError: sequential/global_average_pooling1d: GlobalAveragePooling1D: a sample is (4,); "
       "it "
       "must be (time, features)"},
      {"gets the second of two Dense layers wrong",
       [] {
         Sequential{Dense{8}, Dense{0}}.build({3});
       },
       "ValueError: sequential/dense_1: Dense: units is 0; it must be at least 1"},
      {"slides a window longer than the sequence",
       [] {
         Sequential{Embedding{10, 4}, Conv1D{8, 5}}.build({3});
       },
       "ShapeError: sequential/conv1d: conv1d: a sample of x is (3, 4), and a window reaches over "
       "5 along its axis 0; pad it, or use "
       "Padding::same"},
      {"lets a convolution lose the mask of the padding",
       [] {
         Sequential model{Embedding{10, 4, true}, Conv1D{8, 2}};
         model.build({3});
         model.predict(ids());
       },
       "StateError: sequential/conv1d: Conv1D got a mask, which it would lose; put a DropMask "
       "before it if padding is to count from here on, or have the module declare a mask_flow"},
  });
}

TEST_CASE("optimisers with wrong options") {
  check({
      {"sets a negative learning rate", [] { Adam({.learning_rate = -0.01}); },
       "ValueError: Adam: learning_rate is -0.01; it must be at least 0 and finite"},
      {"lets a schedule divide by zero", [] { Adam().set_learning_rate(1 / 0.0); },
       "ValueError: Adam: learning_rate is inf; it must be at least 0 and finite"},
      {"has a schedule fall below 0",
       [] {
         Adam adam({.learning_rate = [](Index step) { return 0.5 - double(step); }});
         adam.attach({{"p", weight({2})}});
         adam.step();
         adam.step();
       },
       "ValueError: Adam: learning_rate of step 1 is -0.5; it must be at least 0 and finite"},
      {"resumes another model",
       [] {
         Adam one, other;
         one.attach({{"dense/kernel", weight({2, 3})}});
         other.attach({{"dense/kernel", weight({3, 2})}});
         one.load_state(other.state());
       },
       "ShapeError: Adam: load_state: expected \"dense/kernel/mean\" of shape (2, 3), got (3, 2); "
       "load the state of the same model"},
      {"loads a state before attaching",
       [] {
         Adam one, other;
         other.attach({{"dense/kernel", weight({3, 2})}});
         one.load_state(other.state());
       },
       "StateError: Adam: load_state: expected no array \"dense/kernel/mean\"; attach the "
       "parameters that were attached when the state was made, in the same order"},
      {"asks for a slot by PyTorch's name",
       [] {
         Adam adam;
         adam.attach({{"p", weight({2})}});
         adam.slots()[0]["exp_avg"];
       },
       "IndexError: slot of p: expected one of \"mean\", \"variance\", got \"exp_avg\""},
      {"sets beta_1 to 1", [] { Adam({.beta_1 = 1}); },
       "ValueError: Adam: beta_1 is 1; it must be at least 0 and below 1"},
      {"gives beta_2 as a distance from 1", [] { Adam({.beta_2 = -0.001}); },
       "ValueError: Adam: beta_2 is -0.001; it must be at least 0 and below 1"},
      {"leaves epsilon out", [] { Adam({.epsilon = 0}); },
       "ValueError: Adam: epsilon is 0; it must be above 0, finite, and not so small that it "
       "counts as 0 in training"},
      {"rewards large weights", [] { Adam({.weight_decay = -0.1}); },
       "ValueError: Adam: weight_decay is -0.1; it must be at least 0 and finite"},
      {"steps with nothing attached", [] { Adam().step(); },
       "StateError: Adam: no trainable parameter is attached; call attach(model) once the model is "
       "built"},
      {"attaches a layer before it is built",
       [] {
         Adam adam;
         adam.attach(Dense{4});
       },
       "StateError: Adam: attach: the module is not built, and its parameters have no values yet; "
       "call build first"},
      {"copies one optimiser into two models",
       [] {
         const CompileOptions options{.loss = SparseCategoricalCrossentropy{}};
         Sequential a = classifier(), b = classifier();
         a.compile(options);
         b.compile(options);
         a.fit(ids(), labels(), {.verbose = 0});
         b.fit(ids(), labels(), {.verbose = 0});
         a.fit(ids(), labels(), {.verbose = 0});
       },
       "StateError: sequential: its optimizer was attached to another model, or replaced, after "
       "compile; call compile again, with an optimizer of its own for each model"},
  });
}

TEST_CASE("models used in the wrong order") {
  check({
      {"compiles without a loss", [] { classifier().compile({.optimizer = Adam{}}); },
       "ValueError: sequential: compile: there is no loss; give one, such as .loss = "
       "SparseCategoricalCrossentropy{}"},
      {"fits before compile",
       [] {
         Sequential{Dense{2}}.fit(Array::zeros({4, 3}), labels());
       },
       "StateError: sequential: fit: it is not compiled; call compile with a loss first"},
      {"fits a model without layers",
       [] {
         Sequential model;
         model.compile({.loss = MeanSquaredError{}});
         model.fit(ids(), labels());
       },
       "StateError: sequential: fit: it has no layers; add some"},
      {"builds a model without layers", [] { Sequential{}.build({3}); },
       "StateError: sequential: there are no layers to build; add some"},
      {"evaluates before it is built", [] { classifier().evaluate(ids(), labels()); },
       "StateError: sequential: evaluate: it is not built; call fit, or build with the shape of a "
       "sample"},
      {"predicts before it is built", [] { classifier().predict(ids()); },
       "StateError: sequential: predict: it is not built; call fit, or build with the shape of a "
       "sample"},
      {"asks for attention before it is built", [] { classifier().attention(ids()); },
       "StateError: sequential: attention: it is not built; call build with the shape of a sample, "
       "or fit"},
      {"asks for a summary before it is built", [] { classifier().summary(); },
       "StateError: sequential: it has no parameters yet; call build with the shape of a sample, "
       "or fit, before summary"},
      {"asks for the optimiser before compile",
       [] {
         Sequential model{Dense{2}};
         model.optimizer();
       },
       "StateError: sequential: it has no optimizer yet; call compile"},
      {"adds a layer to a trained model", [] { trained().add(Layer(Dense{2})); },
       "StateError: sequential: a layer is added to a model that is built; add all layers first"},
      {"freezes a layer and goes on without compile",
       [] {
         Sequential model = trained();
         set_trainable(*model.layers()[0].as<Embedding>(), false);
         model.fit(ids(), labels(), {.verbose = 0});
       },
       "StateError: sequential: parameters were frozen, unfrozen or replaced after compile; call "
       "compile again"},
      {"freezes a layer before it is built",
       [] {
         Sequential model = classifier();
         set_trainable(model, false);
       },
       "StateError: this tensor is undefined; a module's parameters exist once it is built: "
       "call build, or put it into a Sequential"},
      {"freezes all layers before compile",
       [] {
         Sequential model{Dense{2}};
         model.build({3});
         set_trainable(model, false);
         model.compile({.loss = MeanSquaredError{}});
         model.fit(Array::zeros({4, 3}), Array::zeros({4, 2}));
       },
       "StateError: sequential: fit: no parameter is trainable: all are frozen, or no layer has "
       "any"},
      {"trains under NoGrad",
       [] {
         const NoGrad scope;
         classifier().fit(ids(), labels());
       },
       "StateError: sequential: fit: gradient recording is disabled by NoGrad; train outside its "
       "scope"},
      {"takes the name away", [] { classifier().set_name(""); },
       "ValueError: Sequential: the name is empty"},
  });
}

TEST_CASE("data that does not fit the model") {
  check({
      {"has more samples than labels", [] { classifier().fit(ids(), labels().rows(0, 3)); },
       "ShapeError: sequential: fit: x holds 4 samples, y holds 3; the numbers must be equal"},
      {"filtered all samples away", [] { classifier().fit(ids().rows(0, 0), labels().rows(0, 0)); },
       "ValueError: sequential: fit: there are no samples to train on"},
      {"gives one sample without its axis", [] { classifier().fit(Ids({}, {7}), labels()); },
       "ShapeError: Samples: a scalar id; samples are along the first axis"},
      {"has an id beyond the vocabulary",
       [] {
         classifier().fit(Ids({2, 3}, {1, 2, 3, 4, 5, 10}), labels().rows(0, 2));
       },
       "IndexError: sequential/embedding: Embedding: the id at position 5 of ids of shape (2, 3) "
       "is 10; input_dim is 10, so ids are 0 to "
       "9"},
      {"predicts with an id beyond the vocabulary",
       [] {
         trained().predict(Ids({2, 3}, {1, 2, 3, 4, 5, 10}));
       },
       "IndexError: sequential/embedding: Embedding: the id at position 5 of ids of shape (2, 3) "
       "is 10; input_dim is 10, so ids are 0 to "
       "9"},
      {"reads ids as numbers",
       [] {
         classifier().fit(Array::zeros({4, 3}), labels());
       },
       "ValueError: sequential/embedding: Embedding expected ids, got real numbers of shape (4, "
       "3); give Ids"},
      {"numbers labels from 1",
       [] {
         classifier().fit(ids(), Ids({4}, {1, 2, 1, 2}));
       },
       "IndexError: sequential: sparse_categorical_crossentropy: the label at position 1 is 2; "
       "there are classes 0 to 1"},
      {"keeps labels in a column",
       [] {
         classifier().fit(ids(), labels().reshaped({4, 1}));
       },
       "ShapeError: sequential: sparse_categorical_crossentropy: predictions are (4, 2), labels "
       "(4, 1); labels must have the "
       "predictions' shape without its last axis, the classes"},
      {"forgets to pool the sequence",
       [] {
         Sequential model{Embedding{10, 4}, Dense{2}};
         model.compile({.loss = SparseCategoricalCrossentropy{}});
         model.fit(ids(), labels());
       },
       "ShapeError: sequential: sparse_categorical_crossentropy: predictions are (4, 3, 2), labels "
       "(4,); labels must have the "
       "predictions' shape without its last axis, the classes"},
      {"ends in one unit for two classes",
       [] {
         Sequential model{Dense{1, Activation::sigmoid}};
         model.compile({.loss = SparseCategoricalCrossentropy{}});
         model.fit(Array::zeros({4, 3}), labels());
       },
       "IndexError: sequential: sparse_categorical_crossentropy: the label at position 1 is 1; "
       "there are classes 0 to 0"},
      {"gives one-hot targets to the sparse loss",
       [] {
         classifier().fit(ids(), Array::zeros({4, 2}));
       },
       "ValueError: sequential: sparse_categorical_crossentropy: expected class labels (Ids), got "
       "real-valued targets of shape "
       "(4, 2); give labels as Ids; CategoricalCrossentropy takes distributions"},
      {"gives labels to the loss that is not sparse",
       [] {
         Sequential model{Dense{2}};
         model.compile({.loss = CategoricalCrossentropy{}});
         model.fit(Array::zeros({4, 3}), labels());
       },
       "ValueError: sequential: categorical_crossentropy: expected target distributions, got class "
       "labels (Ids) of shape (4,); "
       "use SparseCategoricalCrossentropy for labels"},
      {"ends in a softmax over one unit",
       [] {
         Sequential{Dense{1, Activation::softmax}}.compile({.loss = BinaryCrossentropy{}});
       },
       "ValueError: sequential/dense: Dense: a softmax over one unit is always 1 and never learns; "
       "use Activation::sigmoid, with "
       "BinaryCrossentropy, or a unit for each class"},
      {"numbers two classes 1 and 2",
       [] {
         Sequential model{Dense{1, Activation::sigmoid}};
         model.compile({.loss = BinaryCrossentropy{}});
         model.fit(Array::zeros({4, 3}), Ids({4}, {1, 2, 1, 2}));
       },
       "ValueError: sequential: binary_crossentropy: the target at position 1 of targets of shape "
       "(4,) is 2; it must be 0 to 1; give "
       "probabilities, 0 for no and 1 for yes"},
      {"names two classes -1 and 1",
       [] {
         Sequential model{Dense{1, Activation::sigmoid}};
         model.compile({.loss = BinaryCrossentropy{}});
         model.fit(Array::zeros({2, 3}), Array({2, 1}, {1, -1}));
       },
       "ValueError: sequential: binary_crossentropy: the target at position 1 of targets of shape "
       "(2, 1) is -1; it must be 0 to 1; give "
       "probabilities, 0 for no and 1 for yes"},
      {"regresses on a missing target",
       [] {
         Sequential model{Dense{1}};
         model.compile({.loss = MeanSquaredError{}});
         model.fit(Array::zeros({2, 3}), Array({2, 1}, {1, std::nanf("")}));
       },
       "ValueError: sequential: mean_squared_error: the target at position 1 of targets of shape "
       "(2, 1) is nan; it must be finite; give a "
       "sample without a target the sample weight 0"},
      {"has two targets for one output",
       [] {
         Sequential model{Dense{1}};
         model.compile({.loss = MeanSquaredError{}});
         model.fit(Array::zeros({4, 3}), Array::zeros({4, 2}));
       },
       "ShapeError: sequential: mean_squared_error: predictions are (4, 1), targets (4, 2); they "
       "must have the same shape, or targets "
       "lack the last axis of size 1"},
      {"smooths labels by a percentage",
       [] {
         Sequential model{Dense{2}};
         model.compile({.loss = CategoricalCrossentropy{.label_smoothing = 10}});
         model.fit(Array::zeros({4, 3}), Array::zeros({4, 2}));
       },
       "ValueError: sequential: categorical_crossentropy: the label smoothing is 10; it must be 0 "
       "to 1"},
      {"sets huber's delta to 0",
       [] {
         Sequential model{Dense{2}};
         model.compile({.loss = Huber{0}});
         model.fit(Array::zeros({4, 3}), Array::zeros({4, 2}));
       },
       "ValueError: sequential: huber_loss: delta is 0; it must be above 0"},
      {"evaluates on samples of another rank",
       [] {
         trained().evaluate(ids().reshaped({2, 3, 2}), labels().rows(0, 2));
       },
       "ShapeError: sequential: evaluate: built for samples of shape (3,); these are (3, 2), which "
       "a layer does not accept: "
       "sequential/attention_layer: AttentionLayer: x is (1, 3, 2, 4); it must be (batch, time, "
       "features)"},
      {"fits the trained model on other features",
       [] {
         Sequential model{Dense{2}};
         model.compile({.loss = MeanSquaredError{}});
         model.build({3});
         model.fit(Array::zeros({4, 5}), Array::zeros({4, 2}));
       },
       "ShapeError: sequential/dense: Dense: built for 3 inputs and 2 units; now a sample is (5,) "
       "and units is 2"},
  });
}

TEST_CASE("wrong options of fit") {
  check({
      {"trains for no epochs", [] { classifier().fit(ids(), labels(), {.epochs = 0}); },
       "ValueError: sequential: fit: epochs is 0; it must be at least 1"},
      {"trains on batches of nothing", [] { classifier().fit(ids(), labels(), {.batch_size = 0}); },
       "ValueError: sequential: fit: batch_size is 0; it must be at least 1"},
      {"splits validation off by a percentage",
       [] { classifier().fit(ids(), labels(), {.validation_split = 20}); },
       "ValueError: sequential: fit: validation_split is 20; it must be at least 0 and below 1"},
      {"asks for validation twice",
       [] {
         classifier().fit(
             ids(), labels(),
             {.validation_data = Validation{ids(), labels()}, .validation_split = 0.5});
       },
       "ValueError: sequential: fit: both validation_data and validation_split are given; give "
       "one"},
      {"validates on nothing",
       [] {
         classifier().fit(ids(), labels(),
                          {.validation_data = Validation{ids().rows(0, 0), labels().rows(0, 0)}});
       },
       "ValueError: sequential: fit: validation_data holds no samples"},
      {"validates on as many labels as there are not",
       [] {
         classifier().fit(ids(), labels(),
                          {.validation_data = Validation{ids(), labels().rows(0, 3)}});
       },
       "ShapeError: sequential: fit: validation_data: x holds 4 samples, y holds 3; the numbers "
       "must be equal"},
      {"validates on samples of another rank",
       [] {
         classifier().fit(
             ids(), labels(),
             {.validation_data = Validation{ids().reshaped({2, 3, 2}), labels().rows(0, 2)}});
       },
       "ShapeError: sequential: fit: validation_data: built for samples of shape (3,); these are "
       "(3, 2), which a layer does not accept: "
       "sequential/attention_layer: AttentionLayer: x is (1, 3, 2, 4); it must be (batch, time, "
       "features)"},
      {"subtracts by a sample weight",
       [] {
         classifier().fit(ids(), labels(), {.sample_weight = {1, 1, -1, 1}});
       },
       "ValueError: sequential: fit: the sample weight at position 2 is -1; weights must be finite "
       "and at least 0"},
      {"weighs every sample 0",
       [] {
         classifier().fit(ids(), labels(), {.sample_weight = {0, 0, 0, 0}});
       },
       "ValueError: sequential: fit: all 4 sample weights are 0, and nothing counts; give one "
       "above 0"},
      {"validates on labels from 1",
       [] {
         classifier().fit(ids(), labels(),
                          {.validation_data = Validation{ids(), Ids({4}, {1, 2, 1, 2})}});
       },
       "IndexError: sequential: fit: validation_data: sparse_categorical_crossentropy: the label "
       "at position 1 is 2; there are classes 0 "
       "to 1"},
      {"splits nearly everything off",
       [] { classifier().fit(ids(), labels(), {.validation_split = 0.99}); },
       "ValueError: sequential: fit: validation_split 0.99 of 4 samples leaves none to train on"},
      {"weighs classes where samples are weighed",
       [] {
         classifier().fit(ids(), labels(), {.sample_weight = {1, 5}});
       },
       "ShapeError: sequential: fit: 2 sample weights for 4 samples; give one for each sample, or "
       "none"},
      {"computes a weight of 0 / 0",
       [] {
         classifier().fit(ids(), labels(), {.sample_weight = {1, 1, 1, std::nan("")}});
       },
       "ValueError: sequential: fit: the sample weight at position 3 is nan; weights must be "
       "finite and at least 0"},
      {"passes no callback as one",
       [] { classifier().fit(ids(), labels(), {.callbacks = {nullptr}}); },
       "ValueError: sequential: fit: callback 0 is null; leave it out"},
  });
}

TEST_CASE("values that were not measured") {
  check({
      {"reads a name that was not measured", [] { trained().history()["val_loss"]; },
       "IndexError: History: there is no \"val_loss\"; there are: accuracy, loss"},
      {"reads the history before there is one", [] { classifier().history()["loss"]; },
       "IndexError: History: there is no \"loss\"; there are none; call fit first"},
      {"asks for the attention of a layer that is none",
       [] { trained().attention(ids())["attention"]; },
       "IndexError: AttentionWeights: there is no \"attention\"; there are: "
       "sequential/attention_layer"},
      {"stops early without validation",
       [] {
         EarlyStopping stop;
         classifier().fit(ids(), labels(), {.callbacks = {&stop}, .verbose = 0});
       },
       "ValueError: sequential: fit: EarlyStopping: there is no \"val_loss\" to watch; there are: "
       "accuracy, loss; give fit "
       "validation_data"},
      {"watches accuracy by its old short name",
       [] {
         EarlyStopping stop(1, 0, "acc");
         classifier().fit(ids(), labels(), {.callbacks = {&stop}, .verbose = 0});
       },
       "ValueError: sequential: fit: EarlyStopping: there is no \"acc\" to watch; there are: "
       "accuracy, loss"},
      {"waits for a negative number of epochs", [] { EarlyStopping(-1); },
       "ValueError: EarlyStopping: patience is -1; it must be at least 0"},
      {"restores before anything was trained",
       [] {
         Sequential model = classifier();
         RestoreBestWeights().restore(model);
       },
       "StateError: RestoreBestWeights: no epoch has ended yet, so there are no weights to put "
       "back"},
  });
}
