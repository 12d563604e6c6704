// Additive attention that pools a sequence: with h_t = tanh(x_t W + b), e_t = h_t . v, w = softmax
// over t of e, context = sum w_t x_t. One visit to a sample forward and one backward, while its
// numbers are in cache; the products with W go through gemm.
#pragma once

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

struct PoolSizes {
  Index batch, time, features, units;
};

/// What is pooled, and the parameters of the scores.
struct PoolInputs {
  const real* x;             ///< (batch, time, features)
  const real* w;             ///< (features, units)
  const real* b;             ///< (units), or null
  const real* v;             ///< (units)
  const std::uint8_t* keep;  ///< (batch, time), or null
};

/// What pooling gives.
struct PoolResults {
  real* hidden;   ///< h (batch, time, units), which the gradients need
  real* context;  ///< (batch, features)
  real* weights;  ///< (batch, time), or null where they are not needed
};
void additive_pool(PoolSizes sizes, const PoolInputs& in, const PoolResults& out);

/// What the gradients are computed from: what pooling gave, and the gradients of its results.
struct PoolAdjoints {
  const real* hidden;
  const real* weights;
  const real* dcontext;  ///< null where nothing depends on the context
  const real* dweights;  ///< null where nothing depends on the weights
};

/// Where the gradients go; null where none is wanted. dx is written, or added to with `add_dx`; the
/// others are written.
struct PoolGradients {
  real* dx;
  bool add_dx;
  real* dw;
  real* db;
  real* dv;
};

///   dweight_t += x_t . dcontext,  de = softmax's adjoint,  dz_t = de_t v (1 - h_t^2),
///   dx_t = w_t dcontext + dz_t Wᵀ,  dW = sum x_tᵀ dz_t,  db = sum dz_t,  dv = sum de_t h_t
void additive_pool_slopes(PoolSizes sizes, const PoolInputs& in, const PoolAdjoints& d,
                          const PoolGradients& gradients);

}}}  // namespace fovea::kernels
