// Saving, loading and fitting where the n-th request for memory fails, for every n.
#include <doctest/doctest.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <new>

#include "train/training.hpp"

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

using namespace fovea;
using namespace training;
using support::Folder;

namespace {

std::atomic<long> fails_at = 0, requests = 0, alive = 0;

void* request(std::size_t bytes, std::size_t alignment) {
  if (++requests == fails_at) throw std::bad_alloc();
  void* const memory = alignment > 0
                           ? std::aligned_alloc(alignment, (bytes / alignment + 1) * alignment)
                           : std::malloc(bytes > 0 ? bytes : 1);
  if (!memory) throw std::bad_alloc();
  ++alive;
  return memory;
}
void give_back(void* memory) {
  if (memory) --alive;
  std::free(memory);
}

// Returns whether `call` ended without an exception where request number `at` fails; 0: none.
template <class Call>
bool succeeds(long at, const Call& call) {
  requests = 0;
  fails_at = at;
  try {
    call();
    fails_at = 0;
    return true;
  } catch (const std::bad_alloc&) {
  } catch (const Error&) {
  }
  fails_at = 0;
  return false;
}

// The library keeps blocks for later: one thread has one pool.
struct OneThread {
  const Index before = threads();
  OneThread() { set_threads(1); }
  ~OneThread() { set_threads(before); }
};

}  // namespace

void* operator new(std::size_t bytes) { return request(bytes, 0); }
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return request(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { give_back(memory); }
void operator delete(void* memory, std::size_t) noexcept { give_back(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { give_back(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { give_back(memory); }

TEST_CASE("whichever request of a save fails, nothing leaks, and the path holds a whole model") {
  const OneThread one_thread;
  const Folder folder;
  Sequential model = training::model();
  fit(model, {}, 1);
  const std::string path = folder / "m";
  model.save(path);
  const long before = alive;
  long at = 1, left = 0;
  while (!succeeds(at, [&] { model.save(path); })) {
    left = std::max(left, alive - before);
    ++at;
  }
  CHECK(left == 0);
  CHECK(at > 100);
  CHECK(folder.names() == std::vector<std::string>{"m"});
  Sequential other = training::model();
  other.load(path);
  CHECK(toy::bits_differ(toy::weights(other), toy::weights(model)) == "");
  std::printf("figure: failed allocations of a save = %ld, bytes lost = %ld\n", at - 1, left);
}

TEST_CASE("whichever request of a load fails, the model stays as it was, and loads later") {
  const OneThread one_thread;
  const Folder folder;
  Sequential source = training::model();
  fit(source, {}, 2);
  source.save(folder / "m");
  Sequential model = training::model();
  fit(model, {}, 1);
  const std::vector<Array> before = toy::weights(model);
  long at = 1, changed = 0, most = 0;
  const long held = alive;
  while (!succeeds(at, [&] { model.load(folder / "m"); })) {
    changed += !toy::bits_differ(toy::weights(model), before).empty();
    most = std::max(most, alive - held);
    ++at;
  }
  CHECK(at > 100);
  CHECK(changed == 0);
  CHECK(most < 50);  // blocks in the pool
  CHECK(toy::bits_differ(toy::weights(model), toy::weights(source)) == "");
  Witness a, b;
  const History resumed = fit(model, {&a}, 1), expected = fit(source, {&b}, 1);
  CHECK(differ(result(model, resumed, a), result(source, expected, b)) == "");
  std::printf("figure: failed allocations of a load = %ld, models changed = %ld\n", at - 1,
              changed);
}

TEST_CASE("whichever request of a fit fails, the model goes on from its file in the same bits") {
  const OneThread one_thread;
  const Folder folder;
  const Result expected = whole();
  Sequential model = training::model();
  Witness witness;
  fit(model, {&witness}, 1);
  model.save(folder / "m");
  Sequential fresh = training::model();
  fresh.load(folder / "m");
  Witness first;
  const History history = fit(fresh, {&first}, 1);
  const Result after = result(fresh, history, first);
  // Counts the requests of a fit that goes well; pools are warm then.
  model.load(folder / "m");
  requests = 0;
  fit(model, {&witness}, 1);
  const long count = requests;
  long trials = 0, wrong = 0;
  for (long at = 1; at <= count; at += 1 + count / 300) {
    model.load(folder / "m");
    succeeds(at, [&] { fit(model, {&witness}, 1); });
    model.load(folder / "m");
    const History again = fit(model, {&witness}, 1);
    wrong += !differ(result(model, again, witness), after).empty();
    ++trials;
  }
  CHECK(trials > 100);
  CHECK(wrong == 0);
  std::printf("figure: failed allocations of a fit = %ld, models unusable = %ld\n", trials, wrong);
}

#endif
