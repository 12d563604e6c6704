// A learning rate: a number, or a schedule.
#pragma once

#include <concepts>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

#include "fovea/base/error.hpp"
#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// A number, or a schedule: a function from the number of a step, from 0, to its rate.
///
///     .learning_rate = 0.01
///     .learning_rate = [](Index step) { return 0.1 / std::sqrt(1.0 + step); }
///
/// A schedule should depend on the step alone: then a training that is resumed has the same rates.
class LearningRate {
 public:
  /// Takes the rate of all steps.
  LearningRate(double rate) : rate_(rate) {}  // NOLINT: implicit on purpose
  /// Takes a schedule. Throws ValueError for an empty function, and what the schedule's check()
  /// throws, if it has one.
  template <class Schedule>
  requires(std::is_invocable_r_v<double, const Schedule&, Index> &&
           !std::same_as<Schedule, LearningRate>)
      LearningRate(Schedule schedule)  // NOLINT: implicit on purpose
      : schedule_(std::move(schedule)) {
    if (!schedule_) throw ValueError("LearningRate: the schedule is an empty function; give one");
    if constexpr (requires(const Schedule& given) { given.check(); })
      schedule_.template target<Schedule>()->check();
  }

  /// Returns the rate of step number `step`, from 0.
  double at(Index step) const { return schedule_ ? schedule_(step) : rate_; }

  /// Returns the number; none of a schedule.
  std::optional<double> number() const {
    return schedule_ ? std::nullopt : std::optional<double>(rate_);
  }

 private:
  double rate_ = 0;
  std::function<double(Index)> schedule_;
};

}}  // namespace fovea
