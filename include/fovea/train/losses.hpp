// Losses: what training makes small. A loss gives one value for each sample (or position);
// weighting and averaging are `fit`'s. A type of your own needs `Tensor operator()(const Tensor&
// prediction, const Samples& target) const`, of the target's shape, and `static constexpr const
// char* name`. What has weight 0 or is masked may be anything, NaN included: `fit` leaves it out.
#pragma once

#include <concepts>
#include <functional>
#include <memory>
#include <optional>

#include "fovea/base/error.hpp"
#include "fovea/data/samples.hpp"
#include "fovea/ops/ops.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Says whether the target at a row-major position counts: its sample's weight is not 0, and it is
/// not masked. Empty: all count.
using TargetCounts = std::function<bool(Index position)>;

/// Cross-entropy of class labels: predictions (batch..., classes), labels (batch...) -> (batch...).
/// From probabilities as Keras on TensorFlow computes it (ops.hpp); when the model's last layer is
/// a softmax, its logits are used and nothing is clipped.
struct SparseCategoricalCrossentropy {
  bool from_logits = false;  ///< predictions are logits

  static constexpr const char* name = "sparse_categorical_crossentropy";  ///< as Keras names it
  static constexpr Activation after = Activation::softmax;  ///< whose logits `of_logits` takes
  Tensor operator()(const Tensor& prediction,
                    const Samples& target) const;                       ///< a value for each label
  Tensor of_logits(const Tensor& logits, const Samples& target) const;  ///< the same, from logits

  /// Throws ShapeError, or IndexError for a label that counts and is no class: fit asks once,
  /// before any work.
  void check(const Shape& prediction, const Samples& target, const TargetCounts& counts = {}) const;
};

/// Cross-entropy of target distributions, predictions and targets (batch..., classes) ->
/// (batch...). From probabilities in Keras' order (ops.hpp); when the model's last layer is a
/// softmax, its logits are used and nothing is clipped.
struct CategoricalCrossentropy {
  bool from_logits = false;  ///< predictions are logits
  real label_smoothing = 0;  ///< this part of each target is spread evenly over the classes

  static constexpr const char* name = "categorical_crossentropy";  ///< as Keras names it
  static constexpr Activation after = Activation::softmax;  ///< whose logits `of_logits` takes
  Tensor operator()(const Tensor& prediction,
                    const Samples& target) const;                       ///< a value for each sample
  Tensor of_logits(const Tensor& logits, const Samples& target) const;  ///< the same, from logits

  /// Throws ShapeError, and ValueError for a target outside [0, 1], NaN included, that counts: as
  /// in the losses below.
  void check(const Shape& prediction, const Samples& target, const TargetCounts& counts = {}) const;
};

// The losses below: predictions and targets (batch..., n) -> (batch...), the mean over the last
// axis as in Keras. Targets may lack a last axis of size 1, and may be ids, which are read as
// numbers.

/// Cross-entropy of targets 0 to 1 that are independent of each other. When the model's last layer
/// is a sigmoid, its logits are used and nothing is clipped.
struct BinaryCrossentropy {
  bool from_logits = false;  ///< predictions are logits
  real label_smoothing = 0;  ///< targets t become t (1 - smoothing) + smoothing / 2

  static constexpr const char* name = "binary_crossentropy";  ///< as Keras names it
  static constexpr Activation after = Activation::sigmoid;    ///< whose logits `of_logits` takes
  Tensor operator()(const Tensor& prediction,
                    const Samples& target) const;                       ///< a value for each sample
  Tensor of_logits(const Tensor& logits, const Samples& target) const;  ///< the same, from logits
  /// Throws ShapeError, and ValueError for a target outside [0, 1], NaN included, that counts.
  void check(const Shape& prediction, const Samples& target, const TargetCounts& counts = {}) const;
};

/// (prediction - target)^2
struct MeanSquaredError {
  static constexpr const char* name = "mean_squared_error";  ///< as Keras names it
  Tensor operator()(const Tensor& prediction,
                    const Samples& target) const;  ///< a value for each sample
  /// Throws ShapeError, and ValueError for a target that is NaN or infinite and counts.
  void check(const Shape& prediction, const Samples& target, const TargetCounts& counts = {}) const;
};

/// |prediction - target|
struct MeanAbsoluteError {
  static constexpr const char* name = "mean_absolute_error";  ///< as Keras names it
  Tensor operator()(const Tensor& prediction,
                    const Samples& target) const;  ///< a value for each sample
  /// Throws ShapeError, and ValueError for a target that is NaN or infinite and counts.
  void check(const Shape& prediction, const Samples& target, const TargetCounts& counts = {}) const;
};

/// Half the squared difference up to delta, linear beyond.
struct Huber {
  real delta = 1;  ///< where the square ends

  static constexpr const char* name = "huber_loss";  ///< as Keras names it
  Tensor operator()(const Tensor& prediction,
                    const Samples& target) const;  ///< a value for each sample
  /// Throws ShapeError, and ValueError for a target that is NaN or infinite and counts.
  void check(const Shape& prediction, const Samples& target, const TargetCounts& counts = {}) const;
};

/// The sum over the last axis of target log(target / prediction), both clipped to [1e-7, 1].
struct KLDivergence {
  static constexpr const char* name = "kl_divergence";  ///< as Keras names it
  Tensor operator()(const Tensor& prediction,
                    const Samples& target) const;  ///< a value for each sample
  /// Throws ShapeError, and ValueError for a target outside [0, 1], NaN included, that counts.
  void check(const Shape& prediction, const Samples& target, const TargetCounts& counts = {}) const;
};

/// A loss of any type, or none: then whatever is asked of it throws StateError.
class Loss {
 public:
  Loss() = default;
  /// Takes a loss of any type.
  template <class L>
  requires(!std::same_as<std::remove_cvref_t<L>, Loss> &&
           requires(const L& loss, const Tensor& p, const Samples& t) {
             { loss(p, t) } -> std::same_as<Tensor>;
           }) Loss(L loss)
      : self_(std::make_shared<Holder<L>>(std::move(loss))) {}  // NOLINT: implicit on purpose

  explicit operator bool() const { return static_cast<bool>(self_); }  ///< whether there is a loss
  std::string name() const { return self().name(); }                   ///< for logs and errors

  /// One value for each sample, of the target's shape.
  Tensor operator()(const Tensor& prediction, const Samples& target) const {
    return self().values(prediction, target);
  }

  /// The activation whose logits the loss can be computed from: its `after`, a softmax where a type
  /// has `of_logits` and does not say; nothing where it has none.
  std::optional<Activation> after() const { return self().after(); }
  /// Only if there is an `after()`.
  Tensor of_logits(const Tensor& logits, const Samples& target) const {
    return self().of_logits(logits, target);
  }

  /// Before any work; a loss without a check passes all. `counts` goes to those that take it.
  void check(const Shape& prediction, const Samples& target,
             const TargetCounts& counts = {}) const {
    self().check(prediction, target, counts);
  }

 private:
  struct Interface {
    virtual ~Interface() = default;
    virtual std::string name() const = 0;
    virtual Tensor values(const Tensor& prediction, const Samples& target) const = 0;
    virtual std::optional<Activation> after() const = 0;
    virtual Tensor of_logits(const Tensor& logits, const Samples& target) const = 0;
    virtual void check(const Shape& prediction, const Samples& target,
                       const TargetCounts& counts) const = 0;
  };

  template <class L>
  struct Holder final : Interface {
    explicit Holder(L l) : loss(std::move(l)) {}
    std::string name() const override {
      if constexpr (requires { L::name; })
        return L::name;
      else
        return "loss";
    }
    Tensor values(const Tensor& prediction, const Samples& target) const override {
      return loss(prediction, target);
    }
    std::optional<Activation> after() const override {
      if constexpr (!requires(const Tensor& logits, const Samples& target) {
                      loss.of_logits(logits, target);
                    })
        return std::nullopt;
      else if constexpr (requires { L::after; })
        return L::after;
      else
        return Activation::softmax;
    }
    Tensor of_logits(const Tensor& logits, const Samples& target) const override {
      if constexpr (requires { loss.of_logits(logits, target); })
        return loss.of_logits(logits, target);
      else
        return loss(logits, target);
    }
    void check([[maybe_unused]] const Shape& prediction, [[maybe_unused]] const Samples& target,
               [[maybe_unused]] const TargetCounts& counts) const override {
      if constexpr (requires { loss.check(prediction, target, counts); })
        loss.check(prediction, target, counts);
      else if constexpr (requires { loss.check(prediction, target); })
        loss.check(prediction, target);
    }
    L loss;
  };

  const Interface& self() const {
    if (!self_) throw StateError("Loss: there is none; give one, such as MeanSquaredError{}");
    return *self_;
  }

  std::shared_ptr<const Interface> self_;
};

}}  // namespace fovea
