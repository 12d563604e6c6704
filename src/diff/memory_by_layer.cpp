#include "fovea/diff/memory_by_layer.hpp"

#include <algorithm>

#include "fovea/autograd/node.hpp"
#include "fovea/memory/buffer.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

MemoryByLayer::MemoryByLayer() { memory::reset_peak(); }

std::map<std::string, Index> MemoryByLayer::peaks() const {
  const std::lock_guard lock(mutex_);
  return peaks_;
}

void MemoryByLayer::computed(const char*, const Array&) { note(surroundings().layer); }
void MemoryByLayer::differentiated(Node& node, Sink&) { note(node.layer); }

// What was in use at most since the last operation was this one's doing.
void MemoryByLayer::note(const char* layer) {
  const std::lock_guard lock(mutex_);
  Index& peak = peaks_[layer];
  peak = std::max({peak, memory::bytes_peak(), memory::bytes_now()});
  memory::reset_peak();
}

}}  // namespace fovea
