// What the documented loop tells about its data, its training and its attention.
#pragma once

#include <string>

#include "fovea/fovea.hpp"
#include "support/wordnet.hpp"

namespace examples {

/// Prints where the data come from, the splits, and two baselines; returns the accuracy of naive
/// Bayes on the test split.
double report_data(const WordNet& data);

/// Remembers the weights of the epoch of lowest validation loss; they are put back when asked, not
/// at the end of training.
class RememberBest : public fovea::RestoreBestWeights {
 public:
  void on_train_end(fovea::Model&) override {}
};

/// XXH3, 64 bits, over all parameters as little-endian numbers in the order of the model's list, as
/// 16 hexadecimal digits.
std::string weights_hash(const fovea::Sequential& model);

/// Says in which epoch the validation loss was lowest, and what happened after it.
void report_curve(const fovea::History& history);

/// Shows some test definitions, each word shaded by its attention weight; also written to `svg`
/// unless that is empty.
void show_attention(const fovea::Sequential& model, const WordNet& data, const std::string& svg);

}  // namespace examples
