// The names that users of Keras, PyTorch and NumPy guess: names.txt beside the public headers and
// the pages.
#include <doctest/doctest.h>

#include <filesystem>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "architecture/tree.hpp"

namespace {

namespace files = std::filesystem;
using tree::read, tree::root;
using Words = std::set<std::string>;

Words words(const std::string& text) {
  const std::regex word(R"(\w+)");
  Words result;
  for (std::sregex_iterator match(text.begin(), text.end(), word), end; match != end; ++match)
    result.insert(match->str());
  return result;
}

// The names that public headers declare or use, without those of comments alone.
Words names_of_headers() {
  Words result;
  for (const auto& entry : files::recursive_directory_iterator(root / "include"))
    if (entry.path().extension() == ".hpp")
      result.merge(words(std::regex_replace(read(entry.path()), std::regex(R"(//[^\n]*)"), "")));
  return result;
}

struct Guess {
  std::string library, theirs, ours, page;

  // Without the module: "rand" of "random.rand".
  std::string last_part() const { return theirs.substr(theirs.rfind('.') + 1); }
};

std::vector<Guess> guesses() {
  std::istringstream table(read(root / "tests/names/names.txt"));
  std::vector<Guess> result;
  for (std::string line; std::getline(table, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream columns(line);
    Guess guess;
    columns >> guess.library >> guess.theirs >> guess.ours >> guess.page;
    result.push_back(guess);
  }
  return result;
}

}  // namespace

TEST_CASE("of the names that users guess, a hundred exist or lead to ours") {
  const Words known = names_of_headers();
  std::set<std::string> seen;
  int found = 0;
  std::string missing;
  for (const Guess& guess : guesses()) {
    CHECK_MESSAGE(seen.insert(guess.library + guess.theirs).second, guess.theirs, " stands twice");
    CHECK_MESSAGE((guess.last_part() == guess.ours) == guess.page.empty(), guess.theirs,
                  ": a page belongs to names that differ");
    if (!guess.page.empty()) {
      const Words page = words(read(root / guess.page));
      CHECK_MESSAGE(page.contains(guess.last_part()), guess.page, " lacks ", guess.theirs);
      CHECK_MESSAGE(page.contains(guess.ours), guess.page, " lacks ", guess.ours);
    }
    if (known.contains(guess.ours))
      ++found;
    else
      missing += " " + guess.ours;
  }
  CHECK(guesses().size() >= 115);
  CHECK_MESSAGE(found >= 100, "missing:", missing);
  MESSAGE("figure: guessed names that exist or lead to ours = ", found, " of ", guesses().size());
  if (!missing.empty()) MESSAGE("missing:", missing);
}
