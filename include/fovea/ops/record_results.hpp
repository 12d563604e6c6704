// Recording of operations with several results.
#pragma once

#include <array>
#include <memory>
#include <optional>

#include "fovea/autograd/graph.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// The gradients of R results of one operation. Each result has a node, which passes its gradient
/// to the node of the operation, and that one runs the rules.
template <std::size_t R>
class ResultGradients {
 public:
  /// Sets the node of the operation.
  void belong_to(Node* operation) { operation_ = operation; }

  /// Stores the gradient of result i, and ensures that the rules run: `mark` is the gradient of the
  /// operation's node.
  void put(std::size_t i, const Array& dy, Gradient& mark) {
    arrived_[i] = dy;
    run_[i] = operation_->visit;
    if (mark.empty()) mark.add(Array::zeros(Shape()));
  }

  /// Returns the gradients of this backward: none for a result on which nothing depends. Those of
  /// an earlier backward that ended in an exception are ignored.
  std::array<std::optional<Array>, R> all() const {
    std::array<std::optional<Array>, R> dy;
    for (std::size_t i = 0; i < R; ++i)
      if (run_[i] == operation_->visit) dy[i] = arrived_[i];
    return dy;
  }

 private:
  Node* operation_ = nullptr;
  std::array<std::optional<Array>, R> arrived_;
  std::array<std::uint64_t, R> run_ = {};
};

/// A rule that receives the gradients of all results.
template <std::size_t R, class Rule>
struct RuleOfResults {
  std::shared_ptr<const ResultGradients<R>> gradients;  ///< shared by the rules of an operation
  Rule rule;                                            ///< as passed to `record`

  /// Runs the rule with the gradients of all results, as the rule of an operation with one result.
  template <class... Target>
  void operator()(const Array& /*mark*/, Target&&... dx) {
    rule(gradients->all(), std::forward<Target>(dx)...);
  }
};

/// Returns the node of an operation with several results, as a tensor whose value has no meaning;
/// an undefined tensor where no input needs a gradient or recording is disabled.
template <class... Parts>
Tensor record_operation(const char* operation, Parts... parts) {
  if (!surroundings().recording || !(parts.needed() || ...)) return {};
  return Tensor(Array::zeros(Shape()),
                NodePtr(new Recorded<Parts...>(operation, Shape(), parts...)));
}

/// Returns the results of an operation with several results, as `record` does for one. The rule of
/// one input is `void(const std::array<std::optional<Array>, R>& dy, Gradient& dx)`. That of
/// several inputs is `void(const std::array<std::optional<Array>, R>& dy, Gradient* dx, Gradient*
/// dz ...)`. There is no dy[i] where nothing depends on result i.
template <std::size_t R, std::size_t... N, class... Rule>
std::array<Tensor, R> record(const char* operation, const std::array<Array, R>& values,
                             WithRespectTo<N, Rule>... parts) {
  const auto gradients = std::make_shared<ResultGradients<R>>();
  const Tensor all =
      record_operation(operation, WithRespectTo<N, RuleOfResults<R, Rule>>{
                                      parts.inputs, {gradients, std::move(parts.rule)}}...);
  if (all.defined()) gradients->belong_to(all.node().get());
  std::array<Tensor, R> results;
  for (std::size_t i = 0; i < R; ++i)
    results[i] = record(
        operation, values[i],
        wrt(all, [gradients, i](const Array& dy, Gradient& mark) { gradients->put(i, dy, mark); }));
  return results;
}

}}  // namespace fovea
