#include "kernels/windows.hpp"

#include <algorithm>
#include <atomic>
#include <limits>

#include "fovea/memory/buffer.hpp"
#include "parallel/parallel.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

namespace {

// Where element k of window o lies; beyond the axis in the padding.
Index place(const Slide& slide, Index o, Index k) {
  return o * slide.stride - slide.before + k * slide.dilation;
}
bool inside(const Slide& slide, Index at) { return at >= 0 && at < slide.in; }

// How many of 0, step, 2 step ... are below `end`.
Index steps_below(Index end, Index step) { return end <= 0 ? 0 : (end - 1) / step + 1; }

// The elements [begin, end) of window o that are inside: windows may be much longer than the axis.
struct Inside {
  Index begin, end;
};
Inside elements_inside(const Slide& slide, Index o) {
  const Index first = place(slide, o, 0);
  const Index begin = steps_below(-first, slide.dilation),
              end = std::min(slide.size, steps_below(slide.in - first, slide.dilation));
  return {begin, std::max(begin, end)};
}

Index count_inside(const Slide& slide, Index o) {
  const auto [begin, end] = elements_inside(slide, o);
  return end - begin;
}

// How many elements of a window are inside.
real elements_of(const Windows& windows, Index row, Index column) {
  return static_cast<real>(count_inside(windows.rows, row) * count_inside(windows.columns, column));
}

// Calls visit(o, k) for each window o whose element k lies at `at`, o ascending.
template <class Visit>
void for_windows_over(const Slide& slide, Index at, const Visit& visit) {
  const Index offset = at + slide.before,
              first = steps_below(offset - (slide.out - 1) * slide.stride, slide.dilation);
  for (Index k = std::min(slide.size - 1, offset / slide.dilation); k >= first; --k)
    if (const Index begin = offset - k * slide.dilation; begin % slide.stride == 0)
      visit(begin / slide.stride, k);
}

// Calls window(sample, row, column) for each result, in parallel over rows.
template <class Window>
void for_windows(const Windows& windows, const Window& window) {
  const Slide &rows = windows.rows, &columns = windows.columns;
  if (windows.batch * rows.out * columns.out * windows.channels == 0)
    return;  // windows without elements may be endlessly many
  const Index cost = columns.out * std::min(rows.size, rows.in) *
                     std::min(columns.size, columns.in) * windows.channels;
  parallel::for_range(windows.batch * rows.out, parallel::grain(2 * cost),
                      [&](Index begin, Index end) {
                        for (Index i = begin; i < end; ++i)
                          for (Index column = 0; column < columns.out; ++column)
                            window(i / rows.out, i % rows.out, column);
                      });
}

// Calls element(x's pixel, channels) for each pixel of a window that is inside.
template <class Pixel>
void for_pixels(const Windows& windows, Index row, Index column, const Pixel& pixel) {
  const Slide &rows = windows.rows, &columns = windows.columns;
  const auto [row_begin, row_end] = elements_inside(rows, row);
  const auto [column_begin, column_end] = elements_inside(columns, column);
  for (Index i = row_begin; i < row_end; ++i)
    for (Index j = column_begin; j < column_end; ++j)
      pixel(place(rows, row, i) * columns.in + place(columns, column, j));
}

// Calls share(sample, pixel, row, column, i, j) for each pixel and each window (row, column) that
// has it as its element (i, j); pixels in parallel, after clear(sample, pixel).
template <class Clear, class Share>
void for_shares(const Windows& windows, const Clear& clear, const Share& share) {
  const Slide &rows = windows.rows, &columns = windows.columns;
  if (windows.batch * rows.in * columns.in * windows.channels == 0) return;
  const Index cost = columns.in * windows.channels * std::min(rows.size, rows.out) *
                     std::min(columns.size, columns.out);
  parallel::for_range(
      windows.batch * rows.in, parallel::grain(2 * cost), [&](Index begin, Index end) {
        for (Index i = begin; i < end; ++i)
          for (Index column_in = 0; column_in < columns.in; ++column_in) {
            const Index sample = i / rows.in, row_in = i % rows.in,
                        pixel = row_in * columns.in + column_in;
            clear(sample, pixel);
            for_windows_over(rows, row_in, [&](Index row, Index k_row) {
              for_windows_over(columns, column_in, [&](Index column, Index k_column) {
                share(sample, pixel, row, column, k_row, k_column);
              });
            });
          }
      });
}

// Where a pixel of the input and a result begin.
Index input_at(const Windows& w, Index sample, Index pixel) {
  return (sample * w.rows.in * w.columns.in + pixel) * w.channels;
}
Index result_at(const Windows& w, Index sample, Index row, Index column) {
  return ((sample * w.rows.out + row) * w.columns.out + column) * w.channels;
}

// The place of a maximum that is NaN, told from others by its sign.
std::int32_t of_nan(std::int32_t place) { return -2 - place; }

auto clearing(const Windows& windows, real* dx, bool add) {
  return [&windows, dx, add](Index sample, Index pixel) {
    if (!add) std::fill_n(dx + input_at(windows, sample, pixel), windows.channels, real(0));
  };
}

}  // namespace

void gather_windows(const Windows& windows, const real* x, real* matrix) {
  const Slide &rows = windows.rows, &columns = windows.columns;
  const Index channels = windows.channels;
  for_windows(windows, [&](Index sample, Index row, Index column) {
    real* to = matrix + result_at(windows, sample, row, column) * rows.size * columns.size;
    for (Index i = 0; i < rows.size; ++i)
      for (Index j = 0; j < columns.size; ++j, to += channels) {
        const Index at_row = place(rows, row, i), at_column = place(columns, column, j);
        if (inside(rows, at_row) && inside(columns, at_column))
          std::copy_n(x + input_at(windows, sample, at_row * columns.in + at_column), channels, to);
        else
          std::fill_n(to, channels, real(0));
      }
  });
}

void add_windows(const Windows& windows, const real* matrix, real* dx, bool add) {
  const Index size_rows = windows.rows.size, size_columns = windows.columns.size,
              channels = windows.channels;
  for_shares(windows, clearing(windows, dx, add),
             [&](Index sample, Index pixel, Index row, Index column, Index i, Index j) {
               const real* const from =
                   matrix + result_at(windows, sample, row, column) * size_rows * size_columns +
                   (i * size_columns + j) * channels;
               real* const to = dx + input_at(windows, sample, pixel);
               for (Index c = 0; c < channels; ++c) to[c] += from[c];
             });
}

bool max_windows(const Windows& windows, const real* x, real* y, std::int32_t* places) {
  std::atomic<bool> found = false;
  for_windows(windows, [&](Index sample, Index row, Index column) {
    const Index at = result_at(windows, sample, row, column);
    std::fill_n(y + at, windows.channels, -std::numeric_limits<real>::infinity());
    std::fill_n(places + at, windows.channels, -1);
    for_pixels(windows, row, column, [&](Index pixel) {
      const real* const from = x + input_at(windows, sample, pixel);
      for (Index c = 0; c < windows.channels; ++c)
        if (places[at + c] < 0 ||
            (y[at + c] == y[at + c] && !(from[c] <= y[at + c]))) {  // the first NaN stays
          y[at + c] = from[c];
          places[at + c] = static_cast<std::int32_t>(pixel);
        }
    });
    for (Index c = 0; c < windows.channels; ++c)
      if (y[at + c] != y[at + c]) {
        places[at + c] = of_nan(places[at + c]);
        found.store(true, std::memory_order_relaxed);
      }
  });
  return found;
}

void max_windows_slopes(const Windows& windows, const real* dy, const std::int32_t* places,
                        bool has_nan, real* dx, bool add) {
  for_shares(windows, clearing(windows, dx, add),
             [&](Index sample, Index pixel, Index row, Index column, Index, Index) {
               const Index from = result_at(windows, sample, row, column),
                           to = input_at(windows, sample, pixel);
               for (Index c = 0; c < windows.channels; ++c)
                 if (places[from + c] == pixel) dx[to + c] += dy[from + c];
               for (Index c = 0; has_nan && c < windows.channels; ++c)
                 if (places[from + c] == of_nan(static_cast<std::int32_t>(pixel)))
                   dx[to + c] = std::numeric_limits<real>::quiet_NaN();
             });
}

void mean_windows(const Windows& windows, const real* x, real* y) {
  for_windows(windows, [&](Index sample, Index row, Index column) {
    real* const to = y + result_at(windows, sample, row, column);
    std::fill_n(to, windows.channels, real(0));
    for_pixels(windows, row, column, [&](Index pixel) {
      const real* const from = x + input_at(windows, sample, pixel);
      for (Index c = 0; c < windows.channels; ++c) to[c] += from[c];
    });
    const real count = elements_of(windows, row, column);
    for (Index c = 0; c < windows.channels; ++c) to[c] /= count;
  });
}

// Each result's gradient is divided once, however many elements its window has.
void mean_windows_slopes(const Windows& windows, const real* dy, real* dx, bool add) {
  const Index results = windows.batch * windows.rows.out * windows.columns.out * windows.channels;
  const Buffer scratch(results * static_cast<Index>(sizeof(real)));
  real* const shares = scratch.as<real>();
  for_windows(windows, [&](Index sample, Index row, Index column) {
    const Index at = result_at(windows, sample, row, column);
    const real count = elements_of(windows, row, column);
    for (Index c = 0; c < windows.channels; ++c) shares[at + c] = dy[at + c] / count;
  });
  for_shares(windows, clearing(windows, dx, add),
             [&](Index sample, Index pixel, Index row, Index column, Index, Index) {
               const Index from = result_at(windows, sample, row, column),
                           to = input_at(windows, sample, pixel);
               for (Index c = 0; c < windows.channels; ++c) dx[to + c] += shares[from + c];
             });
}

}}}  // namespace fovea::kernels
