// The steps that rows of a table may still have to make.
#pragma once

#include <vector>

#include "fovea/optim/update_rule.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// The factors of the latest steps, equal ones once, so that the list stops growing when factors
/// stand still. Where they change in every step it is bounded: its owner shortens it when it is
/// full.
class StepHistory {
 public:
  /// How many different steps it holds. Adam's bias corrections take 37,000 to become 1 in double,
  /// so that training at a constant rate is never interrupted.
  static constexpr std::size_t most = std::size_t(1) << 16;

  /// The number of steps made.
  std::int32_t now() const { return now_; }

  /// Whether there is no room for another step.
  bool full() const { return ends_.size() == most; }

  /// A step that divides the list in halves.
  std::int32_t middle() const { return ends_[ends_.size() / 2 - 1]; }

  /// Takes memory, so that `record` takes none. Throws std::bad_alloc.
  void make_room();

  /// Makes a step that rows can be late for.
  void record(const StepFactors& factors);

  /// Makes a step for which no row is late: what went before is forgotten.
  void record_for_all();

  /// Forgets steps up to number `step`, which all rows have made.
  void drop(std::int32_t step);

  /// The steps after number `done`. At least one, none of them dropped.
  MissedSteps since(std::int32_t done) const;

 private:
  void include(const StepFactors& factors);

  std::int32_t now_ = 0;
  std::vector<StepFactors> factors_;  // of runs of equal steps
  std::vector<std::int32_t> ends_;    // the number of each run's last step
  StepFactors largest_ = {};          // of all runs
};

}}  // namespace fovea
