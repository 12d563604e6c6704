// Datasets for tests.
#pragma once

#include <atomic>
#include <stdexcept>

#include "support/refusal.hpp"
#include "train/models.hpp"

namespace datasets {

using namespace fovea;

/// Arrays, as somebody would write a dataset of their own.
struct Own : Dataset {
  SampleSet x, y;
  std::vector<double> weight = {};
  Index fails_at = -1;  // the position that cannot be read
  mutable std::atomic<Index> reads = 0;

  Own(SampleSet inputs, SampleSet targets) : x(std::move(inputs)), y(std::move(targets)) {}

  Index count() const override { return x.count(); }
  SampleBatch rows(std::span<const Index> positions) const override {
    ++reads;
    SampleBatch batch{x.rows(positions), y.rows(positions)};
    for (const Index i : positions) {
      if (i == fails_at) throw std::runtime_error("the disk is gone");
      if (!weight.empty()) batch.sample_weight.push_back(weight[static_cast<std::size_t>(i)]);
    }
    return batch;
  }
  std::string name() const override { return "own.bin"; }
};

/// Sets the number of threads while it lives.
struct Threads {
  Index before = threads();
  explicit Threads(Index count) { set_threads(count); }
  ~Threads() { set_threads(before); }
};

/// Weights, moments and history of a training, as arrays and numbers to be compared.
struct Outcome {
  std::vector<Array> weights;
  std::map<std::string, std::vector<double>, std::less<>> history;
};

inline std::string differ(const Outcome& a, const Outcome& b) {
  if (a.history != b.history) return "the history";
  return toy::bits_differ(a.weights, b.weights);
}

inline Outcome outcome(const Model& model, const History& history) {
  return {toy::weights(model), history.history};
}

}  // namespace datasets
