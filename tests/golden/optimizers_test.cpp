// Adam on 200 recorded gradients, as Keras and PyTorch step: parameters on the way, moments at the
// end.
#include <doctest/doctest.h>

#include <vector>

#include "fovea/ops/ops.hpp"
#include "fovea/optim/adam.hpp"
#include "golden/golden.hpp"

using namespace fovea;

namespace {

struct Case {
  const char* file;
  const char* name;
  AdamOptions options;
  double t = 5e-6;
  double rate_halves_every = 0;  // steps; 0: never
};

const Case cases[] = {
    {"keras", "adam", {}},
    {"keras", "adam_fast", {.learning_rate = 0.01, .beta_1 = 0.8, .beta_2 = 0.95, .epsilon = 1e-5}},
    {"keras", "adam_weight_decay", {.learning_rate = 0.01, .weight_decay = 0.01}},
    {"keras", "adamw", {.learning_rate = 0.01, .weight_decay = 0.004}},
    {"keras", "adam_exponential_decay", {.learning_rate = 0.01}, 5e-6, 50},
    {"torch", "adam", {.epsilon = 1e-8, .form = AdamForm::pytorch}},
    {"torch",
     "adam_fast",
     {.learning_rate = 0.01,
      .beta_1 = 0.8,
      .beta_2 = 0.95,
      .epsilon = 1e-5,
      .form = AdamForm::pytorch}},
    {"torch",
     "adam_l2",
     {.learning_rate = 0.01, .epsilon = 1e-8, .form = AdamForm::pytorch, .l2 = 0.01}},
    {"torch",
     "adamw",
     {.learning_rate = 0.01, .epsilon = 1e-8, .form = AdamForm::pytorch, .weight_decay = 0.01},
     1e-5},
};

Array joined(const Array& first, const Array& second) {
  return concat({Tensor(first), Tensor(second)}, 0).value();
}

}  // namespace

TEST_CASE("Adam steps as Keras' and PyTorch's do, with decay and without") {
  for (const Case& row : cases) {
    CAPTURE(row.file);
    CAPTURE(row.name);
    const NumpyArchive file = golden::open(std::string(row.file) + "_optimizers");
    const Array initial = file.array("initial"), gradients = file.array("gradients"),
                expected = file.array(row.name);
    const Ids steps = file.ids("steps");
    const Index split = file.ids("split").at(0), width = initial.count();
    const Tensor first = Tensor::parameter(initial.rows(0, split)),
                 second = Tensor::parameter(initial.rows(split, width));
    Adam adam{row.options};
    adam.attach({{"first", first}, {"second", second}});

    Index checked = 0;
    for (Index step = 1; step <= gradients.shape()[0]; ++step) {
      const Array gradient = gradients.rows(step - 1, step).reshaped(Shape{width});
      adam.zero_grad();
      first.gradient().add(gradient.rows(0, split));
      second.gradient().add(gradient.rows(split, width));
      if (row.rate_halves_every > 0)
        adam.set_learning_rate(
            row.options.learning_rate.at(0) *
            std::pow(0.5, static_cast<double>(step - 1) / row.rate_halves_every));
      adam.step();
      if (checked == steps.count() || step != steps.at(checked)) continue;
      CAPTURE(step);
      CHECK(golden::differs(joined(first.value(), second.value()),
                            expected.rows(checked, checked + 1).reshaped(Shape{width}),
                            row.t) == "");
      ++checked;
    }
    CHECK(checked == steps.count());
    const bool keras = row.file == std::string("keras");
    const std::string mean = keras ? "__momentum" : "__exp_avg",
                      variance = keras ? "__velocity" : "__exp_avg_sq";
    CHECK(golden::differs(joined(adam.slots()[0]["mean"], adam.slots()[1]["mean"]),
                          file.array(row.name + mean), row.t) == "");
    CHECK(golden::differs(joined(adam.slots()[0]["variance"], adam.slots()[1]["variance"]),
                          file.array(row.name + variance), row.t) == "");
  }
}
