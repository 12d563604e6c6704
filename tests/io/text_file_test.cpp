#include "fovea/io/text_file.hpp"

#include <doctest/doctest.h>

#include "files.hpp"
#include "fovea/io/error.hpp"
#include "support/refusal.hpp"

using namespace fovea;
using namespace test_files;
using support::refusal;

TEST_CASE("a text is written over what was there, byte by byte") {
  const Folder folder;
  const std::string text("<svg/>\n\0\xff", 9);
  write_text(folder / "a.svg", "a longer text that was there before");
  write_text(folder / "a.svg", text);
  CHECK(read_bytes(folder / "a.svg") == text);
  write_text(folder / "a.svg", "");
  CHECK(read_bytes(folder / "a.svg").empty());
  CHECK(folder.names() == std::vector<std::string>{"a.svg"});
}

TEST_CASE("a text that cannot be written is an error, and what was there stays") {
  const Folder folder;
  CHECK(refusal<ValueError>([] { write_text("", "x"); }) == "write_text: the path is empty");
  CHECK(refusal<ValueError>([] { write_text(std::string("a\0b", 3), "x"); }) ==
        "write_text: the path holds a NUL: a\\0...");
  CHECK_THROWS_AS(write_text(folder / "none" + "/a.svg", "x"), IoError);
  CHECK_THROWS_AS(write_text(folder / "", "x"), IoError);
  CHECK(folder.names().empty());
}
