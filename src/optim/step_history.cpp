#include "optim/step_history.hpp"

#include <algorithm>
#include <cstring>

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

// By bits: equal numbers of different signs, 0 and -0, make different steps.
bool equal(const StepFactors& a, const StepFactors& b) {
  return std::memcmp(a.data(), b.data(), sizeof a) == 0;
}

}  // namespace

void StepHistory::make_room() {
  constexpr std::size_t first = 16;
  if (ends_.size() < factors_.capacity() && ends_.size() < ends_.capacity()) return;
  const std::size_t size = std::max(first, 2 * ends_.size());
  factors_.reserve(size);
  ends_.reserve(size);
}

void StepHistory::include(const StepFactors& factors) {
  for (std::size_t i = 0; i < factors.size(); ++i) largest_[i] = std::max(largest_[i], factors[i]);
}

void StepHistory::record(const StepFactors& factors) {
  if (!ends_.empty() && equal(factors_.back(), factors)) {
    ends_.back() = ++now_;
    return;
  }
  if (ends_.empty()) largest_ = factors;
  include(factors);
  factors_.push_back(factors);
  ends_.push_back(++now_);
}

void StepHistory::record_for_all() {
  factors_.clear();
  ends_.clear();
  ++now_;
}

void StepHistory::drop(std::int32_t step) {
  const auto count = std::ranges::upper_bound(ends_, step) - ends_.begin();
  ends_.erase(ends_.begin(), ends_.begin() + count);
  factors_.erase(factors_.begin(), factors_.begin() + count);
  if (factors_.empty()) return;
  largest_ = factors_.front();
  for (const StepFactors& factors : factors_) include(factors);
}

MissedSteps StepHistory::since(std::int32_t done) const {
  const auto first =
      static_cast<std::size_t>(std::ranges::upper_bound(ends_, done) - ends_.begin());
  return {std::span(factors_).subspan(first), std::span(ends_).subspan(first), done, largest_};
}

}}  // namespace fovea
