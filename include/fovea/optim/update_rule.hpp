// The part of an optimiser that its author writes: slots, factors of a step, and arithmetic.
// SlotOptimizer does everything else; docs/adding_an_optimizer.md shows an example.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// The factors of a step, in an order of the rule's own. Unused ones are 0.
using StepFactors = std::array<real, 8>;

/// How many slots a rule can have.
constexpr std::size_t most_slots = 4;

/// Neighbouring elements of a parameter, and the elements of its slots at the same positions.
struct Cells {
  real* parameter;                      ///< the first element to update
  std::array<real*, most_slots> slots;  ///< in the order of UpdateRule::slots; null behind them
  Index count;                          ///< how many elements to update
  Index begin = 0;                      ///< position of the first in its array
  Index total = count;                  ///< how many elements the array has

  /// Returns the `size` elements from element `first` of these on.
  Cells part(Index first, Index size) const {
    Cells result{parameter + first, slots, size, begin + first, total};
    for (real*& slot : result.slots)
      if (slot) slot += first;
    return result;
  }
};

/// Steps without a gradient that a row of a table has missed. Equal steps in a row are one run.
struct MissedSteps {
  std::span<const StepFactors> factors;  ///< of each run, in order
  std::span<const std::int32_t> ends;    ///< the number of each run's last step
  std::int32_t done;                     ///< the number of the last step that updated the row
  const StepFactors& largest;            ///< for each factor, at least the largest of these steps
};

/// The algorithm of an optimiser. All functions are const and are called from several threads at
/// once. The new value of an element may depend on nothing but the factors, its gradient, and the
/// values of the element and of its slots: then results are the same bits whatever the cut.
class UpdateRule {
 public:
  virtual ~UpdateRule() = default;

  /// Returns the name in messages and saved states: a literal.
  virtual const char* name() const = 0;

  /// Returns the names of the arrays that are kept beside each parameter, zeros at first: literals,
  /// at most `most_slots`.
  virtual std::span<const char* const> slots() const = 0;

  /// Returns what the elements of a slot are at first, where they are not zeros.
  virtual real initial(std::size_t /*slot*/) const { return 0; }

  /// Returns the factors of a step at this learning rate. The first step is 1, as in corrections
  /// of bias, and takes the rate that a schedule has for 0.
  virtual StepFactors factors(double rate, Index step) const = 0;

  /// Performs one step on `cells.count` elements. A null gradient stands for zeros. Throws nothing.
  virtual void update(const StepFactors& factors, const real* gradient,
                      const Cells& cells) const = 0;

  /// Performs one step on a row whose gradient is the sum of `parts`, at least one, accumulated in
  /// their order. By default computes the sum and calls `update`; override it to do both in one
  /// pass, with the same bits.
  virtual void update_row(const StepFactors& factors, std::span<const real* const> parts,
                          const Cells& cells) const;

  /// Performs the steps that a row has missed, with the bits of `update` without a gradient. By
  /// default calls `update` for each step; override it to keep values in registers, or to leave out
  /// steps that change nothing.
  virtual void replay(const MissedSteps& steps, const Cells& cells) const;

  /// Returns the same rule with another decay apart from the gradient, for a group of parameters;
  /// null where the rule has none.
  virtual std::shared_ptr<const UpdateRule> with_weight_decay(double /*weight_decay*/) const {
    return nullptr;
  }

  /// Returns whether rows of a table that no gradient touches stay as they are, slots included,
  /// instead of a step with a gradient of zero: another algorithm.
  virtual bool lazy() const { return false; }
};

}}  // namespace fovea
