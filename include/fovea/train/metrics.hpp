// Metrics: what is watched while training. A metric gives one value for each sample (or position),
// and their mean is shown: over all that is not masked and whose sample weight is not 0. Other
// sample weights do not weigh here, as in Keras' `metrics`. A type of your own needs `Array
// operator()(const Array& prediction, const Samples& target) const`, of the target's shape, and
// `static constexpr const char* name`.
#pragma once

#include <concepts>
#include <memory>
#include <string>

#include "fovea/data/samples.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// 1 where a prediction is right, else 0. The shapes say what is meant, as in Keras:
///
///     predictions (batch..., classes), labels (batch...) or (batch..., 1)    the most probable
///     class is the label predictions (batch..., classes), targets of the same shape             it
///     is the most probable class of the target predictions (batch..., 1), targets of that shape or
///     (batch...)         1 above the threshold, else 0, is the target
///
/// Targets may be ids or numbers. Among equals the lowest class counts. A prediction with a NaN in
/// it is never right, nor is one whose target holds a NaN. Several yes-or-no units come under the
/// second rule: their accuracy one by one wants a metric of one's own.
struct Accuracy {
  real threshold = real(0.5);  ///< for a single unit; 0 where it gives logits

  static constexpr const char* name = "accuracy";  ///< as Keras names it
  Array operator()(const Array& prediction,
                   const Samples& target) const;  ///< 1 or 0 for each label
  void check(const Shape& prediction,
             const Samples& target) const;  ///< throws ShapeError for any other pair of shapes
};

/// A metric of any type.
class Metric {
 public:
  /// Takes a metric of any type.
  template <class M>
  requires(!std::same_as<std::remove_cvref_t<M>, Metric> &&
           requires(const M& metric, const Array& p, const Samples& t) {
             { metric(p, t) } -> std::same_as<Array>;
             { M::name } -> std::convertible_to<std::string>;
           }) Metric(M metric)
      : self_(std::make_shared<Holder<M>>(std::move(metric))) {}  // NOLINT: implicit on purpose

  Metric(const Metric&) = default;             ///< shares; so does a move
  Metric& operator=(const Metric&) = default;  ///< shares; so does a move

  std::string name() const { return self_->name(); }  ///< in the logs
  /// Throws if the metric knows from the shapes alone that it cannot be computed: fit asks before
  /// any work.
  void check(const Shape& prediction, const Samples& target) const {
    self_->check(prediction, target);
  }
  /// One value for each sample.
  Array operator()(const Array& prediction, const Samples& target) const {
    return self_->values(prediction, target);
  }

 private:
  struct Interface {
    virtual ~Interface() = default;
    virtual std::string name() const = 0;
    virtual void check(const Shape& prediction, const Samples& target) const = 0;
    virtual Array values(const Array& prediction, const Samples& target) const = 0;
  };
  template <class M>
  struct Holder final : Interface {
    explicit Holder(M m) : metric(std::move(m)) {}
    std::string name() const override { return M::name; }
    void check([[maybe_unused]] const Shape& prediction,
               [[maybe_unused]] const Samples& target) const override {
      if constexpr (requires { metric.check(prediction, target); })
        metric.check(prediction, target);
    }
    Array values(const Array& prediction, const Samples& target) const override {
      return metric(prediction, target);
    }
    M metric;
  };

  std::shared_ptr<const Interface> self_;
};

}}  // namespace fovea
