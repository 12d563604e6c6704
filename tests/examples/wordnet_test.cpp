// The reader of WordNet's nouns. The file read here is made up; its numbers come from a separate
// reading of the same rules, in Python.
#include "support/wordnet.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <random>

#include "support/attention_picture.hpp"

namespace {

using namespace examples;
using fovea::Index;

struct TemporaryFolder {
  std::filesystem::path path =
      std::filesystem::temp_directory_path() / fmt::format("fovea-wordnet-{}", ::getpid());
  TemporaryFolder() { std::filesystem::create_directories(path); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  ~TemporaryFolder() { std::filesystem::remove_all(path); }
};

std::string synset(int offset, int file, std::string_view gloss) {
  return fmt::format("{0:08} {1:02} n 01 word{0} 0 001 @ 00000000 n 0000 | {2}  \n", offset, file,
                     gloss);
}

// Each class, each split, and whatever a gloss may hold.
std::string tiny() {
  std::string forty_words = "paper";
  for (int i = 1; i < 40; ++i) forty_words += i % 3 == 0 ? " paper" : fmt::format(" fold{}", i);
  const std::pair<int, std::string> glosses[] = {
      {4, "the act of folding paper"},
      {4, "a Slow walk round the pond"},  // test; in lower case it would be train
      {5, "  a beast that eats paper; \"the beast ate my homework\""},
      {6, "a tool for folding paper, or (rarely) for cutting it"},  // validation
      {3, "everything | at once"},                                  // none of the ten classes
      {7, "how slow a thing is"},
      {10, "a note left on the kitchen table; see \"scribble\""},
      {15, "the corner behind the door"},
      {18, "a person who folds paper; \"a folder; \"a creaser\""},
      {20, "a weed of the kitchen garden"},
      {26, "being late | or later"},
      {27, "dust of chalk, 50% white"},
      {6, forty_words},
      {18, "a person who draws Chalk"},
  };
  std::string file =
      "  1 This file was made up for a test; its words are its own.  \n  2 Nothing here is from a "
      "dictionary | not even this.  \n";
  int offset = 0;
  for (const auto& [lexicographer_file, gloss] : glosses)
    file += synset(offset++, lexicographer_file, gloss);
  return file;
}

std::vector<std::int32_t> ids_of(const Split& split, Index sample) {
  const fovea::Ids row = split.x.rows(sample, sample + 1);
  return {row.values().begin(), row.values().end()};
}

std::vector<std::int32_t> padded(std::vector<std::int32_t> ids) {
  ids.resize(WordNet::time, 0);
  return ids;
}

// Whatever was read, the arrays must be fit for a model.
void require_sound(const WordNet& data) {
  for (const Split* split : {&data.train, &data.validation, &data.test}) {
    const Index samples = split->y.count();
    REQUIRE(samples > 0);
    REQUIRE(split->x.shape() == fovea::Shape{samples, WordNet::time});
    REQUIRE(std::ssize(split->texts) == samples);
    REQUIRE(std::ranges::all_of(split->y.values(),
                                [](auto label) { return label >= 0 && label < 10; }));
    for (Index i = 0; i < samples; ++i) {
      const std::vector<std::int32_t> ids = ids_of(*split, i);
      const std::vector<std::string_view> words =
          words_of(split->texts[static_cast<std::size_t>(i)]);
      REQUIRE(words.size() >= 1);
      REQUIRE(words.size() <= ids.size());
      for (std::size_t t = 0; t < ids.size(); ++t) {
        REQUIRE(ids[t] >= 0);
        REQUIRE(ids[t] < std::ssize(data.words));
        REQUIRE((ids[t] == 0) == (t >= words.size()));
        if (ids[t] > 1) REQUIRE(data.words[static_cast<std::size_t>(ids[t])] == words[t]);
      }
    }
  }
}

// The error of a file: its message from the byte on, or "" when it is read.
std::string complaint(const std::string& bytes) {
  try {
    require_sound(parse_wordnet(bytes, "f"));
    return "";
  } catch (const fovea::FormatError& error) {
    return error.what();
  }
}

}  // namespace

TEST_CASE(
    "FNV-1a has its authors' known answers, and ids are hashed as four bytes each, little endian") {
  CHECK(fnv1a("") == 0xcbf29ce484222325);
  CHECK(fnv1a("a") == 0xaf63dc4c8601ec8c);
  CHECK(fnv1a("foobar") == 0x85944171f73967e8);
  CHECK(fnv1a(fovea::Ids({3}, {1, -2, 70000})) == 0xc5e4aecd8c1d4a3f);
  CHECK(fnv1a(fovea::Ids()) == fnv1a(""));
}

TEST_CASE(
    "a small file gives the arrays that an independent reader gives, through the file system as "
    "well as from memory") {
  const TemporaryFolder folder;
  write_text(folder.path / "data.noun", tiny());
  const WordNet data = read_wordnet(folder.path / "data.noun");
  require_sound(data);
  CHECK(data.bytes == 1525);
  CHECK(data.sha256 == "7756c0b51f74f313a17b5ef118992b5e50789ea6553d51b59cfa7b9d6be924f8");
  CHECK_FALSE(data.published);
  CHECK(data.train.y.count() == 11);
  CHECK(fnv1a(data.train.x) == 0x6d9e8981eec2bc60);
  CHECK(fnv1a(data.train.y) == 0x62ea083007529e52);
  CHECK(fnv1a(data.validation.x) == 0x7f51f866b573c6a2);
  CHECK(fnv1a(data.validation.y) == 0x8d1ace904a398d17);
  CHECK(fnv1a(data.test.x) == 0xd12ad364c7797ea8);
  CHECK(fnv1a(data.test.y) == 0x4d25767f9dce13f5);
  CHECK(fnv1a(parse_wordnet(tiny(), "tiny").train.x) == fnv1a(data.train.x));
}

TEST_CASE(
    "words get ids by falling frequency, then bytewise, after padding and unknown; validation and "
    "test teach none") {
  const WordNet data = parse_wordnet(tiny(), "tiny");
  CHECK(data.words.size() == 65);
  const std::vector<std::string> first = {"",      "<unknown>", "paper",  "a",   "the", "of",
                                          "chalk", "kitchen",   "person", "who", "50",  "act"};
  CHECK(std::vector(data.words.begin(), data.words.begin() + 12) == first);
  CHECK(std::ranges::find(data.words, "tool") == data.words.end());
}

TEST_CASE(
    "a definition is folded, cut into runs of letters and digits, freed of its examples, and "
    "padded or cut to 32 words") {
  const WordNet data = parse_wordnet(tiny(), "tiny");
  CHECK(data.test.texts == std::vector<std::string>{"a slow walk round the pond"});
  CHECK(ids_of(data.test, 0) == padded({3, 59, 1, 1, 4, 1}));
  CHECK(data.validation.texts ==
        std::vector<std::string>{"a tool for folding paper or rarely for cutting it"});
  CHECK(data.train.texts[1] == "a beast that eats paper");
  CHECK(data.train.texts[3] == "a note left on the kitchen table see scribble");
  CHECK(data.train.texts[5] == "a person who folds paper");
  CHECK(data.train.texts[7] == "being late or later");
  CHECK(data.train.texts[8] == "dust of chalk 50 white");
  CHECK(words_of(data.train.texts[9]).size() == 32);
  CHECK(data.train.texts[9].ends_with(" fold28 fold29 paper fold31"));
}

TEST_CASE(
    "the classes are the ten lexicographer's files, in their order; other files are left out") {
  const WordNet data = parse_wordnet(tiny(), "tiny");
  const std::vector<std::int32_t> labels = {0, 1, 3, 4, 5, 6, 7, 8, 9, 2, 6};
  CHECK(std::ranges::equal(data.train.y.values(), labels));
  CHECK(data.validation.y.at(0) == 2);
  CHECK(data.test.y.at(0) == 0);
  CHECK(WordNet::classes[5] == "noun.location");
}

TEST_CASE(
    "equal definitions fall into the same split, whatever their class, words and examples are") {
  const WordNet data = parse_wordnet(
      tiny() + synset(90, 26, "a Slow walk round the pond; \"slowly, slowly\""), "tiny");
  CHECK(data.test.texts[0] == data.test.texts[1]);
  CHECK(data.test.y.at(1) == 8);
}

TEST_CASE(
    "of more than 9,998 training words the most frequent are kept, the bytewise first of equals") {
  std::string file = tiny();
  for (int line = 0; line < 40; ++line) {
    std::string gloss;
    for (int i = 0; i < 400; ++i) gloss += fmt::format("w{:05} ", line * 400 + i);
    file += synset(100 + line, 4, gloss);
  }
  const WordNet data = parse_wordnet(file, "many");
  require_sound(data);
  CHECK(data.words.size() == WordNet::vocabulary);
  CHECK(data.words[2] == "paper");
  CHECK(std::is_sorted(data.words.begin() + 10, data.words.end()));  // those that occur once
}

TEST_CASE("what breaks the format is refused with the byte where it does") {
  const std::string good = tiny();
  CHECK(complaint(good) == "");
  CHECK(complaint("") == "f: at byte 0: the file is empty");
  CHECK(complaint(good.substr(0, 30)) == "f: at byte 30: the file ends within a line");
  CHECK(complaint(good.substr(0, 63)) ==
        "f: at byte 63: the file ends without a noun of the ten classes");
  const std::string no_noun =
      "the line is no noun synset: it must begin with 8 digits, a space, 2 digits and \" n \"";
  CHECK(complaint("\n") == "f: at byte 0: " + no_noun);
  CHECK(complaint(good + "\n") == "f: at byte 1525: " + no_noun);
  CHECK(complaint(good + "00000001 29 v 01 word | to fold\n") == "f: at byte 1525: " + no_noun);
  CHECK(complaint(good + "00000001 -4 n 01 word | a fold\n") == "f: at byte 1525: " + no_noun);
  CHECK(complaint(good + "0000001 04 n 01 word | a fold\n") == "f: at byte 1525: " + no_noun);
  CHECK(complaint(good + "00000001 04 n 01 word |a fold\n") ==
        "f: at byte 1525: the line has no \" | \", and so no definition");
  CHECK(complaint(good + "00000001 04 n word |  \n") ==
        "f: at byte 1543: the definition has no word");
  CHECK(complaint(good + "00000001 04 n word | ; \"fold it\"\n") ==
        "f: at byte 1543: the definition has no word");
  CHECK(complaint(std::string(2000, '\xff') + "\n") == "f: at byte 0: " + no_noun);
}

TEST_CASE("a line may have 65,536 bytes and no more") {
  const std::string good = tiny(), begin = "00000001 04 n | a fold";
  CHECK(complaint(good + begin + std::string(65536 - begin.size(), ' ') + "\n") == "");
  CHECK(complaint(good + begin + std::string(65537 - begin.size(), ' ') + "\n") ==
        "f: at byte 1525: the line is longer than 65536 bytes");
  CHECK(complaint(good + std::string(200000, ' ')) ==
        "f: at byte 1525: the line is longer than 65536 bytes");
}

TEST_CASE("a split without a sample, or a class without one to learn from, is refused by name") {
  std::string file = synset(1, 6, "a tool for folding paper, or (rarely) for cutting it") +
                     synset(2, 4, "a Slow walk round the pond");
  CHECK(complaint(file).ends_with("the file ends without a training sample of class noun.act"));
  file = tiny();
  const auto without = [&](const char* gloss) {
    const std::size_t at = file.find(gloss), begin = file.rfind('\n', at) + 1;
    return std::string(file).erase(begin, file.find('\n', at) + 1 - begin);
  };
  CHECK(complaint(without("dust of chalk"))
            .ends_with("the file ends without a training sample of class noun.substance"));
  CHECK(complaint(without("a tool for")).ends_with("the file ends without a validation sample"));
  CHECK(complaint(without("a Slow walk")).ends_with("the file ends without a test sample"));
}

TEST_CASE(
    "a file that is missing has an exception of its own, which names the package and the option") {
  const TemporaryFolder folder;
  for (const char* name : {"missing", "missing/data.noun"}) {
    CAPTURE(name);
    try {
      read_wordnet(folder.path / name);
      FAIL("was read");
    } catch (const DataMissing& error) {
      const std::string message = error.what();
      CHECK(message.find((folder.path / name).string()) == 0);
      CHECK(message.find("apt install wordnet-base") != message.npos);
      CHECK(message.find("--wordnet PATH") != message.npos);
    }
  }
  write_text(folder.path / "file", "x");
  CHECK_THROWS_AS(read_wordnet(folder.path / "file" / "data.noun"), DataMissing);
}

TEST_CASE("a folder, and a file above 1 GiB, are refused before anything is parsed") {
  const TemporaryFolder folder;
  CHECK_THROWS_WITH_AS(read_wordnet(folder.path),
                       (folder.path.string() + ": cannot read: Is a directory").c_str(),
                       fovea::IoError);
  write_text(folder.path / "huge", "");
  std::filesystem::resize_file(folder.path / "huge", (std::uintmax_t(1) << 30) + 1);  // sparse
  const std::string message =
      (folder.path / "huge").string() + ": at byte 1073741824: the file is larger than 1 GiB";
  CHECK_THROWS_WITH_AS(read_wordnet(folder.path / "huge"), message.c_str(), fovea::FormatError);
}

TEST_CASE(
    "a file cut at any byte is refused at that byte, unless whole lines with all that is needed "
    "remain") {
  const TemporaryFolder folder;
  const std::string good = tiny();
  for (std::size_t size = 0; size < good.size(); ++size) {
    CAPTURE(size);
    write_text(folder.path / "cut", good.substr(0, size));
    try {
      require_sound(read_wordnet(folder.path / "cut"));
      CHECK(good[size - 1] == '\n');
      CHECK(size > 1400);
    } catch (const fovea::FormatError& error) {
      CHECK(error.byte_offset() == static_cast<Index>(size));
    }
  }
}

TEST_CASE("5,000 mutated files are read soundly or refused with an error of the library") {
  const std::string good = tiny();
  const std::string_view bytes = "\n\0 |;\"09azAZ\x7f\x80\xff";
  std::mt19937 random(20240229);
  const auto below = [&](std::size_t bound) { return static_cast<std::size_t>(random()) % bound; };
  int read = 0, refused = 0;
  for (int file = 0; file < 5000; ++file) {
    std::string mutant = good;
    for (std::size_t times = 1 + below(3); times > 0; --times) {
      const std::size_t at = below(mutant.size()),
                        length = 1 + below(std::min<std::size_t>(60, mutant.size() - at));
      switch (below(5)) {
        case 0:
          mutant[at] = static_cast<char>(mutant[at] ^ (1 << below(8)));
          break;
        case 1:
          mutant[at] = bytes[below(bytes.size())];
          break;
        case 2:
          mutant.insert(at, 1, bytes[below(bytes.size())]);
          break;
        case 3:
          mutant.insert(below(mutant.size()), mutant.substr(at, length));
          break;
        default:
          mutant.erase(at, std::min(length, mutant.size() - 1));
          break;
      }
    }
    CAPTURE(file);
    (complaint(mutant).empty() ? read : refused) += 1;
  }
  CHECK(read > 500);
  CHECK(refused > 500);
}

TEST_CASE(
    "arrays that are not the published file's fail its checksums, by name and with both numbers") {
  const WordNet data = parse_wordnet(tiny(), "tiny");
  const char* message =
      "WordNet: the checksum of train x is 0x6d9e8981eec2bc60, but that of the published file is "
      "0x74805c126dcea8df";
  CHECK_THROWS_WITH_AS(check_published(data), message, fovea::Error);
}
