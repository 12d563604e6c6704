// Gradients: what backward does, when it adds up, how to keep out of it, and an operation of one's
// own.
#include "fovea/autograd/graph.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "fovea/nn/init.hpp"
#include "support/options.hpp"
#include "support/show.hpp"

using namespace fovea;

namespace {

// y = x / (1 + |x|), dx += dy / (1 + |x|)^2. fovea does not have it: `record` pairs the value with
// the rule for its gradient.
Tensor softsign(const Tensor& x) {
  Array y = x.value().clone();
  for (real& value : y.mutable_values()) value /= 1 + std::abs(value);
  return record("softsign", y, wrt(x, [x = x.value()](const Array& dy, Gradient& dx) {
                  Array d = dy.clone();
                  for (Index i = 0; i < d.count(); ++i)
                    d.mutable_data()[i] /= (1 + std::abs(x.at(i))) * (1 + std::abs(x.at(i)));
                  dx.add(d);
                }));
}

void show_backward() {
  fmt::print("A parameter gathers gradients. Of the sum of w^2 it is 2 w:\n");
  const Tensor w = Tensor::parameter(Array(Shape{3}, {1, 2, 3}));
  const Tensor loss = sum(square(w));
  SHOW(loss);
  RUN(loss.backward());
  SHOW(w.grad());

  fmt::print("\nAnother backward adds to what is there, until zero_grad:\n");
  RUN(sum(square(w)).backward());
  SHOW(w.grad());
  RUN(w.zero_grad());
  SHOW(w.grad());

  fmt::print("\nUnder NoGrad nothing is recorded:\n");
  SHOW(square(w).requires_grad());
  {
    const NoGrad scope;
    fmt::print("  const NoGrad scope;\n");
    SHOW(square(w).requires_grad());
  }

  fmt::print(
      "\ndetach gives the numbers alone. One factor is a constant here, so the gradient is w, not "
      "2 w:\n");
  RUN(sum(w * w.detach()).backward());
  SHOW(w.grad());

  fmt::print(
      "\nbackward releases the graph on its way, unless it is told to retain it. With kept = sum(3 "
      "* w):\n");
  RUN(w.zero_grad());
  const Tensor kept = sum(3 * w);
  RUN(kept.backward(true));
  RUN(kept.backward());
  SHOW(w.grad());
  try {
    RUN(kept.backward());
  } catch (const StateError& error) {
    fmt::print("    throws a StateError: {}\n", error.what());
  }
}

// The largest difference between gradients by backward and by (f(x + step) - f(x - step)) / (2
// step).
real show_differences(std::uint64_t seed) {
  fmt::print(
      "\nAn operation of one's own, softsign, made with `record`: f(x) = sum of x softsign(x).\n");
  const auto f = [](const Tensor& x) { return sum(x * softsign(x)); };
  const Tensor x = Tensor::parameter(init::uniform(Shape{4}, -2, 2, Rng(seed)));
  f(x).backward();

  fmt::print("  {:>10} {:>12} {:>12}\n", "x", "backward", "difference");
  const real step = real(1) / 64;
  real largest = 0;
  for (Index i = 0; i < x.shape().count(); ++i) {
    const Tensor aside = one_hot(Ids(Shape{}, {static_cast<std::int32_t>(i)}), 4) * step;
    const real analytic = x.grad().at(i),
               numeric = (f(x + aside).item() - f(x - aside).item()) / (2 * step);
    fmt::print("  {:10.4f} {:12.5f} {:12.5f}\n", x.value().at(i), analytic, numeric);
    largest = std::max(largest, std::abs(analytic - numeric));
  }
  return largest;
}

}  // namespace

int main(int argc, char** argv) {
  return examples::run([&] {
    std::uint64_t seed = 2;
    examples::Options("02_gradients",
                      "Shows what backward does, and defines an operation of its own.")
        .seed("--seed", seed, "seed of the point at which gradients are compared with differences")
        .parse(argc, argv);
    show_backward();
    const real largest = show_differences(seed);
    examples::require(largest < real(1e-3), "backward and differences agree to 0.001");
    fmt::print("\nresult: backward and differences are at most {:.5f} apart\n", largest);
  });
}
