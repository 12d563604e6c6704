// One ONNX node case: an operator with its inputs, as fovea takes them, and the outputs that are
// expected.
#pragma once

#include <filesystem>

#include "fovea/fovea.hpp"
#include "onnx/model_file.hpp"

namespace onnx {

using namespace fovea;

/// What test_NAME/ holds. Inputs go by position, options (ONNX: attributes) by name.
class Case {
 public:
  /// Reads the model; `load` reads the tensors, so that cases can be left out before.
  explicit Case(const std::filesystem::path& folder);

  /// Throws LeftOut where more than tensors of numbers go in or out, or the model is more than one
  /// operator.
  void load();

  const std::string& op() const { return model_.nodes.back().op; }
  Index opset() const { return model_.opset; }

  /// Absent ones at the end do not count.
  std::size_t inputs() const { return inputs_.size(); }
  bool has(std::size_t input) const { return input < inputs_.size() && inputs_[input]; }

  Tensor tensor(std::size_t input)
      const;  ///< whole numbers become real ones; throws LeftOut where they change
  Tensor tensor(std::size_t input, const Shape& shape)
      const;  ///< the same numbers under a shape; ONNX knows more than six axes
  Mask mask(std::size_t input) const;  ///< a tensor of bool
  Ids ids(std::size_t input, Index positions = 0)
      const;  ///< whole numbers; those below 0 count from the end of `positions`
  real number(std::size_t input) const;              ///< the first of a tensor
  std::vector<Index> list(std::size_t input) const;  ///< all of a tensor, whole
  const Numbers& plain(std::size_t input) const;     ///< as it was read

  real option(const std::string& name, double otherwise) const;
  Index option(const std::string& name, int otherwise) const;
  std::string option(const std::string& name, const char* otherwise) const;
  std::vector<Index> options(const std::string& name) const;  ///< a list; empty if there is none
  bool has_option(const std::string& name) const {
    return model_.nodes.back().attributes.contains(name);
  }
  Tensor tensor_option(
      const std::string& name) const;  ///< throws LeftOut where it is of a type that is not read

  /// In the operator's order; nothing where it is not asked for.
  const std::vector<std::optional<Numbers>>& expected() const { return outputs_; }

 private:
  std::filesystem::path folder_;
  Model model_;
  std::vector<std::optional<Numbers>> inputs_, outputs_;
};

}  // namespace onnx
