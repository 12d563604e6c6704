// Products over named axes, as permutes, reshapes and matrix products. Operands are joined from
// left to right; each pair, with its axes sorted into those that both keep (batch), one keeps
// (rows, columns) and both lose (inner), is a single matmul:
//   (batch, rows, inner) (batch, inner, columns) -> (batch, rows, columns)
#include <fmt/format.h>

#include <algorithm>
#include <string>

#include <map>

#include "fovea/base/error.hpp"
#include "fovea/ops/ops.hpp"
#include "ops/shape_rules.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace shape { namespace {

// What einsum is asked for: a letter for each axis of each operand, and of the result.
struct Subscripts {
  std::vector<std::string> inputs;
  std::string output;
};

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
                      c, text, c == '.' ? "; \"...\" is not supported" : ""));
    } else if (term.find(c) != std::string::npos) {
      throw ValueError(fmt::format(
          "einsum: '{}' occurs twice in one term of \"{}\"; diagonals are not supported", c, text));
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
  const auto asked_from = [&, &all = inputs, &last = output](std::size_t i) {
    std::string names = last;
    for (; i < all.size(); ++i) names += all[i];
    return names;
  };
  Named result =
      summed({reshape(tensors[0], {shapes[0].sizes().begin(), shapes[0].sizes().end()}), inputs[0]},
             asked_from(1));
  for (std::size_t i = 1; i < tensors.size(); ++i)
    result = joined(result, summed({tensors[i], inputs[i]}, result.names + asked_from(i + 1)),
                    asked_from(i + 1));
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
