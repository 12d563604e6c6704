// Text files in folders.
#include "fovea/data/text_folder.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "fovea/io/error.hpp"
#include "support/folder.hpp"
#include "support/refusal.hpp"

using namespace fovea;
using support::refusal;

namespace {

using Texts = std::vector<std::string>;

// Two classes, of three and one text, and what must be left out.
struct Movies {
  support::Folder folder;

  Movies() {
    write("pos/b.txt", "good");
    write("pos/a.txt", "great");
    write("pos/more/c.txt", "fine");
    write("neg/a.txt", "bad");
    write("neg/notes.md", "left out");
    write("neg/.hidden.txt", "left out");
    write(".git/x.txt", "left out");
    write("top.txt", "left out");
    std::filesystem::create_symlink("a.txt", folder / "pos/link.txt");
    std::filesystem::create_directory_symlink("pos", folder / "linked");
  }

  void write(const std::string& name, const std::string& text) const {
    const std::string path = folder / name;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path, std::ios::binary) << text;
  }

  TextFolder read(const TextFolderOptions& options = {.shuffle = false}) const {
    return text_dataset_from_directory(folder / "", options);
  }
};

std::vector<std::int32_t> labels(const TextFolder& texts) {
  return {texts.labels.values().begin(), texts.labels.values().end()};
}

}  // namespace

TEST_CASE("folders are classes, and their files texts, sorted") {
  const Movies movies;
  const TextFolder texts = movies.read();
  CHECK(texts.class_names == Texts{"neg", "pos"});
  CHECK(texts.texts == Texts{"bad", "great", "good", "fine"});
  CHECK(labels(texts) == std::vector<std::int32_t>{0, 1, 1, 1});
  CHECK(texts.paths[3].ends_with("/pos/more/c.txt"));
}

TEST_CASE("class names are taken in the order given, and other endings where asked for") {
  const Movies movies;
  const TextFolder turned = movies.read({.class_names = {"pos", "neg"}, .shuffle = false});
  CHECK(turned.class_names == Texts{"pos", "neg"});
  CHECK(labels(turned) == std::vector<std::int32_t>{0, 0, 0, 1});
  CHECK(movies.read({.class_names = {"neg"}}).texts == Texts{"bad"});
  CHECK(movies.read({.ending = "", .shuffle = false}).texts[1] == "left out");
  CHECK(
      refusal<ValueError>([&] {
        movies.read({.class_names = {"positive"}});
      }).starts_with("text_dataset_from_directory: class_names: there is no folder \"positive\""));
  CHECK_THROWS_AS(movies.read({.class_names = {"pos", "pos"}}), ValueError);
  CHECK_THROWS_AS(movies.read({.ending = ".csv"}), ValueError);
}

TEST_CASE("links are followed where asked for, and an endless one ends") {
  const Movies movies;
  const TextFolder texts = movies.read({.follow_links = true, .shuffle = false});
  CHECK(texts.class_names == Texts{"linked", "neg", "pos"});
  CHECK(texts.texts.size() == 9);
  std::filesystem::create_directory_symlink("..", movies.folder / "pos/loop");
  CHECK(movies.read().texts.size() == 4);
  CHECK(refusal<ValueError>([&] {
          movies.read({.follow_links = true});
        }).find("/loop: the link leads back to a folder above it") != std::string::npos);
}

TEST_CASE("texts are shuffled with their labels, by seed") {
  const Movies movies;
  for (int i = 0; i < 30; ++i) movies.write("neg/" + std::to_string(i) + ".txt", "neg");
  const TextFolder one = movies.read({.seed = 1}), same = movies.read({.seed = 1});
  const TextFolder other = movies.read({.seed = 2});
  CHECK(one.paths == same.paths);
  CHECK(one.paths != other.paths);
  for (std::size_t i = 0; i < one.paths.size(); ++i)
    CHECK((one.paths[i].find("/pos/") != std::string::npos) == (labels(one)[i] == 1));
}

TEST_CASE("what cannot be read is named") {
  const Movies movies;
  movies.write("neg/latin.txt", "caf\xe9");
  CHECK(refusal<FormatError>([&] { movies.read(); }) ==
        movies.folder /
            "/neg/latin.txt: at byte 3: no valid UTF-8; convert the file, or set "
            "replace_invalid");
  CHECK(movies.read({.shuffle = false, .replace_invalid = true}).texts[1] == "caf\xEF\xBF\xBD");
  CHECK(refusal<ValueError>([&] {
          movies.read({.largest_total = 9});
        }).ends_with("larger than largest_total; raise it"));
  CHECK(::mkfifo((movies.folder / "neg/pipe.txt").c_str(), 0600) == 0);
  CHECK(refusal<IoError>([&] { movies.read({.replace_invalid = true}); }).find("neg/pipe.txt") !=
        std::string::npos);
  CHECK_THROWS_AS(text_dataset_from_directory(movies.folder / "none"), IoError);
  CHECK_THROWS_AS(text_dataset_from_directory(movies.folder / "pos/more"), ValueError);
  CHECK_THROWS_AS(text_dataset_from_directory(""), ValueError);
}
