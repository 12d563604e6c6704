// Files that are written while training goes on.
#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Does jobs in the order in which they are given, on a thread of its own. After one that throws,
/// those behind it are dropped, as they would not have been reached without the thread. Where the
/// system has no thread left, a job is done when it is given. Its functions are called by one
/// thread.
class BackgroundWriter {
 public:
  BackgroundWriter() = default;
  /// Waits for all jobs. What one throws is lost: an exception is on its way already.
  ~BackgroundWriter();
  BackgroundWriter(const BackgroundWriter&) = delete;
  BackgroundWriter& operator=(const BackgroundWriter&) = delete;

  /// Adds a job, once the one before of the same owner is done. Throws what an earlier job threw;
  /// then the new one is not added.
  void add(const void* owner, std::function<void()> job);
  /// Waits for all jobs. Throws what one of them threw.
  void finish();

 private:
  struct Job {
    const void* owner;
    std::function<void()> work;
  };

  bool has_job_of(const void* owner) const;
  void throw_error(std::unique_lock<std::mutex>& lock);
  void work();

  std::deque<Job> jobs_;      // in order; the first one is being done
  std::exception_ptr error_;  // of a job, until it is thrown
  bool ends_ = false;         // whether the thread is to end
  std::mutex mutex_;          // of all of the above
  std::condition_variable changed_;
  std::thread thread_;
};

}}  // namespace fovea
