#include "train/background_writer.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

namespace fovea { inline namespace FOVEA_PRECISION {

BackgroundWriter::~BackgroundWriter() {
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

bool BackgroundWriter::has_job_of(const void* owner) const {
  return std::ranges::find(jobs_, owner, &Job::owner) != jobs_.end();
}

void BackgroundWriter::throw_error(std::unique_lock<std::mutex>& lock) {
  if (!error_) return;
  const std::exception_ptr error = std::exchange(error_, nullptr);
  lock.unlock();
  std::rethrow_exception(error);
}

void BackgroundWriter::add(const void* owner, std::function<void()> job) {
  if (!thread_.joinable()) {
    try {
      thread_ = std::thread([this] { work(); });
    } catch (const std::system_error&) {
      return job();
    }
  }
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return !has_job_of(owner); });
  throw_error(lock);
  jobs_.push_back({owner, std::move(job)});
  changed_.notify_all();
}

void BackgroundWriter::finish() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return jobs_.empty(); });
  throw_error(lock);
}

// What a job holds is given back before the next one of its owner is let in.
void BackgroundWriter::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return ends_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    std::function<void()> job = std::move(jobs_.front().work);
    lock.unlock();
    std::exception_ptr error;
    try {
      job();
    } catch (...) {
      error = std::current_exception();
    }
    job = nullptr;
    lock.lock();
    jobs_.pop_front();
    if (error) {
      error_ = error;
      jobs_.clear();
    }
    changed_.notify_all();
  }
}

}}  // namespace fovea
