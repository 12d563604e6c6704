// How long functions are and how many arguments they take, read from the formatted sources: at most
// 40 lines in a body, and 7 parameters.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace {

namespace files = std::filesystem;
using Lines = std::vector<std::string>;

struct Function {
  std::string name;
  std::size_t lines, parameters;
};

std::size_t indentation(const std::string& line) {
  return std::min(line.find_first_not_of(' '), line.size());
}

std::string trimmed(const std::string& line) { return line.substr(indentation(line)); }

// Whether what begins on the line behind this one is a statement or declaration of its own.
bool ends_before(const std::string& line) {
  const std::string text = trimmed(line);
  return text.empty() || text.starts_with("//") || text.starts_with("#") ||
         text.starts_with("template") ||
         std::string(";{}").find(text.back()) != std::string::npos ||
         (text.back() == ':' && !text.ends_with("::"));
}

// The head of what opens its brace at the end of line `last`; `first` is where it begins.
std::string head_of(const Lines& lines, std::size_t last, std::size_t& first) {
  first = last;
  std::string head = trimmed(lines[last]);
  while (first > 0 && !ends_before(lines[first - 1])) head = trimmed(lines[--first]) + " " + head;
  return head;
}

bool is_function(const std::string& head) {
  static const std::regex other(
      R"(^(if|for|while|switch|else|do|return|namespace|struct|class|enum|union|extern|try|case)\b)"
      R"(|^\}|\[[&=]?\w*(, [&=]?\w+)*\] ?(\(|\{)|= \{$)");
  return head.find('(') != std::string::npos && !std::regex_search(head, other);
}

// Commas of the first brackets of a head, those inside of others left out.
std::size_t parameters_of(const std::string& head) {
  std::size_t count = 0;
  int depth = 0, angles = 0;
  bool any = false;
  for (std::size_t i = head.find('('); i < head.size(); ++i) {
    const char c = head[i];
    depth += c == '(' || c == '[' || c == '{';
    depth -= c == ')' || c == ']' || c == '}';
    angles += c == '<';
    angles -= c == '>';
    if (depth == 0) break;
    any = any || (depth > 0 && c != '(' && c != ' ');
    count += c == ',' && depth == 1 && angles <= 0;
  }
  return any ? count + 1 : 0;
}

std::vector<Function> functions(const std::string& text) {
  std::istringstream stream(text);
  Lines lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  std::vector<Function> result;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (!lines[i].ends_with("{") || trimmed(lines[i]).starts_with("//")) continue;
    std::size_t first, end = i + 1;
    const std::string head = head_of(lines, i, first);
    if (!is_function(head)) continue;
    const std::string closing = std::string(indentation(lines[first]), ' ') + "}";
    while (end < lines.size() && !lines[end].starts_with(closing)) ++end;
    const std::string before = head.substr(0, head.find('('));
    result.push_back(
        {before.substr(before.find_last_of(" *&") + 1), end - i - 1, parameters_of(head)});
  }
  return result;
}

bool fits(const Function& function) { return function.lines <= 40 && function.parameters <= 7; }

// What .ci/large-functions lists: "src/x.cpp f", each of which has a reason there.
std::set<std::string> listed() {
  std::ifstream stream(files::path(FOVEA_SOURCE_ROOT) / ".ci/large-functions");
  std::set<std::string> result;
  for (std::string line; std::getline(stream, line);) {
    std::istringstream words(line);
    std::string file, function, reason;
    if (words >> file >> function >> reason && file != "#") result.insert(file + " " + function);
  }
  return result;
}

}  // namespace

TEST_CASE("no function has more than 40 lines or 7 parameters") {
  const files::path root = FOVEA_SOURCE_ROOT;
  std::size_t count = 0;
  const std::set<std::string> exceptions = listed();
  std::set<std::string> large;
  for (const char* folder : {"include", "src"})
    for (const auto& entry : files::recursive_directory_iterator(root / folder)) {
      const std::string extension = entry.path().extension();
      if (extension != ".hpp" && extension != ".cpp") continue;
      std::ifstream stream(entry.path(), std::ios::binary);
      const std::string path = entry.path().lexically_relative(root).generic_string();
      for (const Function& function : functions({std::istreambuf_iterator<char>(stream), {}})) {
        ++count;
        if (fits(function)) continue;
        const std::string name = path + " " + function.name.substr(function.name.rfind(':') + 1);
        large.insert(name);
        CHECK_MESSAGE(exceptions.contains(name), path, ": ", function.name, " has ", function.lines,
                      " lines and ", function.parameters, " parameters");
      }
    }
  for (const std::string& exception : exceptions)
    CHECK_MESSAGE(large.contains(exception), exception, " is listed, and not large");
  CHECK(count > 1000);
}

TEST_CASE("functions are found with their lines and parameters") {
  const auto one = [](const std::string& text) {
    const std::vector<Function> found = functions(text);
    REQUIRE(found.size() == 1);
    return found[0];
  };
  const Function plain = one("// f(x)\nint f(int a, std::map<int, int> b) {\n  return a;\n}\n");
  CHECK(plain.name == "f");
  CHECK(plain.lines == 1);
  CHECK(plain.parameters == 2);
  const Function broken =
      one("namespace x {\n\ntemplate <class T>\nvoid X::g(int a,\n          int b, "
          "T c) const {\n  if (a) {\n    b;\n  }\n}\n}\n");
  CHECK(broken.name == "X::g");
  CHECK(broken.lines == 3);
  CHECK(broken.parameters == 3);
  const Function member =
      one("struct S {\n  S(int a, int b)\n      : a(a), b(b) {\n    h();\n  }\n};\n");
  CHECK(member.name == "S");
  CHECK(member.parameters == 2);
  CHECK(one("void f() {\n}\n").parameters == 0);
  CHECK(functions("int x = 3;\nfor (int i = 0; i < 3; ++i) {\n}\nconst auto f = [&](int a) {\n};\n")
            .empty());
}

TEST_CASE("a function that is too long, or takes too much, is found") {
  std::string body;
  for (int i = 0; i < 40; ++i) body += "  g();\n";
  CHECK(fits(functions("void f() {\n" + body + "}\n").at(0)));
  CHECK(!fits(functions("void f() {\n" + body + "  g();\n}\n").at(0)));
  CHECK(fits(functions("void f(int a, int b, int c, int d, int e, int f, int g) {\n}\n").at(0)));
  CHECK(!fits(
      functions("void f(int a, int b, int c, int d, int e, int f, int g, int h) {\n}\n").at(0)));
}
