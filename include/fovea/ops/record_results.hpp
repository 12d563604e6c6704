// Recording of operations with several results.
#pragma once

#include <array>
#include <memory>

#include "fovea/autograd/graph.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// The gradients of R results of one operation. The node of the first result runs the rules; the
/// nodes of the others pass their gradients to it.
template <std::size_t R>
class ResultGradients {
 public:
  /// Remembers the shapes of the results.
  explicit ResultGradients(const std::array<Array, R>& values) {
    for (std::size_t i = 0; i < R; ++i) shapes_[i] = values[i].shape();
  }

  /// Sets the node of the first result.
  void belong_to(Node* first) { first_ = first; }

  /// Stores the gradient of result i, and ensures that the rules of the first result run.
  void put(std::size_t i, const Array& dy, Gradient& first) {
    arrived_[i] = dy;
    run_[i] = first_->visit;
    if (!first.empty()) return;
    const auto [view, add] = first.dense();
    std::fill_n(view.data, view.shape.count(), real(0));
  }

  /// Returns the gradients of this backward; `first` is that of the first result, and missing ones
  /// are zeros. Gradients of an earlier backward that ended in an exception are ignored.
  std::array<Array, R> all(const Array& first) const {
    std::array<Array, R> dy;
    dy[0] = first;
    for (std::size_t i = 1; i < R; ++i)
      dy[i] =
          run_[i] == first_->visit && arrived_[i].data() ? arrived_[i] : Array::zeros(shapes_[i]);
    return dy;
  }

 private:
  Node* first_ = nullptr;
  std::array<Shape, R> shapes_;
  std::array<Array, R> arrived_;
  std::array<std::uint64_t, R> run_ = {};
};

/// A rule that receives the gradients of all results.
template <std::size_t R, class Rule>
struct RuleOfResults {
  std::shared_ptr<const ResultGradients<R>> gradients;  ///< shared by the rules of an operation
  Rule rule;                                            ///< as passed to `record`

  /// Runs the rule with the gradients of all results, as the rule of an operation with one result.
  template <class... Target>
  void operator()(const Array& first, Target&&... dx) {
    rule(gradients->all(first), std::forward<Target>(dx)...);
  }
};

/// Returns the results of an operation with several results, as `record` does for one. The rule of
/// one input is `void(const std::array<Array, R>& dy, Gradient& dx)`. That of several inputs is
/// `void(const std::array<Array, R>& dy, Gradient* dx, Gradient* dz ...)`. dy[i] is zeros where
/// nothing depends on result i.
template <std::size_t R, std::size_t... N, class... Rule>
std::array<Tensor, R> record(const char* operation, const std::array<Array, R>& values,
                             WithRespectTo<N, Rule>... parts) {
  const auto gradients = std::make_shared<ResultGradients<R>>(values);
  std::array<Tensor, R> results;
  results[0] = record(operation, values[0],
                      WithRespectTo<N, RuleOfResults<R, Rule>>{
                          parts.inputs, {gradients, std::move(parts.rule)}}...);
  gradients->belong_to(results[0].node().get());
  for (std::size_t i = 1; i < R; ++i)
    results[i] = record(operation, values[i],
                        wrt(results[0], [gradients, i](const Array& dy, Gradient& first) {
                          gradients->put(i, dy, first);
                        }));
  return results;
}

}}  // namespace fovea
