// Which layer needs the memory.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "fovea/autograd/surroundings.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// While it lives, notes for each layer how many bytes were in use at most while it computed,
/// forward or backward, on this thread and in the shards of `fit` (where several layers are at work
/// at once, each is told the bytes of all). It measures with memory::reset_peak, so
/// memory::bytes_peak() starts anew; one at a time.
class MemoryByLayer final : public Observer {
 public:
  MemoryByLayer();

  /// Bytes by layer path; "" is outside of any layer.
  std::map<std::string, Index> peaks() const;

  void computed(const char* operation, const Array& value) override;
  void differentiated(Node& node, Sink& sink) override;

 private:
  void note(const char* layer);

  mutable std::mutex mutex_;
  std::map<std::string, Index> peaks_;
};

}}  // namespace fovea
