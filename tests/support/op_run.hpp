// Cases drawn from the table, and one forward and backward pass of a case.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string>
#include <vector>

#include "support/op_cases.hpp"

namespace support {

/// A row with everything drawn. Where the trial wants it, each matrix comes out of a transpose, or
/// the same tensor is all inputs.
struct DrawnCase {
  const OpCase* op;
  Index trial;
  Scale scale;
  Shapes shapes;  // of the op's inputs
  bool transposed, same;
  Call call;
  std::vector<Array> leaves;  // the numbers from which the inputs are made
  Array weights = {};         // of the loss: the sum of weights y

  DrawnCase(const OpCase& row, Index number, Scale size) : op(&row), trial(number), scale(size) {
    Generate g(row.name, trial, scale);
    shapes = row.shapes(g);
    call = row.call(shapes, g);
    const auto differs_from_first = [&](const Shape& shape) { return shape != shapes[0]; };
    same = shapes.size() > 1 && g.wants_same() && std::ranges::none_of(shapes, differs_from_first);
    transposed = g.wants_transposed() &&
                 std::ranges::any_of(shapes, [](const Shape& shape) { return shape.rank() >= 2; });
    for (const Shape& shape : shapes)
      if (!same || leaves.empty())
        leaves.push_back(g.array(
            transposes(shape) ? shape.with(-1, shape[-2]).with(-2, shape[-1]) : shape, row.range));
    const fovea::NoGrad no_grad;
    weights = draw_weights(function()(constants()).value(), g);
  }

  bool transposes(const Shape& shape) const { return transposed && shape.rank() >= 2; }

  std::vector<Tensor> constants() const { return {leaves.begin(), leaves.end()}; }

  /// The op's inputs, made from the leaves.
  std::vector<Tensor> inputs(Inputs from) const {
    std::vector<Tensor> result;
    for (std::size_t i = 0; i < shapes.size(); ++i) {
      const Tensor& leaf = same ? from[0] : from[i];
      result.push_back(transposes(shapes[i]) ? fovea::transpose(leaf) : leaf);
    }
    return result;
  }

  /// The op as a function of the leaves.
  Function function() const {
    return [this](Inputs from) { return call.function(inputs(from)); };
  }

  bool has_size(Index size) const {
    return std::ranges::any_of(
        shapes, [&](const Shape& shape) { return std::ranges::count(shape.sizes(), size) > 0; });
  }

  /// What was drawn.
  std::string text() const {
    std::string sizes;
    for (const Shape& shape : shapes) sizes += to_string(shape) + " ";
    return fmt::format("{} {}{}{}{}", op->name, sizes, call.arguments,
                       transposed ? ", out of a transpose" : "",
                       same ? ", the same tensor for each input" : "");
  }
};

struct Outcome {
  Array y;
  std::vector<Array> gradients;  // of the leaves
};

/// Forward and backward. A case without inputs has no gradients.
inline Outcome run(const DrawnCase& drawn) {
  const std::vector<Tensor> leaves = as_parameters(drawn.leaves);
  const Tensor y = drawn.function()(leaves);
  Outcome outcome{y.value(), {}};
  if (leaves.empty()) return outcome;
  weighted_sum(y, drawn.weights).backward();
  for (const Tensor& leaf : leaves) outcome.gradients.push_back(leaf.grad());
  return outcome;
}

}  // namespace support
