// The reader of Festival's dictionary. The file read here is made up.
#include "support/pronunciations.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "support/folder.hpp"
#include "support/generate.hpp"

namespace {

using namespace examples;
using fovea::Index;

const std::vector<Word> Pronunciations::*const splits[] = {
    &Pronunciations::train, &Pronunciations::validation, &Pronunciations::test};

// The tenths of their hashes: ba 0, aa 1, ab 2.
const std::string good =
    "MNCL\n"
    "(\"ba\" n (((d iy) 1)))\n"
    "(\"aa\" nil (((ae b) 1)))\n"
    "(\"Abc\" n (((zz) 1)))\n"
    "(\"ab\" v_p (((ey) 1) ((b iy) 0) ((s iy) 2)))\n"
    "(\"it's\" nil (((zz) 1)))\n"
    "(\"ab\" n (((ey b) 0) ((iy) 1)))\n"
    "(\"ab\" j (((ey b) 1) ((iy) 0)))\n";

// The error of a file, or "" when it is read.
std::string complaint(const std::string& bytes) {
  try {
    parse_pronunciations(bytes, "f");
    return "";
  } catch (const fovea::FormatError& error) {
    return error.what();
  }
}

std::string with(const std::string& line) { return good + line + "\n"; }

std::string drawn_word(support::Generate& g) {
  std::string word;
  for (Index length = g.integer(1, 3); length > 0; --length)
    word += static_cast<char>('a' + g.integer(0, 3));
  return word;
}

}  // namespace

TEST_CASE("a word has its sounds without stress and syllables, and every pronunciation once") {
  const Pronunciations data = parse_pronunciations(good, "f");
  CHECK(data.phonemes == std::vector<std::string>{"ae", "b", "d", "ey", "iy", "s"});
  CHECK(data.bytes == std::ssize(good));
  CHECK_FALSE(data.published);
  REQUIRE(data.test.size() == 1);
  CHECK(data.test[0].letters == "ba");
  REQUIRE(data.validation.size() == 1);
  CHECK(data.validation[0].letters == "aa");
  REQUIRE(data.train.size() == 1);
  CHECK(data.train[0].letters == "ab");
  REQUIRE(data.train[0].sounds.size() == 2);
  CHECK(spoken(data.train[0].sounds[0], data.phonemes) == "ey b iy s iy");
  CHECK(spoken(data.train[0].sounds[1], data.phonemes) == "ey b iy");
  CHECK(spoken({}, data.phonemes) == "");
}

TEST_CASE("every word of a file is in one split with all of its pronunciations") {
  for (Index trial = 0; trial < 50; ++trial) {
    support::Generate g("pronunciations", trial);
    std::string file = good;
    std::map<std::string, std::set<std::string>> expected;
    for (Index lines = g.integer(1, 200); lines > 0; --lines) {
      const std::string word = drawn_word(g), sound = fmt::format("x{}", drawn_word(g));
      file += fmt::format("(\"{}\" nil (((b {}) 1)))\n", word, sound);
      expected[word].insert(fmt::format("b {}", sound));
    }
    const Pronunciations data = parse_pronunciations(file, "f");
    std::map<std::string, std::set<std::string>> read;
    for (const auto split : splits)
      for (const Word& word : data.*split) {
        REQUIRE(read.find(word.letters) == read.end());
        for (const Sounds& sounds : word.sounds)
          REQUIRE(read[word.letters].insert(spoken(sounds, data.phonemes)).second);
        const std::uint64_t tenth = fnv1a(word.letters) % 10;
        REQUIRE((split == &Pronunciations::test) == (tenth == 0));
        REQUIRE((split == &Pronunciations::validation) == (tenth == 1));
      }
    for (const auto& [word, sounds] : expected)
      REQUIRE(std::ranges::includes(read.at(word), sounds));
  }
}

TEST_CASE("what breaks the dictionary's format is rejected with the byte where it does") {
  const auto at_end = [](std::size_t behind, const std::string& reason) {
    return fmt::format("f: at byte {}: expected {}", good.size() + behind, reason);
  };
  CHECK(complaint(good) == "");
  CHECK(complaint("") == "f: at byte 0: the file has no word");
  CHECK(complaint("MNCL\n") == "f: at byte 5: the file has no word");
  CHECK(complaint("MNC\n") == "f: at byte 0: expected MNCL as the first line");
  CHECK(complaint("MNCLx\n") == "f: at byte 0: expected MNCL as the first line");
  CHECK(complaint("MNCL") == "f: at byte 0: the file ends within a line");
  CHECK(complaint(good + "(\"x\"") ==
        fmt::format("f: at byte {}: the file ends within a line", good.size()));
  CHECK(complaint(with("")) == at_end(0, "(\""));
  CHECK(complaint(with("(\"\" n (((b) 1)))")) == at_end(2, "a word"));
  CHECK(complaint(with("(\"a\"n (((b) 1)))")) == at_end(3, "\" "));
  CHECK(complaint(with("(\"a\" 7 (((b) 1)))")) == at_end(5, "a part of speech"));
  CHECK(complaint(with("(\"a\" n ((() 1)))")) == at_end(10, "a phoneme"));
  CHECK(complaint(with("(\"a\" n (((b ) 1)))")) == at_end(12, "a phoneme"));
  CHECK(complaint(with("(\"a\" n (((b) x)))")) == at_end(13, "a stress"));
  CHECK(complaint(with("(\"a\" n ())")) == at_end(8, "(("));
  CHECK(complaint(with("(\"a\" n (((b) 1)")) == at_end(15, "))"));
  CHECK(complaint(with("(\"a\" n (((b) 1)))) ")) == at_end(17, "the end of the line"));
}

TEST_CASE("a line of the dictionary may have 4,096 bytes, and a split must have a word") {
  const std::string begin = "(\"b\" n (((b", end = ") 1)))";
  CHECK(complaint(with(begin + std::string(4096 - begin.size() - end.size(), 'b') + end)) == "");
  CHECK(complaint(with(begin + std::string(4097 - begin.size() - end.size(), 'b') + end)) ==
        fmt::format("f: at byte {}: the line is longer than 4096 bytes", good.size()));
  const auto without = [](const std::string& word) {
    std::string file = good;
    for (std::size_t at; (at = file.find(fmt::format("(\"{}\"", word))) != file.npos;)
      file.erase(at, file.find('\n', at) + 1 - at);
    return complaint(file);
  };
  CHECK(without("ba").ends_with("the file ends without a test word"));
  CHECK(without("aa").ends_with("the file ends without a validation word"));
  CHECK(without("ab").ends_with("the file ends without a training word"));
}

TEST_CASE("a dictionary that is damaged anywhere is read, or rejected") {
  Index rejected = 0;
  for (Index trial = 0; trial < 2000; ++trial) {
    support::Generate g("damaged pronunciations", trial);
    std::string file = good;
    for (Index changes = g.integer(1, 3); changes > 0; --changes) {
      const auto at = static_cast<std::size_t>(g.integer(0, std::ssize(file) - 1));
      if (g.chance(0.5))
        file[at] = static_cast<char>(g.integer(0, 255));
      else
        file.erase(at, static_cast<std::size_t>(g.integer(1, 9)));
    }
    rejected += complaint(file) != "";
  }
  CHECK(rejected > 1000);
}

TEST_CASE("a dictionary that is missing is told with the package that brings it") {
  const support::Folder folder;
  try {
    read_pronunciations(folder / "missing");
    FAIL("was read");
  } catch (const DataMissing& error) {
    const std::string message = error.what();
    CHECK(message.find("apt install festlex-cmu") != message.npos);
    CHECK(message.find("--dictionary PATH") != message.npos);
  }
}

TEST_CASE("Debian's dictionary, where it is installed, has the words that another reader counts") {
  if (!std::filesystem::exists(debian_pronunciations)) {
    MESSAGE("skipped: apt install festlex-cmu");
    return;
  }
  const Pronunciations data = read_pronunciations();
  if (!data.published) return;
  CHECK(data.phonemes.size() == 40);
  CHECK(data.train.size() == 84464);
  CHECK(data.validation.size() == 10531);
  CHECK(data.test.size() == 10543);
  std::size_t two = 0;
  for (const auto split : splits)
    two += static_cast<std::size_t>(std::ranges::count_if(
        data.*split, [](const Word& word) { return word.sounds.size() == 2; }));
  CHECK(two == 168);
}
