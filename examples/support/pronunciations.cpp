// The reader trusts nothing: lines are bounded, nesting is walked without recursion, and what
// cannot be read is rejected at its byte.
#include "support/pronunciations.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <unordered_map>

#include "support/sha256.hpp"

namespace examples {

using fovea::Index;

namespace {

constexpr std::size_t longest_line = 4096;  // the longest of festlex-cmu 2.4 has 137 bytes
constexpr std::string_view published_sha256 =
    "3b211f3371e4b57ff14525f284623ff8e84add2656690e24c885d05b62426fb6";

bool is_letter(char c) { return c >= 'a' && c <= 'z'; }

// One line of the file, which is taken off from the front.
class Line {
 public:
  Line(std::string_view text, std::size_t begin, const std::string& name)
      : text_(text), begin_(begin), name_(name) {}

  [[noreturn]] void fail(const std::string& reason) const {
    throw fovea::FormatError(name_, static_cast<Index>(begin_ + at_), reason);
  }

  bool at_end() const { return at_ == text_.size(); }

  bool take_if(std::string_view expected) {
    if (!text_.substr(at_).starts_with(expected)) return false;
    at_ += expected.size();
    return true;
  }

  void take(std::string_view expected) {
    if (!take_if(expected)) fail(fmt::format("expected {}", expected));
  }

  // Takes at least one byte that `is` accepts.
  template <class Is>
  std::string_view take_run(const char* what, const Is& is) {
    const std::size_t from = at_;
    while (at_ < text_.size() && is(text_[at_])) ++at_;
    if (at_ == from) fail(fmt::format("expected {}", what));
    return text_.substr(from, at_ - from);
  }

 private:
  std::string_view text_;
  std::size_t begin_, at_ = 0;
  const std::string& name_;
};

// What a line says: a word and the names of its sounds.
struct Entry {
  std::string_view word;
  std::vector<std::string_view> phonemes;
};

Entry read_entry(Line line) {
  Entry entry;
  line.take("(\"");
  entry.word = line.take_run("a word", [](char c) { return c > ' ' && c != '"'; });
  line.take("\" ");
  line.take_run("a part of speech", [](char c) { return is_letter(c) || c == '_'; });
  line.take(" (");
  do {
    line.take("((");
    do entry.phonemes.push_back(line.take_run("a phoneme", is_letter));
    while (line.take_if(" "));
    line.take(") ");
    line.take_run("a stress", [](char c) { return c >= '0' && c <= '9'; });
    line.take(")");
  } while (line.take_if(" "));
  line.take("))");
  if (!line.at_end()) line.fail("expected the end of the line");
  return entry;
}

std::vector<Entry> read_entries(const std::string& bytes, const std::string& name) {
  std::vector<Entry> entries;
  bool first = true;
  for (std::size_t begin = 0; begin < bytes.size(); first = false) {
    const std::string_view rest = std::string_view(bytes).substr(begin);
    const std::size_t length = rest.substr(0, longest_line + 1).find('\n');
    Line line(rest.substr(0, length), begin, name);
    if (length == rest.npos)
      line.fail(rest.size() > longest_line
                    ? fmt::format("the line is longer than {} bytes", longest_line)
                    : "the file ends within a line");
    if (first && rest.substr(0, length) != "MNCL") line.fail("expected MNCL as the first line");
    if (!first) {
      Entry entry = read_entry(line);
      if (std::ranges::all_of(entry.word, is_letter)) entries.push_back(std::move(entry));
    }
    begin += length + 1;
  }
  if (entries.empty())
    throw fovea::FormatError(name, static_cast<Index>(bytes.size()), "the file has no word");
  return entries;
}

std::vector<Word> Pronunciations::*split_of(std::string_view word) {
  const std::uint64_t tenth = fnv1a(word) % 10;
  return tenth == 0   ? &Pronunciations::test
         : tenth == 1 ? &Pronunciations::validation
                      : &Pronunciations::train;
}

}  // namespace

Pronunciations read_pronunciations(const std::filesystem::path& path) {
  return parse_pronunciations(
      read_data_file(path,
                     "on Debian: apt install festlex-cmu; elsewhere: --dictionary PATH names a "
                     "cmudict-0.4.out of Festival"),
      path.string());
}

Pronunciations parse_pronunciations(const std::string& bytes, const std::string& name) {
  Pronunciations data;
  data.bytes = std::ssize(bytes);
  data.sha256 = sha256(bytes);
  data.published = data.sha256 == published_sha256;

  const std::vector<Entry> entries = read_entries(bytes, name);
  std::map<std::string_view, std::int32_t> ids;
  for (const Entry& entry : entries)
    for (const std::string_view phoneme : entry.phonemes) ids.emplace(phoneme, 0);
  for (auto& [phoneme, id] : ids) {
    id = static_cast<std::int32_t>(data.phonemes.size());
    data.phonemes.emplace_back(phoneme);
  }
  std::unordered_map<std::string_view, std::size_t> places;  // of words in their splits
  for (const Entry& entry : entries) {
    std::vector<Word>& split = data.*split_of(entry.word);
    const auto [place, is_new] = places.emplace(entry.word, split.size());
    if (is_new) split.push_back({std::string(entry.word), {}});
    Sounds sounds;
    for (const std::string_view phoneme : entry.phonemes) sounds.push_back(ids.at(phoneme));
    std::vector<Sounds>& known = split[place->second].sounds;
    if (std::ranges::find(known, sounds) == known.end()) known.push_back(std::move(sounds));
  }
  for (const auto& [split, what] : {std::pair(&Pronunciations::train, "training"),
                                    std::pair(&Pronunciations::validation, "validation"),
                                    std::pair(&Pronunciations::test, "test")})
    if ((data.*split).empty())
      throw fovea::FormatError(name, data.bytes,
                               fmt::format("the file ends without a {} word", what));
  return data;
}

std::string spoken(const Sounds& sounds, const std::vector<std::string>& phonemes) {
  std::string text;
  for (const std::int32_t sound : sounds) {
    if (!text.empty()) text += ' ';
    text += phonemes.at(static_cast<std::size_t>(sound));
  }
  return text;
}

}  // namespace examples
