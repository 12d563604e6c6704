// Products over named axes, as permutes, reshapes and matrix products. Operands are joined from
// left to right; each pair, with its axes sorted into those that both keep (batch), one keeps
// (rows, columns) and both lose (inner), is a single matmul:
//   (batch, rows, inner) (batch, inner, columns) -> (batch, rows, columns)
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>

#include "fovea/base/error.hpp"
#include "fovea/ops/ops.hpp"
#include "ops/shape_rules.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace shape { namespace {

// What einsum is asked for: a letter for each axis of each operand, and of the result. Axes that
// "..." stands for have names that are no letters: the last one `last_other`, those before it the
// characters below.
struct Subscripts {
  std::vector<std::string> inputs;
  std::string output;
};

constexpr char ellipsis = '.', last_other = Shape::max_rank;

std::string others(Index count) {
  std::string names;
  for (Index i = count; i-- > 0;) names += static_cast<char>(last_other - i);
  return names;
}

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// The terms, with a single '.' for "...".
struct Terms {
  std::vector<std::string> inputs = {""};
  std::string output;
  bool named = false;  // whether the result is
};

Terms parsed(std::string_view text) {
  Terms result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    std::string& term = result.named ? result.output : result.inputs.back();
    const bool is_ellipsis = text.substr(i, 3) == "..." && term.find(ellipsis) == std::string::npos;
    if (c == ' ') continue;
    if (c == ',' && !result.named) {
      result.inputs.emplace_back();
    } else if (c == '-' && i + 1 < text.size() && text[i + 1] == '>' && !result.named) {
      result.named = true;
      ++i;
    } else if (is_ellipsis) {
      term += ellipsis;
      i += 2;
    } else if (!is_letter(c)) {
      throw ValueError(
          fmt::format("einsum: '{}' in \"{}\" is no subscript; they are letters and \"...\" once "
                      "in a term, with commas between operands and -> before the result",
                      c, text));
    } else if (result.named && term.find(c) != std::string::npos) {
      throw ValueError(
          fmt::format("einsum: '{}' occurs twice in the result of \"{}\"; a diagonal can be taken "
                      "of an operand only",
                      c, text));
    } else {
      term += c;
    }
  }
  return result;
}

// Gives names to the axes that the "..." of an operand stands for.
std::string with_others(std::string_view text, std::size_t operand, const std::string& term,
                        const Shape& shape) {
  const std::size_t place = term.find(ellipsis);
  const bool any = place != std::string::npos;
  const auto letters = static_cast<int>(term.size()) - any;
  if (any ? letters > shape.rank() : letters != shape.rank()) {
    std::string names = term;
    if (any) names.replace(place, 1, "...");
    throw ShapeError(fmt::format("einsum: operand {} of \"{}\" is {}; \"{}\" names {} axes",
                                 operand, text, to_string(shape), names, letters));
  }
  std::string result = term;
  if (any) result.replace(place, 1, others(shape.rank() - letters));
  return result;
}

// The names of the result where the text has none: the other axes, then letters that occur once.
std::string implied(const std::vector<std::string>& inputs, Index most_others) {
  std::map<char, int> uses;
  for (const std::string& term : inputs)
    for (const char name : term)
      if (is_letter(name)) ++uses[name];
  std::string output = others(most_others);
  for (const auto& [name, count] : uses)
    if (count == 1) output += name;
  return output;
}

// Refuses letters of different sizes, and other axes that do not broadcast.
void check_sizes(std::string_view text, const std::vector<std::string>& inputs,
                 const std::vector<Shape>& shapes) {
  std::map<char, Index> sizes;
  for (std::size_t i = 0; i < shapes.size(); ++i)
    for (std::size_t axis = 0; axis < inputs[i].size(); ++axis) {
      const char name = inputs[i][axis];
      const Index size = shapes[i][static_cast<int>(axis)];
      Index& known = sizes.try_emplace(name, size).first->second;
      if (!is_letter(name) && known == 1) known = size;
      if (known != size && (is_letter(name) || size != 1))
        throw ShapeError(
            fmt::format("einsum: {} of \"{}\" has size {} in operand {}, and {} before",
                        is_letter(name) ? fmt::format("'{}'", name) : "an axis of \"...\"", text,
                        size, i, known));
    }
}

Subscripts einsum(std::string_view text, const std::vector<Shape>& shapes) {
  const Terms terms = parsed(text);
  if (terms.inputs.size() != shapes.size())
    throw ShapeError(fmt::format("einsum: \"{}\" names {} operands, and {} are given", text,
                                 terms.inputs.size(), shapes.size()));
  Subscripts result;
  Index most_others = 0;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    result.inputs.push_back(with_others(text, i, terms.inputs[i], shapes[i]));
    most_others = std::max<Index>(
        most_others, std::ranges::count_if(result.inputs[i], [](char c) { return !is_letter(c); }));
  }
  check_sizes(text, result.inputs, shapes);
  if (!terms.named) {
    result.output = implied(result.inputs, most_others);
    return result;
  }
  result.output = terms.output;
  const std::size_t place = result.output.find(ellipsis);
  if (place != std::string::npos)
    result.output.replace(place, 1, others(most_others));
  else if (most_others > 0)
    throw ValueError(fmt::format(
        "einsum: the result of \"{}\" has no \"...\" for the axes of that name; add it", text));
  for (const char name : result.output)
    if (is_letter(name) && std::ranges::none_of(result.inputs, [&](const std::string& names) {
          return names.find(name) != std::string::npos;
        }))
      throw ValueError(
          fmt::format("einsum: '{}' of the result of \"{}\" is in no operand", name, text));
  return result;
}

// Refuses last sizes that differ.
void dot(const Shape& a, const Shape& b) {
  if (a.rank() < 1 || b.rank() < 1 || a[-1] != b[-1])
    throw ShapeError(
        fmt::format("dot: a is {}, b is {}; the last size of a must equal the last of b",
                    to_string(a), to_string(b)));
  broadcast("dot", a, b);
}

}}  // namespace shape

namespace {

// A tensor whose axes have names, one letter each.
struct Named {
  Tensor tensor;
  std::string names;

  Index size(char name) const { return tensor.shape()[static_cast<int>(names.find(name))]; }
};

bool has(const std::string& names, char name) { return names.find(name) != std::string::npos; }

template <class Wanted>
std::string filtered(const std::string& names, const Wanted& wanted) {
  std::string result;
  std::ranges::copy_if(names, std::back_inserter(result), wanted);
  return result;
}

Named ordered(const Named& x, const std::string& names) {
  if (x.names == names) return x;
  std::vector<int> order;
  for (const char name : names) order.push_back(static_cast<int>(x.names.find(name)));
  return {permute_dims(x.tensor, order), names};
}

// Replaces two axes of one name by their diagonal: the first, and each one behind a whole row and a
// position more, of the two as one axis.
Named with_diagonal(const Named& x, std::size_t first, std::size_t second) {
  const char name = x.names[first];
  std::string kept = x.names;
  kept.erase(second, 1);
  kept.erase(first, 1);
  std::vector<int> order;
  std::vector<Index> sizes;
  std::vector<Range> ranges(kept.size());
  for (std::size_t axis = 0; axis < x.names.size(); ++axis)
    if (axis != first && axis != second) {
      order.push_back(static_cast<int>(axis));
      sizes.push_back(x.tensor.shape()[static_cast<int>(axis)]);
    }
  order.push_back(static_cast<int>(first));
  order.push_back(static_cast<int>(second));
  const Index size = x.size(name);
  sizes.push_back(size * size);
  ranges.push_back({.step = size + 1});
  return {slice(reshape(permute_dims(x.tensor, order), sizes), ranges), kept + name};
}

// An operand of which each name stands for one axis. Axes of "..." of size 1 are left out where
// another operand is longer: they are the same for all of its positions.
Named operand(const Tensor& x, const std::string& names, const std::map<char, Index>& longest) {
  Named result{reshape(x, {x.shape().sizes().begin(), x.shape().sizes().end()}), names};
  for (std::size_t axis = names.size(); axis-- > 0;)
    if (x.shape()[static_cast<int>(axis)] == 1 && longest.at(names[axis]) != 1) {
      result.tensor = squeeze(result.tensor, static_cast<int>(axis));
      result.names.erase(axis, 1);
    }
  for (std::size_t axis = 0; axis < result.names.size();) {
    const std::size_t again = result.names.find(result.names[axis], axis + 1);
    if (again == std::string::npos)
      ++axis;
    else
      result = with_diagonal(result, axis, again);
  }
  return result;
}

// Sums over the axes that nothing asks for.
Named summed(const Named& x, const std::string& asked) {
  const std::string kept = filtered(x.names, [&](char name) { return has(asked, name); });
  Tensor y = x.tensor;
  for (std::size_t axis = x.names.size(); axis-- > 0;)
    if (!has(kept, x.names[axis])) y = sum(y, static_cast<int>(axis));
  return {y, kept};
}

Named joined(const Named& a, const Named& b, const std::string& asked) {
  const std::string batch =
      filtered(a.names, [&](char name) { return has(b.names, name) && has(asked, name); });
  const std::string inner =
      filtered(a.names, [&](char name) { return has(b.names, name) && !has(asked, name); });
  const std::string rows = filtered(a.names, [&](char name) { return !has(b.names, name); });
  const std::string columns = filtered(b.names, [&](char name) { return !has(a.names, name); });
  const auto count = [](const Named& x, const std::string& names) {
    Index product = 1;
    for (const char name : names) product *= x.size(name);
    return product;
  };
  const Tensor left = reshape(ordered(a, batch + rows + inner).tensor,
                              {count(a, batch), count(a, rows), count(a, inner)});
  const Tensor right = reshape(ordered(b, batch + inner + columns).tensor,
                               {count(b, batch), count(b, inner), count(b, columns)});
  std::vector<Index> sizes;
  for (const char name : batch + rows) sizes.push_back(a.size(name));
  for (const char name : columns) sizes.push_back(b.size(name));
  return {reshape(matmul(left, right), sizes), batch + rows + columns};
}

}  // namespace

Tensor einsum(std::string_view subscripts, const std::vector<Tensor>& tensors) {
  std::vector<Shape> shapes;
  for (const Tensor& tensor : tensors) shapes.push_back(tensor.shape());
  const auto [inputs, output] = shape::einsum(subscripts, shapes);
  std::map<char, Index> longest;
  for (std::size_t i = 0; i < shapes.size(); ++i)
    for (std::size_t axis = 0; axis < inputs[i].size(); ++axis) {
      const Index size = shapes[i][static_cast<int>(axis)];
      Index& known = longest.try_emplace(inputs[i][axis], size).first->second;
      if (known == 1) known = size;
    }
  std::vector<Named> operands;
  for (std::size_t i = 0; i < tensors.size(); ++i)
    operands.push_back(operand(tensors[i], inputs[i], longest));
  const auto asked_from = [&, &last = output](std::size_t i) {
    std::string names = last;
    for (; i < operands.size(); ++i) names += operands[i].names;
    return names;
  };
  Named result = summed(operands[0], asked_from(1));
  for (std::size_t i = 1; i < operands.size(); ++i)
    result =
        joined(result, summed(operands[i], result.names + asked_from(i + 1)), asked_from(i + 1));
  return ordered(result, output).tensor;
}

Tensor outer(const Tensor& a, const Tensor& b) {
  return matmul(reshape(a, {a.shape().count(), 1}), reshape(b, {1, b.shape().count()}));
}

Tensor dot(const Tensor& a, const Tensor& b) {
  shape::dot(a.shape(), b.shape());
  return sum(a * b, -1);
}

}}  // namespace fovea
