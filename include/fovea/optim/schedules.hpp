// Learning rates that change with the step: each is a function from the number of a step, from 0,
// to its rate, and goes wherever a LearningRate does:
//
//   Adam{{.learning_rate = CosineDecay{.initial_learning_rate = 0,
//                                      .decay_steps = 9000,
//                                      .warmup_target = 1e-3,
//                                      .warmup_steps = 1000}}}
//
// A constant is a number. Names, options and values are Keras' where Keras has the schedule; rates
// are computed in double. Options out of range are a ValueError when the LearningRate is made.
#pragma once

#include <optional>
#include <vector>

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// initial_learning_rate decay_rate^(step / decay_steps); `staircase` rounds the quotient down.
/// Keras' ExponentialDecay; with staircase PyTorch's StepLR.
struct ExponentialDecay {
  double initial_learning_rate;  ///< at step 0
  Index decay_steps;             ///< in which the rate is multiplied by decay_rate
  double decay_rate;             ///< at least 0
  bool staircase = false;        ///< in jumps

  double operator()(Index step) const;  ///< Returns the rate of a step.
  void check() const;                   ///< Throws ValueError for options out of range.
};

/// values[i] up to and including step boundaries[i], and the last value from then on. Keras'
/// PiecewiseConstantDecay.
struct PiecewiseConstantDecay {
  std::vector<Index> boundaries;  ///< ascending
  std::vector<double> values;     ///< one more than boundaries

  double operator()(Index step) const;  ///< Returns the rate of a step.
  void check() const;                   ///< Throws ValueError for options out of range.
};

/// (initial - end) (1 - step / decay_steps)^power + end up to decay_steps, and `end` from then on.
/// With `cycle`, decay_steps counts as its next multiple from the step on. Keras' PolynomialDecay;
/// from a small rate to a large one it is a linear warm-up, PyTorch's LinearLR.
struct PolynomialDecay {
  double initial_learning_rate;     ///< at step 0
  Index decay_steps;                ///< until the end
  double end_learning_rate = 1e-4;  ///< where it ends
  double power = 1;                 ///< above 0; 1: a straight line
  bool cycle = false;               ///< jumps up after each multiple of decay_steps

  double operator()(Index step) const;  ///< Returns the rate of a step.
  void check() const;                   ///< Throws ValueError for options out of range.
};

/// initial_learning_rate / (1 + decay_rate step / decay_steps); `staircase` rounds the quotient
/// down. Keras' InverseTimeDecay; with decay_steps 1 PyTorch's lr_decay of Adagrad.
struct InverseTimeDecay {
  double initial_learning_rate;  ///< at step 0
  Index decay_steps;             ///< the unit in which steps count
  double decay_rate;             ///< at least 0
  bool staircase = false;        ///< in jumps

  double operator()(Index step) const;  ///< Returns the rate of a step.
  void check() const;                   ///< Throws ValueError for options out of range.
};

/// peak ((1 - alpha) (1 + cos(pi min(step, decay_steps) / decay_steps)) / 2 + alpha), where peak is
/// initial_learning_rate. With a warmup_target, the rate first goes in a straight line from
/// initial_learning_rate to it, in warmup_steps; it is the peak then, and steps count from there.
/// Keras' CosineDecay; Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm
/// restarts" (2017).
struct CosineDecay {
  double initial_learning_rate;              ///< at step 0
  Index decay_steps;                         ///< until the end, after the warm-up
  double alpha = 0;                          ///< share of the peak that is left in the end
  std::optional<double> warmup_target = {};  ///< where the warm-up ends
  Index warmup_steps = 0;                    ///< its length

  double operator()(Index step) const;  ///< Returns the rate of a step.
  void check() const;                   ///< Throws ValueError for options out of range.
};

/// Cosine decays one after another: the first takes first_decay_steps, each further one t_mul times
/// as many as the one before, from m_mul times its peak. Keras' CosineDecayRestarts, PyTorch's
/// CosineAnnealingWarmRestarts.
struct CosineDecayRestarts {
  double initial_learning_rate;  ///< at step 0
  Index first_decay_steps;       ///< until the first restart
  double t_mul = 2;              ///< at least 1
  double m_mul = 1;              ///< at least 0
  double alpha = 0;              ///< share of initial_learning_rate m_mul^i that is left

  double operator()(Index step) const;  ///< Returns the rate of a step.
  void check() const;                   ///< Throws ValueError for options out of range.
};

/// The way between two rates of OneCycle.
enum class Anneal {
  cosine,  ///< half a wave
  linear,  ///< a straight line
};

/// Up from max_lr / div_factor to max_lr, in the first pct_start of all steps, and down to that
/// start divided by final_div_factor. With `three_phase` down to the start in as many steps as up,
/// and from there to the end. Later steps keep the last rate. PyTorch's OneCycleLR, without its
/// momentum; Smith and Topin, "Super-convergence" (2019).
struct OneCycle {
  double max_lr;                   ///< the peak
  Index total_steps;               ///< of the whole training
  double pct_start = 0.3;          ///< share of the steps in which the rate rises
  Anneal anneal = Anneal::cosine;  ///< how the rate goes from one to the next
  double div_factor = 25;          ///< max_lr divided by the rate of step 0
  double final_div_factor = 1e4;   ///< the rate of step 0 divided by the last
  bool three_phase = false;        ///< whether it comes back to the start first

  double operator()(Index step) const;  ///< Returns the rate of a step.
  void check() const;                   ///< Throws ValueError for options out of range.
};

/// factor d_model^(-1/2) min(s^(-1/2), s warmup_steps^(-3/2)), with s = step + 1. Vaswani and
/// others, "Attention is all you need" (2017), section 5.3.
struct Noam {
  Index d_model;       ///< width of the model
  Index warmup_steps;  ///< in which the rate rises
  double factor = 1;   ///< of all rates

  double operator()(Index step) const;  ///< Returns the rate of a step.
  void check() const;                   ///< Throws ValueError for options out of range.
};

}}  // namespace fovea
