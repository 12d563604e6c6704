// The reader trusts nothing: every line is bounded and checked, the text is walked by index, and
// what it cannot read it refuses.
#include "support/wordnet.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <unordered_map>

#include "support/sha256.hpp"

namespace examples {

using fovea::Index;

namespace {

constexpr std::size_t longest_line = std::size_t(1)
                                     << 16;  // the longest of WordNet 3.0 has 12,972 bytes
constexpr std::array<int, 10> lexicographer_files = {4, 5, 6, 7, 10, 15, 18, 20, 26, 27};
constexpr std::string_view published_sha256 =
    "fea17d2f9656611334eac790e5d69e47645fa180c4aa481fb4cd9b3520754ca2";

// A synset of one of the ten classes.
struct Sample {
  int label;
  Split WordNet::*split;
  std::string_view text;  // the definition, folded to lower case
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word_byte(char c) { return is_digit(c) || (c >= 'a' && c <= 'z'); }

std::string_view stripped(std::string_view text) {
  const std::size_t first = text.find_first_not_of(' ');
  if (first == text.npos) return text.substr(0, 0);
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

// Takes the next maximal run of [a-z0-9] off the front of `text`; empty when there is none.
std::string_view take_word(std::string_view& text) {
  const auto begin = std::ranges::find_if(text, is_word_byte);
  const auto end = std::find_if_not(begin, text.end(), is_word_byte);
  const std::string_view word(begin, end);
  text = std::string_view(end, text.end());
  return word;
}

// "DDDDDDDD DD n ": the offset, the lexicographer's file, the part of speech. The file's number, or
// -1.
int lexicographer_file(std::string_view line) {
  constexpr std::string_view pattern = "dddddddd dd n ";
  if (line.size() < pattern.size()) return -1;
  for (std::size_t i = 0; i < pattern.size(); ++i)
    if (pattern[i] == 'd' ? !is_digit(line[i]) : line[i] != pattern[i]) return -1;
  int number = -1;
  std::from_chars(line.data() + 9, line.data() + 11, number);
  return number;
}

Split WordNet::*split_of(std::string_view definition) {
  const std::uint64_t tenth = fnv1a(definition) % 10;
  return tenth == 0 ? &WordNet::test : tenth == 1 ? &WordNet::validation : &WordNet::train;
}

// Goes over the lines of a file and collects the samples. Folds their definitions in place: the
// samples point into the bytes.
class SampleReader {
 public:
  SampleReader(std::string& bytes, const std::string& name) : bytes_(bytes), name_(name) {}

  std::vector<Sample> read() {
    if (bytes_.empty()) fail(0, "the file is empty");
    for (std::size_t begin = 0; begin < bytes_.size();) {
      const std::string_view rest = std::string_view(bytes_).substr(begin);
      const std::size_t length = rest.substr(0, longest_line + 1).find('\n');
      if (length == rest.npos && rest.size() > longest_line)
        fail(begin, fmt::format("the line is longer than {} bytes", longest_line));
      if (length == rest.npos) fail(bytes_.size(), "the file ends within a line");
      if (!rest.starts_with("  "))
        read_synset(begin, length);  // two spaces begin a line of the licence
      begin += length + 1;
    }
    return std::move(samples_);
  }

 private:
  [[noreturn]] void fail(std::size_t at, const std::string& reason) const {
    throw fovea::FormatError(name_, static_cast<Index>(at), reason);
  }

  void read_synset(std::size_t begin, std::size_t length) {
    const std::string_view line = std::string_view(bytes_).substr(begin, length);
    const int file = lexicographer_file(line);
    if (file < 0)
      fail(
          begin,
          "the line is no noun synset: it must begin with 8 digits, a space, 2 digits and \" n \"");
    const std::size_t bar = line.find(" | ");
    if (bar == line.npos) fail(begin, "the line has no \" | \", and so no definition");
    const auto known = std::ranges::find(lexicographer_files, file);
    if (known == lexicographer_files.end()) return;

    const std::string_view gloss = line.substr(bar + 3);
    const std::string_view definition =
        stripped(gloss.substr(0, gloss.find("; \"")));  // examples of usage follow
    samples_.push_back(
        {static_cast<int>(known - lexicographer_files.begin()), split_of(definition), definition});
    fold(definition);
    std::string_view rest = definition;
    if (take_word(rest).empty()) fail(begin + bar, "the definition has no word");
  }

  // A-Z becomes a-z.
  void fold(std::string_view text) {
    char* c = bytes_.data() + (text.data() - bytes_.data());
    for (char* const end = c + text.size(); c != end; ++c)
      if (*c >= 'A' && *c <= 'Z') *c = static_cast<char>(*c - 'A' + 'a');
  }

  std::string& bytes_;
  const std::string& name_;
  std::vector<Sample> samples_;
};

void require_all(const std::vector<Sample>& samples, std::size_t file_size,
                 const std::string& name) {
  const auto require = [&](const std::string& what, auto&& condition) {
    if (std::ranges::none_of(samples, condition))
      throw fovea::FormatError(name, static_cast<Index>(file_size),
                               fmt::format("the file ends without a {}", what));
  };
  require("noun of the ten classes", [](const Sample&) { return true; });
  for (std::size_t label = 0; label < WordNet::classes.size(); ++label)
    require(fmt::format("training sample of class {}", WordNet::classes[label]),
            [label](const Sample& s) {
              return s.split == &WordNet::train && s.label == static_cast<int>(label);
            });
  require("validation sample", [](const Sample& s) { return s.split == &WordNet::validation; });
  require("test sample", [](const Sample& s) { return s.split == &WordNet::test; });
}

// By id, from the training samples alone.
std::vector<std::string> vocabulary_of(const std::vector<Sample>& samples) {
  std::unordered_map<std::string_view, Index> counts;
  for (const Sample& sample : samples) {
    if (sample.split != &WordNet::train) continue;
    std::string_view rest = sample.text;
    for (std::string_view word = take_word(rest); !word.empty(); word = take_word(rest))
      ++counts[word];
  }
  std::vector<std::pair<std::string_view, Index>> ordered(counts.begin(), counts.end());
  std::ranges::sort(ordered, [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
  ordered.resize(std::min<std::size_t>(ordered.size(), WordNet::vocabulary - 2));

  std::vector<std::string> words = {"", "<unknown>"};
  for (const auto& [word, count] : ordered) words.emplace_back(word);
  return words;
}

Split make_split(const std::vector<Sample>& samples, Split WordNet::*which,
                 const std::unordered_map<std::string_view, std::int32_t>& ids) {
  std::vector<std::int32_t> x, y;
  std::vector<std::string> texts;
  for (const Sample& sample : samples) {
    if (sample.split != which) continue;
    const std::size_t begin = x.size();
    x.resize(begin + WordNet::time, WordNet::padding);
    y.push_back(sample.label);
    std::string& text = texts.emplace_back();
    std::string_view rest = sample.text;
    for (std::size_t t = 0; t < WordNet::time; ++t) {
      const std::string_view word = take_word(rest);
      if (word.empty()) break;
      const auto known = ids.find(word);
      x[begin + t] =
          known == ids.end() ? static_cast<std::int32_t>(WordNet::unknown) : known->second;
      if (t > 0) text += ' ';
      text += word;
    }
  }
  const Index rows = std::ssize(y);
  return {fovea::Ids({rows, WordNet::time}, x), fovea::Ids({rows}, y), std::move(texts)};
}

}  // namespace

WordNet read_wordnet(const std::filesystem::path& path) {
  return parse_wordnet(read_data_file(path,
                                      "on Debian: apt install wordnet-base; elsewhere: "
                                      "--wordnet PATH names a data.noun"),
                       path.string());
}

WordNet parse_wordnet(std::string bytes, const std::string& name) {
  WordNet data;
  data.bytes = std::ssize(bytes);
  data.sha256 = sha256(bytes);
  data.published = data.sha256 == published_sha256;

  const std::vector<Sample> samples = SampleReader(bytes, name).read();
  require_all(samples, bytes.size(), name);
  data.words = vocabulary_of(samples);
  std::unordered_map<std::string_view, std::int32_t> ids;
  for (std::size_t id = 2; id < data.words.size(); ++id)
    ids.emplace(data.words[id], static_cast<std::int32_t>(id));
  for (Split WordNet::*const split : {&WordNet::train, &WordNet::validation, &WordNet::test})
    data.*split = make_split(samples, split, ids);

  if (data.published) check_published(data);
  return data;
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  for (std::string_view word = take_word(text); !word.empty(); word = take_word(text))
    words.push_back(word);
  return words;
}

std::uint64_t fnv1a(const fovea::Ids& ids) {
  std::string bytes;
  for (const std::int32_t id : ids.values())
    for (int shift = 0; shift < 32; shift += 8)
      bytes += static_cast<char>(static_cast<std::uint32_t>(id) >> shift & 0xff);
  return fnv1a(bytes);
}

void check_published(const WordNet& data) {
  const auto check = [](const char* what, const fovea::Ids& ids, std::uint64_t right) {
    if (const std::uint64_t sum = fnv1a(ids); sum != right)
      throw fovea::Error(fmt::format(
          "WordNet: the checksum of {} is {:#018x}, but that of the published file is {:#018x}",
          what, sum, right));
  };
  check("train x", data.train.x, 0x74805c126dcea8df);
  check("train y", data.train.y, 0x3008a3b217b17664);
  check("validation x", data.validation.x, 0xbfc8bb106fa2a2c3);
  check("validation y", data.validation.y, 0x12dfd7643655b20a);
  check("test x", data.test.x, 0x4abdc83ed9e1cd85);
  check("test y", data.test.y, 0x2e49c628cdb92565);
}

}  // namespace examples
