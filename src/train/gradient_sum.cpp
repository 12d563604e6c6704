#include "train/gradient_sum.hpp"

#include <utility>

namespace fovea { inline namespace FOVEA_PRECISION {

void GradientSum::take() {
  Gradients gradients;
  gradients.reserve(parameters_.size());
  for (const auto& [path, parameter] : parameters_)
    gradients.push_back(std::exchange(parameter.gradient(), Gradient(parameter.shape())));
  waiting_.push_back(std::move(gradients));
  for (Index even = ++count_; even % 2 == 0; even /= 2) join();
}

void GradientSum::give() {
  while (waiting_.size() > 1) join();
  for (std::size_t i = 0; i < parameters_.size(); ++i)
    parameters_[i].tensor.gradient() = std::move(waiting_[0][i]);
  waiting_.clear();
  count_ = 0;
}

void GradientSum::join() {
  const Gradients last = std::move(waiting_.back());
  waiting_.pop_back();
  for (std::size_t i = 0; i < last.size(); ++i) waiting_.back()[i].add(last[i]);
}

}}  // namespace fovea
