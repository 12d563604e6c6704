#include "kernels/gemm.hpp"

#include <cblas.h>

#include <algorithm>
#include <mutex>
#include <string_view>
#include <utility>

#include "fovea/base/error.hpp"
#include "fovea/memory/buffer.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/transpose.hpp"
#include "parallel/parallel.hpp"

namespace fovea::inline FOVEA_PRECISION::kernels {

namespace {

// OpenBLAS as it was found. Its own threads are switched off; a flavour built without threads is also built without locks, and
// concurrent calls of it give wrong results, so those are made one at a time.
struct Library {
  bool needs_lock;
  bool has_small_kernels;  // for small products, which need no packing, no buffer and no lock: on processors with AVX-512
  std::mutex mutex;

  Library() : needs_lock(openblas_get_parallel() == 0) {
    openblas_set_num_threads(1);
    const std::string_view core = openblas_get_corename();
    has_small_kernels = core == "SkylakeX" || core == "Cooperlake" || core == "Sapphirerapids" || core == "SapphireRapids";
  }
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
  const Index rows = view.shape.sizes()[rank - 2], columns = view.shape.sizes()[rank - 1];
  const Index down = view.strides[rank - 2], right = view.strides[rank - 1];
  if (right == 1 || columns == 1) return {data, std::max(rows == 1 ? columns : down, columns), false};
  return {data, std::max(columns == 1 ? rows : right, rows), true};
}

void product(Matrix a, Matrix b, real* c, Index lead, Index rows, Index columns, Index inner, bool add) {
  const auto order_a = a.is_transposed ? CblasTrans : CblasNoTrans, order_b = b.is_transposed ? CblasTrans : CblasNoTrans;
  const auto m = static_cast<blasint>(rows), n = static_cast<blasint>(columns), k = static_cast<blasint>(inner);
  if (const Index longest = std::max({a.lead, b.lead, lead, rows, columns, inner}); !std::in_range<blasint>(longest))
    throw ShapeError("matmul: a row or an axis of " + std::to_string(longest) + " numbers is longer than BLAS takes");
  const auto lead_a = static_cast<blasint>(a.lead), lead_b = static_cast<blasint>(b.lead), lead_c = static_cast<blasint>(lead);
  std::unique_lock<std::mutex> lock;
  if (library().needs_lock) lock = std::unique_lock(library().mutex);
#if defined(FOVEA_DOUBLE)
  cblas_dgemm(CblasRowMajor, order_a, order_b, m, n, k, 1, a.data, lead_a, b.data, lead_b, add ? 1 : 0, c, lead_c);
#else
  cblas_sgemm(CblasRowMajor, order_a, order_b, m, n, k, 1, a.data, lead_a, b.data, lead_b, add ? 1 : 0, c, lead_c);
#endif
}

// The small kernels take products of at most this size; if b is transposed and a is not, results of at most 1,200 numbers.
constexpr Index small_product = 1'000'000, small_transposed_result = 1200;

Index pieces_of(Index size, Index piece) { return (size + piece - 1) / piece; }

// `size` in equal parts of at most `most`, a multiple of `unit`; all but the last are multiples as well.
Index even_part(Index size, Index most, Index unit) {
  const Index part = pieces_of(size, pieces_of(size, most));
  return std::min(size, pieces_of(part, unit) * unit);
}

// How each of a batch of products is cut: a function of their sizes and number and of the library alone. A task computes one block of c, over one piece of the inner
// axis, by calls for tiles; partial results of the pieces are added pairwise.
struct Grid {
  bool is_small;  // tiles are for the small kernels
  Index tile_rows, tile_columns, tile_inner;
  Index block_rows, block_columns, piece;
  Index row_blocks, column_blocks, pieces;

  Grid(Index batch, Index rows, Index columns, Index inner) {
    if (library().has_small_kernels && std::min({rows, columns, inner}) < thick)
      cut_for_small_kernels(rows, columns, inner);
    else
      cut_for_packing_kernels(rows, columns, inner);
    row_blocks = pieces_of(rows, block_rows);
    column_blocks = pieces_of(columns, block_columns);
    piece = inner;
    const bool is_long = inner >= (is_small ? 512 : 8 * std::max({rows, columns, Index(64)}));
    if (batch * row_blocks * column_blocks < tasks && is_long && rows * columns <= 65536) {
      const Index unit = is_small ? tile_inner : 256;
      piece = pieces_of(pieces_of(inner, tasks), unit) * unit;
      tile_inner = std::min(tile_inner, piece);
    }
    pieces = pieces_of(inner, piece);
  }

  Index count() const { return row_blocks * column_blocks * pieces; }

 private:
  static constexpr Index tasks = 16;   // enough for as many threads
  static constexpr Index thick = 192;  // the size from which on packing repays itself, in all three directions

  // Tiles of 120 x 64 x 128 where the sizes allow: 64 columns of b, 128 long, stay in the first cache. A block is as many tiles as leave
  // enough tasks.
  void cut_for_small_kernels(Index rows, Index columns, Index inner) {
    is_small = true;
    tile_columns = std::min<Index>(columns, 64);
    tile_inner = std::min<Index>(inner, 128);
    tile_rows = even_part(rows, std::max<Index>(4, small_product / (tile_columns * tile_inner) / 4 * 4), 4);
    tile_inner = even_part(inner, std::clamp<Index>(small_product / (tile_columns * tile_rows) / 8 * 8, 128, 256), 8);
    block_rows = tile_rows * 4;
    block_columns = tile_columns * 8;
    const auto enough = [&] { return pieces_of(rows, block_rows) * pieces_of(columns, block_columns) >= tasks; };
    while (!enough() && block_columns > tile_columns) block_columns -= tile_columns;
    while (!enough() && block_rows > tile_rows) block_rows -= tile_rows;
  }

  // Stripes of rows, each of which packs b anew: two, or with 512 rows and more in each a higher power of two, so that they share out evenly.
  void cut_for_packing_kernels(Index rows, Index columns, Index inner) {
    is_small = false;
    block_columns = tile_columns = std::min<Index>(columns, 2048);
    Index stripes = 2;
    while (stripes < 8 / pieces_of(columns, block_columns) && rows / (2 * stripes) >= 512) stripes *= 2;
    block_rows = tile_rows = even_part(rows, pieces_of(pieces_of(rows, stripes), 16) * 16, 16);
    tile_inner = inner;
  }
};

// A part of a matrix.
Matrix at(Matrix m, Index row, Index column) { return {m.data + (m.is_transposed ? column * m.lead + row : row * m.lead + column), m.lead, m.is_transposed}; }

// Columns [0, columns) of a matrix as panels of `width`, each with its rows one after another.
void pack_panels(Matrix m, Index rows, Index columns, Index width, real* to) {
  if (m.is_transposed) {
    for (Index j = 0; j < columns; j += width) transpose(m.data + j * m.lead, std::min(width, columns - j), rows, m.lead, to + j * rows, std::min(width, columns - j));
    return;
  }
  for (Index row = 0; row < rows; ++row)
    for (Index j = 0; j < columns; j += width) {
      const Index n = std::min(width, columns - j);
      std::copy_n(m.data + row * m.lead + j, n, to + j * rows + row * n);
    }
}

// c (+)= a b for one block: rows x columns of c, over all of `inner`. Panels of b are packed where the small kernels do not take them as they
// are, where more than one tile uses them, and where they are far from contiguous.
void block(const Grid& grid, Matrix a, Matrix b, real* c, Index lead, Index rows, Index columns, Index inner, bool add) {
  const bool pack = grid.is_small && ((b.is_transposed && !a.is_transposed) || rows > grid.tile_rows || (columns > grid.tile_columns && inner > grid.tile_inner));
  const Buffer scratch = pack ? Buffer(grid.tile_inner * columns * static_cast<Index>(sizeof(real))) : Buffer();
  for (Index k = 0; k < inner; k += grid.tile_inner) {
    const Index depth = std::min(grid.tile_inner, inner - k);
    if (pack) pack_panels(at(b, k, 0), depth, columns, grid.tile_columns, scratch.as<real>());
    for (Index i = 0; i < rows; i += grid.tile_rows)
      for (Index j = 0; j < columns; j += grid.tile_columns) {
        const Index width = std::min(grid.tile_columns, columns - j);
        const Matrix panel = pack ? Matrix{scratch.as<real>() + j * depth, width, false} : at(b, k, j);
        product(at(a, i, k), panel, c + i * lead + j, lead, std::min(grid.tile_rows, rows - i), width, depth, add || k > 0);
      }
  }
}

// The number at a place.
real number(Matrix m, Index row, Index column) { return *at(m, row, column).data; }

// c (+)= a b in one call, for products that the small kernels take, or in none where they have so few terms that a call takes longer.
void small(Matrix a, Matrix b, real* c, Index rows, Index columns, Index inner, bool add) {
  constexpr Index few = 16;
  if (rows * columns * inner <= few) {
    for (Index i = 0; i < rows; ++i)
      for (Index j = 0; j < columns; ++j) {
        real sum = add ? c[i * columns + j] : 0;
        for (Index k = 0; k < inner; ++k) sum += number(a, i, k) * number(b, k, j);
        c[i * columns + j] = sum;
      }
    return;
  }
  if (!library().has_small_kernels || !b.is_transposed || a.is_transposed || rows * columns <= small_transposed_result) return product(a, b, c, columns, rows, columns, inner, add);
  const Buffer scratch(inner * columns * static_cast<Index>(sizeof(real)));
  pack_panels(b, inner, columns, columns, scratch.as<real>());
  product(a, {scratch.as<real>(), columns, false}, c, columns, rows, columns, inner, add);
}

// Task `index` of one product: its block of c, or of a partial result.
void task(const Grid& grid, Index index, Matrix a, Matrix b, real* c, real* partials, Index rows, Index columns, Index inner, bool add) {
  const Index piece = index / (grid.row_blocks * grid.column_blocks), k = piece * grid.piece;
  const Index row = index / grid.column_blocks % grid.row_blocks * grid.block_rows, column = index % grid.column_blocks * grid.block_columns;
  real* const target = partials ? partials + piece * rows * columns : c;
  block(grid, at(a, row, k), at(b, k, column), target + row * columns + column, columns, std::min(grid.block_rows, rows - row), std::min(grid.block_columns, columns - column),
        std::min(grid.piece, inner - k), add && !partials);
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
  const std::span<const Index> sizes = c.shape.sizes();
  const std::size_t leading = sizes.size() - 2;
  const Index rows = sizes[leading], columns = sizes[leading + 1], inner = a.shape.sizes()[leading + 1];
  if (c.shape.count() == 0) return;
  if (inner == 0) {
    if (!add) std::fill_n(c.data, c.shape.count(), real(0));
    return;
  }
  const bool is_small = rows * columns * inner <= small_product;
  if (is_small && c.shape.count() == rows * columns) return small(matrix(a, a.data), matrix(b, b.data), c.data, rows, columns, inner, add);
  const Index batch = c.shape.count() / (rows * columns);
  const auto item_of = [&](const View& view, Index item) {
    Matrix result = matrix(view, view.data);
    for (std::size_t axis = leading; axis-- > 0;) {
      result.data += (axis == 0 ? item : item % sizes[axis]) * view.strides[axis];
      if (axis > 0) item /= sizes[axis];
    }
    return result;
  };
  if (is_small) {
    constexpr Index call = 64;  // what a call costs by itself
    parallel::for_range(batch, parallel::grain(call + rows * columns * inner / 16), [&](Index begin, Index end) {
      for (Index item = begin; item < end; ++item) small(item_of(a, item), item_of(b, item), c.data + item * rows * columns, rows, columns, inner, add);
    });
    return;
  }
  const Grid grid(batch, rows, columns, inner);
  const Buffer scratch = grid.pieces == 1 ? Buffer() : Buffer(batch * grid.pieces * rows * columns * static_cast<Index>(sizeof(real)));
  const auto partials = [&](Index item) { return grid.pieces == 1 ? nullptr : scratch.as<real>() + item * grid.pieces * rows * columns; };
  parallel::for_range(batch * grid.count(), 1, [&](Index i, Index) {
    const Index item = i / grid.count();
    task(grid, i % grid.count(), item_of(a, item), item_of(b, item), c.data + item * rows * columns, partials(item), rows, columns, inner, add);
  });
  if (grid.pieces > 1)
    for (Index item = 0; item < batch; ++item) add_partials(partials(item), grid.pieces, rows * columns, c.data + item * rows * columns, add);
}

std::string gemm_library() {
  library();
  return std::string(openblas_get_config()) + " core " + openblas_get_corename();
}

}  // namespace fovea::kernels
