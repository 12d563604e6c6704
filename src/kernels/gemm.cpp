#include "kernels/gemm.hpp"

#include <cblas.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <utility>

#include "fovea/base/error.hpp"
#include "fovea/memory/buffer.hpp"
#include "kernels/blas_core.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/known_products.hpp"
#include "kernels/pairwise.hpp"
#include "kernels/transpose.hpp"
#include "parallel/parallel.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

namespace {

// How many threads OpenBLAS had when they were last switched off; 0 before.
std::atomic<int> threads_found = 0;

// For good: nobody may count on OpenBLAS to take another number while other threads compute with
// it, so they are not switched on again behind a product. Who does so for products of their own is
// welcome to; they are switched off again here.
void switch_threads_off() {
  if (const int found = openblas_get_num_threads(); found != 1) {
    threads_found = found;
    openblas_set_num_threads(1);
  }
}

// OpenBLAS as it was found. Its own threads are switched off. A build without threads is also a
// build without locks, whose concurrent calls give wrong results: those are made one at a time.
struct Library {
  bool needs_lock;
  Cut cut;
  std::string fault;  // why its products are not to be trusted; empty where they are right
  std::mutex mutex;

  Library();
};

void multiply(Library& library, const Product& p) {
  if (const Index longest = std::max({p.a.lead, p.b.lead, p.lead, p.rows, p.columns, p.inner});
      !std::in_range<blasint>(longest))
    throw ShapeError(
        fmt::format("matmul: a row or an axis of {} numbers is longer than BLAS takes", longest));
  const auto order = [](const Matrix& m) { return m.is_transposed ? CblasTrans : CblasNoTrans; };
  const auto size = [](Index n) { return static_cast<blasint>(n); };
  const real add = p.add ? 1 : 0;
  std::unique_lock<std::mutex> lock;
  if (library.needs_lock) lock = std::unique_lock(library.mutex);
#if defined(FOVEA_DOUBLE)
  constexpr auto call = cblas_dgemm;
#else
  constexpr auto call = cblas_sgemm;
#endif
  call(CblasRowMajor, order(p.a), order(p.b), size(p.rows), size(p.columns), size(p.inner), 1,
       p.a.data, size(p.a.lead), p.b.data, size(p.b.lead), add, p.c, size(p.lead));
}

// The core is chosen first, also where a static object of the user's multiplies before the one in
// blas_core.cpp is made.
Library::Library() : needs_lock(openblas_get_parallel() == 0) {
  blas_core();
  cut = has_small_kernels(current_core()) ? Cut::small_kernels : Cut::packing;
  switch_threads_off();
  const int wrong = wrong_products([this](const Product& p) { multiply(*this, p); });
  if (wrong > 0) fault = fault_text(wrong, known_products);
}

Library& library() {
  static Library* const instance = new Library;
  return *instance;
}

void multiply(const Product& p) { multiply(library(), p); }

Matrix matrix(const View& view, const real* data) {
  const auto rank = static_cast<std::size_t>(view.shape.rank());
  const Index rows = view.shape.sizes()[rank - 2], columns = view.shape.sizes()[rank - 1];
  const Index down = view.strides[rank - 2], right = view.strides[rank - 1];
  if (right == 1 || columns == 1)
    return {data, std::max(rows == 1 ? columns : down, columns), false};
  return {data, std::max(columns == 1 ? rows : right, rows), true};
}

// The small kernels take products of at most this many multiplications. Those that transpose b
// alone have at most this many results; with more, OpenBLAS packs both operands.
constexpr Index small_product = 1'000'000, small_transposed_result = 1200;

Index pieces_of(Index size, Index piece) { return (size + piece - 1) / piece; }

// `size` in equal parts of at most `most`, a multiple of `unit`; all but the last are multiples as
// well.
Index even_part(Index size, Index most, Index unit) {
  const Index part = pieces_of(size, pieces_of(size, most));
  return std::min(size, pieces_of(part, unit) * unit);
}

// How each of a batch of products is cut: a function of their sizes and number and of the kernels
// alone. A task computes one block of c, over one piece of the inner axis, by calls for tiles. The
// first piece goes to c; partial results of the others are added pairwise, and to c.
struct Grid {
  bool is_small;  // tiles are for the small kernels
  Index tile_rows, tile_columns, tile_inner;
  Index block_rows, block_columns, piece;
  Index row_blocks, column_blocks, pieces;

  Grid(Index batch, const Product& p, Cut cut) {
    if (cut == Cut::small_kernels && std::min({p.rows, p.columns, p.inner}) < thick)
      cut_for_small_kernels(p.rows, p.columns, p.inner);
    else
      cut_for_packing_kernels(p.rows, p.columns, p.inner);
    row_blocks = pieces_of(p.rows, block_rows);
    column_blocks = pieces_of(p.columns, block_columns);
    piece = p.inner;
    const Index blocks = batch * row_blocks * column_blocks;
    const Index most = std::min(pieces_of(tasks, blocks),
                                p.rows * p.columns * p.inner * batch / (blocks * worth_a_piece));
    const bool is_long = is_small || p.inner >= 8 * std::max({p.rows, p.columns, Index(64)});
    if (blocks < tasks && most > 1 && is_long && p.rows * p.columns <= 65536) {
      const Index unit = is_small ? tile_inner : 256;
      piece = pieces_of(pieces_of(p.inner, most), unit) * unit;
      tile_inner = std::min(tile_inner, piece);
    }
    pieces = pieces_of(p.inner, piece);
  }

  Index count() const { return row_blocks * column_blocks * pieces; }

 private:
  static constexpr Index tasks = 16;                 // enough for as many threads
  static constexpr Index worth_a_piece = 2'000'000;  // multiplications, some 15 us
  static constexpr Index thick =
      768;  // the size from which on packing repays itself, in all three directions

  // Tiles of 120 x 64 x 128 where the sizes allow: 64 columns of b, 128 long, stay in the first
  // cache. A block is as many tiles as leave enough tasks; all of them use the tile of b that is
  // packed for them.
  void cut_for_small_kernels(Index rows, Index columns, Index inner) {
    is_small = true;
    tile_columns = std::min<Index>(columns, 64);
    tile_inner = even_part(inner, 128, 8);
    tile_rows =
        even_part(rows, std::max<Index>(4, small_product / (tile_columns * tile_inner) / 4 * 4), 4);
    block_rows = tile_rows * 4;
    block_columns = tile_columns * 8;
    const auto enough = [&] {
      return pieces_of(rows, block_rows) * pieces_of(columns, block_columns) >= tasks;
    };
    while (!enough() && block_columns > tile_columns) block_columns -= tile_columns;
    while (!enough() && block_rows > tile_rows) block_rows -= tile_rows;
  }

  // Stripes of rows, each of which packs b anew: two, or with 512 rows and more in each a higher
  // power of two, so that they share out evenly.
  void cut_for_packing_kernels(Index rows, Index columns, Index inner) {
    is_small = false;
    block_columns = tile_columns = std::min<Index>(columns, 2048);
    Index stripes = 2;
    while (stripes < 8 / pieces_of(columns, block_columns) && rows / (2 * stripes) >= 512)
      stripes *= 2;
    block_rows = tile_rows = even_part(rows, pieces_of(pieces_of(rows, stripes), 16) * 16, 16);
    tile_inner = inner;
  }
};

// The first rows and columns of a matrix, rows one after another.
Matrix packed(Matrix m, Index rows, Index columns, real* to) {
  if (m.is_transposed)
    transpose(m.data, columns, rows, m.lead, to, columns);
  else
    for (Index row = 0; row < rows; ++row)
      std::copy_n(m.data + row * m.lead, columns, to + row * columns);
  return {to, columns, false};
}

// Whether a tile of b is packed before it is used: where the small kernels do not take it as it is,
// where several tiles of a use it, and where its rows are so far apart that they crowd each other
// out of the first cache, while there are enough rows of a for it to pay.
bool packs(const Grid& grid, const Product& p) {
  constexpr Index span = 65536, enough_rows = 48;
  const bool is_scattered =
      p.b.lead * grid.tile_inner * static_cast<Index>(sizeof(real)) > span && p.rows >= enough_rows;
  return grid.is_small && (p.b.is_transposed || p.rows > grid.tile_rows || is_scattered);
}

// One block of c.
void block(const Grid& grid, const Product& p) {
  const bool pack = packs(grid, p);
  const Index tile = grid.tile_inner * std::min(grid.tile_columns, p.columns);
  const Buffer scratch = pack ? Buffer(tile * static_cast<Index>(sizeof(real))) : Buffer();
  for (Index k = 0; k < p.inner; k += grid.tile_inner)
    for (Index j = 0; j < p.columns; j += grid.tile_columns) {
      const Index depth = std::min(grid.tile_inner, p.inner - k),
                  width = std::min(grid.tile_columns, p.columns - j);
      const Matrix b = pack ? packed(p.b.at(k, j), depth, width, scratch.as<real>()) : p.b.at(k, j);
      for (Index i = 0; i < p.rows; i += grid.tile_rows)
        multiply({p.a.at(i, k), b, p.c + i * p.lead + j, p.lead,
                  std::min(grid.tile_rows, p.rows - i), width, depth, p.add || k > 0});
    }
}

// A product of few terms, without a call, which would take longer.
void add_up(const Product& p) {
  for (Index i = 0; i < p.rows; ++i)
    for (Index j = 0; j < p.columns; ++j) {
      real& c = p.c[i * p.lead + j];
      real sum = p.add ? c : 0;
      for (Index k = 0; k < p.inner; ++k) sum += *p.a.at(i, k).data * *p.b.at(k, j).data;
      c = sum;
    }
}

// A product that the small kernels take, in one call.
void small(const Product& p, Cut cut) {
  constexpr Index few = 16;
  if (p.rows * p.columns * p.inner <= few) return add_up(p);
  const bool is_taken =
      !p.b.is_transposed || p.a.is_transposed || p.rows * p.columns <= small_transposed_result;
  if (cut == Cut::packing || is_taken) return multiply(p);
  const Buffer scratch(p.inner * p.columns * static_cast<Index>(sizeof(real)));
  Product straight = p;
  straight.b = packed(p.b, p.inner, p.columns, scratch.as<real>());
  multiply(straight);
}

// Task `index` of one product: its block of c, or of a partial result.
void task(const Grid& grid, Index index, Product p, real* partials) {
  const Index piece = index / (grid.row_blocks * grid.column_blocks), k = piece * grid.piece;
  const Index row = index / grid.column_blocks % grid.row_blocks * grid.block_rows;
  const Index column = index % grid.column_blocks * grid.block_columns;
  if (piece > 0) {
    p.c = partials + (piece - 1) * p.rows * p.columns;
    p.add = false;
  }
  p.a = p.a.at(0, k);
  p.b = p.b.at(k, 0);
  p.inner = std::min(grid.piece, p.inner - k);
  block(grid, p.block(row, column, std::min(grid.block_rows, p.rows - row),
                      std::min(grid.block_columns, p.columns - column)));
}

// c += the sum of the partial results, pairwise.
void add_partials(real* partials, Index count, Index size, real* c) {
  constexpr Index grain = 4096;
  parallel::for_range(size, grain, [&](Index begin, Index end) {
    add_pairwise(count, [&](Index i, Index k) {
      scale(partials + k * size + begin, 1, partials + i * size + begin, end - begin, true);
    });
    scale(partials + begin, 1, c + begin, end - begin, true);
  });
}

// Products of one size, one for each place in the leading axes of c.
struct Batch {
  const View &a, &b;
  const MutableView& c;
  Product first;  // its sizes are those of all
  Index count;

  Batch(const View& left, const View& right, const MutableView& result, bool add)
      : a(left), b(right), c(result) {
    const std::span<const Index> sizes = c.shape.sizes();
    const std::size_t leading = sizes.size() - 2;
    const Index rows = sizes[leading], columns = sizes[leading + 1],
                inner = a.shape.sizes()[leading + 1];
    first = {matrix(a, a.data), matrix(b, b.data), c.data, columns, rows, columns, inner, add};
    count = rows * columns == 0 ? 0 : c.shape.count() / (rows * columns);
  }

  Product at(Index item) const {
    Product p = first;
    p.c += item * p.rows * p.columns;
    for (std::size_t axis = c.shape.sizes().size() - 2; axis-- > 0;) {
      const Index size = c.shape.sizes()[axis], here = axis == 0 ? item : item % size;
      p.a.data += here * a.strides[axis];
      p.b.data += here * b.strides[axis];
      if (axis > 0) item /= size;
    }
    return p;
  }
};

void in_tasks(const Batch& batch, Cut cut) {
  const Product& p = batch.first;
  const Grid grid(batch.count, p, cut);
  const Index result = p.rows * p.columns, partials = grid.pieces - 1;
  const Buffer scratch(batch.count * partials * result * static_cast<Index>(sizeof(real)));
  const auto partials_of = [&](Index item) {
    return scratch.as<real>() + item * partials * result;
  };
  parallel::for_range(batch.count * grid.count(), 1, [&](Index i, Index) {
    const Index item = i / grid.count();
    task(grid, i % grid.count(), batch.at(item), partials_of(item));
  });
  for (Index item = 0; partials > 0 && item < batch.count; ++item)
    add_partials(partials_of(item), partials, result, p.c + item * result);
}

}  // namespace

void gemm(const View& a, const View& b, const MutableView& c, bool add) {
  gemm(a, b, c, add, library().cut);
}

void gemm(const View& a, const View& b, const MutableView& c, bool add, Cut cut) {
  if (!library().fault.empty()) throw StateError(library().fault);
  switch_threads_off();
  const Batch batch(a, b, c, add);
  const Product& p = batch.first;
  if (batch.count == 0) return;
  if (p.inner == 0) {
    if (!add) std::fill_n(c.data, c.shape.count(), real(0));
    return;
  }
  const Index terms = p.rows * p.columns * p.inner;
  if (terms > small_product) return in_tasks(batch, cut);
  if (batch.count == 1) return small(p, cut);
  constexpr Index call = 64;  // what a call costs by itself
  parallel::for_range(batch.count, parallel::grain(call + terms / 16), [&](Index begin, Index end) {
    for (Index item = begin; item < end; ++item) small(batch.at(item), cut);
  });
}

Index blas_threads() {
  return threads_found > 0 ? threads_found.load() : openblas_get_num_threads();
}

}}}  // namespace fovea::kernels
