#include "support/naive_bayes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace examples {

using fovea::Index;

namespace {

std::size_t checked(const char* what, Index id, Index end) {
  if (id < 0 || id >= end)
    throw fovea::IndexError(fmt::format("NaiveBayes: the {} {} is not in [0, {})", what, id, end));
  return static_cast<std::size_t>(id);
}

// Row `sample` of the ids.
std::span<const std::int32_t> row(const Split& split, Index sample) {
  const auto time = static_cast<std::size_t>(split.x.shape()[1]);
  return split.x.values().subspan(static_cast<std::size_t>(sample) * time, time);
}

}  // namespace

NaiveBayes::NaiveBayes(const Split& train, Index classes, Index vocabulary)
    : vocabulary_(vocabulary),
      log_prior_(static_cast<std::size_t>(classes)),
      log_likelihood_(static_cast<std::size_t>(classes * vocabulary)) {
  const auto width = static_cast<std::size_t>(vocabulary);
  for (Index sample = 0; sample < train.y.count(); ++sample) {  // counts first, logarithms below
    const std::size_t label = checked("label", train.y.at(sample), classes);
    log_prior_[label] += 1;
    for (const std::int32_t id : row(train, sample))
      log_likelihood_[label * width + checked("id", id, vocabulary)] += id != WordNet::padding;
  }
  for (std::size_t label = 0; label < log_prior_.size(); ++label) {
    const std::span<double> counts = std::span(log_likelihood_).subspan(label * width, width);
    double total = static_cast<double>(vocabulary - 1);  // add one to each word; padding is none
    for (const double count : counts) total += count;
    for (double& count : counts) count = std::log((count + 1) / total);
    log_prior_[label] = std::log(log_prior_[label] / static_cast<double>(train.y.count()));
  }
}

Index NaiveBayes::predict(std::span<const std::int32_t> ids) const {
  std::vector<double> score = log_prior_;
  for (const std::int32_t id : ids) {
    const std::size_t word = checked("id", id, vocabulary_);
    if (id == WordNet::padding) continue;
    for (std::size_t label = 0; label < score.size(); ++label)
      score[label] += log_likelihood_[label * static_cast<std::size_t>(vocabulary_) + word];
  }
  return std::ranges::max_element(score) - score.begin();
}

double NaiveBayes::accuracy(const Split& split) const {
  Index right = 0;
  for (Index sample = 0; sample < split.y.count(); ++sample)
    right += predict(row(split, sample)) == split.y.at(sample);
  return static_cast<double>(right) / static_cast<double>(split.y.count());
}

Index largest_class(const Split& train) {
  std::map<std::int32_t, Index> counts;
  for (const std::int32_t label : train.y.values()) ++counts[label];
  const auto largest =
      std::ranges::max_element(counts, {}, [](const auto& entry) { return entry.second; });
  if (largest == counts.end()) throw fovea::ValueError("largest_class: the split has no samples");
  return largest->first;
}

double share_of_class(const Split& split, Index label) {
  return static_cast<double>(std::ranges::count(split.y.values(), label)) /
         static_cast<double>(split.y.count());
}

}  // namespace examples
