#ifndef FOVEA_KERNELS_RECURRENT_BLOCK
#define FOVEA_KERNELS_RECURRENT_BLOCK
#include "kernels/recurrent.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels { namespace {

// Samples in a block: as many rows as a product computes at once.
constexpr Index walk_rows = 8;

// What all blocks of samples share.
struct WalkMatrices {
  const real* u;      // packed: forward U, without Un of a GRU that resets before; backward U^T
  const real* u_new;  // the same of Un, of a GRU that resets before
  const real* bias;   // forward: as the steps of the cells take it
  const real* zeros;  // (units)
};

// Some samples, and scratch of one task. Rows of products are `lead` numbers apart.
struct WalkBlock {
  Index first, rows, lead;
  real* h;         // forward h, backward its gradient; (rows, units)
  real* c;         // of an LSTM, likewise
  real* gates;     // forward r h (rows, units), of a GRU that resets before; backward the gradient
                   // of the products with h (rows, gates units)
  real* shown;     // backward: what comes to an output from later ones that repeat it
  real* products;  // (rows, lead)
};

}  // namespace

}}}  // namespace fovea::kernels
#endif

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/recurrent.cpp"
#include "kernels/targets.hpp"
//
#include <algorithm>

#include "kernels/recurrent_cells-inl.hpp"
#include "kernels/row_product-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels::HWY_NAMESPACE {

void pack(const real* b, Index down, Index right, Index inner, Index columns, real* to) {
  pack_panels(b, down, right, inner, columns, to);
}

/// A block of samples on its way. Row r is sample first + r.
struct Walked {
  const WalkSizes& s;
  const std::uint8_t* keep;
  const WalkMatrices& m;
  const WalkBlock& b;

  Index units() const { return s.units; }
  /// Where position p of row r is among all positions.
  Index at(Index r, Index p) const { return (b.first + r) * s.time + p; }
  bool keeps(Index r, Index p) const { return !keep || keep[at(r, p)]; }
  bool keeps_any(Index p) const {
    for (Index r = 0; r < b.rows; ++r)
      if (keeps(r, p)) return true;
    return false;
  }
  real* product(Index r) const { return b.products + r * b.lead; }

  void multiply(Index inner, Index columns, RowsOf<const real> a, const real* packed) const {
    multiply_panels(b.rows, inner, columns, a, packed, {b.products, b.lead});
  }
};

/// One step of the rows that are kept: gates and states.
void step_kept(const Walked& w, const WalkResults& out, Index step) {
  const Index units = w.units(), gates = gates_of(w.s.cell) * units, p = w.s.position(step);
  const bool resets = w.s.cell == Cell::gru_reset_before;
  w.multiply(units, resets ? 2 * units : gates, {w.b.h, units}, w.m.u);
  for (Index r = 0; r < w.b.rows; ++r) {
    if (!w.keeps(r, p)) {
      if (resets) std::fill_n(w.b.gates + r * units, units, real(0));
      continue;
    }
    real *const g = out.gates + w.at(r, p) * gates, *const h = w.b.h + r * units;
    if (w.s.cell == Cell::gru)
      gru_step(units, w.m.bias, w.product(r), g,
               out.carried ? out.carried + w.at(r, p) * units : nullptr, h);
    else if (resets)
      gru_reset(units, w.m.bias, w.product(r), g, h, w.b.gates + r * units);
    else
      lstm_step(units, w.m.bias, w.product(r), g, h, w.b.c + r * units);
  }
  if (!resets) return;
  w.multiply(units, units, {w.b.gates, units}, w.m.u_new);
  for (Index r = 0; r < w.b.rows; ++r)
    if (w.keeps(r, p))
      gru_step_reset(units, w.m.bias, w.product(r), out.gates + w.at(r, p) * gates,
                     w.b.h + r * units);
}

/// Walks from the first position to the last: from the states in `block` to those at the end.
void walk_block(const WalkSizes& s, const WalkInputs& in, const WalkResults& out,
                const WalkMatrices& matrices, const WalkBlock& block) {
  const Walked w{s, in.keep, matrices, block};
  const Index units = s.units;
  for (Index step = 0; step < s.time; ++step) {
    const Index p = s.position(step);
    if (w.keeps_any(p)) step_kept(w, out, step);
    for (Index r = 0; r < block.rows; ++r) {
      const Index at = w.at(r, step) * units;
      const real* const shown = w.keeps(r, p) ? block.h + r * units
                                : step == 0   ? matrices.zeros
                                              : out.outputs + at - units;
      std::copy_n(shown, units, out.outputs + at);
      if (out.carried && s.cell == Cell::lstm)
        std::copy_n(block.c + r * units, units, out.carried + at);
    }
  }
}

/// Backward through one step of one sample, up to the products with U.
struct SlopesOfRow {
  const real *gates, *carried, *before, *before_c;
  real *d, *of_x, *h, *c;
};
void slopes_of_row(Cell cell, Index units, const SlopesOfRow& row) {
  if (cell == Cell::gru)
    gru_slopes(units, row.gates, row.carried, row.before, row.d, row.of_x, row.h);
  else if (cell == Cell::gru_reset_before)
    gru_reset_slopes(units, row.gates, row.before, row.d, row.h);
  else
    lstm_slopes(units, row.gates, row.carried, row.before_c, row.d, row.h, row.c);
}

/// The states before a kept step of row r: those at the start, before the first that is kept.
struct Before {
  const real *h, *c;
};
Before before(const Walked& w, const WalkInputs& in, const WalkAdjoints& d, Index r, Index step,
              Index first_kept) {
  const Index units = w.units();
  if (step > first_kept) {
    const Index at = w.at(r, step - 1) * units;
    return {d.outputs + at, w.s.cell == Cell::lstm ? d.carried + at : nullptr};
  }
  const Index at = (w.b.first + r) * units;
  return {in.h ? in.h + at : w.m.zeros, in.c ? in.c + at : w.m.zeros};
}

/// Writes what one step of row r gives to all positions.
void put_step(const Walked& w, const WalkGradients& to, Index r, Index p, const real* before_h) {
  const Index units = w.units(), gates = gates_of(w.s.cell) * units, at = w.at(r, p);
  const real* const d = w.b.gates + r * gates;
  const bool keeps = w.keeps(r, p);
  if (to.of_h) {
    std::copy_n(d, gates, to.of_h + at * gates);
    std::copy_n(d, keeps ? 2 * units : gates, to.of_x + at * gates);
  } else {
    std::copy_n(d, gates, to.of_x + at * gates);
  }
  std::copy_n(before_h, units, to.before + at * units);
  if (to.reset && !keeps) std::fill_n(to.reset + at * units, units, real(0));
}

/// Backward through the products with U, of the rows that are kept: adds to the gradient of h.
void slopes_of_products(const Walked& w, const WalkAdjoints& d, const WalkGradients& to,
                        const real* const* before_h, Index p) {
  const Index units = w.units(), gates = gates_of(w.s.cell) * units;
  const bool resets = w.s.cell == Cell::gru_reset_before;
  if (resets) {
    w.multiply(units, units, {w.b.gates + 2 * units, gates}, w.m.u_new);
    for (Index r = 0; r < w.b.rows; ++r)
      if (w.keeps(r, p))
        gru_slopes_of_reset(units, d.gates + w.at(r, p) * gates, before_h[r], w.product(r),
                            w.b.gates + r * gates, to.reset + w.at(r, p) * units,
                            w.b.h + r * units);
  }
  w.multiply(resets ? 2 * units : gates, units, {w.b.gates, gates}, w.m.u);
  for (Index r = 0; r < w.b.rows; ++r) {
    if (!w.keeps(r, p)) continue;
    real* const dh = w.b.h + r * units;
    const bool adds = w.s.cell != Cell::lstm;  // an LSTM's h reaches h' through the gates alone
    for_units(units, [&](Index u, Index n) HWY_ATTR {
      const Lane more = load(w.product(r) + u, n);
      store(adds ? load(dh + u, n) + more : more, dh + u, n);
    });
  }
}

/// The gradient of the outputs at one step is added to that of h, or waits where one is repeated.
void take_outputs(const Walked& w, const WalkAdjoints& d, Index r, Index step, bool keeps) {
  const Index units = w.units();
  const real* const given = d.doutputs ? d.doutputs + w.at(r, step) * units : w.m.zeros;
  real *const shown = w.b.shown + r * units, *const dh = w.b.h + r * units;
  for (Index u = 0; u < units; ++u) shown[u] += given[u];
  if (!keeps) return;
  for (Index u = 0; u < units; ++u) dh[u] += shown[u];
  std::fill_n(shown, units, real(0));
}

/// Walks back, from the gradients of the states at the end, in `block`, to those at the start.
void walk_block_back(const WalkSizes& s, const WalkInputs& in, const WalkAdjoints& d,
                     const WalkGradients& to, const WalkMatrices& matrices,
                     const WalkBlock& block) {
  const Walked w{s, in.keep, matrices, block};
  const Index units = s.units, gates = gates_of(s.cell) * units;
  Index first_kept[walk_rows];
  for (Index r = 0; r < block.rows; ++r) {
    first_kept[r] = 0;
    while (first_kept[r] < s.time && !w.keeps(r, s.position(first_kept[r]))) ++first_kept[r];
  }
  for (Index step = s.time; step-- > 0;) {
    const Index p = s.position(step);
    const real* before_h[walk_rows];
    for (Index r = 0; r < block.rows; ++r) {
      const bool keeps = w.keeps(r, p);
      const Index at = w.at(r, p);
      real* const row = block.gates + r * gates;
      take_outputs(w, d, r, step, keeps);
      before_h[r] = matrices.zeros;
      if (!keeps) {
        std::fill_n(row, gates, real(0));
        continue;
      }
      const Before was = before(w, in, d, r, step, first_kept[r]);
      before_h[r] = was.h;
      const Index carried = s.cell == Cell::lstm ? w.at(r, step) : at;
      slopes_of_row(s.cell, units,
                    {d.gates + at * gates, d.carried ? d.carried + carried * units : nullptr, was.h,
                     was.c, row, to.of_x + at * gates, block.h + r * units, block.c + r * units});
    }
    if (w.keeps_any(p)) slopes_of_products(w, d, to, before_h, p);
    for (Index r = 0; r < block.rows; ++r) put_step(w, to, r, p, before_h[r]);
  }
}

}}}  // namespace fovea::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "fovea/memory/buffer.hpp"
#include "parallel/parallel.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

namespace {

Buffer reals(Index count) { return Buffer(count * static_cast<Index>(sizeof(real))); }

// `columns`, up to a multiple of the widest vector.
Index filled_up(Index columns) {
  constexpr Index line = 64 / sizeof(real);
  return (columns + line - 1) / line * line;
}

// b (inner, columns) in panels.
Buffer packed(const real* b, Index down, Index right, Index inner, Index columns) {
  const Buffer to = reals(inner * filled_up(columns));
  FOVEA_BEST(pack)(b, down, right, inner, columns, to.as<real>());
  return to;
}

// (4 units), and zeros (units) behind them: the bias as the cells take it.
Buffer bias_of(const WalkSizes& s, const real* bias) {
  const Index gates = gates_of(s.cell) * s.units;
  const Buffer all = reals(5 * s.units);
  std::fill_n(all.as<real>(), 5 * s.units, real(0));
  if (!bias) return all;
  std::copy_n(bias, gates, all.as<real>());
  if (s.cell != Cell::gru) return all;
  for (Index u = 0; u < 2 * s.units; ++u) all.as<real>()[u] += bias[gates + u];
  std::copy_n(bias + gates + 2 * s.units, s.units, all.as<real>() + gates);
  return all;
}

// The scratch of one task.
struct Scratch {
  explicit Scratch(const WalkSizes& s)
      : lead(filled_up(gates_of(s.cell) * s.units)), all(reals(walk_rows * (7 * s.units + lead))) {}

  WalkBlock block(const WalkSizes& s, Index first) const {
    const Index each = walk_rows * s.units;
    real* const h = all.as<real>();
    return {first,        std::min(walk_rows, s.batch - first),
            lead,         h,
            h + each,     h + 2 * each,
            h + 6 * each, h + 7 * each};
  }

  Index lead;
  Buffer all;
};

// Copies the rows of a block, or zeros where there are none.
void take_rows(const real* from, const WalkBlock& block, Index units, real* to) {
  if (from)
    std::copy_n(from + block.first * units, block.rows * units, to);
  else
    std::fill_n(to, block.rows * units, real(0));
}
void put_rows(const real* from, const WalkBlock& block, Index units, real* to) {
  if (to) std::copy_n(from, block.rows * units, to + block.first * units);
}

// Calls body(block) for each block of samples.
template <class Body>
void for_blocks(const WalkSizes& s, const Body& body) {
  const Index blocks = (s.batch + walk_rows - 1) / walk_rows,
              cost = walk_rows * s.time * s.units * (8 + gates_of(s.cell) * s.units / 16);
  parallel::for_range(blocks, parallel::grain(cost), [&](Index begin, Index end) {
    const Scratch scratch(s);
    for (Index i = begin; i < end; ++i) body(scratch.block(s, i * walk_rows));
  });
}

}  // namespace

void walk(const WalkSizes& s, const WalkInputs& in, const WalkResults& out) {
  const Index units = s.units, gates = gates_of(s.cell) * units;
  const bool resets = s.cell == Cell::gru_reset_before;
  const Buffer u = packed(in.u, gates, 1, units, resets ? 2 * units : gates),
               u_new = resets ? packed(in.u + 2 * units, gates, 1, units, units) : Buffer(),
               bias = bias_of(s, in.bias);
  const WalkMatrices matrices{u.as<real>(), u_new.as<real>(), bias.as<real>(),
                              bias.as<real>() + 4 * units};
  for_blocks(s, [&](const WalkBlock& block) {
    take_rows(in.h, block, units, block.h);
    take_rows(in.c, block, units, block.c);
    FOVEA_BEST(walk_block)(s, in, out, matrices, block);
    put_rows(block.h, block, units, out.h);
    put_rows(block.c, block, units, out.c);
  });
}

void walk_slopes(const WalkSizes& s, const WalkInputs& in, const WalkAdjoints& d,
                 const WalkGradients& gradients) {
  const Index units = s.units, gates = gates_of(s.cell) * units;
  const bool resets = s.cell == Cell::gru_reset_before;
  const Buffer u = packed(in.u, 1, gates, resets ? 2 * units : gates, units),
               u_new = resets ? packed(in.u + 2 * units, 1, gates, units, units) : Buffer(),
               zeros = bias_of(s, nullptr);
  const WalkMatrices matrices{u.as<real>(), u_new.as<real>(), nullptr, zeros.as<real>()};
  for_blocks(s, [&](const WalkBlock& block) {
    take_rows(d.dh, block, units, block.h);
    take_rows(d.dc, block, units, block.c);
    take_rows(nullptr, block, units, block.shown);
    FOVEA_BEST(walk_block_back)(s, in, d, gradients, matrices, block);
    put_rows(block.h, block, units, gradients.dh);
    put_rows(block.c, block, units, gradients.dc);
  });
}

}}}  // namespace fovea::kernels
#endif
