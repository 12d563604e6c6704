#include "fovea/io/error.hpp"

#include <doctest/doctest.h>

#include <cerrno>
#include <type_traits>

using namespace fovea;

TEST_CASE("a message starts with the path of the layer, outermost first") {
  Error error("matmul: inner sizes differ");
  CHECK(std::string(error.what()) == "matmul: inner sizes differ");
  CHECK(error.path() == "");

  error.add_path("dense");
  CHECK(std::string(error.what()) == "dense: matmul: inner sizes differ");
  CHECK(error.path() == "dense");

  error.add_path("encoder");
  error.add_path("model");
  CHECK(std::string(error.what()) == "model/encoder/dense: matmul: inner sizes differ");
  CHECK(error.path() == "model/encoder/dense");
}

TEST_CASE("a path is added while an error passes through, and its type stays") {
  const auto layer = [] {
    try {
      throw IndexError("the id is 7");
    } catch (Error& error) {
      error.add_path("embedding");
      throw;
    }
  };
  const auto model = [&] {
    try {
      layer();
    } catch (Error& error) {
      error.add_path("model");
      throw;
    }
  };
  try {
    model();
    FAIL("nothing was thrown");
  } catch (const IndexError& error) {
    CHECK(std::string(error.what()) == "model/embedding: the id is 7");
    CHECK(error.path() == "model/embedding");
  }
}

TEST_CASE("a FormatError names file, byte and reason") {
  const FormatError error("weights.npy", 8, "the header's length is 0");
  CHECK(std::string(error.what()) == "weights.npy: at byte 8: the header's length is 0");
  CHECK(error.byte_offset() == 8);
}

TEST_CASE("an IoError names file, action and the system's reason") {
  const IoError error("/tmp/absent", "open", ENOENT);
  CHECK(std::string(error.what()) == "/tmp/absent: cannot open: No such file or directory");
  CHECK(error.error_number() == ENOENT);
}

TEST_CASE("a path comes before the facts of file errors as well") {
  FormatError format("weights.npy", 0, "no magic");
  format.add_path("model");
  CHECK(std::string(format.what()) == "model: weights.npy: at byte 0: no magic");
  CHECK(format.byte_offset() == 0);
}

TEST_CASE("every exception is an Error, an Error is a std::exception, and copies keep all") {
  CHECK(std::is_base_of_v<std::exception, Error>);
  CHECK(std::is_base_of_v<Error, ShapeError>);
  CHECK(std::is_base_of_v<Error, ValueError>);
  CHECK(std::is_base_of_v<Error, IndexError>);
  CHECK(std::is_base_of_v<Error, StateError>);
  CHECK(std::is_base_of_v<Error, FormatError>);
  CHECK(std::is_base_of_v<Error, IoError>);
  CHECK(std::is_base_of_v<Error, MemoryError>);

  ShapeError original("sizes differ");
  original.add_path("dense");
  const ShapeError copy = original;
  CHECK(std::string(copy.what()) == original.what());
  CHECK(copy.path() == "dense");
}
