// Memory: blocks that are aligned to 64 bytes, shared by reference count, recycled when released,
// and counted.
//
// Blocks come from pools, one for each thread: what a thread releases it gets back first, while it
// is in that core's cache. A pool grows to the most that its thread has had at once; then nothing
// is asked of the system any more.
#pragma once

#include <atomic>
#include <cstddef>
#include <utility>
#include <vector>

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace memory {

/// Bytes in use now by arrays, graphs and scratch of this library.
Index bytes_now();

/// The largest `bytes_now()` since the start or the last `reset_peak()`, to within 128 KiB for each
/// thread.
Index bytes_peak();

/// Lets `bytes_peak()` start anew from the present use.
void reset_peak();

/// Bytes held from the system, in use or kept for reuse. Constant in the steady state of training
/// on one thread; on several it stands still once each has run as many shards in a step as it ever
/// will.
Index bytes_held();

/// A request that would bring `bytes_now()` above this throws MemoryError. No cap when 0, as at the
/// start.
void set_cap(Index bytes);

class Pool;

/// Head of every block; the memory that it stands for follows it.
struct alignas(64) Block {
  std::atomic<Index> references;  ///< of Buffers and nodes
  Index capacity;                 ///< bytes behind this head
  Pool* home;                     ///< the pool it goes back to
  Block* next;                    ///< in a list of free blocks
  int size_class;                 ///< of its pool

  void* data() { return this + 1; }  ///< the memory
};

/// A block of at least `bytes`, with one reference. Throws MemoryError.
Block* acquire(Index bytes);

/// Gives a block back to its pool.
void release(Block* block) noexcept;

/// Puts what a container of the standard library holds into blocks.
template <class T>
struct Allocator {
  static_assert(alignof(T) <= 64);
  using value_type = T;  ///< as containers want it
  Allocator() = default;
  /// They are all alike.
  template <class U>
  Allocator(const Allocator<U>&) {}  // NOLINT: implicit, as containers want it
  /// Throws MemoryError.
  T* allocate(std::size_t count) {
    return static_cast<T*>(acquire(static_cast<Index>(count * sizeof(T)))->data());
  }
  void deallocate(T* data, std::size_t) noexcept {
    release(reinterpret_cast<Block*>(data) - 1);
  }                                                         ///< back to the pool
  bool operator==(const Allocator&) const { return true; }  ///< each may free what another took
};

/// A list in recycled memory.
template <class T>
using List = std::vector<T, Allocator<T>>;

}  // namespace memory

/// A shared, fixed-size run of bytes, aligned to 64. Copies share. Not initialised.
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(Index bytes)
      : block_(memory::acquire(bytes)) {}  ///< not initialised; throws MemoryError
  /// Shares the memory.
  Buffer(const Buffer& other) noexcept : block_(other.block_) {
    if (block_) block_->references.fetch_add(1, std::memory_order_relaxed);
  }
  Buffer(Buffer&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}  ///< takes over
  /// Shares, or takes over.
  Buffer& operator=(Buffer other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~Buffer() {
    if (block_ && (unique() || block_->references.fetch_sub(1, std::memory_order_acq_rel) == 1))
      memory::release(block_);
  }

  /// The memory as elements of T; null when empty.
  template <class T>
  T* as() const {
    return block_ ? static_cast<T*>(block_->data()) : nullptr;
  }

  /// Whether no other Buffer shares the memory.
  bool unique() const { return block_ && !shared(); }

  /// Whether more than `holders` Buffers share the memory.
  bool shared(Index holders = 1) const {
    return block_ && block_->references.load(std::memory_order_acquire) > holders;
  }

 private:
  memory::Block* block_ = nullptr;
};

}}  // namespace fovea
