// The process of one contestant at one work: worker.py in C++. It says "ready", waits for a line,
// answers it, and waits for the next.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "fovea/io/npy.hpp"

namespace peers {

/// What is measured: step i, and the number that is compared; a unit of `run` is `per_unit` steps.
struct Steps {
  std::function<void(fovea::Index step)> advance;  ///< makes step i, to its end
  std::function<double(fovea::Index step)> loss;   ///< the same, and its number
  int per_unit = 1;                                ///< steps in one call of `advance`
};

struct Options {
  std::string contestant, kind;
};

/// Answers lines until there are no more; `start` makes everything anew from the initial weights.
/// The result is the program's.
int serve(
    int count, char** arguments,
    const std::function<Steps(const Options& options, const fovea::NumpyArchive& data)>& start);

/// The sum of the squares of all numbers.
double sum_of_squares(const std::vector<fovea::Array>& arrays);

}  // namespace peers
