// SGD, RMSprop, Adagrad and AdamW on 200 recorded gradients, as Keras and PyTorch step.
#include "fovea/optim/adagrad.hpp"
#include "fovea/optim/adamw.hpp"
#include "fovea/optim/rmsprop.hpp"
#include "fovea/optim/schedules.hpp"
#include "fovea/optim/sgd.hpp"
#include "golden/optimizer_runs.hpp"

using namespace fovea;
using golden::maker;
using golden::Run;

namespace {

const ExponentialDecay halving{.initial_learning_rate = 0.1, .decay_steps = 50, .decay_rate = 0.5};
const InverseTimeDecay lr_decay{.initial_learning_rate = 0.1, .decay_steps = 1, .decay_rate = 0.01};
constexpr SGDForm torch_sgd = SGDForm::pytorch;

std::vector<Run> sgd_runs() {
  const auto sgd = [](const SGDOptions& o) { return maker<SGD>(o); };
  return {
      {"keras", "sgd", sgd({.learning_rate = 0.1}), {}},
      {"keras",
       "sgd_momentum",
       sgd({.learning_rate = 0.1, .momentum = 0.9}),
       {{"momentum", "momentum"}}},
      {"keras",
       "sgd_nesterov",
       sgd({.learning_rate = 0.1, .momentum = 0.9, .nesterov = true}),
       {{"momentum", "momentum"}}},
      {"keras",
       "sgd_momentum_decaying",
       sgd({.learning_rate = halving, .momentum = 0.9}),
       {{"momentum", "momentum"}},
       1e-5},
      {"keras", "sgd_weight_decay", sgd({.learning_rate = 0.1, .weight_decay = 0.01}), {}},
      {"torch", "sgd", sgd({.learning_rate = 0.1, .form = torch_sgd}), {}},
      {"torch",
       "sgd_momentum",
       sgd({.learning_rate = 0.1, .momentum = 0.9, .form = torch_sgd}),
       {{"momentum_buffer", "momentum"}}},
      {"torch",
       "sgd_nesterov",
       sgd({.learning_rate = 0.1, .momentum = 0.9, .nesterov = true, .form = torch_sgd}),
       {{"momentum_buffer", "momentum"}}},
      {"torch",
       "sgd_dampening_decay",
       sgd({.learning_rate = 0.1,
            .momentum = 0.9,
            .form = torch_sgd,
            .dampening = 0.3,
            .l2 = 0.01}),
       {{"momentum_buffer", "momentum"}},
       1e-5},
      {"torch",
       "sgd_momentum_decaying",
       sgd({.learning_rate = halving, .momentum = 0.9, .form = torch_sgd}),
       {{"momentum_buffer", "momentum"}}},
  };
}

std::vector<Run> rmsprop_runs() {
  const auto keras = [](double momentum, bool centered) {
    return maker<RMSprop>(
        RMSpropOptions{.learning_rate = 0.01, .momentum = momentum, .centered = centered});
  };
  const auto torch = [](double momentum, bool centered) {
    return maker<RMSprop>(RMSpropOptions{.learning_rate = 0.01,
                                         .rho = 0.99,
                                         .momentum = momentum,
                                         .epsilon = 1e-8,
                                         .centered = centered,
                                         .form = RMSpropForm::pytorch});
  };
  return {
      {"keras", "rmsprop", keras(0, false), {{"velocity", "mean_square"}}},
      {"keras",
       "rmsprop_momentum",
       keras(0.9, false),
       {{"velocity", "mean_square"}, {"momentum", "momentum"}}},
      {"keras",
       "rmsprop_momentum_centered",
       keras(0.9, true),
       {{"velocity", "mean_square"}, {"momentum", "momentum"}, {"average_gradient", "mean"}}},
      {"torch", "rmsprop", torch(0, false), {{"square_avg", "mean_square"}}},
      {"torch",
       "rmsprop_momentum",
       torch(0.9, false),
       {{"square_avg", "mean_square"}, {"momentum_buffer", "momentum"}}},
      {"torch",
       "rmsprop_momentum_centered",
       torch(0.9, true),
       {{"square_avg", "mean_square"}, {"momentum_buffer", "momentum"}, {"grad_avg", "mean"}}},
  };
}

std::vector<Run> other_runs() {
  const auto torch_adagrad = [](const LearningRate& rate, double l2) {
    return maker<Adagrad>(AdagradOptions{.learning_rate = rate,
                                         .initial_accumulator_value = 0,
                                         .epsilon = 1e-10,
                                         .form = AdagradForm::pytorch,
                                         .l2 = l2});
  };
  return {
      {"keras",
       "adagrad",
       maker<Adagrad>(AdagradOptions{.learning_rate = 0.1}),
       {{"accumulator", "accumulator"}}},
      {"torch", "adagrad", torch_adagrad(0.1, 0), {{"sum", "accumulator"}}},
      {"torch", "adagrad_lr_decay", torch_adagrad(lr_decay, 0.01), {{"sum", "accumulator"}}},
      {"keras",
       "adamw",
       maker<AdamW>(AdamWOptions{.learning_rate = 0.01}),
       {{"momentum", "mean"}, {"velocity", "variance"}}},
      {"torch",
       "adamw",
       maker<AdamW>(AdamWOptions{.learning_rate = 0.01,
                                 .epsilon = 1e-8,
                                 .form = AdamForm::pytorch,
                                 .weight_decay = 0.01}),
       {{"exp_avg", "mean"}, {"exp_avg_sq", "variance"}},
       1e-5},
      {"keras",
       "adam_amsgrad",
       maker<Adam>(AdamOptions{.learning_rate = 0.01, .amsgrad = true}),
       {{"momentum", "mean"}, {"velocity", "variance"}, {"velocity_hat", "largest_variance"}}},
      {"torch",
       "adam_amsgrad",
       maker<Adam>(AdamOptions{
           .learning_rate = 0.01, .epsilon = 1e-8, .form = AdamForm::pytorch, .amsgrad = true}),
       {{"exp_avg", "mean"}, {"exp_avg_sq", "variance"}, {"max_exp_avg_sq", "largest_variance"}}},
      {"torch",
       "adamw_amsgrad",
       maker<AdamW>(AdamWOptions{.learning_rate = 0.01,
                                 .epsilon = 1e-8,
                                 .form = AdamForm::pytorch,
                                 .weight_decay = 0.01,
                                 .amsgrad = true}),
       {{"exp_avg", "mean"}, {"exp_avg_sq", "variance"}, {"max_exp_avg_sq", "largest_variance"}},
       1e-5},
      {"keras",
       "sgd_ema",
       maker<SGD>(SGDOptions{.learning_rate = 0.1, .use_ema = true, .ema_momentum = 0.9}),
       {{"average", "average"}}},
  };
}

// PyTorch divides by norm + 1e-6: within the tolerance.
std::vector<Run> clip_runs() {
  const SGDOptions plain{.learning_rate = 0.1};
  const AdamOptions keras{.learning_rate = 0.01},
      torch{.learning_rate = 0.01, .epsilon = 1e-8, .form = AdamForm::pytorch};
  const auto with = [](auto options, std::optional<double> Clipping::*which, double bound) {
    Clipping clipping;
    clipping.*which = bound;
    options.clipvalue = clipping.value;
    options.clipnorm = clipping.norm;
    options.global_clipnorm = clipping.global_norm;
    return options;
  };
  const auto value = &Clipping::value, norm = &Clipping::norm, global = &Clipping::global_norm;
  return {
      {"keras",
       "adam_clipvalue_0.5",
       maker<Adam>(with(keras, value, 0.5)),
       {{"momentum", "mean"}, {"velocity", "variance"}}},
      {"keras",
       "adam_clipnorm_1",
       maker<Adam>(with(keras, norm, 1)),
       {{"momentum", "mean"}, {"velocity", "variance"}}},
      {"keras", "sgd_clipvalue_0.5", maker<SGD>(with(plain, value, 0.5)), {}},
      {"keras", "sgd_clipnorm_1", maker<SGD>(with(plain, norm, 1)), {}},
      {"keras", "sgd_global_clipnorm_1", maker<SGD>(with(plain, global, 1)), {}},
      {"torch",
       "adam_clip_norm_1",
       maker<Adam>(with(torch, global, 1)),
       {{"exp_avg", "mean"}, {"exp_avg_sq", "variance"}}},
      {"torch", "sgd_clip_norm_1", maker<SGD>(with(plain, global, 1)), {}},
      {"torch", "sgd_clip_norm_1000", maker<SGD>(with(plain, global, 1000)), {}},
      {"torch", "sgd_clip_value_0.5", maker<SGD>(with(plain, value, 0.5)), {}},
  };
}

}  // namespace

TEST_CASE("gradients are clipped by value, norm and global norm as Keras and PyTorch do") {
  long cases = 0;
  for (const Run& run : clip_runs()) {
    golden::compare(run);
    ++cases;
  }
  std::printf("figure: optimizer golden clips = %ld\n", cases);
}

TEST_CASE("SGD, RMSprop, Adagrad and AdamW step as Keras' and PyTorch's do, slots included") {
  long cases = 0, arrays = 0;
  for (const auto& runs : {sgd_runs(), rmsprop_runs(), other_runs()})
    for (const Run& run : runs) {
      arrays += golden::compare(run);
      ++cases;
    }
  std::printf("figure: optimizer golden runs = %ld\nfigure: optimizer golden arrays = %ld\n", cases,
              arrays);
}
