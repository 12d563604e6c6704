// Attention whose steps are fused, one visit to a sample. Each is equal in value and gradient to
// the composition of elementary ops that its declaration states; the tests compare the two.
#include "fovea/autograd/graph.hpp"
#include "fovea/ops/ops.hpp"
#include "kernels/additive_pool.hpp"
#include "kernels/elementwise.hpp"
#include "ops/shape_rules.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

Array sum_of(const Tensor& a, const Tensor& b) {
  Array total = a.value().clone();
  kernels::scale(b.value().data(), 1, total.mutable_data(), total.count(), true);
  return total;
}

}  // namespace

// W1 and W2 see the same input, so W = W1 + W2 does the work of both in half the products, and
// their gradients are one array. The op's own result holds context and weights side by side, so
// that both have a gradient.
Attention additive_pool(const Tensor& x, const Tensor& w1, const Tensor& b1, const Tensor& w2,
                        const Tensor& b2, const Tensor& v, const std::optional<Mask>& mask) {
  const auto [batch, time, features, units] =
      shape::additive_pool(x.shape(), w1.shape(), w2.shape(), b1.defined() ? &b1.shape() : nullptr,
                           b2.defined() ? &b2.shape() : nullptr, v.shape(), mask);
  const kernels::PoolSizes sizes{batch, time, features, units};
  const Array w = sum_of(w1, w2), b = b1.defined() ? sum_of(b1, b2) : Array();
  Array hidden(Shape{batch, time, units}), out(Shape{batch, features + time});
  const auto bytes = [](const std::optional<Mask>& m) { return m ? m->keep().data() : nullptr; };
  kernels::additive_pool(sizes, x.value().data(), w.data(), b1.defined() ? b.data() : nullptr,
                         v.value().data(), bytes(mask), hidden.mutable_data(), out.mutable_data());
  const Tensor packed = record(
      "additive_pool", out,
      wrt({x, w1, w2, b1, b2, v}, [=, x = x.value(), v = v.value()](
                                      const Array& d, Gradient* dx, Gradient* dw1, Gradient* dw2,
                                      Gradient* db1, Gradient* db2, Gradient* dv) {
        Array dw(w.shape()), db(Shape{sizes.units}), dv_sum(v.shape());
        kernels::PoolGradients gradients{nullptr, false, dw.mutable_data(), db.mutable_data(),
                                         dv_sum.mutable_data()};
        if (dx) {
          const auto [view, add] = dx->dense();
          gradients.dx = view.data;
          gradients.add_dx = add;
        }
        kernels::additive_pool_slopes(sizes, d.data(), x.data(), w.data(), v.data(), bytes(mask),
                                      hidden.data(), out.data(), gradients);
        for (Gradient* target : {dw1, dw2})
          if (target) target->add(dw);
        for (Gradient* target : {db1, db2})
          if (target) target->add(db);
        if (dv) dv->add(dv_sum);
      }));
  return {slice(packed, 1, 0, features), slice(packed, 1, features, features + time)};
}

}}  // namespace fovea
