// What saving costs: a checkpoint of the documented model, weights and moments, against a plain
// write of as many bytes, both brought to the disk, by turns in one run; and a training of some
// epochs with ModelCheckpoint after each against one without. The wait at the end of fit, for the
// last file to be on the disk, is part of it.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <vector>

#include "fovea/fovea.hpp"

using namespace fovea;

namespace {

constexpr int rounds = 7, rounds_of_training = 5;
constexpr Index epochs = 6;

double seconds_of(const auto& call) {
  const auto start = std::chrono::steady_clock::now();
  call();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double median(std::vector<double> values) {
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2));
  return values[values.size() / 2];
}

// Writes bytes as `cp` and `sync` would.
void write_plainly(const std::string& path, const std::vector<char>& bytes) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  std::size_t at = 0;
  while (at < bytes.size()) {
    const ssize_t count = ::write(file, bytes.data() + at, bytes.size() - at);
    if (count <= 0) std::exit(1);
    at += static_cast<std::size_t>(count);
  }
  if (::fsync(file) != 0) std::exit(1);
  ::close(file);
}

Ids ids(const Shape& shape, Index bound) {
  Rng random(1);
  Ids result(shape);
  for (std::int32_t& id : result.mutable_values())
    id = static_cast<std::int32_t>(random.below(bound));
  return result;
}

// The documented model: 20,000 words of width 128, attention, 10 classes.
Sequential documented() {
  Sequential model{Embedding{20'000, 128, true}, AttentionLayer{64},
                   Dense{10, Activation::softmax}};
  model.compile(
      {.optimizer = Adam{}, .loss = SparseCategoricalCrossentropy{}, .metrics = {Accuracy{}}});
  return model;
}

}  // namespace

int main() {
  const std::filesystem::path folder = std::filesystem::current_path() / "saving_bench.tmp";
  std::filesystem::create_directory(folder);
  const std::string saved = folder / "m.safetensors", plain = folder / "plain";
  const Ids x = ids(Shape{32 * 1584, 32}, 20'000), y = ids(Shape{32 * 1584}, 10);
  Sequential model = documented();
  model.fit(x, y, {.verbose = 0});
  model.save(saved);
  const std::vector<char> bytes(std::filesystem::file_size(saved), 'x');
  std::vector<double> saving, writing;
  for (int round = 0; round < rounds; ++round) {
    std::filesystem::remove(plain);
    writing.push_back(seconds_of([&] { write_plainly(plain, bytes); }));
    saving.push_back(seconds_of([&] { model.save(saved); }));
  }
  const double size = static_cast<double>(bytes.size()) / 1e6;
  std::printf("checkpoint: %.1f MB, %.0f MB/s; plain write and fsync: %.0f MB/s\n", size,
              size / median(saving), size / median(writing));
  std::printf("figure: checkpoint, of the speed of a plain write = %.2f\n",
              median(writing) / median(saving));
  // A callback, so that both compute running logs.
  struct Nothing : Callback {
  } nothing;
  const auto train = [&](Callback& callback) {
    return seconds_of(
        [&] { model.fit(x, y, {.epochs = epochs, .callbacks = {&callback}, .verbose = 0}); });
  };
  std::vector<double> ratios;
  for (int round = 0; round < rounds_of_training; ++round) {
    ModelCheckpoint checkpoint({.filepath = saved});
    const double without = train(nothing), with = train(checkpoint);
    ratios.push_back(with / without);
    std::printf("an epoch: %.0f ms, with ModelCheckpoint %.0f ms\n",
                without / static_cast<double>(epochs) * 1e3,
                with / static_cast<double>(epochs) * 1e3);
  }
  std::printf("figure: epoch with ModelCheckpoint, of one without = %.3f\n", median(ratios));
  std::filesystem::remove_all(folder);
}
