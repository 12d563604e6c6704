// The origin of the first NaN or infinity.
#pragma once

#include "fovea/autograd/surroundings.hpp"
#include "fovea/base/error.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// A NaN or an infinity found by DetectAnomaly.
struct NonFiniteError : Error {
  using Error::Error;
};

/// Options of DetectAnomaly.
struct AnomalyOptions {
  /// Whether infinities count as well as NaNs. log_softmax with a mask returns legitimate ones.
  bool infinities = true;
};

/// Checks each result of an operation and each gradient of a backward rule while in scope, on this
/// thread and, in `fit`, in all shards. Throws NonFiniteError for the first value that is not
/// finite. The error names the layer, the operation, the tensor, the position and the step.
///
/// In `fit` and `evaluate` the position is within a shard, which is a few samples of the batch.
/// Only `fit` reports the step. Gradients are checked as accumulated so far. The checks are slow:
/// use them to find a fault. PyTorch's `torch.autograd.detect_anomaly`.
///
///     DetectAnomaly anomaly;
///     model.fit(x, y);   // or a loop of your own, which calls anomaly.at_step(i)
class DetectAnomaly final : public Observer {
 public:
  /// Starts checking.
  explicit DetectAnomaly(AnomalyOptions options = {}) : options_(options) {}
  void computed(const char* operation, const Array& value) override;
  void differentiated(Node& node, Sink& sink) override;
  void at_step(Index step) override { step_ = step; }

 private:
  void look_through(const Array& numbers, std::string_view what) const;

  const AnomalyOptions options_;
  Index step_ = -1;  // not known
};

}}  // namespace fovea
