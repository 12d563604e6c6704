// A thread that loads batches before they are asked for.
#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>

#include "data/batch_source.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Loads updates in order, at most `ahead` of them before they are taken. An exception waits its
/// turn: it is thrown where its update is taken. Where the system has no thread left, updates are
/// loaded when they are taken. The source must outlive it.
class Prefetch {
 public:
  Prefetch(BatchSource& source, Index ahead);
  /// Waits for the update that is being loaded, and ends the thread.
  ~Prefetch();
  Prefetch(const Prefetch&) = delete;
  Prefetch& operator=(const Prefetch&) = delete;

  /// Begins an epoch at update `first`. Returns the number of its updates.
  Index begin(std::uint64_t epoch, Index first);
  /// Returns the next update. Throws what the source threw.
  std::vector<SampleBatch> next();
  /// Leaves the epoch: waits for the update that is being loaded, and forgets those that are.
  void leave();

 private:
  struct Loaded {
    std::vector<SampleBatch> batches = {};
    std::exception_ptr error = {};
  };

  Loaded load(Index update) const noexcept;
  void leave(std::unique_lock<std::mutex>& lock);
  bool wants_more() const { return next_ < end_ && static_cast<Index>(ready_.size()) < ahead_; }
  void work();

  BatchSource& source_;
  Index ahead_;
  Index next_ = 0, end_ = 0;  // the updates that are still to be loaded
  std::deque<Loaded> ready_;  // those that nobody has taken, in order
  bool loads_ = false;        // whether the thread is loading one
  bool ends_ = false;         // whether the thread is to end
  std::mutex mutex_;          // of all of the above
  std::condition_variable changed_;
  std::thread thread_;
};

}}  // namespace fovea
