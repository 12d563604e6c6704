#include "optim/clipping.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <span>

#include "kernels/elementwise.hpp"
#include "kernels/pairwise.hpp"
#include "parallel/parallel.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

constexpr Index numbers_a_task = Index(1) << 15;

Index rows_of(const Shape& shape) { return shape.rank() == 0 ? 1 : shape[0]; }

double row_squares(const real* x, Index width) {
  if (width == 1) return static_cast<double>(*x) * static_cast<double>(*x);
  constexpr Index block = 128, lanes = 8;
  kernels::PairwiseSum<double> sum;
  for (Index begin = 0; begin < width; begin += block) {
    std::array<double, lanes> part = {};
    const Index end = std::min(width, begin + block), whole = begin + (end - begin) / lanes * lanes;
    const auto add = [&](Index i, Index lane) {
      const auto value = static_cast<double>(x[i + lane]);
      part[static_cast<std::size_t>(lane)] += value * value;
    };
    for (Index i = begin; i < whole; i += lanes)
      for (Index lane = 0; lane < lanes; ++lane) add(i, lane);
    for (Index lane = 0; lane < end - whole; ++lane) add(whole, lane);
    kernels::add_pairwise(part.size(), [&](std::size_t i, std::size_t k) { part[i] += part[k]; });
    sum.add(part[0]);
  }
  return sum.total();
}

// The node of the tree over up to `block` rows of one number: level by level, which vectors can do.
constexpr Index block_of_single = 256;
double single_squares(const real* x, Index count) {
  std::array<double, block_of_single> part;
  for (Index i = 0; i < count; ++i)
    part[static_cast<std::size_t>(i)] = static_cast<double>(x[i]) * static_cast<double>(x[i]);
  std::fill(part.begin() + count, part.end(), 0.0);
  for (std::size_t half = part.size() / 2; half > 0; half /= 2)
    for (std::size_t i = 0; i < half; ++i) part[i] = part[2 * i] + part[2 * i + 1];
  return part[0];
}

// The node of the tree over `count` rows, a power of two unless they are the last.
double node_of(const real* x, Index count, Index width) {
  kernels::PairwiseSum<double> sum;
  if (width == 1)
    for (Index i = 0; i < count; i += block_of_single)
      sum.add(single_squares(x + i, std::min(block_of_single, count - i)));
  else
    for (Index i = 0; i < count; ++i) sum.add(row_squares(x + i * width, width));
  return sum.total();
}

// In pieces of a power of two of rows, whose sums are nodes of the tree.
double squares(const Array& dense) {
  const Index rows = rows_of(dense.shape());
  if (dense.count() == 0) return 0;
  const Index width = dense.count() / rows;
  const auto wanted = static_cast<std::uint64_t>(std::max<Index>(1, numbers_a_task / width));
  const auto piece = static_cast<Index>(std::bit_floor(wanted));
  std::vector<double> sums(static_cast<std::size_t>((rows + piece - 1) / piece));
  parallel::for_range(static_cast<Index>(sums.size()), 1, [&](Index begin, Index end) {
    for (Index p = begin; p < end; ++p)
      sums[static_cast<std::size_t>(p)] =
          node_of(dense.data() + p * piece * width, std::min(piece, rows - p * piece), width);
  });
  kernels::add_pairwise(sums.size(), [&](std::size_t i, std::size_t k) { sums[i] += sums[k]; });
  return sums[0];
}

// The node of the tree over the `size` rows from `base` on, of which `ids` are touched.
double node(std::span<const std::int32_t> ids, std::span<const double> sums, Index base,
            Index size) {
  if (ids.size() <= 1) return ids.empty() ? 0 : sums[0];
  const Index middle = base + size / 2;
  const auto first = static_cast<std::size_t>(std::ranges::lower_bound(ids, middle) - ids.begin());
  return node(ids.first(first), sums.first(first), base, size / 2) +
         node(ids.subspan(first), sums.subspan(first), middle, size / 2);
}

double squares(const TouchedRows& touched, Index rows) {
  const Index width = touched.values.shape()[1];
  if (touched.values.count() == 0) return 0;
  std::vector<double> sums(static_cast<std::size_t>(touched.ids.count()));
  const Index piece = std::max<Index>(1, numbers_a_task / width);
  parallel::for_range(touched.ids.count(), piece, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i)
      sums[static_cast<std::size_t>(i)] = row_squares(touched.values.data() + i * width, width);
  });
  return node(touched.ids.values(), sums, 0,
              static_cast<Index>(std::bit_ceil(static_cast<std::uint64_t>(rows))));
}

// The numbers of a gradient: all, or those of rows by ascending id.
struct Numbers {
  std::optional<Ids> ids;
  Array values;

  explicit Numbers(const Gradient& gradient) {
    if (!gradient.has_rows_only()) {
      values = gradient.array();
      return;
    }
    TouchedRows touched = gradient.rows();
    ids = std::move(touched.ids);
    values = std::move(touched.values);
  }

  double sum_of_squares(const Shape& shape) const {
    return ids ? squares({*ids, values}, rows_of(shape)) : squares(values);
  }

  // What `piece` makes of the numbers, as a gradient of its own. piece(x, y, n).
  template <class Piece>
  Gradient through(const Shape& shape, const Piece& piece) const {
    Array result(values.shape());
    real* const y = result.mutable_data();
    parallel::for_range(values.count(), numbers_a_task, [&](Index begin, Index end) {
      piece(values.data() + begin, y + begin, end - begin);
    });
    Gradient gradient(shape);
    if (ids)
      gradient.add_rows(*ids, result);
    else
      gradient.add(result);
    return gradient;
  }
};

Gradient clamped(const Numbers& numbers, const Shape& shape, real most) {
  return numbers.through(shape, [most](const real* x, real* y, Index n) {
    for (Index i = 0; i < n; ++i) y[i] = x[i] > most ? most : x[i] < -most ? -most : x[i];
  });
}

// A factor of NaN leaves zeros, of which untouched rows consist. One that is subnormal in float
// multiplies in double.
Gradient scaled(const Numbers& numbers, const Shape& shape, double factor) {
  return numbers.through(shape, [factor](const real* x, real* y, Index n) {
    if (factor >= double(std::numeric_limits<real>::min()))
      return kernels::scale(x, static_cast<real>(factor), y, n, false);
    for (Index i = 0; i < n; ++i)
      y[i] = x[i] == 0 ? x[i] : static_cast<real>(static_cast<double>(x[i]) * factor);
  });
}

double factor_of(double sum_of_squares, double most) {
  const double norm = std::sqrt(sum_of_squares);
  if (!std::isfinite(norm)) return std::numeric_limits<double>::quiet_NaN();
  return norm > most ? most / norm : 1;
}

}  // namespace

ClippedGradients::ClippedGradients(const Clipping& clipping,
                                   const std::vector<SlotOptimizer::Slot>& slots)
    : slots_(slots) {
  if (!clipping.value && !clipping.norm && !clipping.global_norm) return;
  cut_.resize(slots.size());
  std::vector<std::optional<Numbers>> numbers(slots.size());
  std::vector<double> sums(slots.size(), 0);
  for (std::size_t i = 0; i < slots.size(); ++i) {
    const Tensor& parameter = slots[i].parameter;
    if (!parameter.requires_grad() || parameter.gradient().empty()) continue;
    numbers[i].emplace(parameter.gradient());
    if (clipping.value)
      cut_[i] = clamped(*numbers[i], parameter.shape(), static_cast<real>(*clipping.value));
    else
      sums[i] = numbers[i]->sum_of_squares(parameter.shape());
  }
  if (clipping.value) return;
  std::vector<double> tree = sums;
  kernels::add_pairwise(tree.size(), [&](std::size_t i, std::size_t k) { tree[i] += tree[k]; });
  for (std::size_t i = 0; i < slots.size(); ++i) {
    const double factor = clipping.norm ? factor_of(sums[i], *clipping.norm)
                                        : factor_of(tree[0], *clipping.global_norm);
    if (numbers[i] && factor != 1)
      cut_[i] = scaled(*numbers[i], slots[i].parameter.shape(), factor);
  }
}

}}  // namespace fovea
