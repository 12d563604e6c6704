// THE TABLE of ops. One row for each function of ops.hpp, attention.hpp and recurrent.hpp: how its
// inputs look, how it is called, and what it should give. Tests (ops/every_op_test.cpp) and
// benchmarks walk it; a new op needs a row here and nothing else.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "fovea/ops/ops.hpp"
#include "support/generate.hpp"
#include "support/gradcheck.hpp"
#include "support/oracle.hpp"

namespace support {

using Shapes = std::vector<Shape>;

/// An op with all that is not a tensor (axes, ids, masks, rates) drawn, for inputs of certain
/// shapes.
struct Call {
  Function function;
  std::function<Plain(const std::vector<Plain>&)> oracle;
  std::string arguments = "";  // what was drawn, for people
};

struct OpCase {
  const char* name;  // as ops.hpp declares it
  Range range;       // of the inputs' numbers
  double ulps;  // allowed error of a value (see differs() in approx.hpp); 0: nothing is computed
  std::function<Shapes(Generate&)> shapes;
  std::function<Call(const Shapes&, Generate&)> call;
};

/// All rows: those of op_cases.cpp, then those of each op_cases_*.cpp.
const std::vector<OpCase>& op_cases();
std::vector<OpCase> math_cases();
std::vector<OpCase> loss_cases();
std::vector<OpCase> array_cases();
std::vector<OpCase> product_cases();
std::vector<OpCase> layer_cases();
std::vector<OpCase> attention_cases();
std::vector<OpCase> recurrent_cases();

}  // namespace support
