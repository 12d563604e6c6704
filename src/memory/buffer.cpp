// Pools. A pool is used by one thread at a time, its user; blocks that another thread releases go
// to `returned_`, under a lock, and are fetched when the user finds a size class empty. Counters
// that only the user writes are atomics without read-modify-write, so counting costs no bus
// traffic.
#include "fovea/memory/buffer.hpp"

#include <fmt/format.h>

#include <sys/mman.h>

#include <bit>
#include <mutex>
#include <new>
#include <vector>

#include "fovea/base/error.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace memory {

namespace {

// Four sizes an octave, from 64 bytes to 2^45.
constexpr int classes = 160;
constexpr Index large_page = 2 << 20;
#if defined(__SANITIZE_ADDRESS__)
constexpr Index largest_cut = 0;
#else
constexpr Index largest_cut = large_page / 4;
#endif
constexpr Index publish_step = 64 * 1024;
std::atomic<Index> cap = 0;

struct SizeClass {
  int number;
  Index capacity;
};

SizeClass size_class(Index bytes) {
  const auto units = static_cast<std::uint64_t>(bytes < 64 ? 1 : (bytes + 63) / 64);
  if (units <= 4) return {static_cast<int>(units) - 1, static_cast<Index>(units) * 64};
  const int octave = static_cast<int>(std::bit_width(units - 1)) - 1;
  const std::uint64_t step = std::uint64_t(1) << (octave - 2);
  const std::uint64_t steps = (units - 1) / step + 1;
  return {(octave - 2) * 4 + static_cast<int>(steps) - 1, static_cast<Index>(steps * step) * 64};
}

}  // namespace

class Pool {
 public:
  Block* acquire(Index bytes) {
    const SizeClass wanted = size_class(bytes);
    Block*& list = free_[wanted.number];
    if (!list) fetch_returned();
    if (cap.load(std::memory_order_relaxed) != 0) hold_against_cap(wanted.capacity);
    Block* const block = list ? std::exchange(list, list->next) : grow(wanted);
    block->references.store(1, std::memory_order_relaxed);
    count(wanted.capacity);
    return block;
  }

  void release(Block* block) noexcept {
    block->next = free_[block->size_class];
    free_[block->size_class] = block;
    live_.store(live_.load(std::memory_order_relaxed) - block->capacity, std::memory_order_relaxed);
  }

  void release_from_elsewhere(Block* block) noexcept {
    const std::lock_guard lock(mutex_);
    block->next = returned_;
    returned_ = block;
    returned_bytes_.store(returned_bytes_.load(std::memory_order_relaxed) + block->capacity,
                          std::memory_order_relaxed);
  }

  Index live() const {
    return live_.load(std::memory_order_relaxed) - returned_bytes_.load(std::memory_order_relaxed);
  }
  Index held() const { return held_.load(std::memory_order_relaxed); }

 private:
  void hold_against_cap(Index bytes) const;
  void count(Index bytes) noexcept;

  // Small blocks are cut from pieces of the size of a large page (not where the address sanitizer
  // watches): on large pages, few of the processor's address entries cover everything.
  Block* grow(SizeClass wanted) {
    const Index bytes = static_cast<Index>(sizeof(Block)) + wanted.capacity;
    const bool cut = bytes <= largest_cut;
    if (cut && bytes > piece_left_) {
      piece_ = from_system(large_page);
      piece_left_ = large_page;
    }
    void* const memory = cut ? piece_ + large_page - std::exchange(piece_left_, piece_left_ - bytes)
                             : from_system(bytes);
    return new (memory) Block{1, wanted.capacity, this, nullptr, wanted.number};
  }

  std::byte* from_system(Index bytes) {
    void* const memory =
        ::operator new(static_cast<std::size_t>(bytes),
                       std::align_val_t(bytes < large_page ? 64 : large_page), std::nothrow);
    if (!memory)
      throw MemoryError(
          fmt::format("the system has no memory for a block of {} bytes; {} bytes are in use",
                      bytes - static_cast<Index>(sizeof(Block)), bytes_now()));
    held_.store(held_.load(std::memory_order_relaxed) + bytes, std::memory_order_relaxed);
    if (bytes >= large_page) madvise(memory, static_cast<std::size_t>(bytes), MADV_HUGEPAGE);
    return static_cast<std::byte*>(memory);
  }

  void fetch_returned() noexcept {
    if (returned_bytes_.load(std::memory_order_relaxed) == 0) return;
    const std::lock_guard lock(mutex_);
    for (Block* block = std::exchange(returned_, nullptr); block;)
      release(std::exchange(block, block->next));
    returned_bytes_.store(0, std::memory_order_relaxed);
  }

  Block* free_[classes] = {};
  std::byte* piece_ = nullptr;  // what small blocks are cut from
  Index piece_left_ = 0;
  std::atomic<Index> live_ = 0;  // bytes handed out and not taken back by the user
  std::atomic<Index> held_ = 0;  // bytes from the system
  std::atomic<Index> published_ =
      0;  // live_ as last told to the registry, rounded up: never less than live_
  std::atomic<Index> returned_bytes_ = 0;
  Block* returned_ = nullptr;
  std::mutex mutex_;
};

namespace {

// All pools of the process, and the sum of what they have published. Never destroyed: blocks may
// outlive static destructors.
struct Registry {
  std::mutex mutex;
  std::vector<Pool*> all;
  std::vector<Pool*> idle;
  std::atomic<Index> published = 0;
  std::atomic<Index> peak = 0;
};

Registry& registry() {
  static Registry* const instance = new Registry;
  return *instance;
}

thread_local Pool* current = nullptr;

// A pool for a while. Pools live as long as the process: those of threads that have ended go to
// others.
struct Lease {
  Lease() {
    const std::lock_guard lock(registry().mutex);
    if (registry().idle.empty()) {
      registry().all.push_back(new Pool);
      registry().idle.reserve(registry().all.size());  // so that a thread's end cannot fail
      registry().idle.push_back(registry().all.back());
    }
    pool = registry().idle.back();
    registry().idle.pop_back();
  }
  ~Lease() {
    const std::lock_guard lock(registry().mutex);
    registry().idle.push_back(pool);
  }
  Pool* pool;
};

struct ThreadPool {
  ThreadPool() { current = lease.pool; }
  ~ThreadPool() { current = nullptr; }
  Lease lease;
};

Index sum_over_pools(Index (Pool::*bytes)() const) {
  const std::lock_guard lock(registry().mutex);
  Index sum = 0;
  for (const Pool* pool : registry().all) sum += (pool->*bytes)();
  return sum;
}

}  // namespace

// What is published bounds what is in use from above: where it keeps to the cap, nothing has to be
// added up.
void Pool::hold_against_cap(Index bytes) const {
  const Index most = cap.load(std::memory_order_relaxed);
  if (most == 0 || registry().published.load(std::memory_order_relaxed) + bytes <= most) return;
  const Index now = bytes_now();
  if (now + bytes > most)
    throw MemoryError(
        fmt::format("a request of {} bytes would bring the {} bytes in use above the cap of {} "
                    "bytes; raise it with memory::set_cap",
                    bytes, now, most));
}

// Adds to the live bytes, and publishes them where they have moved a step. Releases publish
// nothing, so a sum of what is published only says when the peak may have been passed.
void Pool::count(Index bytes) noexcept {
  const Index live = live_.load(std::memory_order_relaxed) + bytes;
  const Index published = published_.load(std::memory_order_relaxed);
  live_.store(live, std::memory_order_relaxed);
  if (live <= published && live >= published - 2 * publish_step) return;
  const Index step = (live + publish_step - 1) / publish_step * publish_step - published;
  published_.store(published + step, std::memory_order_relaxed);
  const Index total = registry().published.fetch_add(step, std::memory_order_relaxed) + step;
  Index peak = bytes_peak();
  if (total <= peak) return;
  const Index now = bytes_now();
  while (now > peak &&
         !registry().peak.compare_exchange_weak(peak, now, std::memory_order_relaxed)) {
  }
}

Index bytes_now() { return sum_over_pools(&Pool::live); }
Index bytes_held() { return sum_over_pools(&Pool::held); }
Index bytes_peak() { return registry().peak.load(std::memory_order_relaxed); }

void reset_peak() { registry().peak.store(bytes_now(), std::memory_order_relaxed); }

void set_cap(Index bytes) {
  if (bytes < 0)
    throw ValueError(fmt::format("memory::set_cap: {} bytes; use 0 for no cap", bytes));
  cap.store(bytes, std::memory_order_relaxed);
}

Block* acquire(Index bytes) {
  if (bytes < 0 || bytes > (Index(1) << 44))
    throw MemoryError(fmt::format("a request of {} bytes is more than any machine has", bytes));
  if (!current) thread_local const ThreadPool own;
  if (current) return current->acquire(bytes);
  return Lease().pool->acquire(
      bytes);  // at the thread's end, in a destructor that runs after that of its pool
}

void release(Block* block) noexcept {
  if (block->home == current)
    current->release(block);
  else
    block->home->release_from_elsewhere(block);
}

}}}  // namespace fovea::memory
