#include "support/show.hpp"

#include <fmt/format.h>

#include <string>

namespace examples {

using namespace fovea;

namespace {

// An axis opens where a multiple of its elements has gone by, and closes in the same way.
template <class Values>
std::string nested(const Shape& shape, const Values& values) {
  if (shape.count() == 0) return "[]";
  std::string text;
  for (Index i = 0; i < shape.count(); ++i) {
    std::string closing;
    Index elements = 1;
    if (i > 0) text += ' ';
    for (int axis = shape.rank() - 1; axis >= 0; --axis) {
      elements *= shape[axis];
      if (i % elements == 0) text += '[';
      if ((i + 1) % elements == 0) closing += ']';
    }
    text += fmt::format("{:.4g}", double(values[static_cast<std::size_t>(i)])) + closing;
  }
  return text;
}

template <class Values>
void line(std::string_view code, const Shape& shape, const Values& values) {
  fmt::print("  {:<44} {:<10} {}\n", code, to_string(shape), nested(shape, values));
}

}  // namespace

void show(std::string_view code, const Tensor& x) { line(code, x.shape(), x.value().values()); }
void show(std::string_view code, const Mask& mask) { line(code, mask.shape(), mask.keep()); }
void show(std::string_view code, const Ids& ids) { line(code, ids.shape(), ids.values()); }
void show(std::string_view code, bool answer) { fmt::print("  {:<55} {}\n", code, answer); }
void show(std::string_view code) { fmt::print("  {}\n", code); }

}  // namespace examples
