// States of metrics as lists of doubles, one part behind the other.
#pragma once

#include <fmt/format.h>

#include <string_view>

#include "fovea/base/error.hpp"
#include "fovea/train/metrics/exact_sum.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace metrics {

/// Writes the parts of a state.
class SavedValues {
 public:
  void add(double number) { values_.push_back(number); }
  void add(const ExactSum& sum) {
    const std::vector<double> own = sum.values();
    add(static_cast<double>(own.size()));
    values_.insert(values_.end(), own.begin(), own.end());
  }
  std::vector<double> values() const { return values_; }

 private:
  std::vector<double> values_;
};

/// Reads what SavedValues wrote. Throws ValueError, with the name of the state, for anything else.
class ReadValues {
 public:
  ReadValues(std::string_view state, std::span<const double> values)
      : state_(state), rest_(values) {}

  double take() {
    require(!rest_.empty());
    const double number = rest_[0];
    rest_ = rest_.subspan(1);
    return number;
  }
  /// Takes an integer of [0, most].
  std::size_t take_count(std::size_t most) {
    const double number = take();
    require(number >= 0 && number <= static_cast<double>(most) && number < 0x1p53 &&
            number == static_cast<double>(static_cast<std::size_t>(number)));
    return static_cast<std::size_t>(number);
  }
  void take(ExactSum& sum) {
    const std::size_t count = take_count(rest_.size());
    require(count <= rest_.size());
    sum.set_values(rest_.subspan(0, count));
    rest_ = rest_.subspan(count);
  }
  std::size_t left() const { return rest_.size(); }
  void finish() const { require(rest_.empty()); }
  void require(bool holds) const {
    if (!holds)
      throw ValueError(fmt::format("{}: set_values: these are not the values of a state", state_));
  }

 private:
  std::string_view state_;
  std::span<const double> rest_;
};

}  // namespace metrics

}}  // namespace fovea
