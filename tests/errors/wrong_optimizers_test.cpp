// What a user of Keras or PyTorch would write about optimisers, and what is said.
#include "errors/wrong_programs.hpp"

using namespace wrong_programs;

namespace {

// One step of a loop of one's own.
void step(SlotOptimizer&& optimizer) {
  const Tensor kernel = weight(Shape{2, 3}), bias = weight(Shape{3});
  optimizer.attach({{"dense/kernel", kernel}, {"dense/bias", bias}});
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
      {"takes PyTorch's name of a kernel for a group",
       [] {
         step(Adam{{.groups = {{"*/weight", {.weight_decay = 0}}}}});
       },
       "ValueError: Adam: group \"*/weight\": expected a pattern that matches a path, got none "
       "that does; the paths are dense/kernel, dense/bias"},
      {"forgets the star before a name",
       [] {
         step(SGD{{.groups = {{"bias", {.learning_rate_factor = 2}}}}});
       },
       "ValueError: SGD: group \"bias\": expected a pattern that matches a path, got none that "
       "does; the paths are dense/kernel, dense/bias"},
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

TEST_CASE("optimisers with wrong options") {
  check({
      {"sets a negative learning rate", [] { Adam({.learning_rate = -0.01}); },
       "ValueError: Adam: learning_rate is -0.01; it must be at least 0 and finite"},
      {"lets a schedule divide by zero", [] { Adam().set_learning_rate(1 / 0.0); },
       "ValueError: Adam: learning_rate is inf; it must be at least 0 and finite"},
      {"has a schedule fall below 0",
       [] {
         Adam adam({.learning_rate = [](Index step) { return 0.5 - double(step); }});
         adam.attach({{"p", weight({2})}});
         adam.step();
         adam.step();
       },
       "ValueError: Adam: learning_rate of step 1 is -0.5; it must be at least 0 and finite"},
      {"resumes another model",
       [] {
         Adam one, other;
         one.attach({{"dense/kernel", weight({2, 3})}});
         other.attach({{"dense/kernel", weight({3, 2})}});
         one.load_state(other.state());
       },
       "ShapeError: Adam: load_state: expected \"dense/kernel/mean\" of shape (2, 3), got (3, 2); "
       "load the state of the same model"},
      {"loads a state before attaching",
       [] {
         Adam one, other;
         other.attach({{"dense/kernel", weight({3, 2})}});
         one.load_state(other.state());
       },
       "StateError: Adam: load_state: expected no array \"dense/kernel/mean\"; attach the "
       "parameters that were attached when the state was made, in the same order"},
      {"asks for a slot by PyTorch's name",
       [] {
         Adam adam;
         adam.attach({{"p", weight({2})}});
         adam.slots()[0]["exp_avg"];
       },
       "IndexError: slot of p: expected one of \"mean\", \"variance\", got \"exp_avg\""},
      {"sets beta_1 to 1", [] { Adam({.beta_1 = 1}); },
       "ValueError: Adam: beta_1 is 1; it must be at least 0 and below 1"},
      {"gives beta_2 as a distance from 1", [] { Adam({.beta_2 = -0.001}); },
       "ValueError: Adam: beta_2 is -0.001; it must be at least 0 and below 1"},
      {"leaves epsilon out", [] { Adam({.epsilon = 0}); },
       "ValueError: Adam: epsilon is 0; it must be above 0, finite, and not so small that it "
       "counts as 0 in training"},
      {"rewards large weights", [] { Adam({.weight_decay = -0.1}); },
       "ValueError: Adam: weight_decay is -0.1; it must be at least 0 and finite"},
      {"steps with nothing attached", [] { Adam().step(); },
       "StateError: Adam: no trainable parameter is attached; call attach(model) once the model is "
       "built"},
      {"attaches a layer before it is built",
       [] {
         Adam adam;
         adam.attach(Dense{4});
       },
       "StateError: Adam: attach: the module is not built, and its parameters have no values yet; "
       "call build first"},
      {"copies one optimiser into two models",
       [] {
         const CompileOptions options{.loss = SparseCategoricalCrossentropy{}};
         Sequential a = classifier(), b = classifier();
         a.compile(options);
         b.compile(options);
         a.fit(ids(), labels(), {.verbose = 0});
         b.fit(ids(), labels(), {.verbose = 0});
         a.fit(ids(), labels(), {.verbose = 0});
       },
       "StateError: sequential: its optimizer was attached to another model, or replaced, after "
       "compile; call compile again, with an optimizer of its own for each model"},
  });
}
