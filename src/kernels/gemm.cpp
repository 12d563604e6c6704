#include "kernels/gemm.hpp"

#include <cblas.h>

#include <algorithm>
#include <mutex>
#include <utility>

#include "fovea/base/error.hpp"
#include "fovea/memory/buffer.hpp"
#include "kernels/elementwise.hpp"
#include "parallel/parallel.hpp"

namespace fovea::inline FOVEA_PRECISION::kernels {

namespace {

// OpenBLAS takes products of at most this size through kernels that need no packing, no buffer and no lock.
constexpr Index small_product = 1'000'000;

// OpenBLAS as it was found. Its own threads are switched off; a flavour built without threads is also built without locks, and
// concurrent calls of it give wrong results, so those are made one at a time.
struct Library {
  bool needs_lock;
  std::mutex mutex;

  Library() : needs_lock(openblas_get_parallel() == 0) { openblas_set_num_threads(1); }
};

Library& library() {
  static Library* const instance = new Library;
  return *instance;
}

// One matrix, as BLAS wants it: rows apart by `lead`, or columns when transposed.
struct Matrix {
  const real* data;
  Index lead;
  bool is_transposed;
};

Matrix matrix(const View& view, const real* data) {
  const auto rank = static_cast<std::size_t>(view.shape.rank());
  const Index rows = view.shape[-2], columns = view.shape[-1];
  const Index down = view.strides[rank - 2], right = view.strides[rank - 1];
  if (right == 1 || columns == 1) return {data, std::max(rows == 1 ? columns : down, columns), false};
  return {data, std::max(columns == 1 ? rows : right, rows), true};
}

void product(Matrix a, Matrix b, real* c, Index lead, Index rows, Index columns, Index inner, bool add) {
  const auto order_a = a.is_transposed ? CblasTrans : CblasNoTrans, order_b = b.is_transposed ? CblasTrans : CblasNoTrans;
  const auto m = static_cast<blasint>(rows), n = static_cast<blasint>(columns), k = static_cast<blasint>(inner);
  for (const Index stride : {a.lead, b.lead, lead})
    if (!std::in_range<blasint>(stride)) throw ShapeError("matmul: rows of " + std::to_string(stride) + " numbers are longer than BLAS takes");
  const auto lead_a = static_cast<blasint>(a.lead), lead_b = static_cast<blasint>(b.lead), lead_c = static_cast<blasint>(lead);
  std::unique_lock<std::mutex> lock;
  if (library().needs_lock) lock = std::unique_lock(library().mutex);
#if defined(FOVEA_DOUBLE)
  cblas_dgemm(CblasRowMajor, order_a, order_b, m, n, k, 1, a.data, lead_a, b.data, lead_b, add ? 1 : 0, c, lead_c);
#else
  cblas_sgemm(CblasRowMajor, order_a, order_b, m, n, k, 1, a.data, lead_a, b.data, lead_b, add ? 1 : 0, c, lead_c);
#endif
}

// How one product is cut: row tiles, column tiles, and pieces of the inner axis whose partial results are added pairwise. A
// function of the sizes alone.
struct Grid {
  Index tile_rows, tile_columns, tile_inner;
  Index row_tiles, column_tiles, pieces;

  Grid(Index rows, Index columns, Index inner) : tile_rows(rows), tile_columns(columns), tile_inner(inner) {
    if (rows * columns * inner > 2 * small_product) {
      const Index thin = small_product / std::max<Index>(1, columns * inner);
      tile_rows = std::min(rows, thin >= 16 ? thin / 8 * 8 : Index(128));
      if (thin < 16) tile_columns = std::min<Index>(columns, 512);
    }
    row_tiles = (rows + tile_rows - 1) / tile_rows;
    column_tiles = (columns + tile_columns - 1) / tile_columns;
    if (row_tiles * column_tiles < 8 && inner >= 512 && rows * columns <= 65536)
      tile_inner = std::clamp<Index>(small_product / (tile_rows * tile_columns) / 8 * 8, 128, inner);
    pieces = (inner + tile_inner - 1) / tile_inner;
  }

  Index tiles() const { return row_tiles * column_tiles * pieces; }
};

// One product cut along the grid: tile `index` writes its part of c, or of partial result `piece`.
void tile(const Grid& grid, Index index, Matrix a, Matrix b, real* c, real* partials, Index rows, Index columns, Index inner, bool add) {
  const Index piece = index / (grid.row_tiles * grid.column_tiles);
  const Index row = index / grid.column_tiles % grid.row_tiles * grid.tile_rows;
  const Index column = index % grid.column_tiles * grid.tile_columns;
  const Index k = piece * grid.tile_inner;
  a.data += a.is_transposed ? k * a.lead + row : row * a.lead + k;
  b.data += b.is_transposed ? column * b.lead + k : k * b.lead + column;
  real* const target = partials ? partials + piece * rows * columns : c;
  product(a, b, target + row * columns + column, columns, std::min(grid.tile_rows, rows - row), std::min(grid.tile_columns, columns - column),
          std::min(grid.tile_inner, inner - k), add && !partials);
}

// c (+)= the sum of the partial results, pairwise.
void add_partials(real* partials, Index pieces, Index count, real* c, bool add) {
  constexpr Index grain = 4096;
  parallel::for_range(count, grain, [&](Index begin, Index end) {
    for (Index step = 1; step < pieces; step *= 2)
      for (Index i = 0; i + step < pieces; i += 2 * step)
        scale(partials + (i + step) * count + begin, 1, partials + i * count + begin, end - begin, true);
    scale(partials + begin, 1, c + begin, end - begin, add);
  });
}

}  // namespace

void gemm(const View& a, const View& b, const MutableView& c, bool add) {
  const Index rows = c.shape[-2], columns = c.shape[-1], inner = a.shape[-1];
  if (c.shape.count() == 0) return;
  if (inner == 0) {
    if (!add) std::fill_n(c.data, c.shape.count(), real(0));
    return;
  }
  const Index batch = c.shape.count() / (rows * columns);
  const auto start = [&](const View& view, Index item) {
    const real* data = view.data;
    for (int axis = c.shape.rank() - 3; axis >= 0; --axis) {
      data += item % c.shape[axis] * view.strides[static_cast<std::size_t>(axis)];
      item /= c.shape[axis];
    }
    return matrix(view, data);
  };
  const Grid grid(rows, columns, inner);
  const Buffer scratch(grid.pieces == 1 ? 0 : batch * grid.pieces * rows * columns * static_cast<Index>(sizeof(real)));
  const auto partials = [&](Index item) { return grid.pieces == 1 ? nullptr : scratch.as<real>() + item * grid.pieces * rows * columns; };
  const Index cost = std::max<Index>(1, grid.tile_rows * grid.tile_columns * grid.tile_inner / 16);
  parallel::for_range(batch * grid.tiles(), parallel::grain(cost), [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      const Index item = i / grid.tiles();
      tile(grid, i % grid.tiles(), start(a, item), start(b, item), c.data + item * rows * columns, partials(item), rows, columns, inner, add);
    }
  });
  if (grid.pieces > 1)
    for (Index item = 0; item < batch; ++item) add_partials(partials(item), grid.pieces, rows * columns, c.data + item * rows * columns, add);
}

std::string gemm_library() {
  library();
  return std::string(openblas_get_config()) + " core " + openblas_get_corename();
}

}  // namespace fovea::kernels
