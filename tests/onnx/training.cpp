// What learns and is learnt from: distributions, dropout, losses, layers that unroll along a
// sequence, Adam.
#include <algorithm>
#include <cmath>

#include "onnx/dictionary.hpp"

namespace onnx {

namespace {

using enum Result;

// Outputs: y, and where it was kept.
Values dropped(const Case& c) {
  const Tensor x = c.tensor(0);
  const real rate = c.has(1) ? c.number(1) : c.option("ratio", 0.5);
  const bool training = c.has(2) && c.mask(2).kept() == 1;
  if (training && rate > 0) throw LeftOut("ONNX's own random numbers");
  const Dropout dropout{rate};
  const Context context{.training = training};
  return {dropout(x, context), equal(dropout(Array::full(x.shape(), 1), context), 1)};
}

// Predictions (batch, classes, ...) with the class last and labels (batch, ...), the axes behind as
// one.
struct Classified {
  Tensor scores;  // (batch, places, classes)
  Ids labels;     // (batch, places)
  std::optional<Index> ignored;
  Tensor weights;  // (classes)
};

Classified classified(const Case& c) {
  const std::vector<Index>& sizes = c.plain(0).sizes;
  const Index batch = sizes[0], classes = sizes[1],
              places = static_cast<Index>(c.plain(0).values.size()) / (batch * classes);
  return {move_axis(c.tensor(0, {batch, classes, places}), 1, -1),
          c.ids(1).reshaped({batch, places}),
          c.has_option("ignore_index") ? std::optional(c.option("ignore_index", 0)) : std::nullopt,
          c.has(2) ? c.tensor(2) : Array::full({classes}, 1)};
}

// The weight of each label's class, 0 where it is ignored, and labels that are classes throughout.
std::pair<Tensor, Ids> weighted_labels(const Classified& of) {
  std::vector<std::int32_t> labels(of.labels.values().begin(), of.labels.values().end());
  const Mask kept = Mask::keep_where_not(of.labels, of.ignored.value_or(-1));  // -1 is no class
  for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = kept.keep()[i] ? labels[i] : 0;
  const Ids classes(of.labels.shape(), labels);
  return {where(kept, take(of.weights, classes), scalar(0)), classes};
}

// The mean is over weights.
Tensor reduction(const Case& c, const Tensor& losses, const Tensor& weights) {
  const std::string kind = c.option("reduction", "mean");
  if (kind == "sum") return sum(losses);
  if (kind == "mean") return sum(losses) / sum(weights);
  return reshape(losses, c.plain(1).sizes);
}

// Scores are log-probabilities, though these need not sum to one.
Tensor negative_log_likelihood(const Case& c) {
  const Classified of = classified(c);
  const auto [weights, labels] = weighted_labels(of);
  const Tensor picked = take_along_axis(of.scores, labels.reshaped(labels.shape().inserted(2, 1)));
  return reduction(c, -weights * squeeze(picked, -1), weights);
}

// Scores are logits. Outputs: the loss, and log_softmax of the scores.
Values softmax_cross_entropy(const Case& c) {
  const Classified of = classified(c);
  const Tensor losses = sparse_categorical_crossentropy(
      of.scores, of.labels, {.ignored_label = of.ignored, .class_weights = of.weights});
  const Tensor loss = reduction(c, losses, weighted_labels(of).first);
  if (c.expected().size() == 1) return {loss};
  return {loss, log_softmax(c.tensor(0), 1)};
}

// ONNX: (time, batch, features), weights (1, gates units, inputs); with "layout" the batch is
// first. One direction.
Tensor sequence(const Case& c) {
  if (c.option("direction", "forward") != "forward") throw LeftOut("unrolling backwards");
  return c.option("layout", 0) ? c.tensor(0) : transpose(c.tensor(0), 0, 1);
}

// The gates (rows of W and R, elements of the biases) in another order, and weights as fovea
// multiplies by them: (inputs, gates units).
Tensor gates(const Tensor& weight, const std::vector<std::size_t>& order) {
  const std::vector<Tensor> parts = split(squeeze(weight, 0), static_cast<Index>(order.size()), 0);
  std::vector<Tensor> sorted;
  for (const std::size_t gate : order) sorted.push_back(parts[gate]);
  const Tensor joined = concat(sorted, 0);
  return joined.shape().rank() == 2 ? transpose(joined) : joined;
}

// h at each position, and the states at the end, with an axis for the direction.
Values outputs_of(const Case& c, const Unrolled& unrolled) {
  const bool layout = c.option("layout", 0);
  Values outputs{layout ? expand_dims(unrolled.outputs, 2)
                        : expand_dims(transpose(unrolled.outputs, 0, 1), 1)};
  for (const Tensor& state : unrolled.states) outputs.push_back(expand_dims(state, layout ? 1 : 0));
  return outputs;
}

// The two biases act as one.
template <class Layer>
Values of_sequence(const Case& c, Layer layer, const std::vector<std::size_t>& order) {
  layer.kernel = gates(c.tensor(1), order);
  layer.recurrent_kernel = gates(c.tensor(2), order);
  if (layer.use_bias) {
    const std::vector<Tensor> biases = split(c.tensor(3), 2);
    layer.bias = gates(biases[0] + biases[1], order);
  }
  return outputs_of(c, layer.unroll(sequence(c)));
}

// ONNX's gates are update, reset, candidate, as here.
Values gru(const Case& c) {
  if (c.option("linear_before_reset", 0)) throw LeftOut("a GRU that resets after the product");
  return of_sequence(
      c, GRU{.units = c.option("hidden_size", 0), .reset_after = false, .use_bias = c.has(3)},
      {0, 1, 2});
}

// ONNX's gates are i, o, f, g; here i, f, g, o. (The cases give every gate the same weights, so
// they do not notice the order.)
Values lstm(const Case& c) {
  if (c.has(7)) throw LeftOut("an LSTM whose gates see the state");
  return of_sequence(c, LSTM{.units = c.option("hidden_size", 0), .use_bias = c.has(3)},
                     {0, 2, 3, 1});
}

// Inputs: rate, step, then all parameters, all gradients, all means, all variances. At step 0 ONNX
// corrects no bias: the rate takes back the correction of Adam's first step.
Values adam(const Case& c) {
  if (c.number(1) != 0) throw LeftOut("an Adam step in the middle");
  if (!c.has_option("epsilon"))
    throw LeftOut("Adam's numbers were made with an epsilon, 0.01, that the model does not have");
  const double beta_1 = c.option("alpha", 0.9), beta_2 = c.option("beta", 0.999);
  Adam optimizer({.learning_rate = c.number(0) * (1 - beta_1) / std::sqrt(1 - beta_2),
                  .beta_1 = beta_1,
                  .beta_2 = beta_2,
                  .epsilon = c.option("epsilon", 1e-6),
                  .l2 = c.option("norm_coefficient", 0.0)});
  const std::size_t count = (c.inputs() - 2) / 4;
  std::vector<NamedParameter> parameters;
  for (std::size_t i = 0; i < count; ++i)
    parameters.push_back({std::to_string(i), Tensor::parameter(c.tensor(2 + i).value())});
  optimizer.attach(parameters);
  OptimizerState state = optimizer.state();
  for (std::size_t i = 0; i < count; ++i) {
    sum(parameters[i].tensor * c.tensor(2 + count + i)).backward();
    state.arrays.at(std::to_string(i) + "/mean") = c.tensor(2 + 2 * count + i).value();
    state.arrays.at(std::to_string(i) + "/variance") = c.tensor(2 + 3 * count + i).value();
  }
  optimizer.load_state(state);
  optimizer.step();
  Values outputs;
  for (const Adam::Slot& slot : optimizer.slots()) outputs.push_back(slot.parameter);
  for (const Adam::Slot& slot : optimizer.slots()) outputs.push_back(Tensor(slot["mean"]));
  for (const Adam::Slot& slot : optimizer.slots()) outputs.push_back(Tensor(slot["variance"]));
  return outputs;
}

}  // namespace

std::vector<Translation> training() {
  return {
      {"Softmax", computed,
       [](const Case& c) { return softmax(c.tensor(0), static_cast<int>(c.option("axis", -1))); }},
      {"LogSoftmax", computed,
       [](const Case& c) {
         return log_softmax(c.tensor(0), static_cast<int>(c.option("axis", -1)));
       }},
      {"Dropout", moved, dropped},
      {"NegativeLogLikelihoodLoss", computed, negative_log_likelihood},
      {"SoftmaxCrossEntropyLoss", computed, softmax_cross_entropy},

      {"GRU", computed, gru},
      {"LSTM", computed, lstm},
      {"Adam", computed, adam},
  };
}

}  // namespace onnx
