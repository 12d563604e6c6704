// Metrics: what is watched while training, and not trained on. The library's own are in the other
// headers of this folder.
//
// A metric of your own is a type with a `name` (`static constexpr const char*`, or a `std::string`
// that may be chosen) and one of two forms. docs/adding_a_metric.md shows both. Losses are metrics
// as well: `.metrics = {MeanAbsoluteError{}}`.
//
// - A mean: `Array operator()(const Array& prediction, const Samples& target) const` returns one
//   value for each sample or position, and their mean is shown.
// - Anything else: `State`, a value that begins as `State{}` and takes in another by `+=`;
//   `void update(State& state, const Array& prediction, const Samples& target,
//   const CountedPositions& counts) const`, which adds a part of the samples to it; and
//   `double result(const State& state) const`.
//
// Masked positions and samples of weight 0 take no part. Other sample weights count in
// `weighted_metrics` alone, as in Keras.
#pragma once

#include <concepts>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/array/mask.hpp"
#include "fovea/autograd/tensor.hpp"
#include "fovea/data/samples.hpp"
#include "fovea/memory/buffer.hpp"
#include "fovea/train/metrics/exact_sum.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// The positions of some samples that count in a metric, and how much.
class CountedPositions {
 public:
  /// All count.
  CountedPositions() = default;
  /// Those that the mask keeps. It lies over the first axes of the predictions.
  explicit CountedPositions(Mask keep) : keep_(std::move(keep)) {}
  /// Those that the mask keeps, with a weight for each sample, at least 0 and finite. Without a
  /// mask all positions, without weights all alike.
  CountedPositions(std::optional<Mask> keep, std::span<const double> weight)
      : keep_(std::move(keep)), weight_(weight.begin(), weight.end()) {}

  /// Returns whether value number `value` counts, where there are `values` of them over all
  /// samples, as many for each. A value may be one of several at a position, or stand for several
  /// positions, of which one must count. The prediction and the target of what does not count may
  /// be NaN, and its label is class 0.
  bool operator()(Index value, Index values) const;
  /// Returns how much it counts: 0 if it does not, else the weight of its sample in
  /// `weighted_metrics`, and 1 in `metrics`.
  double weight(Index value, Index values) const;
  /// Returns whether any position counts.
  bool any() const;

 private:
  std::optional<Mask> keep_;
  memory::List<double> weight_;  // empty: all 1
};

/// A mean as a sum and a count, both exact: the same bits for any order of the values.
struct MeanState {
  ExactSum sum = {};    ///< of the values, each times its weight
  ExactSum count = {};  ///< of the values: of their weights

  /// Adds another sum and count.
  MeanState& operator+=(const MeanState& other);
  /// Adds a value times its weight, which is not 0.
  void add(double value, double weight = 1) {
    if (weight == 1)
      sum += value;
    else
      sum.add_product(weight, value);
    count += weight;
  }
  /// Returns the mean; 0 of nothing.
  double mean() const;

  /// Returns numbers from which `set_values` makes the same state.
  std::vector<double> values() const;
  /// Takes over the numbers of `values`. Throws ValueError for others.
  void set_values(std::span<const double> values);
};

/// A metric that is the mean of one value for each sample or position.
template <class M>
concept MeanMetric = requires(const M& metric, const Array& prediction, const Samples& target) {
  { metric(prediction, target) } -> std::same_as<Array>;
};

/// A loss, whose mean is shown: its values are those that training would minimise.
template <class M>
concept LossAsMetric = requires(const M& metric, const Tensor& prediction, const Samples& target) {
  { metric(prediction, target) } -> std::same_as<Tensor>;
};

/// A metric that is computed from a state.
template <class M>
concept StateMetric = std::default_initializable<typename M::State> &&
    requires(const M& metric, typename M::State& state, const typename M::State& part,
             const Array& prediction, const Samples& target, const CountedPositions& counts) {
  metric.update(state, prediction, target, counts);
  state += part;
  { metric.result(part) } -> std::convertible_to<double>;
};

/// A state that can be written down, so that training can stop within an epoch and resume exactly:
/// `set_values` makes the same state of what `values` returned.
template <class State>
concept SavedState = requires(State& state, const State& same, std::span<const double> values) {
  { same.values() } -> std::same_as<std::vector<double>>;
  state.set_values(values);
};

/// What a metric has seen so far, for its value to be asked for.
class MetricTotal {
 public:
  virtual ~MetricTotal() = default;
  MetricTotal() = default;
  MetricTotal(const MetricTotal&) = delete;

  /// Adds some samples: computes the state of these alone and merges it behind those before. Does
  /// nothing where no position counts. Throws what the metric throws; then nothing was added.
  void add(const Array& prediction, const Samples& target, const CountedPositions& counts = {});
  /// Returns the metric of all that was added; 0 of nothing, as in Keras.
  double value() const { return any_ ? result() : 0; }

  /// Returns numbers from which `set_values` makes the same total: what was added since its
  /// construction. Throws StateError for a State of a user without `values` and `set_values`.
  std::vector<double> values() const;
  /// Takes over the numbers of `values` of a total of the same metric. Throws ValueError for
  /// others, and StateError as `values` does.
  void set_values(std::span<const double> values);

 private:
  virtual void merge(const Array& prediction, const Samples& target,
                     const CountedPositions& counts) = 0;
  virtual double result() const = 0;
  virtual std::vector<double> state_values() const = 0;
  virtual void set_state_values(std::span<const double> values) = 0;

  bool any_ = false;
};

namespace metrics {

/// Adds the values that count to a state. Throws ShapeError, with the name of the metric, unless
/// there is one for each sample or position.
void add(MeanState& state, std::string_view name, const Array& values, Index samples,
         const CountedPositions& counts);

/// Throws StateError: the State of this metric cannot be written down.
[[noreturn]] void throw_no_values(std::string_view name);

/// A mean, or a loss, as a metric with a state.
template <class M>
struct Mean {
  using State = MeanState;  ///< a sum and a count
  M metric;                 ///< gives the values

  /// Adds the values that count. Throws ShapeError unless there is one for each sample or position.
  void update(State& state, const Array& prediction, const Samples& target,
              const CountedPositions& counts) const {
    if constexpr (LossAsMetric<M>) {
      const NoGrad values_only;
      add(state, metric.name, metric(prediction, target).value(), target.count(), counts);
    } else {
      add(state, metric.name, metric(prediction, target), target.count(), counts);
    }
  }
  /// Returns the mean.
  double result(const State& state) const { return state.mean(); }
};

}  // namespace metrics

/// A metric of any type.
class Metric {
 public:
  /// Takes a metric of any type.
  template <class M>
  requires(!std::same_as<std::remove_cvref_t<M>, Metric> && requires(const M& named) {
    std::string(named.name);
  }) Metric(M metric) {  // NOLINT: implicit on purpose
    static_assert(StateMetric<M> || MeanMetric<M> || LossAsMetric<M>,
                  "a metric has Array operator()(const Array& prediction, const Samples& target) "
                  "const, or a State with +=, and update and result, both const");
    if constexpr (StateMetric<M>)
      self_ = std::make_shared<Holder<M, M>>(metric, metric);
    else
      self_ = std::make_shared<Holder<M, metrics::Mean<M>>>(metric, metrics::Mean<M>{metric});
  }

  Metric(const Metric&) = default;             ///< shares; so does a move
  Metric& operator=(const Metric&) = default;  ///< shares; so does a move

  /// Returns the name in the logs.
  std::string name() const { return self_->name(); }
  /// Throws if the metric knows from the shapes alone that it cannot be computed: fit asks before
  /// any work. A metric without a `check` passes all.
  void check(const Shape& prediction, const Samples& target) const {
    self_->check(prediction, target);
  }
  /// Returns whether its state can be written down, which saving within an epoch needs.
  bool is_saved() const { return self_->is_saved(); }
  /// Returns a total of nothing, to which samples are added part by part.
  std::shared_ptr<MetricTotal> total() const { return self_->total(); }

 private:
  struct Interface {
    virtual ~Interface() = default;
    virtual std::string name() const = 0;
    virtual void check(const Shape& prediction, const Samples& target) const = 0;
    virtual bool is_saved() const = 0;
    virtual std::shared_ptr<MetricTotal> total() const = 0;
  };

  // S: the form with a state, of the metric or made of it.
  template <class S>
  struct Total final : MetricTotal {
    Total(std::string n, const S& m) : name(std::move(n)), metric(m) {}
    void merge(const Array& prediction, const Samples& target,
               const CountedPositions& counts) override {
      typename S::State part{};
      metric.update(part, prediction, target, counts);
      state += part;
    }
    double result() const override { return static_cast<double>(metric.result(state)); }
    std::vector<double> state_values() const override {
      if constexpr (SavedState<typename S::State>)
        return state.values();
      else
        metrics::throw_no_values(name);
    }
    void set_state_values([[maybe_unused]] std::span<const double> values) override {
      if constexpr (SavedState<typename S::State>)
        state.set_values(values);
      else
        metrics::throw_no_values(name);
    }
    std::string name;
    S metric;
    typename S::State state{};
  };

  // Of a loss the shapes alone are checked: which of its targets count is not known here.
  static bool nothing(Index) { return false; }

  template <class M, class S>
  struct Holder final : Interface {
    Holder(M given, S form) : metric(std::move(given)), with_state(std::move(form)) {}
    std::string name() const override { return std::string(metric.name); }
    void check([[maybe_unused]] const Shape& prediction,
               [[maybe_unused]] const Samples& target) const override {
      if constexpr (LossAsMetric<M> && requires { metric.check(prediction, target, nothing); })
        metric.check(prediction, target, nothing);
      else if constexpr (requires { metric.check(prediction, target); })
        metric.check(prediction, target);
    }
    bool is_saved() const override { return SavedState<typename S::State>; }
    std::shared_ptr<MetricTotal> total() const override {
      return std::allocate_shared<Total<S>>(memory::Allocator<Total<S>>(), name(), with_state);
    }
    M metric;
    S with_state;
  };

  std::shared_ptr<const Interface> self_;
};

}}  // namespace fovea
