// Where the first number that is not finite came from.
#pragma once

#include "fovea/autograd/surroundings.hpp"
#include "fovea/base/error.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// A NaN or an infinity that DetectAnomaly has found.
struct NonFiniteError : Error {
  using Error::Error;
};

/// What DetectAnomaly looks for.
struct AnomalyOptions {
  bool infinities =
      true;  ///< infinities as well as NaNs; log_softmax under a mask gives them by right
};

/// While it lives, each operation's result and each gradient that a backward rule hands on is
/// looked through, on this thread and, in `fit`, in all shards. The first number that is not finite
/// throws NonFiniteError, which names the layer, the operation, the tensor, the position and the
/// step. In `fit` and `evaluate` positions are those within a shard, a few samples of the batch,
/// and the step is told by fit alone. A gradient is looked at as it has been added up so far. Slow:
/// for finding a fault. (`torch.autograd.detect_anomaly`)
///
///     DetectAnomaly anomaly;
///     model.fit(x, y);   // or a loop of your own, which may say where it is: anomaly.at_step(i)
class DetectAnomaly final : public Observer {
 public:
  explicit DetectAnomaly(AnomalyOptions options = {})
      : options_(options) {}  ///< until its scope ends
  void computed(const char* operation, const Array& value) override;
  void differentiated(Node& node, Sink& sink) override;
  void at_step(Index step) override { step_ = step; }

 private:
  void look_through(const Array& numbers, std::string_view what) const;

  const AnomalyOptions options_;
  Index step_ = -1;  // not known
};

}}  // namespace fovea
