// Training on a file needs the memory of a few batches, however large the file is.
#include <doctest/doctest.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "data/datasets.hpp"
#include "io/files.hpp"

using namespace fovea;
using namespace datasets;

namespace {

constexpr Index width = 1024, mebibyte = 1 << 20;

Index largest_so_far() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss * 1024;
}

// Writes a .npy file of `rows` rows of `width` reals, of which the first are numbers and the
// others holes, which take no place on the disk.
void write_large(const std::string& path, Index rows) {
  support::Generate g("large file", 0);
  std::string header = "{'descr': '" + std::string(sizeof(real) == 4 ? "<f4" : "<f8") +
                       "', 'fortran_order': False, 'shape': (" + std::to_string(rows) + ", " +
                       std::to_string(width) + ")}";
  header.append(117 - header.size(), ' ');
  const Array first = g.array({256, width}, {-1, 1});
  test_files::write_bytes(path, std::string("\x93NUMPY\x01\x00\x76\x00", 10) + header + "\n" +
                                    std::string(reinterpret_cast<const char*>(first.data()),
                                                first.values().size_bytes()));
  std::filesystem::resize_file(
      path, static_cast<std::uintmax_t>(128 + rows * width * static_cast<Index>(sizeof(real))));
}

// Trains an epoch in blocks on a file of so many bytes.
void train_on(Index bytes) {
  const support::Folder folder;
  const Index rows = bytes / width / static_cast<Index>(sizeof(real));
  write_large(folder / "x.npy", rows);
  write_npy(folder / "y.npy", support::Generate("large labels", 0).ids({rows}, 3));
  const FileDataset data({FileArray::npy(folder / "x.npy")}, {FileArray::npy(folder / "y.npy")});
  Sequential model{Dense{3, Activation::softmax}};
  model.compile({.loss = SparseCategoricalCrossentropy{}, .metrics = {Accuracy{}}});
  FitOptions options = toy::quiet(1, 256);
  options.order = ShuffleInBlocks{};
  const Index before = largest_so_far();
  const auto start = std::chrono::steady_clock::now();
  const History history = model.fit(data, options);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  const Index after = largest_so_far();
  CHECK(std::isfinite(history["loss"][0]));
  std::printf(
      "figure: training on %lld MiB in a file = %lld MiB more than before, %lld MiB in all, "
      "%.0f MiB a second\n",
      static_cast<long long>(bytes / mebibyte), static_cast<long long>((after - before) / mebibyte),
      static_cast<long long>(after / mebibyte),
      static_cast<double>(bytes) / mebibyte / seconds.count());
  CHECK(after - before < 48 * mebibyte);
  if (bytes > 1024 * mebibyte) CHECK(after < 512 * mebibyte);
}

}  // namespace

TEST_CASE("training on a file needs less memory than the file") { train_on(128 * mebibyte); }

TEST_CASE("training on 4 GiB needs less than 512 MiB; with FOVEA_SLOW=1, for it takes a while") {
  if (std::getenv("FOVEA_SLOW")) train_on(4096 * mebibyte);
}
