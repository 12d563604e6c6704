// Samples in files that are read row by row.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <filesystem>

#include "data/datasets.hpp"
#include "fovea/io/error.hpp"
#include "io/files.hpp"

using namespace fovea;
using namespace datasets;

namespace {

std::vector<Index> positions_of(support::Generate& g, Index count) {
  std::vector<Index> positions;
  for (Index i = 0; i < 12; ++i) {
    positions.push_back(g.integer(0, count - 1));
    for (Index k = g.integer(0, 3); k > 0 && positions.back() + 1 < count; --k)
      positions.push_back(positions.back() + 1);
  }
  return positions;
}

// Weights in double, of which most are no float.
struct Weights {
  explicit Weights(Index count) {
    support::Generate g("file weights", 0);
    for (Index i = 0; i < count; ++i) values.push_back(i % 3 == 0 ? 0 : g.uniform(0.1, 2));
  }

  StoredTensor stored() const {
    StoredTensor tensor{"F64", Shape{std::ssize(values)}, {}};
    const auto bytes = std::as_bytes(std::span(values));
    tensor.bytes.assign(bytes.begin(), bytes.end());
    return tensor;
  }
  std::string npy() const {
    std::string header =
        fmt::format("{{'descr': '<f8', 'fortran_order': False, 'shape': ({},), }}", values.size());
    header.append(117 - header.size(), ' ').append("\n");
    const auto bytes = std::as_bytes(std::span(values));
    return std::string("\x93NUMPY\1\0\x76\0", 10) + header +
           std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }

  std::vector<double> values;
};

}  // namespace

TEST_CASE("rows of a file are those of the whole array, for every file of NumPy's") {
  int compared = 0;
  for (const std::string& name : test_files::golden_names(".npy")) {
    INFO(name);
    const std::string path = test_files::golden(name);
    Shape shape = Shape::nothing();
    try {
      shape = NumpyArray(path).shape();
      if (shape.rank() == 0 || shape[0] == 0 || NumpyArray(path).reals().count() == 0) continue;
    } catch (const Error&) {
      CHECK_THROWS_AS(FileArray::npy(path), Error);
      continue;
    }
    try {
      const FileArray rows = FileArray::npy(path);
      support::Generate g("file rows", compared);
      const std::vector<Index> some = positions_of(g, shape[0]);
      CHECK(support::bits_differ(rows.rows(some), read_npy(path).rows(some)) == "");
      if (rows.is_integer()) {
        try {
          const Ids whole = read_npy_ids(path);
          CHECK(std::ranges::equal(rows.ids(some).values(), whole.rows(some).values()));
        } catch (const ValueError&) {
        }
      }
      ++compared;
    } catch (const FormatError& error) {
      CHECK(std::string(error.what()).find("Fortran order") != std::string::npos);
    }
  }
  CHECK(compared > 5);
}

TEST_CASE("a model trains from .npy and safetensors files as it does from arrays, bit for bit") {
  const support::Folder folder;
  const toy::Data both = toy::data(300);
  const Ids &x = both.x, &y = both.y;
  Mask mask(x.shape());
  for (Index i = 0; i < mask.count(); ++i) mask.mutable_data()[i] = x.at(i) != 0 && i % 5 != 0;
  const Weights weight(300);
  write_npy(folder / "x.npy", x);
  write_npy(folder / "y.npy", y);
  test_files::write_bytes(folder / "weight.npy", weight.npy());
  write_safetensors(folder / "all.safetensors",
                    {{"x", x}, {"y", y}, {"mask", mask}, {"weight", weight.stored()}}, {},
                    {.ids_as_int64 = true});
  FitOptions options = toy::quiet(2, 32);
  FitOptions with_weights = options;
  with_weights.sample_weight = weight.values;
  Sequential a = toy::model(), b = toy::model(), c = toy::model();
  const Outcome expected = outcome(a, a.fit(x, y, with_weights));
  const FileDataset npy({FileArray::npy(folder / "x.npy")}, {FileArray::npy(folder / "y.npy")},
                        FileArray::npy(folder / "weight.npy"));
  CHECK(differ(outcome(b, b.fit(npy, options)), expected) == "");
  const auto tensor = [&](const std::string& name) {
    return FileArray::safetensors(folder / "all.safetensors", name);
  };
  const FileDataset tensors({{"input_1", tensor("x")}}, {tensor("y")}, tensor("weight"));
  CHECK(differ(outcome(c, c.fit(tensors, options)), expected) == "");
  CHECK(a.evaluate(npy) == a.evaluate(x, y, 32, with_weights.sample_weight));
  CHECK(support::bits_differ(a.predict(FileDataset({tensor("x")})), a.predict(x)) == "");

  // The labels of each position count where the mask says so.
  FileColumn column = tensor("x");
  column.mask = tensor("mask");
  const SampleBatch batch = FileDataset({column}).rows(std::vector<Index>{7, 2});
  CHECK(
      std::ranges::equal(batch.x[0].mask->values(), mask.rows(std::vector<Index>{7, 2}).values()));
  column.ids = false;
  CHECK_FALSE(FileDataset({column}).rows(std::vector<Index>{1}).x[0].samples.is_ids());
}

TEST_CASE("a file that became shorter is an error with its batch, and not the end of the process") {
  const support::Folder folder;
  const toy::Data both = toy::data(300);
  const Ids &x = both.x, &y = both.y;
  write_npy(folder / "x.npy", x);
  write_npy(folder / "y.npy", y);
  const FileDataset data({FileArray::npy(folder / "x.npy")}, {FileArray::npy(folder / "y.npy")});
  std::filesystem::resize_file(folder / "x.npy", 128 + 200 * toy::time * 4 + 2);
  Sequential model = toy::model();
  FitOptions options = toy::quiet(1, 32);
  options.shuffle = false;
  const std::string told = support::refusal<FormatError>([&] { model.fit(data, options); });
  INFO(told);
  CHECK(told.starts_with("sequential: fit: batch 6 of " + folder / "x.npy: "));
  CHECK(told.ends_with("the file became shorter while it was read"));
}

TEST_CASE("files that cannot be rows, and rows that are not there") {
  const support::Folder folder;
  test_files::write_bytes(folder / "scalar.npy",
                          std::string("\x93NUMPY\x01\x00\x36\x00", 10) +
                              "{'descr': '<f4', 'fortran_order': False, 'shape': ()}" + "\n" +
                              std::string(4, '\0'));
  CHECK(support::refusal<FormatError>([&] {
          FileArray::npy(folder / "scalar.npy");
        }).ends_with("a scalar; rows lie along the first axis"));
  write_npy(folder / "x.npy", Ids({2, 3}, {1, 2, 3, 4, 5, 6}));
  const FileArray x = FileArray::npy(folder / "x.npy");
  for (const Index i : {-1, 2})
    CHECK(support::refusal<IndexError>([&] {
            (void)x.rows({&i, 1});
          }) == folder / "x.npy: row " + std::to_string(i) + " of 2");
  write_safetensors(folder / "x.safetensors",
                    {{"x", Array::zeros({2, 3})},
                     {"packed", StoredTensor{"F8_E4M3", {2, 3}, std::vector<std::byte>(6)}}});
  CHECK(support::refusal<IndexError>([&] {
          FileArray::safetensors(folder / "x.safetensors", "y");
        }) == folder / "x.safetensors: there is no tensor \"y\" among 2");
  CHECK(support::refusal<FormatError>([&] {
          FileArray::safetensors(folder / "x.safetensors", "packed");
        }).ends_with("tensor \"packed\" is of type F8_E4M3, which is not converted"));
  CHECK_THROWS_AS(FileArray::npy(folder / "none.npy"), IoError);
  CHECK_THROWS_AS(FileArray::npy(""), ValueError);
}
