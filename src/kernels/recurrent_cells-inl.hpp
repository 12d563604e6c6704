// One step of a recurrent cell for one sample, forward and backward. With d the gradient of h':
//
//   GRU    h' = n + z (h - n)      dn = d (1 - z) (1 - n^2)   dz = d (h - n) z (1 - z)
//          reset behind the product p = h Un + cn:      dr = dn p r (1 - r)
//          reset before it, e the gradient of r h:      dr = e h r (1 - r)
//   LSTM   c' = f c + i g, h' = o tanh c'
//          e = dc' + d o (1 - tanh^2 c')   di = e g i (1 - i)   df = e c f (1 - f)
//          dg = e i (1 - g^2)   do = d tanh c' o (1 - o)   dc = e f
#if defined(FOVEA_KERNELS_RECURRENT_CELLS_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef FOVEA_KERNELS_RECURRENT_CELLS_INL_HPP
#undef FOVEA_KERNELS_RECURRENT_CELLS_INL_HPP
#else
#define FOVEA_KERNELS_RECURRENT_CELLS_INL_HPP
#endif

#include "kernels/lanes-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels::HWY_NAMESPACE {

/// Calls body(u, n) for the n units from u on that a vector holds.
template <class Body>
HWY_INLINE void for_units(Index units, const Body& body) {
  const Index width = static_cast<Index>(hn::Lanes(Tag()));
  for (Index u = 0; u < units; u += width) body(u, std::min(width, units - u));
}

/// The slope of sigmoid where it is y, and of tanh.
HWY_INLINE Lane sigmoid_slope(Lane y) { return y * (lanes(1) - y); }
HWY_INLINE Lane tanh_slope(Lane y) { return hn::NegMulAdd(y, y, lanes(1)); }

/// A row of x W becomes the gates; h becomes h'. `product` is h U, `candidate` is where to keep
/// p = h Un + cn, or null. bias (4 units): those of x and h together for z and r, then bn, then cn.
inline void gru_step(Index units, const real* bias, const real* product, real* gates,
                     real* candidate, real* h) {
  for_units(units, [=](Index u, Index n) HWY_ATTR {
    const auto gate = [=](Index i) HWY_ATTR {
      return load(gates + i * units + u, n) + load(product + i * units + u, n) +
             load(bias + i * units + u, n);
    };
    const Lane z = sigmoid(gate(0)), r = sigmoid(gate(1));
    const Lane p = load(product + 2 * units + u, n) + load(bias + 3 * units + u, n);
    const Lane y =
        tanh(hn::MulAdd(r, p, load(gates + 2 * units + u, n) + load(bias + 2 * units + u, n)));
    store(z, gates + u, n);
    store(r, gates + units + u, n);
    store(y, gates + 2 * units + u, n);
    if (candidate) store(p, candidate + u, n);
    store(hn::MulAdd(z, load(h + u, n) - y, y), h + u, n);
  });
}

/// d (3 units) = dz, dr and r dn, the gradient of h U; dn goes to of_x + 2 units. dh, the gradient
/// of h', becomes z times it.
inline void gru_slopes(Index units, const real* gates, const real* candidate, const real* before,
                       real* d, real* of_x, real* dh) {
  for_units(units, [=](Index u, Index n) HWY_ATTR {
    const Lane z = load(gates + u, n), r = load(gates + units + u, n),
               y = load(gates + 2 * units + u, n), d_next = load(dh + u, n);
    const Lane dn = d_next * (lanes(1) - z) * tanh_slope(y);
    store(d_next * (load(before + u, n) - y) * sigmoid_slope(z), d + u, n);
    store(dn * load(candidate + u, n) * sigmoid_slope(r), d + units + u, n);
    store(dn * r, d + 2 * units + u, n);
    store(dn, of_x + 2 * units + u, n);
    store(d_next * z, dh + u, n);
  });
}

/// z, r and r h, where the reset comes before the product. `product` is h Uz and h Ur.
inline void gru_reset(Index units, const real* bias, const real* product, real* gates,
                      const real* h, real* reset) {
  for_units(units, [=](Index u, Index n) HWY_ATTR {
    const auto gate = [=](Index i) HWY_ATTR {
      return sigmoid(load(gates + i * units + u, n) + load(product + i * units + u, n) +
                     load(bias + i * units + u, n));
    };
    const Lane r = gate(1);
    store(gate(0), gates + u, n);
    store(r, gates + units + u, n);
    store(r * load(h + u, n), reset + u, n);
  });
}

/// n and h', with `product` (r h) Un.
inline void gru_step_reset(Index units, const real* bias, const real* product, real* gates,
                           real* h) {
  for_units(units, [=](Index u, Index n) HWY_ATTR {
    const Lane z = load(gates + u, n);
    const Lane y =
        tanh(load(gates + 2 * units + u, n) + load(product + u, n) + load(bias + 2 * units + u, n));
    store(y, gates + 2 * units + u, n);
    store(hn::MulAdd(z, load(h + u, n) - y, y), h + u, n);
  });
}

/// dz and dn of d (3 units); dh, the gradient of h', becomes z times it.
inline void gru_reset_slopes(Index units, const real* gates, const real* before, real* d,
                             real* dh) {
  for_units(units, [=](Index u, Index n) HWY_ATTR {
    const Lane z = load(gates + u, n), y = load(gates + 2 * units + u, n), d_next = load(dh + u, n);
    store(d_next * (load(before + u, n) - y) * sigmoid_slope(z), d + u, n);
    store(d_next * (lanes(1) - z) * tanh_slope(y), d + 2 * units + u, n);
    store(d_next * z, dh + u, n);
  });
}

/// dr of d (3 units), and `reset` = r h; adds to dh. `product` is the gradient of r h.
inline void gru_slopes_of_reset(Index units, const real* gates, const real* before,
                                const real* product, real* d, real* reset, real* dh) {
  for_units(units, [=](Index u, Index n) HWY_ATTR {
    const Lane r = load(gates + units + u, n), h = load(before + u, n), e = load(product + u, n);
    store(e * h * sigmoid_slope(r), d + units + u, n);
    store(r * h, reset + u, n);
    store(hn::MulAdd(e, r, load(dh + u, n)), dh + u, n);
  });
}

/// A row of x W becomes the gates; h and c become h' and c'. `product` is h U.
inline void lstm_step(Index units, const real* bias, const real* product, real* gates, real* h,
                      real* c) {
  for_units(units, [=](Index u, Index n) HWY_ATTR {
    const auto gate = [=](Index i) HWY_ATTR {
      return load(gates + i * units + u, n) + load(product + i * units + u, n) +
             load(bias + i * units + u, n);
    };
    const Lane i = sigmoid(gate(0)), f = sigmoid(gate(1)), g = tanh(gate(2)), o = sigmoid(gate(3));
    store(i, gates + u, n);
    store(f, gates + units + u, n);
    store(g, gates + 2 * units + u, n);
    store(o, gates + 3 * units + u, n);
    const Lane next = hn::MulAdd(f, load(c + u, n), i * g);
    store(next, c + u, n);
    store(o * tanh(next), h + u, n);
  });
}

/// d (4 units) is the gradient of h U and of x W. dh is that of h'; dc, that of c', becomes that of
/// c. `next` is c', `before` c.
inline void lstm_slopes(Index units, const real* gates, const real* next, const real* before,
                        real* d, const real* dh, real* dc) {
  for_units(units, [=](Index u, Index n) HWY_ATTR {
    const Lane i = load(gates + u, n), f = load(gates + units + u, n),
               g = load(gates + 2 * units + u, n), o = load(gates + 3 * units + u, n);
    const Lane y = tanh(load(next + u, n)), d_next = load(dh + u, n);
    const Lane e = hn::MulAdd(d_next * o, tanh_slope(y), load(dc + u, n));
    store(e * g * sigmoid_slope(i), d + u, n);
    store(e * load(before + u, n) * sigmoid_slope(f), d + units + u, n);
    store(e * i * tanh_slope(g), d + 2 * units + u, n);
    store(d_next * y * sigmoid_slope(o), d + 3 * units + u, n);
    store(e * f, dc + u, n);
  });
}

}}}  // namespace fovea::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
