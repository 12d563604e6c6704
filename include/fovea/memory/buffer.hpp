// Memory: blocks aligned to 64 bytes, shared by reference count, recycled when released, and
// counted.
//
// Each thread has a pool of blocks. A released block is the first to be reused, while it is in that
// core's cache. A pool grows to its thread's largest use; from then on nothing is requested from
// the system.
#pragma once

#include <atomic>
#include <cstddef>
#include <utility>
#include <vector>

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace memory {

/// Returns the bytes in use now by arrays, graphs and scratch memory of this library.
Index bytes_now();

/// Returns the largest `bytes_now()` since the start or the last `reset_peak()`, to within 128 KiB
/// for each thread.
Index bytes_peak();

/// Restarts `bytes_peak()` from the present use.
void reset_peak();

/// Returns the bytes obtained from the system, in use or kept for reuse. The value is constant in
/// the steady state of training. On several threads that state is reached once each thread has run
/// its largest number of shards in a step.
Index bytes_held();

/// Sets the cap: a request that would raise `bytes_now()` above `bytes` throws MemoryError. 0, the
/// initial value, means no cap.
void set_cap(Index bytes);

class Pool;

/// The head of a block; its memory follows the head.
struct alignas(64) Block {
  std::atomic<Index> references;  ///< from Buffers and nodes
  Index capacity;                 ///< bytes behind this head
  Pool* home;                     ///< the pool that takes the block back
  Block* next;                    ///< the next in a list of free blocks
  int size_class;                 ///< within the pool

  /// Returns the memory.
  void* data() { return this + 1; }
};

/// Returns a block of at least `bytes`, with one reference. Throws MemoryError.
Block* acquire(Index bytes);

/// Returns a block to its pool.
void release(Block* block) noexcept;

/// Allocates the elements of a standard container in blocks.
template <class T>
struct Allocator {
  static_assert(alignof(T) <= 64);
  using value_type = T;  ///< as containers require
  Allocator() = default;
  /// All allocators are interchangeable.
  template <class U>
  Allocator(const Allocator<U>&) {}  // NOLINT: implicit, as containers require
  /// Returns memory for `count` elements. Throws MemoryError.
  T* allocate(std::size_t count) {
    return static_cast<T*>(acquire(static_cast<Index>(count * sizeof(T)))->data());
  }
  /// Returns the memory to its pool.
  void deallocate(T* data, std::size_t) noexcept { release(reinterpret_cast<Block*>(data) - 1); }
  /// Returns true: any allocator can free the memory of another.
  bool operator==(const Allocator&) const { return true; }
};

/// A list in recycled memory.
template <class T>
using List = std::vector<T, Allocator<T>>;

}  // namespace memory

/// A shared run of bytes of fixed size, aligned to 64. Copies share the bytes.
class Buffer {
 public:
  Buffer() = default;
  /// Allocates memory without initialising it. Throws MemoryError.
  explicit Buffer(Index bytes) : block_(memory::acquire(bytes)) {}
  /// Shares the memory.
  Buffer(const Buffer& other) noexcept : block_(other.block_) {
    if (block_) block_->references.fetch_add(1, std::memory_order_relaxed);
  }
  /// Takes over the memory; `other` becomes empty.
  Buffer(Buffer&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  /// Shares the memory of a copy, or takes over that of a temporary.
  Buffer& operator=(Buffer other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~Buffer() {
    if (block_ && (unique() || block_->references.fetch_sub(1, std::memory_order_acq_rel) == 1))
      memory::release(block_);
  }

  /// Returns the memory as elements of T; null when empty.
  template <class T>
  T* as() const {
    return block_ ? static_cast<T*>(block_->data()) : nullptr;
  }

  /// Returns whether no other Buffer shares the memory.
  bool unique() const { return block_ && !shared(); }

  /// Returns whether more than `holders` Buffers share the memory.
  bool shared(Index holders = 1) const {
    return block_ && block_->references.load(std::memory_order_acquire) > holders;
  }

 private:
  memory::Block* block_ = nullptr;
};

}}  // namespace fovea
