// What a user of Keras or scikit-learn would write about metrics and weights, and what is said.
#include "errors/wrong_programs.hpp"

using namespace wrong_programs;

namespace {

// Evaluates a metric of three classes on labels.
void evaluate(const Metric& metric, const Samples& y = labels()) {
  Sequential model{Dense{3, Activation::softmax}};
  model.compile({.loss = SparseCategoricalCrossentropy{}, .metrics = {metric}});
  model.build({2});
  model.evaluate(Array::zeros({4, 2}), y);
}

// Trains a classifier with weights of classes.
void fit(const std::map<Index, double>& class_weight) {
  classifier().fit(ids(), labels(), {.class_weight = class_weight, .verbose = 0});
}

}  // namespace

TEST_CASE("a metric that does not fit the model is named with its shapes before any work") {
  check({
      {"takes the metric of one-hot targets for labels", [] { evaluate(CategoricalAccuracy{}); },
       "ShapeError: sequential: categorical_accuracy: predictions are (4, 3), targets (4,); "
       "one-hot "
       "targets must have the predictions' shape"},
      {"gives a threshold for several classes", [] { evaluate(Precision{.threshold = real(0.5)}); },
       "ValueError: sequential: precision: a threshold is given, and targets are labels; leave it "
       "out, or give one-hot targets"},
      {"asks for a class that does not exist", [] { evaluate(Recall{.class_id = 3}); },
       "IndexError: sequential: recall: class_id is 3; there are 3 classes"},
      {"takes beta for a part", [] { evaluate(FBetaScore{.beta = -0.5}); },
       "ValueError: sequential: fbeta_score: beta is -0.5; it must be finite and above 0"},
      {"asks for the top 0", [] { evaluate(SparseTopKCategoricalAccuracy{.k = 0}); },
       "ValueError: sequential: sparse_top_k_categorical_accuracy: k is 0; it must be at least 1"},
      {"measures numbers of labels", [] { evaluate(R2Score{}); },
       "ShapeError: sequential: r2_score: predictions are (4, 3), targets (4,); targets must have "
       "the predictions' shape, or lack a last axis of size 1"},
      {"names two metrics alike",
       [] {
         classifier().compile({.loss = SparseCategoricalCrossentropy{},
                               .metrics = {F1Score{}},
                               .weighted_metrics = {F1Score{.class_id = 1}}});
       },
       "ValueError: sequential: compile: two values of the logs would be called \"f1_score\"; give "
       "each metric a name of its own, other than \"loss\""},
      {"calls a metric loss",
       [] {
         classifier().compile(
             {.loss = SparseCategoricalCrossentropy{}, .metrics = {Perplexity{.name = "loss"}}});
       },
       "ValueError: sequential: compile: two values of the logs would be called \"loss\"; give "
       "each "
       "metric a name of its own, other than \"loss\""},
  });
}

TEST_CASE("weights of classes that cannot be are named with their class") {
  check({
      {"gives a negative weight",
       [] {
         fit({{1, -2}});
       },
       "ValueError: sequential: fit: the weight of class 1 is -2; weights must be finite and at "
       "least 0"},
      {"counts classes from -1",
       [] {
         fit({{-1, 2}});
       },
       "ValueError: sequential: fit: class_weight has a class -1; classes begin at 0"},
      {"leaves no sample",
       [] {
         fit({{0, 0}, {1, 0}});
       },
       "ValueError: sequential: fit: with class_weight all samples have weight 0, and nothing "
       "counts; give a class that occurs a weight above 0"},
  });
}

TEST_CASE("a confusion matrix and metrics of texts say what they were given") {
  check({
      {"counts labels beyond the classes",
       [] {
         ConfusionMatrix(3).add(Array::zeros({2, 3}), Ids({2}, {0, 3}));
       },
       "IndexError: ConfusionMatrix: the label at position 1 is 3; expected 0 to 2"},
      {"adds matrices of other classes", [] { ConfusionMatrix(3) += ConfusionMatrix(2); },
       "ShapeError: ConfusionMatrix: counts of 2 classes are added to those of 3"},
      {"scores a text against nothing", [] { sentence_bleu("a cat", {}); },
       "ValueError: Bleu: there are no references; give at least one"},
  });
}
