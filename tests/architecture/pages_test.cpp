// The pages of the documentation, compared with the tree: links, names and snippets go stale in
// silence otherwise.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "architecture/tree.hpp"

namespace {

namespace files = std::filesystem;
using tree::read, tree::root;
using Names = std::vector<std::string>;

Names matches(const std::string& text, const std::string& pattern) {
  const std::regex expression(pattern);
  Names result;
  for (std::sregex_iterator match(text.begin(), text.end(), expression), end; match != end; ++match)
    result.push_back((*match)[1]);
  return result;
}

std::string without(const std::string& text, const std::string& pattern) {
  return std::regex_replace(text, std::regex(pattern), "");
}

// The sources in these folders, without comments.
Names sources(const Names& folders) {
  Names result;
  for (const std::string& folder : folders)
    for (const auto& entry : files::recursive_directory_iterator(root / folder))
      if (entry.path().extension() == ".hpp" || entry.path().extension() == ".cpp")
        result.push_back(without(read(entry.path()), R"(//[^\n]*)"));
  return result;
}

// The fenced blocks of a page that start with this line, without the fences.
Names blocks(const std::string& page, const std::string& first_line) {
  Names result;
  const std::string fence = "\n" + first_line + "\n";
  for (std::size_t at = page.find(fence); at != std::string::npos; at = page.find(fence, at)) {
    at += fence.size();
    const std::size_t end = page.find("\n```", at - 1);
    result.push_back(page.substr(at, end - at));
  }
  return result;
}

// The page without its fenced blocks.
std::string prose(const std::string& page) {
  std::string result;
  bool inside = false;
  for (const std::string& line : matches(page, "([^\n]+)")) {
    if (line.starts_with("```"))
      inside = !inside;
    else if (!inside)
      result += line + "\n";
  }
  return result;
}

std::set<std::string> words(const std::string& text) {
  const Names found = matches(text, R"((\w+))");
  return {found.begin(), found.end()};
}

// The names in `code spans` of a page that no source has: of "A::b" both parts must be in one file.
Names stale_names(const std::string& page, const std::vector<std::set<std::string>>& files) {
  Names result;
  for (const std::string& span : matches(prose(page), "`([^`\n]+)`")) {
    std::smatch name;
    if (!std::regex_match(span, name, std::regex(R"(([A-Za-z_]\w*(?:::\w+)*)(?:\(.*\))?)")))
      continue;
    const std::set<std::string> parts = words(name[1]);
    const auto has_all = [&](const std::set<std::string>& file) {
      return std::ranges::includes(file, parts);
    };
    if (std::ranges::none_of(files, has_all)) result.push_back(span);
  }
  return result;
}

// The lines of C++ blocks that are in no source, whatever their spaces and comments.
Names stale_lines(const std::string& page, const Names& texts) {
  Names plain;
  for (const std::string& text : texts) plain.push_back(without(text, R"(\s)"));
  Names result;
  for (const std::string& block : blocks(page, "```cpp"))
    for (const std::string& line : matches(block, "([^\n]+)")) {
      const std::string code = without(line, R"(//[^\n]*|\s)");
      if (std::ranges::none_of(
              plain, [&](const std::string& text) { return text.find(code) != std::string::npos; }))
        result.push_back(line);
    }
  return result;
}

// Comments with words that docs/style.md replaces by others.
Names odd_comments(const std::string& text) {
  Names result;
  for (const std::string& comment : matches(text, R"((//[^\n]*))"))
    for (const char* word : {"anybody", "lives", "nobody", "reckoned", "refused", "refuses",
                             "somebody", "who", "whoever"})
      if (words(comment).contains(word)) result.push_back(comment);
  return result;
}

}  // namespace

TEST_CASE("links of the pages lead to files that are there") {
  int links = 0;
  Names pages = {"README.md", "CONTRIBUTING.md", "bench/peers/README.md"};
  for (const char* folder : {"docs", "docs/decisions"})
    for (const auto& entry : files::directory_iterator(root / folder))
      if (entry.path().extension() == ".md")
        pages.push_back(entry.path().lexically_relative(root).generic_string());
  for (const std::string& page : pages)
    for (const std::string& link : matches(prose(read(root / page)), R"(\]\(([^)#\s]+)[^)]*\))")) {
      if (link.starts_with("http")) continue;
      ++links;
      CHECK_MESSAGE(files::exists((root / page).parent_path() / link), page, ": ", link);
    }
  CHECK(links > 100);
}

TEST_CASE("the tour names what the sources have, and its snippets are theirs") {
  const std::string tour = read(root / "docs/tour.md");
  std::vector<std::set<std::string>> files;
  for (const std::string& text : sources({"include", "src"})) files.push_back(words(text));
  for (const std::string& name : stale_names(tour, files)) FAIL_CHECK("no source has ", name);
  for (const std::string& line : stale_lines(tour, sources({"include", "src", "examples"})))
    FAIL_CHECK("no source has the line: ", line);
  CHECK(blocks(tour, "```cpp").size() >= 2);
}

TEST_CASE("comments of public headers use the words of docs/style.md") {
  for (const char* layer : {"base", "memory", "shape", "parallel", "runtime", "array", "autograd",
                            "ops", "diff", "nn", "optim", "io", "data", "train", "viz"})
    for (const auto& entry : files::recursive_directory_iterator(root / "include/fovea" / layer)) {
      if (!entry.is_regular_file()) continue;
      for (const std::string& comment : odd_comments(read(entry.path())))
        FAIL_CHECK(entry.path().filename().string(), ": ", comment);
    }
  CHECK(odd_comments("int a;  // who knows\nint who;  // known\n") == Names{"// who knows"});
}

TEST_CASE("the ops that docs/adding_an_op.md adds do not exist yet") {
  const Names added = matches(read(root / "docs/adding_an_op.md"), R"(\nTensor (\w+)\([^)]*\);)");
  CHECK(added.size() >= 2);
  std::set<std::string> known = words(read(root / "include/fovea/ops/ops.hpp"));
  known.merge(words(read(root / "include/fovea/ops/losses.hpp")));
  for (const std::string& name : added) CHECK_MESSAGE(!known.contains(name), name);
}

TEST_CASE("a name or a snippet that the sources have lost is found") {
  const std::vector<std::set<std::string>> files = {{"Pass", "run"}, {"batch", "x"}};
  CHECK(stale_names("`Pass::run` and `run(a, b)`, `1/32`\n```cpp\ngone\n```\n", files).empty());
  CHECK(stale_names("`Pass::batch`, `gone()`", files) == Names{"Pass::batch", "gone()"});
  const Names texts = {"int a = 1;\n"};
  CHECK(stale_lines("\n```cpp\nint a=1;     // uno\n```\n", texts).empty());
  CHECK(stale_lines("\n```cpp\nint a = 1;\nint a = 2;\n```\n", texts) == Names{"int a = 2;"});
}
