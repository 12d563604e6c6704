// A small task that attention can learn, and a small model for it.
#pragma once

#include <string>
#include <vector>

#include "fovea/fovea.hpp"
#include "support/approx.hpp"
#include "support/generate.hpp"

namespace toy {

using namespace fovea;
using support::Generate;

constexpr Index vocabulary = 12, classes = 3, time = 6;

struct Data {
  Ids x, y;
};

/// Ids 1 to 3 name the class, one of them in each sample; 4 to 11 mean nothing, and 0 is the
/// padding behind.
inline Data data(Index samples, Index trial = 0) {
  Generate g("toy", trial);
  std::vector<std::int32_t> x(static_cast<std::size_t>(samples * time), 0), y;
  for (Index i = 0; i < samples; ++i) {
    const Index length = g.integer(2, time);
    for (Index t = 0; t < length; ++t)
      x[static_cast<std::size_t>(i * time + t)] =
          static_cast<std::int32_t>(g.integer(4, vocabulary - 1));
    y.push_back(static_cast<std::int32_t>(g.integer(0, classes - 1)));
    x[static_cast<std::size_t>(i * time + g.integer(0, length - 1))] = y.back() + 1;
  }
  return {Ids(Shape{samples, time}, x), Ids(Shape{samples}, y)};
}

struct Options {
  real dropout = 0;
  double learning_rate = 0.02;
  std::uint64_t seed = 1;
};

/// Embedding, attention, dropout, Dense with softmax; compiled and built.
inline Sequential model(const Options& options = {}) {
  Sequential model{Embedding{.input_dim = vocabulary, .output_dim = 5, .mask_zero = true},
                   AttentionLayer{.units = 4, .dropout = options.dropout}, Dropout{options.dropout},
                   Dense{classes, Activation::softmax}};
  model.compile({.optimizer = Adam{{.learning_rate = options.learning_rate}},
                 .loss = SparseCategoricalCrossentropy{},
                 .metrics = {Accuracy{}},
                 .seed = options.seed});
  model.build(Shape{time});
  return model;
}

/// Options of a fit that says nothing.
inline FitOptions quiet(Index epochs, Index batch_size) {
  return {.epochs = epochs, .batch_size = batch_size, .verbose = 0};
}

/// Every parameter's numbers, copied.
inline std::vector<Array> weights(const Model& model) {
  std::vector<Array> list;
  for (const NamedParameter& parameter : parameters_of(model))
    list.push_back(parameter.tensor.value().clone());
  return list;
}

/// Empty if all have the same bits.
inline std::string bits_differ(const std::vector<Array>& got, const std::vector<Array>& expected) {
  if (got.size() != expected.size()) return "another number of arrays";
  for (std::size_t i = 0; i < got.size(); ++i)
    if (const std::string difference = support::bits_differ(got[i], expected[i]);
        !difference.empty())
      return "array " + std::to_string(i) + ": " + difference;
  return "";
}

/// Empty if all are within t (1 + |expected|).
inline std::string far(const std::vector<Array>& got, const std::vector<Array>& expected, real t) {
  for (std::size_t i = 0; i < expected.size(); ++i)
    for (Index k = 0; k < expected[i].count(); ++k)
      if (!(std::abs(got[i].data()[k] - expected[i].data()[k]) <=
            t * (1 + std::abs(expected[i].data()[k]))))
        return "array " + std::to_string(i) + ", element " + std::to_string(k) + ": " +
               std::to_string(got[i].data()[k]) + ", expected " +
               std::to_string(expected[i].data()[k]);
  return "";
}

/// -log p of the label, averaged with weights (none: all 1) over all samples.
inline double categorical_crossentropy(const Array& probabilities, const Ids& labels,
                                       const std::vector<double>& weight = {}) {
  double sum = 0;
  for (Index i = 0; i < labels.count(); ++i)
    sum -= std::log(
               static_cast<double>(probabilities.at(i * probabilities.shape()[1] + labels.at(i)))) *
           (weight.empty() ? 1 : weight[static_cast<std::size_t>(i)]);
  return sum / static_cast<double>(labels.count());
}

}  // namespace toy
