// Additive attention that pools a sequence, fused: one visit to a sample. Equal in value and
// gradient to the composition of elementary ops that its declaration states; the tests compare
// the two.
#include <fmt/format.h>

#include "fovea/autograd/graph.hpp"
#include "fovea/base/error.hpp"
#include "fovea/ops/ops.hpp"
#include "fovea/ops/record_results.hpp"
#include "kernels/additive_pool.hpp"
#include "kernels/elementwise.hpp"
#include "ops/axes.hpp"
#include "ops/shape_rules.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace shape { namespace {

// x (batch, time, features), W1 and W2 (features, units), b1 and b2 (units) or both null, v
// (units, 1), mask (batch, time) -> those four sizes.
std::array<Index, 4> additive_pool(const Shape& x, const Shape& w1, const Shape& w2,
                                   const Shape* b1, const Shape* b2, const Shape& v,
                                   const std::optional<Mask>& mask) {
  const bool fit =
      x.rank() == 3 && w1.rank() == 2 && w1[0] == x[2] && w2 == w1 && v == Shape{w1[1], 1};
  if (!fit)
    throw ShapeError(
        fmt::format("additive_pool: x is {}, W1 {}, W2 {}, v {}; they must be (batch, time, "
                    "features), (features, units) twice, and (units, 1)",
                    to_string(x), to_string(w1), to_string(w2), to_string(v)));
  const auto bias = [](const Shape* b) { return b ? to_string(*b) : std::string("none"); };
  if ((b1 || b2) && !(b1 && b2 && *b1 == Shape{w1[1]} && *b2 == Shape{w1[1]}))
    throw ShapeError(fmt::format(
        "additive_pool: b1 is {}, b2 {}; with {} units both must be ({},), or both omitted",
        bias(b1), bias(b2), w1[1], w1[1]));
  if (mask && mask->shape() != Shape{x[0], x[1]})
    throw ShapeError(fmt::format("additive_pool: the mask is {}; for x of {} it must be ({}, {})",
                                 to_string(mask->shape()), to_string(x), x[0], x[1]));
  return {x[0], x[1], x[2], w1[1]};
}

}}  // namespace shape

namespace {

Array sum_of(const Tensor& a, const Tensor& b) {
  Array total = a.value().clone();
  kernels::scale(b.value().data(), 1, total.mutable_data(), total.count(), true);
  return total;
}

// W1 and W2 see the same input, so W = W1 + W2 does the work of both in half the products, and
// their gradients are one array; so are those of b1 and b2.
struct AdditivePool {
  kernels::PoolSizes sizes;
  Array x, w, b, v;
  std::optional<Mask> mask;
  Array hidden, weights;

  kernels::PoolInputs inputs() const {
    return {x.data(), w.data(), b.count() > 0 ? b.data() : nullptr, v.data(), ops::bytes(mask)};
  }

  // The context; `weights` are computed where there is room for them.
  Array context() {
    Array result(Shape{sizes.batch, sizes.features});
    kernels::additive_pool(sizes, inputs(),
                           {hidden.mutable_data(), result.mutable_data(),
                            weights.data() ? weights.mutable_data() : nullptr});
    return result;
  }

  void operator()(const Array& dcontext, auto*... gradients) const {
    run(dcontext.data(), nullptr, {gradients...});
  }
  void operator()(const std::array<std::optional<Array>, 2>& d, auto*... gradients) const {
    run(d[0] ? d[0]->data() : nullptr, d[1] ? d[1]->data() : nullptr, {gradients...});
  }

  // The gradients of x, W1, W2, b1, b2 and v; null where none is wanted.
  void run(const real* dcontext, const real* dweights, std::array<Gradient*, 6> wanted) const {
    const auto [dx, dw1, dw2, db1, db2, dv] = wanted;
    Array dw(w.shape()), db(Shape{sizes.units}), dv_sum(v.shape());
    kernels::PoolGradients gradients{nullptr, false, dw.mutable_data(), db.mutable_data(),
                                     dv_sum.mutable_data()};
    if (dx) {
      const auto [view, add] = dx->dense();
      gradients.dx = view.data;
      gradients.add_dx = add;
    }
    kernels::additive_pool_slopes(sizes, inputs(),
                                  {hidden.data(), weights.data(), dcontext, dweights}, gradients);
    for (Gradient* target : {dw1, dw2})
      if (target) target->add(dw);
    for (Gradient* target : {db1, db2})
      if (target) target->add(db);
    if (dv) dv->add(dv_sum);
  }
};

}  // namespace

Attended additive_pool(const Tensor& x, const Tensor& w1, const Tensor& b1, const Tensor& w2,
                       const Tensor& b2, const Tensor& v, const AdditivePoolOptions& options) {
  const auto [batch, time, features, units] =
      shape::additive_pool(x.shape(), w1.shape(), w2.shape(), b1.defined() ? &b1.shape() : nullptr,
                           b2.defined() ? &b2.shape() : nullptr, v.shape(), options.mask);
  const auto inputs = wrt({x, w1, w2, b1, b2, v}, nullptr);
  AdditivePool pool{{batch, time, features, units},          x.value(), sum_of(w1, w2),
                    b1.defined() ? sum_of(b1, b2) : Array(), v.value(), options.mask,
                    Array(Shape{batch, time, units}),        {}};
  if (options.weights || (grad_enabled() && inputs.needed()))
    pool.weights = Array(Shape{batch, time});
  const Array context = pool.context();
  if (!options.weights)
    return Attended(record("additive_pool", context, wrt({x, w1, w2, b1, b2, v}, pool)));
  const auto [shown, weights] =
      record("additive_pool", std::array{context, pool.weights}, wrt({x, w1, w2, b1, b2, v}, pool));
  return {shown, weights};
}

}}  // namespace fovea
