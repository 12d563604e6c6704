// The peak memory of each layer.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "fovea/autograd/surroundings.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Records the peak of bytes in use while each layer computes, forward or backward, while in scope.
/// Covers this thread and the shards of `fit`. Layers that compute at the same time are each
/// charged the bytes of all. Calls memory::reset_peak, so only one should be in scope at a time.
class MemoryByLayer final : public Observer {
 public:
  MemoryByLayer();

  /// Returns the peak bytes by layer path; "" stands for operations outside of any layer.
  std::map<std::string, Index> peaks() const;

  void computed(const char* operation, const Array& value) override;
  void differentiated(Node& node, Sink& sink) override;

 private:
  void note(const char* layer);

  mutable std::mutex mutex_;
  std::map<std::string, Index> peaks_;
};

}}  // namespace fovea
