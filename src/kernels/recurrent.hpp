// Recurrent cells along a sequence, fused: a step multiplies the states of a block of samples by
// the recurrent kernel and computes the gates while both are in cache. A block is walked from its
// first position to its last by one task, so nobody waits at a step. Products that all positions
// share (with x, and the gradients of the kernels) are left to gemm.
#pragma once

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

/// GRU with gates z, r, n, whose reset acts behind the product or before it, and LSTM with gates i,
/// f, g, o. Formulas: include/fovea/ops/recurrent.hpp.
enum class Cell { gru, gru_reset_before, lstm };

/// How many gates a cell has.
constexpr Index gates_of(Cell cell) { return cell == Cell::lstm ? 4 : 3; }

struct WalkSizes {
  Cell cell;
  Index batch, time, units;
  bool backwards;  ///< whether step s visits position time - 1 - s, rather than s

  Index position(Index step) const { return backwards ? time - 1 - step : step; }
};

/// What is walked with.
struct WalkInputs {
  const real* u;             ///< (units, gates units)
  const real* bias;          ///< (gates units), of Cell::gru (2, gates units), or null
  const std::uint8_t* keep;  ///< (batch, time), or null; at other positions the states stay
  const real* h;             ///< (batch, units), at the start; null for zeros
  const real* c;             ///< the same of an LSTM
};

/// What walking gives. Of positions that are dropped, `gates` and `carried` have no meaning.
struct WalkResults {
  real* gates;    ///< (batch, time, gates units), by position: x W when it starts, then the gates
  real* carried;  ///< (batch, time, units), for the slopes, or null: of Cell::gru by position
                  ///< h Un + cn, of Cell::lstm by step c
  real* outputs;  ///< (batch, time, units), by step: h, or 0 before the first that is kept
  real* h;        ///< (batch, units), at the end
  real* c;        ///< the same of an LSTM
};
void walk(const WalkSizes& sizes, const WalkInputs& in, const WalkResults& out);

/// What the gradients are computed from: what walking gave, and the gradients of its results, null
/// where nothing depends on one.
struct WalkAdjoints {
  const real *gates, *carried, *outputs;
  const real *doutputs, *dh, *dc;
};

/// Where the gradients go. All are written; 0 at positions that are dropped.
struct WalkGradients {
  real* of_x;    ///< (batch, time, gates units): the gradient of x W
  real* of_h;    ///< the same of h U, of Cell::gru; otherwise it is that of x W, and this is null
  real* before;  ///< (batch, time, units), by position: h before it, by which h U is multiplied
  real* reset;   ///< of Cell::gru_reset_before, r times that; otherwise null
  real* dh;      ///< (batch, units), of h at the start
  real* dc;      ///< the same of an LSTM
};
void walk_slopes(const WalkSizes& sizes, const WalkInputs& in, const WalkAdjoints& d,
                 const WalkGradients& gradients);

}}}  // namespace fovea::kernels
