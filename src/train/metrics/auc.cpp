#include "fovea/train/metrics/auc.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "train/metrics/class_pairs.hpp"
#include "train/metrics/class_targets.hpp"
#include "train/metrics/saved_values.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

using Score = AucState::Score;

// -0 and 0 are one score, whose bits may differ.
bool is_before(const Score& a, const Score& b) { return (a <=> b) < 0; }

// The weights of positives and negatives.
struct Weights {
  double positive = 0, negative = 0;
  void add(const Score& score) { (score.positive ? positive : negative) += score.weight; }
};

// Calls `take(weights of the threshold)` for each threshold of one class, the highest first.
template <class Take>
void each_threshold(std::span<const Score> of_class, const Take& take) {
  for (std::size_t end = of_class.size(); end > 0;) {
    Weights own;
    const double score = of_class[end - 1].score;
    for (; end > 0 && of_class[end - 1].score == score; --end) own.add(of_class[end - 1]);
    take(own);
  }
}

double roc_of(std::span<const Score> of_class) {
  Weights above;
  double area = 0;
  each_threshold(of_class, [&](const Weights& own) {
    area += own.negative * (above.positive + own.positive / 2);
    above.positive += own.positive;
    above.negative += own.negative;
  });
  return area / (above.positive * above.negative);
}

double average_precision_of(std::span<const Score> of_class) {
  Weights above;
  double area = 0;
  each_threshold(of_class, [&](const Weights& own) {
    above.positive += own.positive;
    above.negative += own.negative;
    area += own.positive * (above.positive / (above.positive + above.negative));
  });
  return area / above.positive;
}

// Returns the mean over the classes that have positives and, if so wanted, negatives.
template <class Area>
double mean_over_classes(std::span<const Score> scores, bool needs_negatives, const Area& area) {
  double sum = 0;
  Index classes = 0;
  for (std::size_t begin = 0, end = 0; begin < scores.size(); begin = end) {
    Weights all;
    for (end = begin; end < scores.size() && scores[end].class_id == scores[begin].class_id; ++end)
      all.add(scores[end]);
    if (all.positive == 0 || (needs_negatives && all.negative == 0)) continue;
    sum += area(scores.subspan(begin, end - begin));
    ++classes;
  }
  return classes > 0 ? sum / static_cast<double>(classes)
                     : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace

void AucState::add(const Score& score) {
  if (std::isnan(score.score))
    has_nan_ = true;
  else
    scores_.push_back(score);
}

// The sorted part grows by an eighth before it is sorted anew, so adding n scores batch by batch
// costs n log n, and a result seldom has much to sort.
AucState& AucState::operator+=(const AucState& other) {
  has_nan_ = has_nan_ || other.has_nan_;
  const std::size_t added = other.scores_.size();  // `other` may be this one
  for (std::size_t i = 0; i < added; ++i) scores_.push_back(other.scores_[i]);
  if (scores_.size() >= in_order_ + in_order_ / 8 + 1024) sort();
  return *this;
}

void AucState::sort() {
  const auto middle = scores_.begin() + static_cast<std::ptrdiff_t>(in_order_);
  std::sort(middle, scores_.end(), is_before);
  std::inplace_merge(scores_.begin(), middle, scores_.end(), is_before);
  in_order_ = scores_.size();
}

memory::List<Score> AucState::sorted() const {
  AucState copy = *this;
  copy.sort();
  return std::move(copy.scores_);
}

double AucState::roc() const {
  if (has_nan_) return std::numeric_limits<double>::quiet_NaN();
  return mean_over_classes(sorted(), true, roc_of);
}

double AucState::average_precision() const {
  if (has_nan_) return std::numeric_limits<double>::quiet_NaN();
  return mean_over_classes(sorted(), false, average_precision_of);
}

std::vector<double> AucState::values() const {
  metrics::SavedValues saved;
  saved.add(has_nan_ ? 1 : 0);
  for (const Score& each : scores_) {
    saved.add(static_cast<double>(each.class_id));
    saved.add(each.score);
    saved.add(each.weight);
    saved.add(each.positive ? 1 : 0);
  }
  return saved.values();
}

void AucState::set_values(std::span<const double> values) {
  metrics::ReadValues read("AucState", values);
  AucState state;
  state.has_nan_ = read.take_count(1) == 1;
  while (read.left() > 0) {
    Score score{};
    score.class_id = static_cast<Index>(read.take_count(std::numeric_limits<std::int32_t>::max()));
    score.score = read.take();
    score.weight = read.take();
    score.positive = read.take_count(1) == 1;
    read.require(!std::isnan(score.score) && score.weight > 0 && std::isfinite(score.weight));
    state.scores_.push_back(score);
  }
  *this = std::move(state);
}

void AUC::check(const Shape& prediction, const Samples& target) const {
  metrics::check({name, Average::macro, class_id, {}}, prediction, target);
}

double AUC::result(const State& state) const {
  return curve == Curve::roc ? state.roc() : state.average_precision();
}

void AUC::update(State& state, const Array& prediction, const Samples& target,
                 const CountedPositions& counts) const {
  check(prediction.shape(), target);
  const bool labels = metrics::class_targets(name, prediction.shape(), target.shape()) ==
                      metrics::ClassTargets::labels;
  const Index classes = prediction.shape()[-1], all = prediction.count();
  metrics::with_elements(target, [&](const auto* of_target) {
    for (Index i = 0; i < all; ++i) {
      const double weight = counts.weight(i, all);
      const Index own = i % classes, row = i / classes;
      if (weight == 0 || (class_id && own != *class_id)) continue;
      const bool positive = labels ? metrics::class_label(name, static_cast<double>(of_target[row]),
                                                          row, classes) == own
                                   : metrics::is_yes(name, static_cast<double>(of_target[i]), i);
      state.add({own, static_cast<double>(prediction.data()[i]), weight, positive});
    }
  });
}

}}  // namespace fovea
