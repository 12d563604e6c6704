// After a few steps, training asks the system for nothing.
#include <doctest/doctest.h>
#include <sys/resource.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <new>

#include "fovea/memory/buffer.hpp"
#include "train/toy.hpp"

using namespace fovea;

namespace {

std::atomic<long> allocations = 0;

long page_faults() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt + usage.ru_majflt;
}

// Steps of the documented model in small, on other ids each.
struct Steps {
  Sequential model{Embedding{2000, 64}, AttentionLayer{32}, Dense{10, Activation::softmax}};
  std::vector<std::pair<Ids, Ids>> batches;

  Steps() {
    model.compile({.loss = SparseCategoricalCrossentropy{}, .metrics = {Accuracy{}}});
    for (Index i = 0; i < 8; ++i) {
      support::Generate g("steady", i);
      batches.emplace_back(g.ids(Shape{32, 20}, 2000), g.ids(Shape{32}, 10));
    }
  }

  void run(Index count) {
    for (Index i = 0; i < count; ++i) {
      const auto& [x, y] = batches[static_cast<std::size_t>(i % 8)];
      model.train_on_batch(x, y);
    }
  }
};

}  // namespace

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
// Every request of this program that is not for a block of ours.
void* operator new(std::size_t bytes) {
  ++allocations;
  if (void* const memory = std::malloc(bytes > 0 ? bytes : 1)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

TEST_CASE(
    "in the steady state a batch of fit allocates nothing, and train_on_batch no more than the "
    "logs that it returns") {
  const Index before = threads();
  set_threads(1);
  Steps steps;
  steps.run(40);
  support::Generate g("steady", 8);
  const Ids x = g.ids(Shape{32 * 24, 20}, 2000), y = g.ids(Shape{32 * 24}, 10);
  const auto allocated_in_fit = [&](Index batches) {
    const Samples some_x = Samples(x).rows(0, 32 * batches),
                  some_y = Samples(y).rows(0, 32 * batches);
    const long start = allocations;
    steps.model.fit(some_x, some_y, {.verbose = 0});
    return allocations - start;
  };
  allocated_in_fit(24);
  const long in_few = allocated_in_fit(4), in_many = allocated_in_fit(24);
  CHECK(in_many - in_few <=
        3);  // not one for each of 20 batches: Adam's lists of steps grow by doubling

  const long start = allocations;
  steps.run(100);
  const long in_a_step = (allocations - start) / 100;
  std::printf("figure: allocations in a call of train_on_batch = %ld\n", in_a_step);
  CHECK(in_a_step <= 2);  // loss and accuracy
  set_threads(before);
}
#endif

TEST_CASE("steps of a model hold no more bytes than the first few, and leave none behind") {
  const Index before = threads();
  set_threads(1);
  Steps steps;
  steps.run(40);
  const Index held = memory::bytes_held(), now = memory::bytes_now();
  steps.run(80);
  CHECK(memory::bytes_held() == held);
  CHECK(memory::bytes_now() == now);
  set_threads(before);
}

TEST_CASE(
    "on several threads, which take from each other's pools as it happens, steps come to hold no "
    "more either") {
  Steps steps;
  steps.run(40);
  const Index now = memory::bytes_now();
  int rounds_that_grew = 0;
  for (int round = 0; round < 40; ++round) {
    const Index held = memory::bytes_held();
    steps.run(8);
    rounds_that_grew += memory::bytes_held() != held;
  }
  CHECK(rounds_that_grew < 20);
  CHECK(memory::bytes_now() == now);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_CASE("a step of the steady state touches no new page") {
  Steps steps;
  steps.run(200);
  const long before = page_faults();
  steps.run(200);
  const long faults = page_faults() - before;
  std::printf("figure: page faults in 200 steps = %ld\n", faults);
  CHECK(faults < 100);  // less than one in two steps: those that the system's own work brings
}
#endif
