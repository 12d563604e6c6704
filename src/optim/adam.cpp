#include "fovea/optim/adam.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "fovea/base/error.hpp"
#include "kernels/adam.hpp"
#include "optim/adam_rows.hpp"
#include "parallel/parallel.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

void check(bool right, const char* option, double value, const char* rule) {
  if (!right) throw ValueError(fmt::format("Adam: {} is {}; it must be {}", option, value, rule));
}

// The step's factors, computed in double and rounded once.
kernels::AdamStep factors(const AdamOptions& o, Index step) {
  const auto t = static_cast<double>(step);
  const double correction_1 = 1 - std::pow(o.beta_1, t),
               correction_2 = std::sqrt(1 - std::pow(o.beta_2, t));
  const double rate = o.epsilon_inside ? o.learning_rate / correction_1
                                       : o.learning_rate * correction_2 / correction_1;
  const double root_scale = o.epsilon_inside ? 1 / correction_2 : 1;
  return {static_cast<real>(1 - o.beta_1),
          static_cast<real>(1 - o.beta_2),
          static_cast<real>(rate),
          static_cast<real>(root_scale),
          static_cast<real>(o.epsilon),
          static_cast<real>(o.l2),
          static_cast<real>(1 - o.learning_rate * o.weight_decay)};
}

// Whether gradients of zero let every parameter come to rest, so that a row may be left early when
// it catches up.
bool comes_to_rest(const AdamOptions& o) {
  return o.weight_decay == 0 && o.l2 == 0 && o.beta_1 * o.beta_1 <= o.beta_2;
}

}  // namespace

Adam::Adam(const AdamOptions& options) : options_(options) {
  set_learning_rate(options.learning_rate);
  check(options.beta_1 >= 0 && options.beta_1 < 1, "beta_1", options.beta_1,
        "at least 0 and below 1");
  check(options.beta_2 >= 0 && options.beta_2 < 1, "beta_2", options.beta_2,
        "at least 0 and below 1");
  check(options.epsilon >= std::numeric_limits<real>::min() && std::isfinite(options.epsilon),
        "epsilon", options.epsilon,
        "above 0, finite, and not so small that it counts as 0 in training");
  check(options.weight_decay >= 0 && std::isfinite(options.weight_decay), "weight_decay",
        options.weight_decay, "at least 0 and finite");
  check(options.l2 >= 0 && std::isfinite(options.l2), "l2", options.l2, "at least 0 and finite");
}

Adam::~Adam() = default;
Adam::Adam(Adam&&) noexcept = default;
Adam& Adam::operator=(Adam&&) noexcept = default;

void Adam::set_learning_rate(double rate) {
  check(rate >= 0 && std::isfinite(rate), "learning_rate", rate, "at least 0 and finite");
  options_.learning_rate = rate;
}

void Adam::reset() {
  slots_.clear();
  steps_ = contexts_ = 0;
}

void Adam::attach(std::vector<NamedParameter> parameters) {
  for (NamedParameter& parameter : parameters) {
    const bool known = std::ranges::any_of(slots_, [&](const Slot& slot) {
      return slot.parameter.node().get() == parameter.tensor.node().get();
    });
    if (!parameter.tensor.requires_grad() || known) continue;  // frozen, or there already
    if (LaggingRows* before = parameter.tensor.node()->lagging) before->retire();
    const Array zeros = Array::zeros(parameter.tensor.shape());
    slots_.push_back(
        {std::move(parameter.path), parameter.tensor, zeros, zeros.clone(), {}, steps_});
  }
}

namespace {

// Gives the memory of a step back, however it ends.
struct Finish {
  const std::vector<Adam::Slot>& slots;
  ~Finish() {
    for (const Adam::Slot& slot : slots)
      if (slot.rows) slot.rows->finish();
  }
};

}  // namespace

// What may fail comes before anything moves. Ordering the rows of tables and updating dense
// parameters go side by side; the rows follow.
void Adam::step() {
  if (slots_.empty())
    throw StateError(
        "Adam: nothing that learns is attached; call attach(model) once the model is built and "
        "some of its parameters learn");
  const parallel::FlushSubnormals flush;
  const Finish at_end{slots_};
  struct Learning {
    Slot* slot;
    Array gradient;  // where it is dense
    kernels::AdamStep step;
  };
  memory::List<Learning> learning;
  learning.reserve(slots_.size());
  Index work = 0;
  for (Slot& slot : slots_) {
    if (!slot.parameter.requires_grad()) continue;  // frozen since: it stands still
    const Gradient& gradient = slot.parameter.gradient();
    if (!slot.rows && gradient.has_rows_only()) {
      if (LaggingRows* before = slot.parameter.node()->lagging) before->retire();
      slot.rows = std::make_shared<AdamRows>(
          slot.parameter, slot.mean, slot.variance,
          AdamRows::Options{.settles = comes_to_rest(options_),
                            .stand_still = options_.untouched_rows_stand_still});
    }
    if (slot.rows) {
      slot.rows->prepare(gradient, slot.mean, slot.variance);
    } else {  // numbers that somebody has copied are copied now
      static_cast<Leaf&>(*slot.parameter.node()).numbers.mutable_data();
      slot.mean.mutable_data();
      slot.variance.mutable_data();
    }
    const bool as_before = !learning.empty() && learning.back().slot->before == slot.before;
    const kernels::AdamStep step =
        as_before ? learning.back().step : factors(options_, steps_ - slot.before + 1);
    learning.push_back({&slot, slot.rows || gradient.empty() ? Array() : gradient.array(), step});
    work += slot.rows ? slot.rows->work() : slot.parameter.shape().count();
  }
  const auto count = static_cast<Index>(learning.size());
  parallel::for_range(
      count, work < parallel::worth_a_task / 4 ? count : 1, [&](Index begin, Index end) {
        for (const auto& [slot, gradient, step] : std::span(learning).subspan(
                 static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin))) {
          if (slot->rows)
            slot->rows->sort();
          else
            kernels::adam(step, slot->parameter.gradient().empty() ? nullptr : gradient.data(),
                          slot->parameter.mutable_value().mutable_data(), slot->mean.mutable_data(),
                          slot->variance.mutable_data(), slot->parameter.shape().count());
        }
      });
  for (const auto& [slot, gradient, step] : learning)
    if (slot->rows) slot->rows->step(step);
  ++steps_;
  contexts_ = 0;
}

// The first of a step has the number that `fit` gives it; the others are numbers that no step
// reaches.
Context Adam::context(std::uint64_t seed) {
  constexpr int bits_of_steps = 40;
  return {.training = true,
          .seed = seed,
          .step = static_cast<std::uint64_t>(steps_) + (contexts_++ << bits_of_steps)};
}

const std::vector<Adam::Slot>& Adam::slots() const& {
  for (const Slot& slot : slots_)
    if (slot.rows) slot.rows->settle_all();
  return slots_;
}

void Adam::zero_grad() const {
  for (const Slot& slot : slots_)
    if (slot.parameter.requires_grad()) slot.parameter.zero_grad();
}

}}  // namespace fovea
