// Wrong models and what they are told, word for word: training and data. Layers are in
// wrong_layers_test.cpp, optimisers in wrong_optimizers_test.cpp.
#include <cmath>

#include "errors/wrong_programs.hpp"

using namespace wrong_programs;

// A row is a mistake, a program and what it is told.

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
