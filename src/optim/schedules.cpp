#include "fovea/optim/schedules.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "optim/option_check.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

constexpr double pi = std::numbers::pi;

double quotient(Index step, Index steps, bool staircase) {
  const double result = static_cast<double>(step) / static_cast<double>(steps);
  return staircase ? std::floor(result) : result;
}

// From 1 to alpha while `share` goes from 0 to 1.
double half_wave(double share, double alpha) {
  return (1 - alpha) * (1 + std::cos(pi * share)) / 2 + alpha;
}

void check_steps(const OptionCheck& check, const char* option, Index steps) {
  check(steps >= 1, option, static_cast<double>(steps), "at least 1");
}

}  // namespace

double ExponentialDecay::operator()(Index step) const {
  return initial_learning_rate * std::pow(decay_rate, quotient(step, decay_steps, staircase));
}

void ExponentialDecay::check() const {
  const OptionCheck check{"ExponentialDecay"};
  check.amount("initial_learning_rate", initial_learning_rate);
  check_steps(check, "decay_steps", decay_steps);
  check.amount("decay_rate", decay_rate);
}

double PiecewiseConstantDecay::operator()(Index step) const {
  return values[static_cast<std::size_t>(std::ranges::lower_bound(boundaries, step) -
                                         boundaries.begin())];
}

void PiecewiseConstantDecay::check() const {
  const OptionCheck check{"PiecewiseConstantDecay"};
  if (values.size() != boundaries.size() + 1)
    throw ValueError(
        fmt::format("PiecewiseConstantDecay: values: expected {}, one more than boundaries, got "
                    "{}; give a rate "
                    "before the first boundary and one after each",
                    boundaries.size() + 1, values.size()));
  for (std::size_t i = 1; i < boundaries.size(); ++i)
    check(boundaries[i] > boundaries[i - 1], fmt::format("boundaries[{}]", i).c_str(),
          static_cast<double>(boundaries[i]), "above the one before it");
  for (std::size_t i = 0; i < values.size(); ++i)
    check.amount(fmt::format("values[{}]", i).c_str(), values[i]);
}

double PolynomialDecay::operator()(Index step) const {
  double share = quotient(step, decay_steps, false);
  if (cycle)
    share /= std::max(1.0, std::ceil(share));
  else
    share = std::min(share, 1.0);
  return (initial_learning_rate - end_learning_rate) * std::pow(1 - share, power) +
         end_learning_rate;
}

void PolynomialDecay::check() const {
  const OptionCheck check{"PolynomialDecay"};
  check.amount("initial_learning_rate", initial_learning_rate);
  check_steps(check, "decay_steps", decay_steps);
  check.amount("end_learning_rate", end_learning_rate);
  check(power > 0 && std::isfinite(power), "power", power, "above 0 and finite");
}

double InverseTimeDecay::operator()(Index step) const {
  return initial_learning_rate / (1 + decay_rate * quotient(step, decay_steps, staircase));
}

void InverseTimeDecay::check() const {
  const OptionCheck check{"InverseTimeDecay"};
  check.amount("initial_learning_rate", initial_learning_rate);
  check_steps(check, "decay_steps", decay_steps);
  check.amount("decay_rate", decay_rate);
}

double CosineDecay::operator()(Index step) const {
  if (step < warmup_steps)
    return initial_learning_rate +
           (*warmup_target - initial_learning_rate) * quotient(step, warmup_steps, false);
  const double share = std::min(1.0, quotient(step - warmup_steps, decay_steps, false));
  return warmup_target.value_or(initial_learning_rate) * half_wave(share, alpha);
}

void CosineDecay::check() const {
  const OptionCheck check{"CosineDecay"};
  check.amount("initial_learning_rate", initial_learning_rate);
  check_steps(check, "decay_steps", decay_steps);
  check.amount("alpha", alpha);
  if (warmup_target) check.amount("warmup_target", *warmup_target);
  check(warmup_steps >= 0, "warmup_steps", static_cast<double>(warmup_steps), "at least 0");
  if (warmup_steps > 0 && !warmup_target)
    throw ValueError(fmt::format(
        "CosineDecay: warmup_target: expected a rate where the {} warmup_steps end, got none; give "
        "the rate at which the decay begins",
        warmup_steps));
}

// Counted and not by logarithms, whose rounding moves restarts.
double CosineDecayRestarts::operator()(Index step) const {
  double left = quotient(step, first_decay_steps, false), length = 1, restarts = 0;
  if (t_mul == 1) {
    restarts = std::floor(left);
    left -= restarts;
  } else {
    for (; left >= length; ++restarts) {
      left -= length;
      length *= t_mul;
    }
  }
  const double peak = std::pow(m_mul, restarts);
  return initial_learning_rate *
         ((1 - alpha) * peak * (1 + std::cos(pi * left / length)) / 2 + alpha);
}

void CosineDecayRestarts::check() const {
  const OptionCheck check{"CosineDecayRestarts"};
  check.amount("initial_learning_rate", initial_learning_rate);
  check_steps(check, "first_decay_steps", first_decay_steps);
  check(t_mul >= 1 && std::isfinite(t_mul), "t_mul", t_mul, "at least 1 and finite");
  check.amount("m_mul", m_mul);
  check.amount("alpha", alpha);
}

// Phases end at places between steps, as PyTorch's do.
double OneCycle::operator()(Index step) const {
  const double total = static_cast<double>(total_steps), at = static_cast<double>(step),
               start = max_lr / div_factor, end = start / final_div_factor;
  const double rises_until = pct_start * total - 1, last = total - 1;
  const auto between = [&](double from, double to, double begin, double finish) {
    const double share = finish > begin ? std::clamp((at - begin) / (finish - begin), 0.0, 1.0) : 1;
    return anneal == Anneal::linear ? from + (to - from) * share
                                    : to + (from - to) * half_wave(share, 0);
  };
  if (at <= rises_until) return between(start, max_lr, 0, rises_until);
  if (!three_phase) return between(max_lr, end, rises_until, last);
  const double falls_until = 2 * rises_until;
  if (at <= falls_until) return between(max_lr, start, rises_until, falls_until);
  return between(start, end, falls_until, last);
}

void OneCycle::check() const {
  const OptionCheck check{"OneCycle"};
  check.amount("max_lr", max_lr);
  check_steps(check, "total_steps", total_steps);
  const double most = three_phase ? 0.5 : 1;
  check(pct_start >= 0 && pct_start <= most, "pct_start", pct_start,
        three_phase ? "at least 0 and at most 0.5 with three phases" : "at least 0 and at most 1");
  check(div_factor > 0 && std::isfinite(div_factor), "div_factor", div_factor,
        "above 0 and finite");
  check(final_div_factor > 0 && std::isfinite(final_div_factor), "final_div_factor",
        final_div_factor, "above 0 and finite");
}

double Noam::operator()(Index step) const {
  const double s = static_cast<double>(step) + 1, w = static_cast<double>(warmup_steps);
  return factor / std::sqrt(static_cast<double>(d_model)) *
         std::min(1 / std::sqrt(s), s / (w * std::sqrt(w)));
}

void Noam::check() const {
  const OptionCheck check{"Noam"};
  check_steps(check, "d_model", d_model);
  check_steps(check, "warmup_steps", warmup_steps);
  check.amount("factor", factor);
}

}}  // namespace fovea
