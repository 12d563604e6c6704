#include "fovea/train/callbacks/stop_on_signal.hpp"

#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <cerrno>

#include "fovea/train/model.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

constexpr int signals[] = {SIGINT, SIGTERM};

}  // namespace

struct StopOnSignal::Installed {
  struct sigaction old[2] = {};
  bool installs[2] = {};
  Installed* outer = nullptr;  // the guard before, in the order of construction
};

namespace {

std::atomic<int> asked = 0;  // the first signal since there are guards
static_assert(std::atomic<int>::is_always_lock_free);

StopOnSignal::Installed* innermost = nullptr;  // written and read within a Critical
std::atomic_flag busy;

// A section in which this thread handles none of the signals, and no other thread is in one. So a
// handler may enter it: whoever is inside goes on.
struct Critical {
  Critical() {
    sigset_t both;
    sigemptyset(&both);
    for (const int number : signals) sigaddset(&both, number);
    pthread_sigmask(SIG_BLOCK, &both, &before);
    while (busy.test_and_set(std::memory_order_acquire)) {
    }
  }
  ~Critical() {
    busy.clear(std::memory_order_release);
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  Critical(const Critical&) = delete;
  sigset_t before;
};

void handle(int number, siginfo_t* information, void* context);

bool is_ours(const struct sigaction& action) {
  return (action.sa_flags & SA_SIGINFO) != 0 && action.sa_sigaction == handle;
}

bool any_guard() {
  const Critical critical;
  return innermost != nullptr;
}

// What the signal did before there was any guard. Where the last guard has ended meanwhile, what it
// does now, or by default where this handler was put back by a user of the guard's time.
struct sigaction old_action(int number) {
  const Critical critical;
  const int index = number == signals[0] ? 0 : 1;
  for (const auto* guard = innermost; guard != nullptr; guard = guard->outer)
    if (guard->installs[index] && !is_ours(guard->old[index])) return guard->old[index];
  struct sigaction action = {};
  ::sigaction(number, nullptr, &action);
  if (!is_ours(action)) return action;
  action = {};
  action.sa_handler = SIG_DFL;
  return action;
}

// Makes only calls that are safe in a handler, but for those of the old handler.
void handle(int number, siginfo_t* information, void* context) {
  const int error = errno;
  int none = 0;
  if (!any_guard() || !asked.compare_exchange_strong(none, number)) {
    const struct sigaction old = old_action(number);
    if ((old.sa_flags & SA_SIGINFO) != 0) {
      old.sa_sigaction(number, information, context);
    } else if (old.sa_handler == SIG_DFL) {
      // The signal is blocked here, and ends the process when this handler returns.
      ::sigaction(number, &old, nullptr);
      ::raise(number);
    } else if (old.sa_handler != SIG_IGN) {
      old.sa_handler(number);
    }
  }
  errno = error;
}

}  // namespace

StopOnSignal::StopOnSignal() : installed_(std::make_unique<Installed>()) {
  const Critical critical;
  if (innermost == nullptr) asked = 0;
  installed_->outer = innermost;
  innermost = installed_.get();
  struct sigaction action = {};
  action.sa_sigaction = handle;
  action.sa_flags = SA_SIGINFO | SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (const int number : signals) sigaddset(&action.sa_mask, number);
  for (int i = 0; i < 2; ++i) {
    ::sigaction(signals[i], nullptr, &installed_->old[i]);
    const struct sigaction& old = installed_->old[i];
    installed_->installs[i] = (old.sa_flags & SA_SIGINFO) != 0 || old.sa_handler != SIG_IGN;
    if (installed_->installs[i]) ::sigaction(signals[i], &action, nullptr);
  }
}

// A guard that ends before a later one leaves its old handlers to that.
StopOnSignal::~StopOnSignal() {
  const Critical critical;
  Installed* later = nullptr;
  for (Installed* guard = innermost; guard != installed_.get(); guard = guard->outer) later = guard;
  (later != nullptr ? later->outer : innermost) = installed_->outer;
  for (int i = 0; i < 2; ++i) {
    if (!installed_->installs[i]) continue;
    struct sigaction now = {};
    ::sigaction(signals[i], nullptr, &now);
    if (later == nullptr && is_ours(now)) ::sigaction(signals[i], &installed_->old[i], nullptr);
    if (later != nullptr && later->installs[i] && is_ours(later->old[i]))
      later->old[i] = installed_->old[i];
  }
}

int StopOnSignal::signal() const { return asked; }

void StopOnSignal::stop(Model& model) const {
  if (requested()) model.stop_training();
}

void StopOnSignal::on_train_batch_end(Model& model, Index, const Logs&) { stop(model); }

void StopOnSignal::on_epoch_end(Model& model, Index, const Logs&) { stop(model); }

}}  // namespace fovea
