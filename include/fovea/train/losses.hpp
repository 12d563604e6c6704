// Losses: what training makes small. A loss gives one value for each sample (or position); weighting and averaging are `fit`'s.
// A type of your own needs `Tensor operator()(const Tensor& prediction, const Samples& target) const`, of the target's shape, and
// `static constexpr const char* name`.
#pragma once

#include <concepts>
#include <memory>

#include "fovea/ops/ops.hpp"
#include "fovea/train/samples.hpp"

namespace fovea::inline FOVEA_PRECISION {

/// Cross-entropy of class labels: predictions (batch..., classes), labels (batch...) -> (batch...). From probabilities as Keras on
/// TensorFlow computes it (ops.hpp); when the model's last layer is a softmax, its logits are used and nothing is clipped.
struct SparseCategoricalCrossentropy {
  bool from_logits = false;

  static constexpr const char* name = "sparse_categorical_crossentropy";
  Tensor operator()(const Tensor& prediction, const Samples& target) const;
  Tensor of_logits(const Tensor& logits, const Samples& target) const;

  /// Throws ShapeError or IndexError if labels cannot fit predictions of these classes: fit asks once, before any work.
  void check(const Shape& prediction, const Samples& target) const;
};

/// A loss of any type, or none.
class Loss {
 public:
  Loss() = default;
  template <class L>
    requires(!std::same_as<std::remove_cvref_t<L>, Loss> && requires(const L& loss, const Tensor& p, const Samples& t) {
      { loss(p, t) } -> std::same_as<Tensor>;
    })
  Loss(L loss) : self_(std::make_shared<Holder<L>>(std::move(loss))) {}  // NOLINT: implicit on purpose

  explicit operator bool() const { return static_cast<bool>(self_); }
  std::string name() const { return self_->name(); }

  /// One value for each sample, of the target's shape.
  Tensor operator()(const Tensor& prediction, const Samples& target) const { return self_->values(prediction, target); }

  /// Whether the loss can be computed from what goes into a softmax.
  bool takes_logits() const { return self_->takes_logits(); }
  Tensor of_logits(const Tensor& logits, const Samples& target) const { return self_->of_logits(logits, target); }

  void check(const Shape& prediction, const Samples& target) const { self_->check(prediction, target); }

 private:
  struct Interface {
    virtual ~Interface() = default;
    virtual std::string name() const = 0;
    virtual Tensor values(const Tensor& prediction, const Samples& target) const = 0;
    virtual bool takes_logits() const = 0;
    virtual Tensor of_logits(const Tensor& logits, const Samples& target) const = 0;
    virtual void check(const Shape& prediction, const Samples& target) const = 0;
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
    Tensor values(const Tensor& prediction, const Samples& target) const override { return loss(prediction, target); }
    bool takes_logits() const override {
      return requires(const Tensor& logits, const Samples& target) { loss.of_logits(logits, target); };
    }
    Tensor of_logits(const Tensor& logits, const Samples& target) const override {
      if constexpr (requires { loss.of_logits(logits, target); })
        return loss.of_logits(logits, target);
      else
        return loss(logits, target);
    }
    void check([[maybe_unused]] const Shape& prediction, [[maybe_unused]] const Samples& target) const override {
      if constexpr (requires { loss.check(prediction, target); }) loss.check(prediction, target);
    }
    L loss;
  };

  std::shared_ptr<const Interface> self_;
};

}  // namespace fovea
