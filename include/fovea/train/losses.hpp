// Losses: what training minimises. A loss returns one value for each sample or position; `fit`
// weights and averages them.
//
// A loss of your own is a type with `static constexpr const char* name` and
// `Tensor operator()(const Tensor& prediction, const Samples& target) const`, which returns values
// of the target's shape. Samples of weight 0 and masked positions may hold anything, NaN included:
// `fit` leaves them out.
#pragma once

#include <concepts>
#include <functional>
#include <memory>
#include <optional>

#include "fovea/base/error.hpp"
#include "fovea/data/samples.hpp"
#include "fovea/ops/ops.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Returns whether the target at a row-major position counts: the weight of its sample is not 0,
/// and the position is not masked. Empty: all count.
using TargetCounts = std::function<bool(Index position)>;

/// Cross-entropy of class labels: predictions (batch..., classes), labels (batch...) -> (batch...).
/// From probabilities as Keras on TensorFlow computes it (ops.hpp); when the model's last layer is
/// a softmax, its logits are used and nothing is clipped.
struct SparseCategoricalCrossentropy {
  bool from_logits = false;  ///< predictions are logits

  static constexpr const char* name = "sparse_categorical_crossentropy";  ///< as in Keras
  /// The activation whose logits `of_logits` takes.
  static constexpr Activation after = Activation::softmax;
  /// Returns a value for each label.
  Tensor operator()(const Tensor& prediction, const Samples& target) const;
  /// The same, from logits.
  Tensor of_logits(const Tensor& logits, const Samples& target) const;

  /// Throws ShapeError, or IndexError for a label that counts and is no class. fit calls it once,
  /// before any work.
  void check(const Shape& prediction, const Samples& target, const TargetCounts& counts = {}) const;
};

/// Cross-entropy of target distributions, predictions and targets (batch..., classes) ->
/// (batch...). From probabilities in Keras' order (ops.hpp); when the model's last layer is a
/// softmax, its logits are used and nothing is clipped.
struct CategoricalCrossentropy {
  bool from_logits = false;  ///< predictions are logits
  real label_smoothing = 0;  ///< the part of each target that is spread evenly over the classes

  static constexpr const char* name = "categorical_crossentropy";  ///< as in Keras
  /// The activation whose logits `of_logits` takes.
  static constexpr Activation after = Activation::softmax;
  /// Returns a value for each sample.
  Tensor operator()(const Tensor& prediction, const Samples& target) const;
  /// The same, from logits.
  Tensor of_logits(const Tensor& logits, const Samples& target) const;

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

  static constexpr const char* name = "binary_crossentropy";  ///< as in Keras
  /// The activation whose logits `of_logits` takes.
  static constexpr Activation after = Activation::sigmoid;
  /// Returns a value for each sample.
  Tensor operator()(const Tensor& prediction, const Samples& target) const;
  /// The same, from logits.
  Tensor of_logits(const Tensor& logits, const Samples& target) const;
  /// Throws ShapeError, and ValueError for a target outside [0, 1], NaN included, that counts.
  void check(const Shape& prediction, const Samples& target, const TargetCounts& counts = {}) const;
};

/// (prediction - target)^2
struct MeanSquaredError {
  static constexpr const char* name = "mean_squared_error";  ///< as in Keras
  /// Returns a value for each sample.
  Tensor operator()(const Tensor& prediction, const Samples& target) const;
  /// Throws ShapeError, and ValueError for a target that is NaN or infinite and counts.
  void check(const Shape& prediction, const Samples& target, const TargetCounts& counts = {}) const;
};

/// |prediction - target|
struct MeanAbsoluteError {
  static constexpr const char* name = "mean_absolute_error";  ///< as in Keras
  /// Returns a value for each sample.
  Tensor operator()(const Tensor& prediction, const Samples& target) const;
  /// Throws ShapeError, and ValueError for a target that is NaN or infinite and counts.
  void check(const Shape& prediction, const Samples& target, const TargetCounts& counts = {}) const;
};

/// Half the squared difference up to delta, linear beyond.
struct Huber {
  real delta = 1;  ///< where the square ends

  static constexpr const char* name = "huber_loss";  ///< as in Keras
  /// Returns a value for each sample.
  Tensor operator()(const Tensor& prediction, const Samples& target) const;
  /// Throws ShapeError, and ValueError for a target that is NaN or infinite and counts.
  void check(const Shape& prediction, const Samples& target, const TargetCounts& counts = {}) const;
};

/// The sum over the last axis of target log(target / prediction), both clipped to [1e-7, 1].
struct KLDivergence {
  static constexpr const char* name = "kl_divergence";  ///< as in Keras
  /// Returns a value for each sample.
  Tensor operator()(const Tensor& prediction, const Samples& target) const;
  /// Throws ShapeError, and ValueError for a target outside [0, 1], NaN included, that counts.
  void check(const Shape& prediction, const Samples& target, const TargetCounts& counts = {}) const;
};

/// A loss of any type, or none: then every function but `operator bool` throws StateError.
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

  /// Returns whether there is a loss.
  explicit operator bool() const { return static_cast<bool>(self_); }
  /// Returns the name in errors.
  std::string name() const { return self().name(); }

  /// Returns one value for each sample, of the target's shape.
  Tensor operator()(const Tensor& prediction, const Samples& target) const {
    return self().values(prediction, target);
  }

  /// Returns the activation whose logits the loss can be computed from: `after` of its type, a
  /// softmax where the type has `of_logits` alone, and nothing where it has neither.
  std::optional<Activation> after() const { return self().after(); }
  /// Returns the values, from logits. Needs an `after()`.
  Tensor of_logits(const Tensor& logits, const Samples& target) const {
    return self().of_logits(logits, target);
  }

  /// Throws for targets that do not fit. A loss without a `check` passes all; one that takes no
  /// `counts` is called without.
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
