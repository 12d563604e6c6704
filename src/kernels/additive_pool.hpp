// Additive attention that pools a sequence: with h_t = tanh(x_t W + b), e_t = h_t . v, w = softmax
// over t of e, context = sum w_t x_t. One visit to a sample forward and one backward, while its
// numbers are in cache; the products with W go through gemm.
#pragma once

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

struct PoolSizes {
  Index batch, time, features, units;
};

/// x (batch, time, features), w (features, units), b (units) or null, v (units), keep (batch, time)
/// or null -> hidden h (batch, time, units), out (batch, features + time): the context, then the
/// weights.
void additive_pool(PoolSizes sizes, const real* x, const real* w, const real* b, const real* v,
                   const std::uint8_t* keep, real* hidden, real* out);

/// Where the gradients go; null where none is wanted. dx is written, or added to with `add_dx`; the
/// others are written.
struct PoolGradients {
  real* dx;
  bool add_dx;
  real* dw;
  real* db;
  real* dv;
};

/// With d = (dcontext, dweights) of out's shape:
///   dweight_t += x_t . dcontext,  de = softmax's adjoint,  dz_t = de_t v (1 - h_t^2),
///   dx_t = w_t dcontext + dz_t Wᵀ,  dW = sum x_tᵀ dz_t,  db = sum dz_t,  dv = sum de_t h_t
void additive_pool_slopes(PoolSizes sizes, const real* d, const real* x, const real* w,
                          const real* v, const std::uint8_t* keep, const real* hidden,
                          const real* out, const PoolGradients& gradients);

}}}  // namespace fovea::kernels
