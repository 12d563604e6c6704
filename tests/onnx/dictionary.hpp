// The dictionary from ONNX to fovea: a row for each operator that can be said in fovea's words, in
// four parts. Where ONNX's operator is not one of fovea's functions, the row says it as a
// composition of them.
#pragma once

#include <functional>
#include <type_traits>
#include <variant>

#include "onnx/case.hpp"

namespace onnx {

using Value = std::variant<Tensor, Ids, Mask>;
using Values = std::vector<Value>;

/// How results are compared: numbers that are only chosen and moved are equal to what is expected,
/// and so are whole ones always.
enum class Result { moved, computed };

struct Translation {
  /// `run` gives the operator's outputs as Values, or the only one.
  template <class Run>
  Translation(const char* name, Result kind, Run translated) : op(name), result(kind) {
    if constexpr (std::is_convertible_v<std::invoke_result_t<Run, const Case&>, Values>)
      run = translated;
    else
      run = [translated](const Case& c) { return Values{translated(c)}; };
  }

  std::string op;
  Result result;
  std::function<Values(const Case&)> run;
};

std::vector<Translation>
elementwise();                      ///< arithmetic, functions, activations, comparisons, reductions
std::vector<Translation> arrays();  ///< shapes and indexing
std::vector<Translation> layers();  ///< products, windows, normalisation
std::vector<Translation> training();  ///< distributions, dropout, losses, recurrence, Adam

/// x with axis `from` at `to` and the others in their order: NumPy's moveaxis.
inline Tensor move_axis(const Tensor& x, int from, int to) {
  std::vector<int> order;
  for (int axis = 0; axis < x.shape().rank(); ++axis)
    if (axis != x.shape().resolve(from)) order.push_back(axis);
  order.insert(order.begin() + x.shape().resolve(to), x.shape().resolve(from));
  return permute_dims(x, order);
}

/// The axes that input 1 names, or the option "axes" in older operators.
inline Axes axes_of(const Case& c) {
  const std::vector<Index> wanted = c.has(1) ? c.list(1) : c.options("axes");
  return Axes(std::vector<int>(wanted.begin(), wanted.end()));
}

}  // namespace onnx
