// One case of a golden file: the arrays `case__name`, its leaves, and the comparison of output and
// gradients. No array of the case may be left over.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "fovea/ops/ops.hpp"
#include "golden/golden.hpp"

namespace golden {

class Case {
 public:
  Case(const fovea::NumpyArchive& file, std::string name) : file_(file), name_(std::move(name)) {}

  const std::string& name() const { return name_; }

  /// An input or a weight, with a gradient to compare.
  fovea::Tensor leaf(const std::string& what) {
    leaves_.emplace_back(what, fovea::Tensor::parameter(array(what)));
    return leaves_.back().second;
  }

  fovea::Array array(const std::string& what) { return file_.array(used(what)); }
  fovea::Mask mask(const std::string& what) { return file_.mask(used(what)); }
  fovea::Ids ids(const std::string& what) { return file_.ids(used(what)); }

  /// A result beside the output, whose gradient nobody asks for.
  void check_value(const std::string& what, const fovea::Array& value) {
    compare(what, value, 5e-6);
  }

  /// The output, and the gradient of sum(output cotangent) by each leaf.
  void check(const fovea::Tensor& output) {
    INFO(name_);
    compare("output", output.value(), 5e-6);
    sum(output * fovea::Tensor(array("cotangent"))).backward();
    for (const auto& [what, leaf] : leaves_) compare("d_" + what, leaf.grad(), 1e-5);
    for (const std::string& each : file_.names())
      if (each.starts_with(name_ + "__"))
        CHECK_MESSAGE(used_.contains(each), each, " is left over");
  }

 private:
  std::string used(const std::string& what) { return *used_.insert(name_ + "__" + what).first; }

  void compare(const std::string& what, const fovea::Array& ours, double t) {
    INFO(name_, " ", what);
    CHECK(differs(ours, array(what), t) == "");
  }

  const fovea::NumpyArchive& file_;
  std::string name_;
  std::vector<std::pair<std::string, fovea::Tensor>> leaves_;
  std::set<std::string> used_;
};

/// Whether the cases of a file are those that are checked here and those that are left out.
inline void check_complete(const fovea::NumpyArchive& file, const std::set<std::string>& checked,
                           const std::set<std::string>& left_out) {
  std::set<std::string> all = checked, found;
  for (const std::string& name : left_out)
    CHECK_MESSAGE(all.insert(name).second, name, " is checked, and left out");
  for (const std::string& name : file.names()) found.insert(name.substr(0, name.find("__")));
  for (const std::string& name : found) CHECK_MESSAGE(all.contains(name), name, " is in the file");
  for (const std::string& name : all)
    CHECK_MESSAGE(found.contains(name), name, " is not in the file");
}

}  // namespace golden
