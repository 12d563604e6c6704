// The shapes of products.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "fovea/base/error.hpp"
#include "ops/shape_rules.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace shape {

Shape matmul(const Shape& a, const Shape& b, bool transpose_a, bool transpose_b) {
  if (a.rank() < 1 || b.rank() < 1)
    throw ShapeError(fmt::format(
        "matmul: a is {}, b is {}; both need an axis at least (for a single number use *)",
        to_string(a), to_string(b)));
  const bool matrix_a = a.rank() > 1, matrix_b = b.rank() > 1;
  const bool first_a = matrix_a && transpose_a,
             first_b =
                 matrix_b && !transpose_b;  // whether the second-to-last axis is the inner one
  if (a[first_a ? -2 : -1] != b[first_b ? -2 : -1])
    throw ShapeError(fmt::format(
        "matmul: inner sizes differ: a is {}{}, b is {}{}; the {} size of a must equal the {} of b",
        to_string(a), first_a ? " transposed" : "", to_string(b),
        matrix_b && transpose_b ? " transposed" : "", first_a ? "second-to-last" : "last",
        first_b ? "second-to-last" : "last"));
  const auto batch = [](const Shape& s) {
    return s.rank() < 2 ? Shape() : Shape(s.sizes().first(s.sizes().size() - 2));
  };
  Shape result = broadcast("matmul, leading axes", batch(a), batch(b));
  if (matrix_a) result = result.inserted(result.rank(), a[transpose_a ? -1 : -2]);
  if (matrix_b) result = result.inserted(result.rank(), b[transpose_b ? -2 : -1]);
  return result;
}

Shape linear(const Shape& x, const Shape& weight, const Shape* bias) {
  if (x.rank() < 1) throw ShapeError("linear: x is a single number; it must be (..., inputs)");
  if (weight.rank() != 2 || weight[0] != x[-1])
    throw ShapeError(fmt::format("linear: x is {}, weight {}; the weight must be ({}, units)",
                                 to_string(x), to_string(weight), x[-1]));
  if (bias && *bias != Shape{weight[1]})
    throw ShapeError(
        fmt::format("linear: weight is {}, bias {}; the bias must be ({},), or left out",
                    to_string(weight), to_string(*bias), weight[1]));
  return x.with(-1, weight[1]);
}

void dot(const Shape& a, const Shape& b) {
  if (a.rank() < 1 || b.rank() < 1 || a[-1] != b[-1])
    throw ShapeError(
        fmt::format("dot: a is {}, b is {}; the last size of a must equal the last of b",
                    to_string(a), to_string(b)));
  broadcast("dot", a, b);
}

namespace {

// The letters of each operand, and of the result if it is named.
Subscripts parsed(std::string_view text) {
  Subscripts result{{""}, ""};
  bool named = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    std::string& term = named ? result.output : result.inputs.back();
    if (c == ' ') continue;
    if (c == ',' && !named) {
      result.inputs.emplace_back();
    } else if (c == '-' && i + 1 < text.size() && text[i + 1] == '>' && !named) {
      named = true;
      ++i;
    } else if ((c < 'a' || c > 'z') && (c < 'A' || c > 'Z')) {
      throw ValueError(
          fmt::format("einsum: '{}' in \"{}\" is no subscript; they are letters, with commas "
                      "between operands and -> before the result{}",
                      c, text, c == '.' ? "; \"...\" is not known here" : ""));
    } else if (term.find(c) != std::string::npos) {
      throw ValueError(fmt::format(
          "einsum: '{}' stands twice in one term of \"{}\"; diagonals are not known here", c,
          text));
    } else {
      term += c;
    }
  }
  if (named) return result;
  std::map<char, int> uses;
  for (const std::string& term : result.inputs)
    for (const char name : term) ++uses[name];
  for (const auto& [name, count] : uses)
    if (count == 1) result.output += name;
  return result;
}

}  // namespace

Subscripts einsum(std::string_view text, const std::vector<Shape>& shapes) {
  const Subscripts result = parsed(text);
  if (result.inputs.size() != shapes.size())
    throw ShapeError(fmt::format("einsum: \"{}\" names {} operands, and {} are given", text,
                                 result.inputs.size(), shapes.size()));
  std::map<char, Index> sizes;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    const std::string& names = result.inputs[i];
    if (static_cast<int>(names.size()) != shapes[i].rank())
      throw ShapeError(fmt::format("einsum: operand {} of \"{}\" is {}; \"{}\" names {} axes", i,
                                   text, to_string(shapes[i]), names, names.size()));
    for (std::size_t axis = 0; axis < names.size(); ++axis) {
      const Index size = shapes[i][static_cast<int>(axis)];
      if (const auto [known, is_new] = sizes.try_emplace(names[axis], size);
          !is_new && known->second != size)
        throw ShapeError(
            fmt::format("einsum: '{}' of \"{}\" has size {} in operand {}, and {} before",
                        names[axis], text, size, i, known->second));
    }
  }
  for (const char name : result.output)
    if (!sizes.contains(name))
      throw ValueError(
          fmt::format("einsum: '{}' of the result of \"{}\" is in no operand", name, text));
  return result;
}

}}}  // namespace fovea::shape
