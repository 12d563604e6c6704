// What a user of Keras or PyTorch would write about optimisers, and what is said.
#include "errors/wrong_programs.hpp"

using namespace fovea;
using wrong_programs::check;
using wrong_programs::weight;

namespace {

// One step of a loop of one's own.
void step(SlotOptimizer&& optimizer) {
  const Tensor kernel = weight(Shape{2, 3}), bias = weight(Shape{3});
  optimizer.attach({{"dense/weight", kernel}, {"dense/bias", bias}});
  optimizer.step();
}

// A model that is trained for a batch.
void fit(Optimizer optimizer) {
  Sequential model{Dense{3}};
  model.compile({.optimizer = std::move(optimizer), .loss = MeanSquaredError{}});
  model.fit(Array::full(Shape{4, 2}, 1), Array::full(Shape{4, 3}, 1), {.epochs = 1, .verbose = 0});
}

}  // namespace

TEST_CASE("a wrong group, bound or schedule is named with its value and what to write") {
  check({
      {"takes Keras' name of a weight for a group",
       [] {
         step(Adam{{.groups = {{"*/kernel", {.weight_decay = 0}}}}});
       },
       "ValueError: Adam: group \"*/kernel\": expected a pattern that matches a path, got none "
       "that does; the paths are dense/weight, dense/bias"},
      {"forgets the star before a name",
       [] {
         step(SGD{{.groups = {{"bias", {.learning_rate_factor = 2}}}}});
       },
       "ValueError: SGD: group \"bias\": expected a pattern that matches a path, got none that "
       "does; the paths are dense/weight, dense/bias"},
      {"puts the group that takes all first",
       [] {
         step(AdamW{{.groups = {{"*", {.learning_rate = 1e-3}}, {"*/bias", {.weight_decay = 0}}}}});
       },
       "ValueError: AdamW: group \"*/bias\": expected a parameter of its own, got none; groups "
       "before it take all that it matches: put it first"},
      {"clips twice", [] { step(Adam{{.clipnorm = 1, .global_clipnorm = 1}}); },
       "ValueError: Adam: clipping: expected at most one of clipvalue, clipnorm and "
       "global_clipnorm, got 2; leave the others out"},
      {"clips to nothing", [] { step(RMSprop{{.clipvalue = 0}}); },
       "ValueError: RMSprop: clipvalue is 0; it must be above 0 and finite"},
      {"asks for Nesterov without momentum", [] { step(SGD{{.nesterov = true}}); },
       "ValueError: SGD: nesterov: expected a momentum above 0, got 0; give one"},
      {"takes a momentum of 1", [] { step(RMSprop{{.momentum = 1}}); },
       "ValueError: RMSprop: momentum is 1; it must be at least 0 and below 1"},
      {"dampens Keras' momentum", [] { step(SGD{{.momentum = 0.9, .dampening = 0.1}}); },
       "ValueError: SGD: dampening: expected 0, got 0.1; it belongs to PyTorch's form with a "
       "momentum and without nesterov: set .form = SGDForm::pytorch"},
      {"warms up to nowhere",
       [] {
         fit(Lion{{.learning_rate = CosineDecay{
                       .initial_learning_rate = 0, .decay_steps = 100, .warmup_steps = 10}}});
       },
       "ValueError: CosineDecay: warmup_target: expected a rate where the 10 warmup_steps end, got "
       "none; give the rate at which the decay begins"},
      {"gives as many rates as boundaries",
       [] {
         step(Adagrad{{.learning_rate = PiecewiseConstantDecay{{10}, {0.1}}}});
       },
       "ValueError: PiecewiseConstantDecay: values: expected 2, one more than boundaries, got 1; "
       "give a rate before the first boundary and one after each"},
      {"asks for averages that nobody keeps",
       [] {
         Adam adam;
         const AveragedWeights averages(adam);
       },
       "StateError: Adam: swap_averages: expected averages, got none; make the optimizer with "
       ".use_ema = true"},
  });
}
