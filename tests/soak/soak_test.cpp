// Ten thousand short trainings in one process: memory, descriptors and threads stay what they were.
#include <doctest/doctest.h>

#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "fovea/fovea.hpp"
#include "support/generate.hpp"

using namespace fovea;

namespace {

Index resident_bytes() {
  std::ifstream file("/proc/self/statm");
  Index all = 0, resident = 0;
  file >> all >> resident;
  return resident * ::sysconf(_SC_PAGESIZE);
}

Index entries(const char* folder) {
  return std::distance(std::filesystem::directory_iterator(folder), {});
}

// One training with all that belongs to it, of a shape of its own; every tenth is refused.
void train_once(Index number) {
  support::Generate g("soak", number % 50);
  const Index samples = g.integer(3, 20), time = g.integer(1, 9);
  const Ids x = g.ids(Shape{samples, time}, 20), y = g.ids(Shape{samples}, 3);
  const bool refused = number % 10 == 9;
  Sequential model{Embedding{.input_dim = 20, .output_dim = 8, .mask_zero = true},
                   AttentionLayer{4}, Dense{3, Activation::softmax}};
  model.compile({.optimizer = Adam{},
                 .loss = SparseCategoricalCrossentropy{},
                 .metrics = {Accuracy{}},
                 .seed = static_cast<std::uint64_t>(number)});
  EarlyStopping stop{{.monitor = "loss", .patience = 1}};
  try {
    model.fit(x,
              refused ? Ids(Shape{samples},
                            std::vector<std::int32_t>(static_cast<std::size_t>(samples), 3))
                      : y,
              {.epochs = 2, .batch_size = 4, .callbacks = {&stop}, .verbose = 0});
    CHECK(!refused);
  } catch (const IndexError&) {
    CHECK(refused);
    return;
  }
  static_cast<void>(model.evaluate(x, y));
  static_cast<void>(model.attention(x));
}

}  // namespace

TEST_CASE(
    "10,000 short trainings in one process leave memory, descriptors and threads as they were") {
  constexpr Index trainings = 10'000, warm = 500;
  Index memory = 0, descriptors = 0, threads = 0;
  for (Index number = 0; number < trainings; ++number) {
    set_threads(1 + number % 3);
    train_once(number);
    if (number == warm) {
      memory = resident_bytes();
      descriptors = entries("/proc/self/fd");
      threads = entries("/proc/self/task");
    }
  }
  const Index grown = resident_bytes() - memory;
  std::printf("figure: soak: trainings = %lld, KiB resident grew by = %lld of %lld\n",
              static_cast<long long>(trainings), static_cast<long long>(grown / 1024),
              static_cast<long long>(memory / 1024));
  CHECK(grown < memory / 50);
  CHECK(entries("/proc/self/fd") == descriptors);
  CHECK(entries("/proc/self/task") == threads);
}
