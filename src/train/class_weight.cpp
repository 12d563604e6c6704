#include "train/class_weight.hpp"

#include <algorithm>
#include <cmath>

#include "fovea/base/error.hpp"
#include "train/metrics/class_pairs.hpp"
#include "train/metrics/class_targets.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

void check_class_weight(const CallName& call, const std::map<Index, double>& class_weight,
                        std::size_t outputs) {
  if (class_weight.empty()) return;
  if (outputs > 1)
    throw ValueError(
        fmt::format("{}: class_weight is given, and the model has {} outputs; give sample_weight",
                    call.text(), outputs));
  for (const auto& [class_id, weight] : class_weight) {
    if (class_id < 0)
      throw ValueError(fmt::format("{}: class_weight has a class {}; classes begin at 0",
                                   call.text(), class_id));
    if (!(weight >= 0 && std::isfinite(weight)))
      throw ValueError(
          fmt::format("{}: the weight of class {} is {}; weights must be finite and at least 0",
                      call.text(), class_id, weight));
  }
}

namespace {

// Returns whether targets are rows of classes. Throws ShapeError if they are no labels either.
bool are_rows(const CallName& call, const Samples& target, const Shape& output) {
  if (target.shape().count() == target.count()) return false;
  if (target.shape().rank() == 2 && target.shape() == output) return true;
  throw ShapeError(fmt::format(
      "{}: class_weight is given, and targets are {} for predictions {}; it needs one label for "
      "each sample, or a one-hot row",
      call.text(), to_string(target.shape()), to_string(output)));
}

}  // namespace

void weigh_classes(const CallName& call, const std::map<Index, double>& class_weight,
                   const Samples& target, const Shape& output, std::vector<double>& weight) {
  if (class_weight.empty() || target.count() == 0) return;
  const bool rows = are_rows(call, target, output);
  if (weight.empty()) weight.assign(static_cast<std::size_t>(target.count()), 1);
  metrics::with_elements(target, [&](const auto* elements) {
    const Index width = rows ? output[-1] : 1, classes = rows || output[-1] > 1 ? output[-1] : 2;
    if (const Index last = class_weight.rbegin()->first; last >= classes)
      throw ValueError(fmt::format("{}: class_weight has a class {}; there are classes 0 to {}",
                                   call.text(), last, classes - 1));
    for (Index i = 0; i < target.count(); ++i) {
      double& own = weight[static_cast<std::size_t>(i)];
      if (own == 0) continue;
      const double label = rows ? static_cast<double>(metrics::largest(elements + i * width, width))
                                : static_cast<double>(elements[i]);
      const Index class_id = metrics::class_label(call.text(), label, i, classes);
      const auto found = class_weight.find(class_id);
      if (found != class_weight.end()) own *= found->second;
    }
  });
}

void check_some_count(const CallName& call, const std::vector<double>& weight) {
  if (!weight.empty() && std::ranges::all_of(weight, [](double each) { return each == 0; }))
    throw ValueError(
        fmt::format("{}: with class_weight all samples have weight 0, and nothing counts; give a "
                    "class that occurs a weight above 0",
                    call.text()));
}

}}  // namespace fovea
