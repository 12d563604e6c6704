// Arrays are values: what is written somewhere is seen nowhere else, whoever writes.
#include <doctest/doctest.h>

#include <algorithm>

#include "fovea/array/mask.hpp"
#include "fovea/memory/buffer.hpp"
#include "fovea/ops/ops.hpp"
#include "fovea/optim/adam.hpp"
#include "support/approx.hpp"
#include "support/generate.hpp"

using namespace fovea;
using support::bits_differ;
using support::Generate;

namespace {

template <class T, class Self>
bool a_copy_stays(const Elements<T, Self>& original, T other) {
  Self written(static_cast<const Self&>(original)), kept = written;
  const std::vector<T> before(kept.values().begin(), kept.values().end());
  std::ranges::fill(written.mutable_values(), other);
  Self assigned = written;
  assigned = kept;
  assigned.mutable_data()[0] = other;
  const Self moved = std::move(written);
  return std::ranges::equal(kept.values(), before) &&
         std::ranges::count(moved.values(), other) == moved.count() &&
         moved.shape() == kept.shape();
}

// A step with a gradient that is dense, or rows.
void step(Adam& adam, const Tensor& parameter, Generate& g, bool rows) {
  adam.zero_grad();
  const Shape& shape = parameter.shape();
  if (rows)
    parameter.gradient().add_rows(g.ids(Shape{3}, shape[0]), g.array(Shape{3, shape[1]}, {-1, 1}));
  else
    parameter.gradient().add(g.array(shape, {-1, 1}));
  adam.step();
}

}  // namespace

TEST_CASE(
    "a copy of an array, of ids or of a mask stays as it is when the other is written to, "
    "whichever of the two") {
  for (int trial = 0; trial < 50; ++trial) {
    Generate g("values", trial);
    const Shape shape = g.shape(0, 4);
    if (shape.count() == 0) continue;
    CHECK(a_copy_stays(g.array(shape, {-1, 1}), real(7)));
    CHECK(a_copy_stays(g.ids(shape, 5), std::int32_t(7)));
    CHECK(a_copy_stays(Mask::keep_where_not(g.ids(shape, 2), 0), std::uint8_t(1)));
    Array array = g.array(shape, {-1, 1});
    const Array other = array.reshaped(Shape{shape.count()});
    array.mutable_data()[0] = 9;
    CHECK(other.at(0) != 9);
  }
}

TEST_CASE("an array that nobody shares is written in place, and one that is not is copied once") {
  Array array = Array::zeros(Shape{4});
  const real* const memory = array.data();
  array.mutable_data()[1] = 1;
  CHECK(array.data() == memory);
  const Array copy = array;
  CHECK(copy.data() == memory);
  array.mutable_data()[1] = 2;
  CHECK(array.data() != memory);
  CHECK(copy.data() == memory);
  const real* const own = array.data();
  array.mutable_data()[1] = 3;
  CHECK(array.data() == own);
  CHECK(array.unique());
}

TEST_CASE("an array that the caller overwrites after making a constant of it changes no gradient") {
  for (int trial = 0; trial < 20; ++trial) {
    Generate g("constant", trial);
    const Shape shape = g.shape(1, 3);
    Array factors = g.array(shape, {1, 2});
    const Array before = factors.clone();
    const Tensor x = Tensor::parameter(g.array(shape, {1, 2}));
    const Tensor y = sum(x * Tensor(factors));
    std::ranges::fill(factors.mutable_values(), real(0));
    y.backward();
    CHECK(bits_differ(x.grad(), before) == "");
  }
}

TEST_CASE(
    "the value of a parameter is a snapshot: neither steps, dense or by rows, nor assign and "
    "writing in place reach it") {
  for (int trial = 0; trial < 60; ++trial) {
    Generate g("snapshot", trial);
    Tensor parameter =
        Tensor::parameter(g.array(Shape{g.integer(4, 9), g.integer(1, 70)}, {-1, 1}));
    const Tensor handle = parameter;
    const bool rows = g.chance(0.5);
    Adam adam({.lazy = rows && g.chance(0.3)});
    adam.attach({{"p", parameter}});
    for (Index i = g.integer(0, 3); i > 0; --i) step(adam, parameter, g, rows);
    const Array best = parameter.value(), seen = best.clone();
    const Tensor apart = parameter.detach();
    switch (g.integer(0, 3)) {
      case 0:
        step(adam, parameter, g, rows);
        break;
      case 1:
        step(adam, parameter, g, false);
        break;
      case 2:
        parameter.assign(g.array(parameter.shape(), {-1, 1}));
        break;
      default:
        parameter.mutable_value().mutable_data()[0] += 1;
    }
    CHECK(bits_differ(best, seen) == "");
    CHECK(bits_differ(apart.value(), seen) == "");
    CHECK(bits_differ(parameter.value(), seen) != "");
    CHECK(bits_differ(handle.value(), parameter.value()) == "");
  }
}

TEST_CASE(
    "writing to a copy of a parameter's value, gradient or moments leaves the parameter, its "
    "gradient and the optimiser as they are") {
  for (const bool rows : {false, true}) {
    Generate g("writing to copies", rows);
    const Tensor parameter = Tensor::parameter(g.array(Shape{5, 6}, {-1, 1})),
                 twin = parameter.clone();
    Adam adam, other;
    adam.attach({{"p", parameter}});
    other.attach({{"p", twin}});
    for (int i = 0; i < 4; ++i) {
      Generate same("writing to copies, step", i), again("writing to copies, step", i);
      step(adam, parameter, same, rows);
      step(other, twin, again, rows);
      Array value = parameter.value(), gradient = parameter.grad(), mean = adam.slots()[0]["mean"],
            variance = adam.slots()[0]["variance"];
      for (Array* array : {&value, &gradient, &mean, &variance})
        std::ranges::fill(array->mutable_values(), real(5));
    }
    CHECK(bits_differ(parameter.value(), twin.value()) == "");
    CHECK(bits_differ(parameter.grad(), twin.grad()) == "");
    CHECK(bits_differ(adam.slots()[0]["mean"], other.slots()[0]["mean"]) == "");
    CHECK(bits_differ(adam.slots()[0]["variance"], other.slots()[0]["variance"]) == "");
  }
}

TEST_CASE("moments that were copied stay as they are when steps go on, and the optimiser's go on") {
  for (const bool rows : {false, true}) {
    Generate g("moments", rows);
    const Tensor parameter = Tensor::parameter(g.array(Shape{5, 6}, {-1, 1}));
    Adam adam;
    adam.attach({{"p", parameter}});
    for (int i = 0; i < 3; ++i) step(adam, parameter, g, rows);
    const Adam::Slot kept = adam.slots()[0];
    const Array mean = kept["mean"].clone(), variance = kept["variance"].clone();
    for (int i = 0; i < 2; ++i) step(adam, parameter, g, rows);
    CHECK(bits_differ(kept["mean"], mean) == "");
    CHECK(bits_differ(kept["variance"], variance) == "");
    CHECK(bits_differ(adam.slots()[0]["mean"], mean) != "");
    CHECK(bits_differ(adam.slots()[0]["variance"], variance) != "");
  }
}

TEST_CASE(
    "steps write in place as long as nobody keeps a copy, graphs that were run backward included, "
    "and copy once for one who does") {
  for (const bool rows : {false, true}) {
    Generate g("in place", rows);
    const Tensor table = Tensor::parameter(g.array(Shape{50, 8}, {-1, 1}));
    Adam adam;
    adam.attach({{"table", table}});
    const Ids ids = g.ids(Shape{6}, 50);
    const auto train = [&] {
      adam.zero_grad();
      const Tensor y = rows ? gather_rows(table, ids) : tanh(matmul(table, transpose(table)));
      sum(square(y)).backward();
      adam.step();
    };
    train();
    const real *const numbers = table.value().data(), *const mean = adam.slots()[0]["mean"].data();
    for (int i = 0; i < 5; ++i) train();
    CHECK(table.value().data() == numbers);
    CHECK(adam.slots()[0]["mean"].data() == mean);
    {
      const Array kept = table.value();
      train();
      CHECK(kept.data() == numbers);
      CHECK(table.value().data() != numbers);
    }
    const real* const now = table.value().data();
    for (int i = 0; i < 5; ++i) train();
    CHECK(table.value().data() == now);
  }
}

TEST_CASE(
    "a step that has no memory for the copy that a snapshot needs moves nothing, and can be made "
    "again") {
  struct Cap {
    ~Cap() { memory::set_cap(0); }
  } const lifted;
  for (const bool rows : {false, true}) {
    Generate g("no memory for a snapshot", rows);
    const Tensor first = Tensor::parameter(g.array(Shape{3}, {-1, 1})),
                 table = Tensor::parameter(g.array(Shape{40, 64}, {-1, 1}));
    Adam adam;
    adam.attach({{"first", first}, {"table", table}});
    first.gradient().add(g.array(Shape{3}, {-1, 1}));
    step(adam, table, g, rows);
    const Array snapshot = table.value(), before = first.value().clone();
    first.gradient().add(g.array(Shape{3}, {-1, 1}));
    if (rows)
      table.gradient().add_rows(Ids(Shape{1}, {3}), g.array(Shape{1, 64}, {-1, 1}));
    else
      table.gradient().add(g.array(Shape{40, 64}, {-1, 1}));
    memory::set_cap(memory::bytes_now() + 4096);
    CHECK_THROWS_AS(adam.step(), MemoryError);
    memory::set_cap(0);
    CHECK(adam.steps() == 1);
    CHECK(bits_differ(first.value(), before) == "");
    CHECK(bits_differ(table.value(), snapshot) == "");
    adam.step();
    CHECK(adam.steps() == 2);
    CHECK(bits_differ(first.value(), before) != "");
  }
}
