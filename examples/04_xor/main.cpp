// Exclusive or: true where exactly one of two inputs is. No line separates its cases, so one layer
// cannot learn it; two layers can.
#include <fmt/format.h>

#include "fovea/fovea.hpp"
#include "support/options.hpp"

using namespace fovea;

namespace {

const Array inputs(Shape{4, 2}, {0, 0, 0, 1, 1, 0, 1, 1}), wanted(Shape{4, 1}, {0, 1, 1, 0});

struct Outcome {
  Array before, after;  // predictions: (4, 1)
  real furthest;        // the largest error afterwards
};

Outcome learn(Sequential model, std::uint64_t seed) {
  model.compile(
      {.optimizer = Adam{{.learning_rate = 0.05}}, .loss = BinaryCrossentropy{}, .seed = seed});
  model.build({2});
  const Array before = model.predict(inputs);
  model.fit(inputs, wanted, {.epochs = 400, .batch_size = 4, .verbose = 0});
  const Array after = model.predict(inputs);
  return {before, after, max(abs(Tensor(after) - Tensor(wanted))).item()};
}

}  // namespace

int main(int argc, char** argv) {
  return examples::run([&] {
    std::uint64_t seed = 1;
    examples::Options("04_xor",
                      "Teaches exclusive or to two layers, and to one, which cannot learn it.")
        .seed("--seed", seed, "seed of the first weights")
        .parse(argc, argv);
    const Outcome two =
        learn(Sequential{Dense{8, Activation::tanh}, Dense{1, Activation::sigmoid}}, seed);
    const Outcome one = learn(Sequential{Dense{1, Activation::sigmoid}}, seed);

    fmt::print("               two layers       one layer\n");
    fmt::print("a  b  wanted   before  after    before  after\n");
    for (Index i = 0; i < 4; ++i)
      fmt::print("{}  {}  {:6}   {:6.3f} {:6.3f}    {:6.3f} {:6.3f}\n", inputs.at(2 * i),
                 inputs.at(2 * i + 1), wanted.at(i), two.before.at(i), two.after.at(i),
                 one.before.at(i), one.after.at(i));

    examples::require(two.furthest < real(0.1), "two layers learn all four cases to 0.1");
    examples::require(one.furthest > real(0.4), "one layer leaves a case open");
    fmt::print("result: two layers are at most {:.3f} off, one layer {:.3f}\n", two.furthest,
               one.furthest);
  });
}
