// Groups of parameters by pattern of path: other rates and decays.
#include <doctest/doctest.h>

#include <limits>

#include "fovea/base/error.hpp"
#include "fovea/optim/adagrad.hpp"
#include "fovea/optim/adamw.hpp"
#include "fovea/optim/lion.hpp"
#include "fovea/optim/optimizer.hpp"
#include "fovea/optim/rmsprop.hpp"
#include "fovea/optim/schedules.hpp"
#include "fovea/optim/sgd.hpp"
#include "optim/momentum.hpp"
#include "optim/path_pattern.hpp"
#include "optim/twins.hpp"
#include "support/approx.hpp"
#include "support/generate.hpp"

using namespace fovea;
using optim_twins::Twins;
using support::bits_differ;
using support::Generate;

namespace {

// A parameter of a path after some steps; `rows`: by rows of a table.
template <class O>
Array trained(O optimizer, const char* path, bool rows) {
  Generate g("groups", 0);
  const Tensor p = Tensor::parameter(g.array(Shape{4, 3}, {-1, 1})),
               other = Tensor::parameter(g.array(Shape{2}, {-1, 1}));
  optimizer.attach({{path, p}, {"other/kernel", other}});
  for (std::int32_t step = 0; step < 25; ++step) {
    optimizer.zero_grad();
    const Array values = g.array(Shape{2, 3}, {-1, 1});
    p.gradient().add_rows(Ids(Shape{2}, {step % 3, 1}), values);
    if (!rows) {
      const Array dense = p.gradient().array();
      p.zero_grad();
      p.gradient().add(dense);
    }
    other.gradient().add(Array(Shape{2}, {1, 2}));
    optimizer.step();
  }
  return p.value().clone();
}

template <class O, class Options>
void give_their_group_other_decays(Options options) {
  for (const bool rows : {false, true}) {
    CAPTURE(rows);
    options.learning_rate = 0.01;
    options.weight_decay = 0.3;
    Options grouped = options, plain = options;
    grouped.groups = {{"*/bias", {.weight_decay = 0}}};
    plain.weight_decay = 0;
    const Array without = trained(O{plain}, "dense/bias", rows);
    CHECK(bits_differ(trained(O{grouped}, "dense/bias", rows), without) == "");
    CHECK(bits_differ(trained(O{options}, "dense/bias", rows), without) != "");
    plain.groups = {{"*/bias", {.weight_decay = 0.3}}};
    CHECK(bits_differ(trained(O{plain}, "dense/bias", rows),
                      trained(O{options}, "dense/bias", rows)) == "");
  }
}

}  // namespace

TEST_CASE("a star in a pattern stands for any characters, and everything else for itself") {
  for (const char* pattern : {"dense/bias", "*", "*/bias", "dense/*", "d*s", "*e*/*", "**/bias",
                              "*bias*", "dense*/bias", "*s*s"})
    CHECK(matches(pattern, "dense/bias"));
  for (const char* const pattern : {"", "dense", "bias", "dense/bia", "dense/bias/", "*/kernel",
                                    "d?nse/bias", "*x*", "ense/*", "*/bia"})
    CHECK_FALSE(matches(pattern, "dense/bias"));
  CHECK(matches("*", ""));
  CHECK(matches("", ""));
  CHECK(matches("*/bias", "blocks/0/dense/bias"));
  CHECK(matches("*ab", "aab"));
  CHECK(matches("a*b*c", "aXbXbXc"));
  CHECK_FALSE(matches("a*b*c", "aXbXbX"));
}

TEST_CASE("a group's weight decay takes the place of the optimiser's, in every optimiser") {
  give_their_group_other_decays<Adam>(AdamOptions{});
  give_their_group_other_decays<AdamW>(AdamWOptions{});
  give_their_group_other_decays<Adam>(AdamOptions{.amsgrad = true});
  give_their_group_other_decays<SGD>(SGDOptions{.momentum = 0.9});
  give_their_group_other_decays<RMSprop>(RMSpropOptions{});
  give_their_group_other_decays<Adagrad>(AdagradOptions{});
  give_their_group_other_decays<Lion>(LionOptions{});
}

TEST_CASE("a group has a rate of its own, a schedule, or a share of the optimiser's") {
  for (const bool rows : {false, true}) {
    CAPTURE(rows);
    const ExponentialDecay decay{.initial_learning_rate = 0.2, .decay_steps = 5, .decay_rate = 0.5};
    const Array quarter = trained(Adam{{.learning_rate = 0.25}}, "table", rows),
                decaying = trained(Adam{{.learning_rate = decay}}, "table", rows);
    CHECK(bits_differ(
              trained(Adam{{.learning_rate = 0.5, .groups = {{"table", {.learning_rate = 0.25}}}}},
                      "table", rows),
              quarter) == "");
    CHECK(bits_differ(trained(Adam{{.learning_rate = 0.5,
                                    .groups = {{"table", {.learning_rate_factor = 0.5}}}}},
                              "table", rows),
                      quarter) == "");
    CHECK(
        bits_differ(trained(Adam{{.groups = {{"table", {.learning_rate = decay}}}}}, "table", rows),
                    decaying) == "");
  }
}

TEST_CASE("set_learning_rate leaves a group's own rate, and moves that of a factor") {
  const Tensor own = Tensor::parameter(Array(Shape{1}, {0})), share = own.clone(),
               rest = own.clone();
  SGD sgd{{.learning_rate = 1,
           .groups = {{"own", {.learning_rate = 0.25}}, {"share", {.learning_rate_factor = 0.5}}}}};
  sgd.attach({{"own", own}, {"share", share}, {"rest", rest}});
  sgd.set_learning_rate(0.125);
  for (const Tensor& p : {own, share, rest}) p.gradient().add(Array(Shape{1}, {-1}));
  sgd.step();
  CHECK(own.value().at(0) == 0.25);
  CHECK(share.value().at(0) == real(0.0625));
  CHECK(rest.value().at(0) == 0.125);
}

TEST_CASE("a parameter belongs to the first group that matches, those in no group to none") {
  const Tensor kernel = Tensor::parameter(Array(Shape{1}, {0})), bias = kernel.clone(),
               other = kernel.clone();
  SGD sgd{{.learning_rate = 1,
           .groups = {{"*/bias", {.learning_rate = 0.25}}, {"dense/*", {.learning_rate = 0.5}}}}};
  sgd.attach({{"dense/kernel", kernel}, {"dense/bias", bias}, {"out/kernel", other}});
  for (const Tensor& p : {kernel, bias, other}) p.gradient().add(Array(Shape{1}, {-1}));
  sgd.step();
  CHECK(bias.value().at(0) == 0.25);
  CHECK(kernel.value().at(0) == 0.5);
  CHECK(other.value().at(0) == 1);
  CHECK(sgd.slots()[0].group == 1u);
  CHECK(sgd.slots()[1].group == 0u);
  CHECK_FALSE(sgd.slots()[2].group);
}

TEST_CASE("a group without parameters is refused in the first step, with all paths") {
  const Tensor p = Tensor::parameter(Array(Shape{1}, {1})), q = p.clone();
  Adam adam{{.groups = {{"*/biass", {.weight_decay = 0}}}}};
  adam.attach({{"dense/kernel", p}, {"dense/bias", q}});
  CHECK_THROWS_WITH_AS(adam.step(),
                       "Adam: group \"*/biass\": expected a pattern that matches a path, got none "
                       "that does; the paths are dense/kernel, dense/bias",
                       ValueError);
  CHECK(adam.steps() == 0);
  adam.attach({{"late/biass", p.clone()}});  // attach adds: now there is one
  adam.step();
  Adam shadowed{{.groups = {{"*", {.learning_rate = 0.5}}, {"*/bias", {.weight_decay = 0}}}}};
  shadowed.attach({{"dense/bias", q}});
  CHECK_THROWS_WITH_AS(shadowed.step(),
                       "Adam: group \"*/bias\": expected a parameter of its own, got none; groups "
                       "before it take all that it matches: put it first",
                       ValueError);
  Adam frozen{{.groups = {{"*/bias", {.weight_decay = 0}}}}};
  Tensor still = q.clone();
  still.set_requires_grad(false);
  frozen.attach({{"dense/kernel", p}, {"dense/bias", still}});
  frozen.step();  // frozen parameters count
}

TEST_CASE("groups stay with an optimiser that moves into another or lets go of its parameters") {
  const SGDOptions options{.learning_rate = 1, .groups = {{"p", {.learning_rate = 0.5}}}};
  const Tensor p = Tensor::parameter(Array(Shape{1}, {0}));
  Optimizer optimizer = SGD{options};
  optimizer.attach({{"p", p}});
  p.gradient().add(Array(Shape{1}, {-1}));
  optimizer.step();
  CHECK(p.value().at(0) == 0.5);
  optimizer.attach({{"q", p}});
  CHECK_THROWS_AS(optimizer.step(), ValueError);
}

TEST_CASE("options of groups out of range are refused with their pattern and value") {
  CHECK_THROWS_WITH_AS(SGD({.groups = {{"a", {.learning_rate = -1}}}}),
                       "SGD: group \"a\": learning_rate is -1; it must be at least 0 and finite",
                       ValueError);
  CHECK_THROWS_WITH_AS(SGD({.groups = {{"a", {.weight_decay = -1}}}}),
                       "SGD: group \"a\": weight_decay is -1; it must be at least 0 and finite",
                       ValueError);
  CHECK_THROWS_AS(SGD({.groups = {{"a", {.learning_rate_factor = -1}}}}), ValueError);
  CHECK_THROWS_WITH_AS(SGD({.groups = {{"a", {.learning_rate = 1, .learning_rate_factor = 2}}}}),
                       "SGD: group \"a\": expected a learning_rate or a learning_rate_factor, got "
                       "both; leave one out",
                       ValueError);
  CHECK_THROWS_WITH_AS(SlotOptimizer(std::make_shared<toy::MomentumRule>(0.5),
                                     StepOptions{0.1, {}, {{"a", {.weight_decay = 0.5}}}}),
                       "Momentum: group \"a\": weight_decay: expected none, got 0.5; the optimizer "
                       "has no weight decay",
                       ValueError);
  const Tensor p = Tensor::parameter(Array(Shape{1}, {1}));
  SGD bad{{.groups = {{"p", {.learning_rate = [](Index) { return -1.0; }}}}}};
  bad.attach({{"p", p}});
  CHECK_THROWS_AS(bad.step(), ValueError);
  CHECK(p.value().at(0) == 1);
}
