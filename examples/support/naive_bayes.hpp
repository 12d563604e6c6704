// Baselines for text: multinomial naive Bayes on the ids of words, and the largest class. A model
// that does not beat them has learned nothing about texts.
#pragma once

#include <span>
#include <vector>

#include "support/wordnet.hpp"

namespace examples {

/// log P(class) + sum over words of log P(word | class), where a word seen n times among a class's
/// N counts (n + 1) / (N + words). Padding is no word; the unknown word is one.
class NaiveBayes {
 public:
  /// Throws IndexError for a label outside of [0, classes) or an id outside of [0, vocabulary).
  NaiveBayes(const Split& train, fovea::Index classes, fovea::Index vocabulary);

  /// The likeliest class; the first of equals. Throws IndexError for an id outside of the
  /// vocabulary.
  fovea::Index predict(std::span<const std::int32_t> ids) const;

  /// The share of samples whose class is predicted.
  double accuracy(const Split& split) const;

 private:
  fovea::Index vocabulary_;
  std::vector<double> log_prior_;       // (classes,)
  std::vector<double> log_likelihood_;  // (classes, vocabulary)
};

/// The class that most training samples have; the first of equals.
fovea::Index largest_class(const Split& train);

/// The share of samples that have this class.
double share_of_class(const Split& split, fovea::Index label);

}  // namespace examples
