// Texts in folders: which files are read, in which order, and what is refused.
#include <doctest/doctest.h>

#include <sys/stat.h>

#include "fovea/base/error.hpp"
#include "fovea/data/text_directory.hpp"
#include "fovea/io/error.hpp"
#include "io/files.hpp"
#include "support/refusal.hpp"

using namespace fovea;
using Texts = std::vector<std::string>;

namespace {

void write(const std::string& path, const std::string& text) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  test_files::write_bytes(path, text);
}

}  // namespace

TEST_CASE("texts come with the labels of their folders, in the order of classes and paths") {
  const test_files::Folder folder;
  write(folder / "sport/b.txt", "goal");
  write(folder / "sport/a.txt", "match\n");
  write(folder / "sport/more/c.txt", std::string("a\0b", 3));
  write(folder / "news/z.txt", "");
  write(folder / "news/left_out.md", "no text");
  write(folder / "news/.hidden.txt", "hidden");
  write(folder / ".git/x.txt", "hidden");
  write(folder / "readme.txt", "beside the classes");
  const TextDataset data = text_dataset_from_directory(folder / "");
  CHECK(data.class_names == Texts{"news", "sport"});
  CHECK(data.texts == Texts{"", "match\n", "goal", std::string("a\0b", 3)});
  CHECK(std::ranges::equal(data.labels.values(), std::vector<std::int32_t>{0, 1, 1, 1}));
  CHECK(data.paths[3].ends_with("sport/more/c.txt"));

  const TextDataset other =
      text_dataset_from_directory(folder / "", {.class_names = {"sport", "news"}, .ending = ""});
  CHECK(other.texts == Texts{"match\n", "goal", std::string("a\0b", 3), "no text", ""});
}

TEST_CASE("links to files are read and links to folders are not followed") {
  const test_files::Folder folder;
  write(folder / "a/x.txt", "x");
  std::filesystem::create_symlink(folder / "a/x.txt", folder / "a/y.txt");
  std::filesystem::create_directory_symlink(folder / "a", folder / "a/again");
  std::filesystem::create_directory_symlink(folder / "a", folder / "b");
  CHECK(text_dataset_from_directory(folder / "").texts == Texts{"x", "x"});
}

TEST_CASE("what cannot be read is refused by name") {
  const test_files::Folder folder;
  const auto refused = [&](const TextDirectoryOptions& options = {}) {
    return support::refusal<Error>([&] { text_dataset_from_directory(folder / "", options); });
  };
  CHECK(support::refusal<ValueError>([] { text_dataset_from_directory(""); }) ==
        "text_dataset_from_directory: the path is empty");
  CHECK_THROWS_AS(text_dataset_from_directory(folder / "none"), IoError);
  CHECK(refused().find("expected a folder for each class") != std::string::npos);
  write(folder / "a/x.txt", "twelve bytes");
  write(folder / "b/x.md", "");
  CHECK(refused() ==
        "text_dataset_from_directory: class \"b\" has no file that ends in \".txt\"; put some into "
        "its folder, or name the classes in class_names");
  CHECK(refused({.class_names = {"a"}, .largest_file = 11}).find("has 12 bytes; at most 11 are") !=
        std::string::npos);
  CHECK_NOTHROW(
      text_dataset_from_directory(folder / "", {.class_names = {"a"}, .largest_file = 12}));
  REQUIRE(::mkfifo((folder / "a/pipe.txt").c_str(), 0600) == 0);
  CHECK_THROWS_AS(text_dataset_from_directory(folder / "", {.class_names = {"a"}}), IoError);
  CHECK_THROWS_AS(text_dataset_from_directory(folder / "", {.class_names = {"c"}}), IoError);
}
