// A metric is the same bits however samples are ordered, cut into parts, merged, and computed.
#include <doctest/doctest.h>

#include <cstdio>
#include <thread>

#include "fovea/parallel/threads.hpp"
#include "fovea/train/losses.hpp"
#include "metrics/states.hpp"
#include "support/generate.hpp"

using namespace fovea;
using states::bits;

namespace {

// Samples of one kind, with what counts.
struct Drawn {
  Array prediction;
  Samples target;
  std::optional<Mask> keep;
  std::vector<double> weight;

  CountedPositions counts() const { return CountedPositions(keep, weight); }
  Drawn rows(std::span<const Index> positions) const {
    Drawn result{Samples(prediction).rows(positions).array(), target.rows(positions), {}, {}};
    if (keep) result.keep = keep->rows(positions);
    for (const Index i : positions)
      if (!weight.empty()) result.weight.push_back(weight[static_cast<std::size_t>(i)]);
    return result;
  }
};

enum class Kind { labels, one_hot, units, numbers };

// Puts NaN where nothing counts.
void spoil(Drawn& drawn) {
  const CountedPositions counts = drawn.counts();
  const Index classes = drawn.prediction.shape()[-1], rows = drawn.prediction.count() / classes;
  for (Index i = 0; i < rows; ++i)
    if (!counts(i, rows))
      std::fill_n(drawn.prediction.mutable_data() + i * classes, classes,
                  std::numeric_limits<real>::quiet_NaN());
}

Drawn draw(support::Generate& g, Kind kind) {
  const Index samples = g.integer(1, 40), time = g.integer(1, 4),
              classes = kind == Kind::units ? g.integer(1, 4) : g.integer(2, 6);
  const Shape shape{samples, time, classes};
  const bool coarse = g.chance(0.5);  // ties
  Array p = g.array(shape, {.low = 0, .high = 1});
  for (real& value : p.mutable_values())
    value = coarse ? std::round(value * 4) / 4
                   : value * std::ldexp(real(1), static_cast<int>(g.integer(-30, 0)));
  Drawn result{p, Samples(g.ids({samples, time}, classes)), {}, {}};
  if (kind == Kind::units) result.target = g.ids(shape, 2);
  if (kind == Kind::numbers) result.target = g.array(shape, {.low = 100, .high = 101});
  if (kind == Kind::one_hot) {
    Array hot = Array::zeros(shape);
    for (Index i = 0; i < samples * time; ++i)
      hot.mutable_data()[i * classes + result.target.ids().at(i)] = 1;
    result.target = hot;
  }
  if (g.chance(0.5)) result.keep = g.mask({samples, time}, 0.7);
  if (g.chance(0.5))
    for (Index i = 0; i < samples; ++i)
      result.weight.push_back(g.chance(0.2) ? 0 : g.uniform(0, 3));
  spoil(result);
  return result;
}

// The state of some samples, computed in another thread and with another number of threads.
template <class Form>
typename Form::State part_of(support::Generate& g, const Form& form, const Drawn& drawn) {
  typename Form::State state{};
  set_threads(g.integer(1, 3));
  const auto update = [&] {
    if (drawn.counts().any()) form.update(state, drawn.prediction, drawn.target, drawn.counts());
  };
  if (g.chance(0.1))
    std::thread(update).join();
  else
    update();
  return state;
}

// Cuts the samples into parts, in a random order, and merges these in another one.
template <class Form>
typename Form::State of_parts(support::Generate& g, const Form& form, const Drawn& drawn) {
  std::vector<Index> order;
  for (Index i = 0; i < drawn.prediction.shape()[0]; ++i) order.push_back(i);
  g.shuffle(order);
  std::vector<typename Form::State> parts;
  for (std::size_t begin = 0; begin < order.size();) {
    const auto size = std::min(order.size() - begin, static_cast<std::size_t>(g.integer(1, 12)));
    parts.push_back(part_of(g, form, drawn.rows(std::span(order).subspan(begin, size))));
    begin += size;
  }
  parts.emplace_back();
  while (parts.size() > 1) {
    g.shuffle(parts);
    const typename Form::State last = parts.back();
    parts.pop_back();
    parts.back() += last;
    typename Form::State again{};
    again.set_values(parts.back().values());
    parts.back() = again;
  }
  return parts[0];
}

Index cuts = 0, same = 0;

template <class M>
void check_cuts(const M& metric, Kind kind) {
  const std::string name = metric.name;
  CAPTURE(name);
  const auto form = states::with_state(metric);
  for (Index trial = 0; trial < 40; ++trial) {
    support::Generate g(name + " cut", trial);
    const Drawn drawn = draw(g, kind);
    const double whole = form.result(part_of(g, form, drawn));
    for (Index cut = 0; cut < 3; ++cut, ++cuts) {
      const double merged = form.result(of_parts(g, form, drawn));
      same += bits(merged) == bits(whole);
      CHECK_MESSAGE(bits(merged) == bits(whole), merged, " for ", whole, " in trial ", trial);
    }
  }
}

// The confusion matrix as a state.
struct Confusion {
  using State = ConfusionMatrix;
  std::string name = "confusion";
  void update(State& state, const Array& prediction, const Samples& target,
              const CountedPositions& counts) const {
    state.add(prediction, target, counts);
  }
  double result(const State& state) const {
    double sum = 0;
    for (Index i = 0; i < state.classes() * state.classes(); ++i)
      sum += static_cast<double>(i + 1) * state.at(i / state.classes(), i % state.classes());
    return sum;
  }
};

}  // namespace

TEST_CASE("every metric is the same bits however samples are cut, merged and computed") {
  const Index before = threads();
  for (const Kind kind : {Kind::labels, Kind::one_hot}) {
    check_cuts(Accuracy{}, kind);
    check_cuts(AUC{}, kind);
    check_cuts(AUC{.curve = AUC::Curve::pr}, kind);
    check_cuts(Precision{}, kind);
    check_cuts(Recall{.average = Average::weighted}, kind);
    check_cuts(FBetaScore{.beta = 0.3, .average = Average::micro}, kind);
    check_cuts(F1Score{.class_id = 1}, kind);
    check_cuts(MeanIoU{}, kind);
    check_cuts(Confusion{}, kind);
    check_cuts(Perplexity{}, kind);
    check_cuts(Perplexity{.from_logits = true}, kind);
  }
  check_cuts(SparseCategoricalAccuracy{}, Kind::labels);
  check_cuts(SparseTopKCategoricalAccuracy{.k = 2}, Kind::labels);
  check_cuts(SparseCategoricalCrossentropy{}, Kind::labels);
  check_cuts(CategoricalAccuracy{}, Kind::one_hot);
  check_cuts(TopKCategoricalAccuracy{.k = 2}, Kind::one_hot);
  check_cuts(BinaryAccuracy{}, Kind::units);
  check_cuts(Precision{.threshold = real(0.3)}, Kind::units);
  check_cuts(Recall{.threshold = real(0.3)}, Kind::units);
  check_cuts(AUC{.class_id = 0}, Kind::units);
  check_cuts(BinaryCrossentropy{}, Kind::units);
  check_cuts(MeanAbsoluteError{}, Kind::numbers);
  check_cuts(MeanSquaredError{}, Kind::numbers);
  check_cuts(RootMeanSquaredError{}, Kind::numbers);
  check_cuts(R2Score{}, Kind::numbers);
  check_cuts(CosineSimilarity{}, Kind::numbers);
  set_threads(before);
  std::printf("figure: metrics of random cuts, bit for bit = %lld of %lld\n",
              static_cast<long long>(same), static_cast<long long>(cuts));
}
