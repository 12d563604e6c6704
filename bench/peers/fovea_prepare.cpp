// The preparation of data, for the comparison with Keras and pandas in prepare.py. One line of the
// standard input is one order: "threads COUNT", "texts FILE" (a text a line), then "adapt" or
// "call"; or "csv FILE", whose columns are numbers but for the last, a category. The answer is the
// time in seconds and a checksum.
#include <chrono>
#include <fstream>
#include <iostream>
#include <numeric>
#include <string>
#include <vector>

#include "fovea/fovea.hpp"

namespace {

using namespace fovea;

template <class Work>
void timed(const Work& work) {
  const auto begin = std::chrono::steady_clock::now();
  const Index sum = work();
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin;
  std::cout << time.count() << ' ' << sum << std::endl;
}

std::vector<std::string> lines_of(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

Index sum_of(const Ids& ids) {
  const auto values = ids.values();
  return std::accumulate(values.begin(), values.end(), Index(0));
}

// All columns, as pandas reads them; the sum of the category's ids.
Index table_of(const std::string& path) {
  const CsvFile file(path);
  std::vector<std::string> names = file.names();
  const std::string category = names.back();
  names.pop_back();
  const Array numbers = file.numbers(names);
  return sum_of(file.categories(category, file.distinct(category))) + numbers.shape()[1];
}

}  // namespace

int main() {
  std::vector<std::string> texts;
  TextVectorization vectorize{{.max_tokens = 20000, .output_sequence_length = 64}};
  for (std::string order, path; std::cin >> order;) {
    if (order == "texts") {
      std::cin >> path;
      timed([&] { return static_cast<Index>((texts = lines_of(path)).size()); });
    } else if (order == "adapt") {
      timed([&] { return vectorize.adapt(texts), vectorize.vocabulary_size(); });
    } else if (order == "call") {
      timed([&] { return sum_of(vectorize(texts).ids()); });
    } else if (order == "threads") {
      Index count = 0;
      std::cin >> count;
      timed([&] { return set_threads(count), threads(); });
    } else if (order == "csv") {
      std::cin >> path;
      timed([&] { return table_of(path); });
    } else {
      std::cerr << "unknown order: " << order << '\n';
      return 2;
    }
  }
}
