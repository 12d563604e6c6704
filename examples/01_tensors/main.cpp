// Tensors: arrays of numbers with a shape. Each line of the output is a line of this file and what
// came of it.
#include "support/show.hpp"

#include <fmt/format.h>

#include "fovea/nn/init.hpp"
#include "support/options.hpp"

using namespace fovea;

namespace {

void program(std::uint64_t seed) {
  fmt::print("A tensor is made of a shape and numbers, row by row:\n");
  const Tensor x(Shape{2, 3}, {0, 1, 2, 3, 4, 5});
  SHOW(x);
  SHOW(Array::full(Shape{2, 2}, 7));
  SHOW(scalar(3));
  SHOW(init::uniform(Shape{3}, -1, 1, Rng(seed)));
  SHOW(reshape(x, {3, -1}));
  SHOW(transpose(x));

  fmt::print(
      "\nArithmetic goes element by element; sizes of 1 and axes that are not there repeat:\n");
  const Tensor row(Shape{3}, {10, 20, 30}), column(Shape{2, 1}, {100, 200});
  SHOW(x * x + 1);
  SHOW(x + row);
  SHOW(x + column);
  SHOW(row + column);

  fmt::print("\nSlices: a range for each axis, as Python writes begin:end:step:\n");
  SHOW(slice(x, {{}, {.begin = 1}}));
  SHOW(slice(x, {{}, {.step = 2}}));
  SHOW(slice(x, {{.begin = -1}, {.begin = -2}}));
  SHOW(slice(x, {{.step = -1}, {}}));
  SHOW(slice(x, 1, 0, 2));

  fmt::print("\nReductions: over all axes, or those that are named:\n");
  SHOW(sum(x));
  SHOW(sum(x, 0));
  SHOW(mean(x, -1, true));
  SHOW(max(x, 1));
  SHOW(argmax(x, 1));

  fmt::print("\nProducts: of matrices, and over axes with names:\n");
  SHOW(matmul(x, transpose(x)));
  SHOW(matmul(x, x, {.transpose_b = true}));
  SHOW(einsum("rc,sc->rs", {x, x}));
  SHOW(einsum("rc->c", {x}));

  fmt::print("\nMasks: 1 where a condition holds:\n");
  SHOW(greater(x, 2));
  SHOW(where(greater(x, 2), x, 10 * x));
  SHOW(masked_fill(x, equal(x, 4), -1));

  fmt::print("\nWhat does not fit is refused before anything is computed:\n");
  try {
    RUN(matmul(x, x));
  } catch (const ShapeError& error) {
    fmt::print("    throws a ShapeError: {}\n", error.what());
  }

  const real by_slice = sum(slice(x, {{}, {.step = 2}})).item();
  const real by_mask = sum(where(Mask(Shape{3}, {1, 0, 1}), x, scalar(0))).item();
  const real by_einsum = einsum("rc,c->", {x, Tensor(Shape{3}, {1, 0, 1})}).item();
  examples::require(by_slice == by_mask && by_mask == by_einsum, "three ways to one sum agree");
  fmt::print(
      "\nresult: the first and last column of x sum to {} by slice, {} by mask, {} by einsum\n",
      by_slice, by_mask, by_einsum);
}

}  // namespace

int main(int argc, char** argv) {
  return examples::run([&] {
    std::uint64_t seed = 1;
    examples::Options(
        "01_tensors",
        "Makes tensors, computes with them, and shows each line of code beside its result.")
        .seed("--seed", seed, "seed of the random tensor")
        .parse(argc, argv);
    program(seed);
  });
}
