// The architecture, read from the sources: which layer includes which, where third-party libraries
// enter, and how long things are.
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
using Names = std::vector<std::string>;

// Each layer includes itself and what stands left of it.
const Names layers = {"base",  "memory",   "shape", "parallel", "kernels", "runtime",
                      "array", "autograd", "ops",   "diff",     "nn",      "optim",
                      "io",    "data",     "train", "viz"};
const Names core = {"base", "memory", "shape", "parallel", "array", "autograd"};

const files::path root = FOVEA_SOURCE_ROOT;

struct File {
  std::string path;  // from the source root: "src/memory/buffer.cpp"
  std::string text;

  bool in(const std::string& folder) const { return path.starts_with(folder + "/"); }
  auto lines() const { return std::ranges::count(text, '\n'); }
};

bool is_source(const files::path& path) {
  return path.extension() == ".hpp" || path.extension() == ".cpp";
}

std::vector<File> files_under(const Names& folders) {
  std::vector<File> result;
  for (const std::string& folder : folders)
    for (const auto& entry : files::recursive_directory_iterator(root / folder)) {
      if (!entry.is_regular_file() || !is_source(entry.path())) continue;
      std::ifstream stream(entry.path(), std::ios::binary);
      result.push_back({entry.path().lexically_relative(root).generic_string(),
                        {std::istreambuf_iterator<char>(stream), {}}});
    }
  std::ranges::sort(result, {}, &File::path);
  return result;
}

// All but the list of headers that the compiler reads once (src/pch), which stands in no layer.
const std::vector<File>& library() {
  static const std::vector<File> all = [] {
    std::vector<File> files = files_under({"include", "src"});
    std::erase_if(files, [](const File& file) { return file.in("src/pch"); });
    return files;
  }();
  return all;
}

Names matches(const std::string& text, const std::string& pattern) {
  const std::regex expression(pattern);
  Names result;
  for (auto match = std::sregex_iterator(text.begin(), text.end(), expression);
       match != std::sregex_iterator(); ++match)
    result.push_back((*match)[1]);
  return result;
}

// What the file includes, with the quotes or brackets: "\"fovea/base/real.hpp\"", "<vector>".
Names includes(const File& file) { return matches(file.text, R"(#\s*include\s*(["<][^">]+[">]))"); }

// "base" of "src/base/x.cpp", "include/fovea/base/x.hpp", "base/x.hpp" and "fovea/base/x.hpp";
// empty where there is no folder.
std::string layer_of(std::string path) {
  for (const char* prefix : {"include/", "src/", "fovea/"})
    if (path.starts_with(prefix)) path.erase(0, std::string(prefix).size());
  return path.find('/') == std::string::npos ? "" : path.substr(0, path.find('/'));
}

std::ptrdiff_t place(const std::string& layer) {
  return std::ranges::find(layers, layer) - layers.begin();
}

// What is wrong with the layers that a file includes, one sentence each.
Names wrong_includes(const File& file) {
  Names result;
  const std::string own = layer_of(file.path);
  if (own.empty()) return result;  // fovea.hpp includes them all
  if (std::ranges::find(layers, own) == layers.end()) return {file.path + " is in no layer"};
  for (const std::string& quoted : includes(file)) {
    if (quoted[0] == '<') continue;
    const std::string path = quoted.substr(1, quoted.size() - 2), layer = layer_of(path);
    if (std::ranges::find(layers, layer) == layers.end())
      result.push_back(file.path + " includes " + path + ", which is in no layer");
    else if (place(layer) > place(own))
      result.push_back(file.path + " includes " + path + ", from a layer to its right");
  }
  return result;
}

// The files that include something whose name starts with `prefix`.
std::set<std::string> users_of(const std::string& prefix) {
  std::set<std::string> result;
  for (const File& file : library())
    for (const std::string& name : includes(file))
      if (name.substr(1).starts_with(prefix)) result.insert(file.path);
  return result;
}

// The text without comments and what stands between quotes.
std::string code_of(const File& file) {
  return std::regex_replace(file.text, std::regex(R"(//[^\n]*|"([^"\\\n]|\\.)*")"), "");
}

// Lines that hold more than blanks and a comment.
std::ptrdiff_t code_lines(const std::string& text) {
  std::istringstream stream(text);
  std::ptrdiff_t count = 0;
  for (std::string line; std::getline(stream, line);) {
    const std::size_t begin = line.find_first_not_of(" \t");
    count += begin != std::string::npos && line.compare(begin, 2, "//") != 0;
  }
  return count;
}

}  // namespace

TEST_CASE("a file includes only layers that stand left of its own") {
  CHECK(library().size() > 50);
  for (const File& file : library())
    for (const std::string& sentence : wrong_includes(file)) FAIL_CHECK(sentence);
}

TEST_CASE("an include that points to the right is found") {
  const auto found = [](const char* path, const char* text) {
    return wrong_includes({path, text}).size();
  };
  CHECK(found("src/shape/rules.hpp", "#include \"fovea/array/ids.hpp\"\n") == 1);
  CHECK(found("src/ops/rules.hpp", "#include \"fovea/array/ids.hpp\"\n") == 0);
  CHECK(found("include/fovea/base/error.hpp",
              "#  include \"memory/buffer.hpp\"\n#include <vector>\n") == 1);
  CHECK(found("src/kernels/gemm.cpp",
              "#include \"parallel/parallel.hpp\"\n#include \"kernels/gemm.hpp\"\n") == 0);
  CHECK(found("src/parallel/parallel.cpp", "#include \"kernels/gemm.hpp\"\n") == 1);
  CHECK(found("src/base/error.cpp", "#include \"helpers.hpp\"\n") == 1);
  CHECK(found("src/helpers/error.cpp", "") == 1);
  CHECK(found("include/fovea/fovea.hpp", "#include \"fovea/viz/summary.hpp\"\n") == 0);
}

TEST_CASE("each third-party library enters through one file, Highway through the kernels") {
  CHECK(users_of("cblas.h") ==
        std::set<std::string>{"src/kernels/blas_core.cpp", "src/kernels/gemm.cpp"});
  CHECK(users_of("tbb/") == std::set<std::string>{"src/parallel/parallel_tbb.cpp"});
  CHECK(users_of("Random123/") == std::set<std::string>{"src/base/random.cpp"});
  CHECK(users_of("zlib.h") == std::set<std::string>{"src/data/gzip_file.cpp"});
  CHECK(users_of("zip.h") == std::set<std::string>{"src/io/npz.cpp"});
  CHECK(users_of("nlohmann/") ==
        std::set<std::string>{"src/io/json_reader.cpp", "src/io/json_text.cpp"});
  CHECK(users_of("xxhash.h") ==
        std::set<std::string>{"src/data/content_hash.cpp", "src/io/checksum.cpp"});
  for (const std::string& path : users_of("hwy/"))
    CHECK_MESSAGE(path.starts_with("src/kernels/"), path);
  CHECK(!users_of("hwy/").empty());
}

TEST_CASE("public headers include the standard library and public headers only") {
  for (const File& file : library()) {
    if (!file.in("include")) continue;
    for (const std::string& name : includes(file)) {
      const bool standard = name[0] == '<' && name.find_first_of("./") == std::string::npos;
      const bool own = name.starts_with("\"fovea/") &&
                       files::exists(root / "include" / name.substr(1, name.size() - 2));
      CHECK_MESSAGE((standard || own), file.path, " includes ", name);
    }
  }
}

// Accessors of a class that look into it, and may be called on a temporary.
Names unqualified_looks(const std::string& text) {
  return matches(
      text,
      R"(\n  (?:\[\[nodiscard\]\] |virtual )?((?:const [\w:<>, ]+&|[A-Z]\w*&|std::span<[^;(]*>) )"
      R"(\w+(?:\[\])?\([^)]*\)(?: const)?(?: noexcept)? *[{;]))");
}

TEST_CASE(
    "what looks into an object cannot be had of a temporary: accessors of public headers that "
    "return references or spans say & behind") {
  // A row looks into an array, not into itself. Edges and gradients live in nodes, which nobody
  // holds as temporaries; a sink gives what it was given. The others are private.
  const Names exceptions = {"std::span<Edge> edges() {",
                            "std::span<Element> values() const {",
                            "Gradient& gradient() const;",
                            "Gradient& target(Node& leaf);",
                            "const Interface& self() const {",
                            "const Array& leaf_value() const;",
                            "Network& network() const;",
                            "Trainer& trainer() const;",
                            "ChainNetwork& layered() const;",
                            "Chain& chain() const;",
                            "Zip& zip() const;"};
  for (const File& file : library())
    if (file.in("include"))
      for (const std::string& look : unqualified_looks(file.text))
        CHECK_MESSAGE(std::ranges::find(exceptions, look) != exceptions.end(), file.path, ": ",
                      look);
  CHECK(unqualified_looks("\n  const Shape& shape() const { return shape_; }\n  std::span<const T> "
                          "values() const;\n  Optimizer& optimizer();\n")
            .size() == 3);
  CHECK(unqualified_looks("\n  const Shape& shape() const& { return shape_; }\n  Shape shape() "
                          "const&& {\n  void f(const Shape& shape) const;\n")
            .empty());
}

TEST_CASE("every header is guarded by pragma once") {
  for (const File& file : library())
    if (file.path.ends_with(".hpp") && !file.path.ends_with("-inl.hpp") &&
        file.path != "src/kernels/targets.hpp")
      CHECK_MESSAGE(matches(file.text, "(#pragma once)").size() == 1, file.path);
}

TEST_CASE("the core is less than 2,440 lines of code") {
  std::ptrdiff_t sum = 0;
  std::string counts;
  for (const std::string& layer : core) {
    std::ptrdiff_t lines = 0;
    for (const File& file : library())
      lines += layer_of(file.path) == layer ? code_lines(file.text) : 0;
    CHECK(lines > 0);
    sum += lines;
    counts += " " + layer + " " + std::to_string(lines);
  }
  CHECK_MESSAGE(sum < 2440, "lines:", counts);
}

TEST_CASE("blank lines and those of a comment alone are no code") {
  CHECK(code_lines("// a\n\nint x;  // b\n   \n  /// c\n  y();\n#pragma once\n") == 3);
  CHECK(code_lines("") == 0);
}

TEST_CASE("no file is longer than 400 lines") {
  for (const File& file : library())
    CHECK_MESSAGE(file.lines() <= 400, file.path, " has ", file.lines());
}

TEST_CASE("reading files never ends in assert or abort") {
  for (const File& file : library())
    if (file.in("src/io"))
      CHECK_MESSAGE(matches(code_of(file), R"((\b(assert|abort|terminate|exit)\s*\())").empty(),
                    file.path);
}

TEST_CASE("sizes are multiplied by Shape, which sees an overflow, not by std::accumulate") {
  const char* const pattern = R"((\baccumulate\s*\([^;]*(hape|size|multiplies)))";
  for (const File& file : library())
    CHECK_MESSAGE(matches(code_of(file), pattern).empty(), file.path);
  CHECK(matches("n = std::accumulate(s.begin(), s.end(), 1, std::multiplies<size_t>());", pattern)
            .size() == 1);
  CHECK(matches("loss = std::accumulate(losses.begin(), losses.end(), 0.0); resize();", pattern)
            .empty());
}

TEST_CASE(
    "the library calls nothing that follows the locale: no tolower, to_string, strerror, streams "
    "of numbers") {
  const char* const pattern =
      R"((\bstd::to_string\b|\bsto(?:i|l|ll|ul|ull|f|d|ld)\b|\bstrto\w+|\bato(?:[if]|ll?)\s*\()"
      R"(|\b(?:to|is)(?:lower|upper|alpha|alnum|digit|space|punct|print|x?digit)\b)"
      R"(|\b\w*(?:printf|scanf|stringstream)\b|\bstrerror(?:_[rl])?\b|_category\b)"
      R"(|\bstd::(?:regex|locale|put_time)\b|\bstrftime\b)"
      R"(|\bstream\s*>>|<(?:cctype|clocale|ctime|iomanip|locale|regex|sstream)>))";
  for (const File& file : library())
    for (const std::string& name : matches(code_of(file), pattern))
      FAIL_CHECK(file.path, ": ", name);
  for (const char* code :
       {"std::tolower(c)", "std::to_string(n)", "std::stod(text)", "strerror(errno)",
        "std::ostringstream out;", "isalpha(c)", "snprintf(", "std::generic_category().message(e)",
        "#include <sstream>", "stream >> value"})
    CHECK_MESSAGE(matches(code, pattern).size() == 1, code);
  for (const char* code : {"to_string(shape)", "fmt::to_string(n)", "strerrordesc_np(e)",
                           "lowered(c)", "bits >> 10 & 31", "#include <ostream>"})
    CHECK_MESSAGE(matches(code, pattern).empty(), code);
}

TEST_CASE("nothing is left to be done in a comment") {
  const std::string words = std::string("(\\b(TO") + "DO|FIX" + "ME|X" + "XX|HA" + "CK)\\b)";
  for (const File& file : files_under({"include", "src", "tests", "examples", "bench"}))
    CHECK_MESSAGE(matches(file.text, words).empty(), file.path);
}

TEST_CASE("comments and strings are no code") {
  const File file{"src/io/x.cpp",
                  "// assert(\nthrow Error(\"abort(\");\nstatic_assert(1);\nf(); // exit(\n"};
  CHECK(code_of(file) == "\nthrow Error();\nstatic_assert(1);\nf(); \n");
  CHECK(matches(code_of(file), R"((\b(assert|abort|terminate|exit)\s*\())").empty());
  CHECK(matches("x; assert(y);", R"((\b(assert|abort)\s*\())").size() == 1);
}
