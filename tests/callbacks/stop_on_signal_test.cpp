// StopOnSignal: SIGINT and SIGTERM end a training in order, and get their old handlers back.
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <thread>

#include "train/toy.hpp"

using namespace fovea;

namespace {

std::atomic<int> handled = 0;
void count(int) { ++handled; }

// The handler of a signal while in scope.
struct Handler {
  Handler(int number, void (*handler)(int)) : signal(number) {
    struct sigaction action = {};
    action.sa_handler = handler;
    sigaction(signal, &action, &old);
  }
  ~Handler() { sigaction(signal, &old, nullptr); }
  Handler(const Handler&) = delete;
  int signal;
  struct sigaction old = {};
};

void (*handler_of(int number))(int) {
  struct sigaction now = {};
  sigaction(number, nullptr, &now);
  return now.sa_handler;
}

struct Bang {};

// Raises a signal with one of the batches.
struct RaisesAt : Callback {
  int signal;
  Index at, batches = 0, ended = 0;
  bool bang = false;
  RaisesAt(int number, Index batch) : signal(number), at(batch) {}
  void on_train_batch_begin(Model&, Index) override {
    if (batches++ == at) raise(signal);
    if (bang && batches > at) throw Bang();
  }
  void on_train_end(Model&) override { ++ended; }
};

FitOptions with(std::vector<Callback*> callbacks) {
  FitOptions options = toy::quiet(3, 4);  // of three batches each
  options.callbacks = std::move(callbacks);
  return options;
}

// How a child process ends.
template <class F>
int status_of(const F& child) {
  const pid_t process = fork();
  if (process == 0) {
    child();
    _exit(7);
  }
  int status = 0;
  waitpid(process, &status, 0);
  return status;
}

}  // namespace

TEST_CASE("a signal finishes the batch, ends fit in order, and leaves the old handler") {
  const auto [x, y] = toy::data(10);
  for (const int number : {SIGINT, SIGTERM}) {
    handled = 0;
    const Handler old(number, count);
    Sequential model = toy::model();
    {
      StopOnSignal guard;
      CHECK((handler_of(number) != count));
      RaisesAt raises(number, 4);
      const History history = model.fit(x, y, with({&guard, &raises}));
      CHECK(history.epoch.size() == 2);
      CHECK(model.optimizer().as<Adam>()->steps() == 5);
      CHECK(raises.ended == 1);
      CHECK(guard.requested());
      CHECK(guard.signal() == number);
    }
    CHECK(handled == 0);
    CHECK((handler_of(number) == count));
    raise(number);
    CHECK(handled == 1);
    StopOnSignal anew;
    CHECK(!anew.requested());
    CHECK(model.fit(x, y, with({&anew})).epoch.size() == 3);
  }
}

TEST_CASE("no handler is installed without a guard, and one goes when fit throws") {
  const auto [x, y] = toy::data(10);
  const Handler old(SIGINT, count);
  Sequential model = toy::model();
  LambdaCallback check(
      {.on_epoch_end = [](Model&, Index, const Logs&) { CHECK((handler_of(SIGINT) == count)); }});
  model.fit(x, y, with({&check}));
  RaisesAt raises(SIGINT, 1);
  raises.bang = true;
  const auto fit = [&, &x = x, &y = y] {
    StopOnSignal guard;
    model.fit(x, y, with({&guard, &raises}));
  };
  CHECK_THROWS_AS(fit(), Bang);
  CHECK((handler_of(SIGINT) == count));
}

TEST_CASE("a second signal does what it did before the guard: it is handled, or ends the process") {
  {
    handled = 0;
    const Handler old(SIGINT, count);
    const StopOnSignal guard;
    raise(SIGINT);
    CHECK(handled == 0);
    raise(SIGINT);
    CHECK(handled == 1);
    CHECK(guard.signal() == SIGINT);
  }
  for (const int number : {SIGINT, SIGTERM}) {
    const int status = status_of([&] {
      const Handler old(number, SIG_DFL);
      const StopOnSignal guard, inner;
      raise(number);
      if (!guard.requested() || !inner.requested()) _exit(1);
      raise(number);
    });
    CHECK(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == number);
  }
}

TEST_CASE("SIGTERM after Ctrl-C is a second signal") {
  const int status = status_of([] {
    const Handler old(SIGTERM, SIG_DFL), other(SIGINT, SIG_DFL);
    const StopOnSignal guard;
    raise(SIGINT);
    raise(SIGTERM);
  });
  CHECK(WTERMSIG(status) == SIGTERM);
}

TEST_CASE("a signal that is ignored stays so") {
  const Handler old(SIGINT, SIG_IGN);
  const StopOnSignal guard;
  raise(SIGINT);
  CHECK(!guard.requested());
  CHECK((handler_of(SIGINT) == SIG_IGN));
}

TEST_CASE("guards share what is asked for, and may end in any order") {
  for (const bool first_ends_first : {false, true}) {
    handled = 0;
    const Handler old(SIGINT, count);
    auto first = std::make_unique<StopOnSignal>(), second = std::make_unique<StopOnSignal>();
    raise(SIGINT);
    CHECK(first->requested());
    CHECK(second->requested());
    (first_ends_first ? first : second).reset();
    CHECK((first_ends_first ? second : first)->requested());
    raise(SIGINT);
    CHECK(handled == 1);
    first.reset();
    second.reset();
    CHECK((handler_of(SIGINT) == count));
  }
}

TEST_CASE("a handler that is installed after the guard stays") {
  const Handler old(SIGINT, SIG_DFL);
  auto guard = std::make_unique<StopOnSignal>();
  {
    const Handler later(SIGINT, count);
    guard.reset();
    CHECK((handler_of(SIGINT) == count));
  }
  // The handler of the guard is back, and without a guard does what there is by default.
  const int status = status_of([] { raise(SIGINT); });
  CHECK(WTERMSIG(status) == SIGINT);
}

TEST_CASE("guards come and go in threads while signals arrive") {
  handled = 0;
  const Handler old(SIGINT, count);
  std::atomic<bool> ends = false;
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i)
    threads.emplace_back([&] {
      while (!ends) {
        const StopOnSignal guard;
        if (guard.requested()) CHECK(guard.signal() == SIGINT);
      }
    });
  for (int i = 0; i < 2000; ++i) kill(getpid(), SIGINT);
  ends = true;
  for (std::thread& thread : threads) thread.join();
  CHECK((handler_of(SIGINT) == count));
  CHECK(handled <= 2000);
}

TEST_CASE("a loop of one's own asks the guard") {
  const auto [x, y] = toy::data(10);
  Sequential model = toy::model();
  const Handler old(SIGTERM, count);
  const StopOnSignal guard;
  int batches = 0;
  while (!guard.requested() && batches < 10) {
    model.train_on_batch(x, y);
    if (++batches == 3) raise(SIGTERM);
  }
  CHECK(batches == 3);
}
