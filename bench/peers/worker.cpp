#include "peers/worker.hpp"

#include <chrono>
#include <iostream>
#include <map>
#include <stdexcept>

#include "fovea/parallel/threads.hpp"
#include "fovea/runtime/runtime_info.hpp"

namespace peers {

using namespace fovea;

namespace {

double run(const Steps& steps, Index& next, Index count) {
  const auto begin = std::chrono::steady_clock::now();
  for (Index i = 0; i < count; ++i) steps.advance(next++);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

void answer(int count, char** arguments,
            const std::function<Steps(const Options&, const NumpyArchive&)>& start) {
  std::map<std::string, std::string> given;
  for (int i = 1; i + 1 < count; i += 2) given[arguments[i]] = arguments[i + 1];
  const Options options{given["--contestant"], given["--kind"]};
  set_threads(std::stoll(given["--threads"]));
  const NumpyArchive data(given["--data"]);
  Steps steps = start(options, data);
  std::cout << R"(ready {"versions": "fovea )" << runtime_info().version << R"(", "runtime": ")"
            << to_string(runtime_info()) << R"(", "advice": ")" << runtime_info().advice
            << R"(", "per_unit": )" << steps.per_unit << "}" << std::endl;
  std::cout.precision(9);

  Index next = 0;
  std::string command;
  for (Index wanted; std::cin >> command >> wanted;) {
    if (command == "losses") {
      if (next > 0) steps = start(options, data);
      next = 0;
      for (Index i = 0; i < wanted; ++i) std::cout << steps.loss(next++) << ' ';
      std::cout << std::endl;
    } else {
      std::cout << run(steps, next, wanted) << std::endl;
    }
  }
}

}  // namespace

int serve(int count, char** arguments,
          const std::function<Steps(const Options&, const NumpyArchive&)>& start) try {
  answer(count, arguments, start);
  return 0;
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 1;
}

double sum_of_squares(const std::vector<Array>& arrays) {
  double sum = 0;
  for (const Array& array : arrays)
    for (const real x : array.values()) sum += static_cast<double>(x) * static_cast<double>(x);
  return sum;
}

}  // namespace peers
