#include "fovea/optim/adam.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "fovea/base/error.hpp"
#include "kernels/adam.hpp"
#include "parallel/parallel.hpp"

namespace fovea::inline FOVEA_PRECISION {

namespace {

void check(bool right, const char* option, double value, const char* rule) {
  if (!right) throw ValueError(fmt::format("Adam: {} is {}; it must be {}", option, value, rule));
}

// The step's factors, computed in double and rounded once.
kernels::AdamStep factors(const AdamOptions& o, Index step) {
  const auto t = static_cast<double>(step);
  const double correction_1 = 1 - std::pow(o.beta_1, t), correction_2 = std::sqrt(1 - std::pow(o.beta_2, t));
  const double rate = o.epsilon_inside ? o.learning_rate / correction_1 : o.learning_rate * correction_2 / correction_1;
  const double root_scale = o.epsilon_inside ? 1 / correction_2 : 1;
  return {static_cast<real>(1 - o.beta_1), static_cast<real>(1 - o.beta_2), static_cast<real>(rate),
          static_cast<real>(root_scale),   static_cast<real>(o.epsilon),    static_cast<real>(o.l2),
          static_cast<real>(1 - o.learning_rate * o.weight_decay)};
}

// A table of which only some rows have a gradient: those rows, and the runs between them with a gradient of zeros.
void step_rows(const kernels::AdamStep& step, const TouchedRows& touched, real* parameter, real* mean, real* variance, Index rows, Index width) {
  const std::span<const std::int32_t> ids = touched.ids.values();
  constexpr Index rows_a_piece = 256;
  parallel::for_range(rows, rows_a_piece, [&](Index begin, Index end) {
    auto next = std::ranges::lower_bound(ids, begin);
    for (Index row = begin; row < end;) {
      const bool is_touched = next != ids.end() && *next == row;
      const Index stop = is_touched ? row + 1 : next == ids.end() ? end : std::min<Index>(end, *next);
      const real* gradient = is_touched ? touched.values.data() + (next - ids.begin()) * width : nullptr;
      kernels::adam(step, gradient, parameter + row * width, mean + row * width, variance + row * width, (stop - row) * width);
      if (is_touched) ++next;
      row = stop;
    }
  });
}

}  // namespace

Adam::Adam(const AdamOptions& options) : options_(options) {
  set_learning_rate(options.learning_rate);
  check(options.beta_1 >= 0 && options.beta_1 < 1, "beta_1", options.beta_1, "at least 0 and below 1");
  check(options.beta_2 >= 0 && options.beta_2 < 1, "beta_2", options.beta_2, "at least 0 and below 1");
  check(options.epsilon > 0 && std::isfinite(options.epsilon), "epsilon", options.epsilon, "above 0");
  check(options.weight_decay >= 0 && std::isfinite(options.weight_decay), "weight_decay", options.weight_decay, "at least 0");
  check(options.l2 >= 0 && std::isfinite(options.l2), "l2", options.l2, "at least 0");
}

void Adam::set_learning_rate(double rate) {
  check(rate >= 0 && std::isfinite(rate), "learning_rate", rate, "at least 0");
  options_.learning_rate = rate;
}

void Adam::attach(std::vector<NamedParameter> parameters) {
  slots_.clear();
  steps_ = 0;
  for (NamedParameter& parameter : parameters) {
    const bool known = std::ranges::any_of(slots_, [&](const Slot& slot) { return slot.parameter.node().get() == parameter.tensor.node().get(); });
    if (!parameter.tensor.requires_grad() || known) continue;  // frozen, or shared with a parameter that is there already
    const Array zeros = Array::zeros(parameter.tensor.shape());
    slots_.push_back({std::move(parameter.path), parameter.tensor, zeros, zeros.clone()});
  }
}

void Adam::step() {
  if (slots_.empty()) throw StateError("Adam: no parameters are attached; call attach(model) once the model is built");
  const parallel::FlushSubnormals flush;
  const kernels::AdamStep step = factors(options_, ++steps_);
  for (Slot& slot : slots_) {
    const Gradient& gradient = slot.parameter.gradient();
    real* const parameter = slot.parameter.mutable_value().mutable_data();
    real* const mean = slot.mean.mutable_data();
    real* const variance = slot.variance.mutable_data();
    const Shape& shape = slot.parameter.shape();
    if (gradient.empty())
      kernels::adam(step, nullptr, parameter, mean, variance, shape.count());
    else if (gradient.has_rows_only())
      step_rows(step, gradient.rows(), parameter, mean, variance, shape[0], shape.count() / shape[0]);
    else
      kernels::adam(step, gradient.array().data(), parameter, mean, variance, shape.count());
  }
}

void Adam::zero_grad() const {
  for (const Slot& slot : slots_) slot.parameter.zero_grad();
}

}  // namespace fovea
