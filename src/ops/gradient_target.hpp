// Where an operation that computes the gradients of several inputs in one go writes each of them.
#pragma once

#include <algorithm>
#include <initializer_list>

#include "fovea/array/array.hpp"
#include "fovea/autograd/gradient.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace ops {

/// The target of one gradient. Inputs can be one tensor, whose gradient then has one memory: those
/// get arrays of their own, which `finish` adds one after the other.
class GradientTarget {
 public:
  /// `gradient` may be null, as may be the `others`, which are computed at the same time.
  GradientTarget(Gradient* gradient, std::initializer_list<const Gradient*> others)
      : gradient_(gradient) {
    if (!gradient) return;
    if (std::count(others.begin(), others.end(), gradient) > 0) {
      own_ = Array(gradient->shape());
      data = own_.mutable_data();
      return;
    }
    const auto [view, adds] = gradient->dense();
    data = view.data;
    add = adds;
  }

  /// Adds what was written to an array of its own.
  void finish() const {
    if (own_.data()) gradient_->add(own_);
  }

  real* data = nullptr;  ///< null where no gradient is wanted
  bool add = false;      ///< whether to add to what is there, or to write

 private:
  Gradient* gradient_;
  Array own_;
};

}}}  // namespace fovea::ops
