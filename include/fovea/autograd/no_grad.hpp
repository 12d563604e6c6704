// A scope in which nothing is recorded.
#pragma once

#include "fovea/base/real.hpp"

namespace fovea::inline FOVEA_PRECISION {

/// Whether operations on this thread are recorded.
bool grad_enabled();

/// While it lives, operations on this thread give constants.
class NoGrad {
 public:
  NoGrad();
  ~NoGrad();
  NoGrad(const NoGrad&) = delete;
  NoGrad& operator=(const NoGrad&) = delete;

 private:
  bool outer_;
};

}  // namespace fovea
