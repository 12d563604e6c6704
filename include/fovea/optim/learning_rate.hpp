// A learning rate: a number, or a schedule.
#pragma once

#include <concepts>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// A number, or a function from the number of a step, from 0, to its rate. Optimisers take one
/// wherever a learning rate is given: `.learning_rate = 0.01`, or
/// `.learning_rate = [](Index step) { return 0.1 / std::sqrt(1.0 + step); }`. A schedule should
/// depend on the step alone: then a training that is resumed sees the same rates.
class LearningRate {
 public:
  /// The same rate in every step.
  LearningRate(double rate) : rate_(rate) {}  // NOLINT: implicit on purpose
  /// A schedule. Throws what its check() does, if it has one.
  template <class Schedule>
  requires(std::is_invocable_r_v<double, const Schedule&, Index> &&
           !std::same_as<Schedule, LearningRate>)
      LearningRate(Schedule schedule)  // NOLINT: implicit on purpose
      : schedule_(std::move(schedule)) {
    if constexpr (requires(const Schedule& given) { given.check(); })
      schedule_.template target<Schedule>()->check();
  }

  /// The rate of step number `step`, from 0.
  double at(Index step) const { return schedule_ ? schedule_(step) : rate_; }

  /// The number; none where it is a schedule.
  std::optional<double> number() const {
    return schedule_ ? std::nullopt : std::optional<double>(rate_);
  }

 private:
  double rate_ = 0;
  std::function<double(Index)> schedule_;
};

}}  // namespace fovea
