// docs/adding_an_optimizer.md shows the optimiser of these tests.
#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>

namespace {

std::string text_of(const std::string& path) {
  std::ifstream stream(std::string(FOVEA_SOURCE_ROOT) + "/" + path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

// The first block of C++.
std::string snippet(const std::string& page) {
  const std::string fence = "```cpp\n";
  const std::size_t begin = page.find(fence) + fence.size();
  return page.substr(begin, page.find("```", begin) - begin);
}

}  // namespace

TEST_CASE("the optimiser that the docs show is the one that is tested, in less than 40 lines") {
  const std::string shown = snippet(text_of("docs/adding_an_optimizer.md"));
  CHECK(shown.size() > 500);
  CHECK(text_of("tests/optim/momentum.hpp").find(shown) != std::string::npos);
  CHECK(std::ranges::count(shown, '\n') < 40);
}
