#include "data/prefetch.hpp"

#include <system_error>
#include <utility>

namespace fovea { inline namespace FOVEA_PRECISION {

Prefetch::Prefetch(BatchSource& source, Index ahead) : source_(source), ahead_(ahead) {
  if (ahead_ == 0) return;
  try {
    thread_ = std::thread([this] { work(); });
  } catch (const std::system_error&) {
    ahead_ = 0;
  }
}

Prefetch::~Prefetch() {
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

Index Prefetch::begin(std::uint64_t epoch, Index first) {
  std::unique_lock lock(mutex_);
  leave(lock);
  const Index count = source_.begin(epoch);
  next_ = first;
  end_ = count;
  changed_.notify_all();
  return count;
}

void Prefetch::leave() {
  std::unique_lock lock(mutex_);
  leave(lock);
}

void Prefetch::leave(std::unique_lock<std::mutex>& lock) {
  next_ = end_ = 0;
  changed_.wait(lock, [&] { return !loads_; });
  ready_.clear();
}

std::vector<SampleBatch> Prefetch::next() {
  std::unique_lock lock(mutex_);
  if (ahead_ == 0) return source_.load(next_++);
  changed_.wait(lock, [&] { return !ready_.empty(); });
  Loaded loaded = std::move(ready_.front());
  ready_.pop_front();
  lock.unlock();
  changed_.notify_all();
  if (loaded.error) std::rethrow_exception(loaded.error);
  return std::move(loaded.batches);
}

Prefetch::Loaded Prefetch::load(Index update) const noexcept {
  try {
    return {source_.load(update)};
  } catch (...) {
    return {{}, std::current_exception()};
  }
}

void Prefetch::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return ends_ || wants_more(); });
    if (ends_) return;
    const Index update = next_++;
    loads_ = true;
    lock.unlock();
    Loaded loaded = load(update);
    lock.lock();
    loads_ = false;
    // After an exception nothing is loaded: fit ends where it arrives.
    if (loaded.error) end_ = next_;
    ready_.push_back(std::move(loaded));
    changed_.notify_all();
  }
}

}}  // namespace fovea
