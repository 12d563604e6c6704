// Recurrent layers, fused. With g the gradients of the gates before their functions, at all
// positions:   dx = g Wᵀ   dW = xᵀ g   dU = hᵀ g   db = sum g, each one product or sum; h is that
// before each position. tests/support/unroll.hpp has the composition of elementary ops that values
// and gradients agree with.
#include "fovea/ops/recurrent.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "fovea/autograd/graph.hpp"
#include "fovea/base/error.hpp"
#include "fovea/ops/record_results.hpp"
#include "kernels/gemm.hpp"
#include "kernels/recurrent.hpp"
#include "kernels/reduce.hpp"
#include "ops/axes.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

using kernels::Cell;
using kernels::WalkSizes;

namespace shape { namespace {

// Refuses what does not fit x (batch, time, features) and W (features, gates units).
WalkSizes recurrent(const char* name, Cell cell, const Tensor& x, const Tensor& w, const Tensor& u,
                    const Tensor& bias, const UnrollOptions& options) {
  const Index gates = kernels::gates_of(cell);
  const Shape &of_x = x.shape(), &of_w = w.shape(), &of_u = u.shape();
  const bool fit = of_x.rank() == 3 && of_w.rank() == 2 && of_u.rank() == 2 && of_w[0] == of_x[2] &&
                   of_u == Shape{of_u[0], gates * of_u[0]} && of_w[1] == of_u[1];
  if (!fit)
    throw ShapeError(
        fmt::format("{0}: x is {1}, kernel {2}, recurrent_kernel {3}; they must be (batch, time, "
                    "features), (features, {4} units), (units, {4} units)",
                    name, to_string(of_x), to_string(of_w), to_string(of_u), gates));
  const Index units = of_u[0];
  const Shape width = cell == Cell::gru ? Shape{2, gates * units} : Shape{gates * units};
  if (bias.defined() && bias.shape() != width)
    throw ShapeError(fmt::format("{}: bias is {}; with {} units it must be {}, or undefined", name,
                                 to_string(bias.shape()), units, to_string(width)));
  if (options.mask && options.mask->shape() != Shape{of_x[0], of_x[1]})
    throw ShapeError(fmt::format("{}: the mask is {}; for x of {} it must be ({}, {})", name,
                                 to_string(options.mask->shape()), to_string(of_x), of_x[0],
                                 of_x[1]));
  const std::size_t count = cell == Cell::lstm ? 2 : 1;
  if (!options.states.empty() && options.states.size() != count)
    throw ValueError(fmt::format("{}: {} states are given; it has {}; give {}", name,
                                 options.states.size(), count, count == 1 ? "h" : "h and c"));
  for (const Tensor& state : options.states)
    if (state.shape() != Shape{of_x[0], units})
      throw ShapeError(fmt::format("{}: a state is {}; it must be {}", name,
                                   to_string(state.shape()), to_string(Shape{of_x[0], units})));
  return {cell, of_x[0], of_x[1], units, options.go_backwards};
}

}}  // namespace shape

namespace {

View rows(const Array& a, Index count) {
  const Index width = a.shape()[-1];
  return {a.data(), Shape{count, width}, {width, 1}};
}

// The columns [begin, end) of the rows of a.
View columns(const Array& a, Index count, Index begin, Index end) {
  const Index width = a.shape()[-1];
  return {a.data() + begin, Shape{count, end - begin}, {width, 1}};
}

// Adds a b to a gradient, without an array in between.
void add_product(const View& a, const View& b, Gradient* gradient) {
  if (!gradient) return;
  const auto [view, add] = gradient->dense();
  const Shape shape{a.shape[0], b.shape[1]};
  kernels::gemm(a, b, {view.data, shape, {shape[1], 1}}, add);
}

Array sum_of_rows(const Array& a, Index count) {
  Array total(Shape{a.shape()[-1]});
  kernels::sum(a.data(), {1, count, a.shape()[-1]}, total.mutable_data(), false);
  return total;
}

// x with zeros at positions that are dropped: 0 times what stands there may not be 0.
Array readable(const Array& x, const std::optional<Mask>& mask) {
  if (!mask || mask->kept() == mask->count()) return x;
  Array clean = x.clone();
  const Index width = x.shape()[2];
  for (Index i = 0; i < mask->count(); ++i)
    if (mask->data()[i] == 0) std::fill_n(clean.mutable_data() + i * width, width, real(0));
  return clean;
}

// What the rules of both ops keep.
struct Recurrent {
  WalkSizes sizes;
  Array x, w, u, bias, h, c;  // bias, h and c of no elements where there are none
  std::optional<Mask> mask;
  Array gates = {}, carried = {}, outputs = {};

  Index count() const { return sizes.batch * sizes.time; }
  bool is_lstm() const { return sizes.cell == Cell::lstm; }

  kernels::WalkInputs inputs() const {
    const auto data = [](const Array& a) { return a.count() > 0 ? a.data() : nullptr; };
    return {u.data(), data(bias), ops::bytes(mask), data(h), data(c)};
  }

  // The outputs and the states at the end; what the gradients need is kept where they are wanted.
  std::array<Array, 3> run(bool keeps) {
    const Shape states{sizes.batch, sizes.units}, all{sizes.batch, sizes.time, sizes.units},
        wide{sizes.batch, sizes.time, kernels::gates_of(sizes.cell) * sizes.units};
    gates = Array(wide);
    outputs = Array(all);
    if (keeps && sizes.cell != Cell::gru_reset_before) carried = Array(all);
    Array last_h(states), last_c(is_lstm() ? states : Shape{0});
    kernels::gemm(rows(x, count()), rows(w, w.shape()[0]),
                  {gates.mutable_data(), Shape{count(), wide[2]}, {wide[2], 1}}, false);
    kernels::walk(sizes, inputs(),
                  {gates.mutable_data(), carried.count() > 0 ? carried.mutable_data() : nullptr,
                   outputs.mutable_data(), last_h.mutable_data(),
                   is_lstm() ? last_c.mutable_data() : nullptr});
    return {outputs, last_h, last_c};
  }

  void operator()(const std::array<std::optional<Array>, 2>& d, Gradient* dx, Gradient* dw,
                  Gradient* du, Gradient* db, Gradient* dh) const {
    slopes({d[0], d[1], {}}, {dx, dw, du, db, dh, nullptr});
  }
  void operator()(const std::array<std::optional<Array>, 3>& d, Gradient* dx, Gradient* dw,
                  Gradient* du, Gradient* db, Gradient* dh, Gradient* dc) const {
    slopes(d, {dx, dw, du, db, dh, dc});
  }
  void slopes(const std::array<std::optional<Array>, 3>& d,
              const std::array<Gradient*, 6>& wanted) const;
  void slopes_of_x(const Array& of_x, Gradient* dx) const;
  void slopes_of_u(const Array& of_h, const Array& before, const Array& reset, Gradient* du) const;
};

void Recurrent::slopes(const std::array<std::optional<Array>, 3>& d,
                       const std::array<Gradient*, 6>& wanted) const {
  const auto [dx, dw, du, db, dh, dc] = wanted;
  const bool is_gru = sizes.cell == Cell::gru, resets = sizes.cell == Cell::gru_reset_before;
  const Shape state{sizes.batch, sizes.units};
  Array of_x(gates.shape()), of_h(is_gru ? gates.shape() : Shape{0}), before(outputs.shape()),
      reset(resets ? outputs.shape() : Shape{0}), dh_first(state), dc_first(state);
  const auto data = [](const std::optional<Array>& a) { return a ? a->data() : nullptr; };
  kernels::walk_slopes(
      sizes, inputs(),
      {gates.data(), carried.data(), outputs.data(), data(d[0]), data(d[1]), data(d[2])},
      {of_x.mutable_data(), is_gru ? of_h.mutable_data() : nullptr, before.mutable_data(),
       resets ? reset.mutable_data() : nullptr, dh_first.mutable_data(), dc_first.mutable_data()});
  slopes_of_x(of_x, dx);
  if (dw) add_product(transposed(rows(readable(x, mask), count())), rows(of_x, count()), dw);
  if (du) slopes_of_u(is_gru ? of_h : of_x, before, reset, du);
  if (db) {
    const Array total = sum_of_rows(of_x, count());
    Array both(db->shape());
    std::copy_n(total.data(), total.count(), both.mutable_data());
    if (is_gru)
      std::copy_n(sum_of_rows(of_h, count()).data(), total.count(),
                  both.mutable_data() + total.count());
    db->add(both);
  }
  if (dh) dh->add(dh_first);
  if (dc) dc->add(dc_first);
}

void Recurrent::slopes_of_x(const Array& of_x, Gradient* dx) const {
  if (!mask) return add_product(rows(of_x, count()), transposed(rows(w, w.shape()[0])), dx);
  if (!dx) return;
  Gradient all(x.shape());  // 0 where a position is dropped, whatever W is
  add_product(rows(of_x, count()), transposed(rows(w, w.shape()[0])), &all);
  dx->add(readable(all.array(), mask));
}

void Recurrent::slopes_of_u(const Array& of_h, const Array& before, const Array& reset,
                            Gradient* du) const {
  const View h_before = transposed(rows(before, count()));
  if (sizes.cell != Cell::gru_reset_before) return add_product(h_before, rows(of_h, count()), du);
  const Index units = sizes.units;
  Array both(u.shape()), of_gates(Shape{units, 2 * units}), of_new(Shape{units, units});
  kernels::gemm(h_before, columns(of_h, count(), 0, 2 * units),
                {of_gates.mutable_data(), of_gates.shape(), {2 * units, 1}}, false);
  kernels::gemm(transposed(rows(reset, count())), columns(of_h, count(), 2 * units, 3 * units),
                {of_new.mutable_data(), of_new.shape(), {units, 1}}, false);
  for (Index i = 0; i < units; ++i) {
    real* const row = both.mutable_data() + i * 3 * units;
    std::copy_n(of_gates.data() + i * 2 * units, 2 * units, row);
    std::copy_n(of_new.data() + i * units, units, row + 2 * units);
  }
  du->add(both);
}

Array value_of(const Tensor& tensor) { return tensor.defined() ? tensor.value() : Array(); }

}  // namespace

Unrolled gru(const Tensor& x, const Tensor& kernel, const Tensor& recurrent_kernel,
             const Tensor& bias, const UnrollOptions& options, Reset reset) {
  const WalkSizes sizes =
      shape::recurrent("gru", reset == Reset::after ? Cell::gru : Cell::gru_reset_before, x, kernel,
                       recurrent_kernel, bias, options);
  const Tensor h = options.states.empty() ? Tensor() : options.states[0];
  const auto inputs = wrt({x, kernel, recurrent_kernel, bias, h}, nullptr);
  Recurrent walk{sizes,          x.value(),   kernel.value(), recurrent_kernel.value(),
                 value_of(bias), value_of(h), Array(),        options.mask};
  const auto [outputs, last, none] = walk.run(grad_enabled() && inputs.needed());
  const auto [shown, state] =
      record("gru", std::array{outputs, last}, wrt({x, kernel, recurrent_kernel, bias, h}, walk));
  return {shown, {state}};
}

Unrolled lstm(const Tensor& x, const Tensor& kernel, const Tensor& recurrent_kernel,
              const Tensor& bias, const UnrollOptions& options) {
  const WalkSizes sizes =
      shape::recurrent("lstm", Cell::lstm, x, kernel, recurrent_kernel, bias, options);
  const bool starts = !options.states.empty();
  const Tensor h = starts ? options.states[0] : Tensor(), c = starts ? options.states[1] : Tensor();
  const auto inputs = wrt({x, kernel, recurrent_kernel, bias, h, c}, nullptr);
  Recurrent walk{sizes,          x.value(),   kernel.value(), recurrent_kernel.value(),
                 value_of(bias), value_of(h), value_of(c),    options.mask};
  const auto [outputs, last_h, last_c] = walk.run(grad_enabled() && inputs.needed());
  const auto [shown, state, cell] = record("lstm", std::array{outputs, last_h, last_c},
                                           wrt({x, kernel, recurrent_kernel, bias, h, c}, walk));
  return {shown, {state, cell}};
}

}}  // namespace fovea
