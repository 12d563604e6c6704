// Products over named axes, as permutes, reshapes and matrix products. Operands are joined from
// left to right; each pair, with its axes sorted into those that both keep (batch), one keeps
// (rows, columns) and both lose (inner), is a single matmul:
//   (batch, rows, inner) (batch, inner, columns) -> (batch, rows, columns)
#include <algorithm>
#include <string>

#include "fovea/ops/ops.hpp"
#include "ops/shape_rules.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

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
  return {permute(x.tensor, order), names};
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
