#include "support/oracle.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace support {

namespace {

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

}  // namespace

Position position(const Shape& shape, Index i) {
  Position result(at(shape.rank()));
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    result[at(axis)] = i % shape[axis];
    i /= shape[axis];
  }
  return result;
}

Index number(const Shape& shape, const Position& position) {
  const Index missing = static_cast<Index>(position.size()) - shape.rank();
  Index result = 0;
  for (int axis = 0; axis < shape.rank(); ++axis)
    result = result * shape[axis] + (shape[axis] == 1 ? 0 : position[at(axis + missing)]);
  return result;
}

namespace plain {

namespace {

Shape joined(const Shape& a, const Shape& b) {
  std::vector<Index> sizes;
  for (int back = std::max(a.rank(), b.rank()); back >= 1; --back) {
    const Index size_a = back <= a.rank() ? a[-back] : 1, size_b = back <= b.rank() ? b[-back] : 1;
    sizes.push_back(size_a == 1 ? size_b : size_a);
  }
  return Shape(sizes);
}

Shape reduced(const Shape& shape, const std::vector<int>& axes, bool keepdims) {
  std::vector<Index> sizes;
  for (int axis = 0; axis < shape.rank(); ++axis)
    if (std::ranges::count(axes, axis) == 0)
      sizes.push_back(shape[axis]);
    else if (keepdims)
      sizes.push_back(1);
  return Shape(sizes);
}

// The rows of a matrix one after another, also where it is stored transposed.
std::vector<wide> rows_of(const wide* from, Index rows, Index columns, bool is_transposed) {
  std::vector<wide> result(at(rows * columns));
  for (Index i = 0; i < rows; ++i)
    for (Index k = 0; k < columns; ++k)
      result[at(i * columns + k)] = from[is_transposed ? k * rows + i : i * columns + k];
  return result;
}

// Calls visit(from, to) for each element of x and the element of its reduction that it belongs to.
void for_reduced(const Shape& x, const std::vector<int>& axes,
                 const std::function<void(std::size_t, std::size_t)>& visit) {
  const Shape ones = reduced(x, axes, true);
  for (Index i = 0; i < x.count(); ++i) visit(at(i), at(number(ones, position(x, i))));
}

// For each row of x along an axis: the kept elements' numbers, and all of them.
void for_rows(const Shape& x, int axis, const std::optional<Mask>& mask,
              const std::function<void(const std::vector<std::size_t>& kept,
                                       const std::vector<std::size_t>& all)>& visit) {
  for (Index i = 0; i < x.count(); ++i) {
    Position place = position(x, i);
    if (place[at(axis)] != 0) continue;
    std::vector<std::size_t> kept, all;
    for (Index k = 0; k < x[axis]; ++k) {
      place[at(axis)] = k;
      all.push_back(at(number(x, place)));
      if (!mask || mask->keep()[at(number(mask->shape(), place))]) kept.push_back(all.back());
    }
    visit(kept, all);
  }
}

wide largest_of(const std::vector<wide>& values, const std::vector<std::size_t>& places) {
  wide largest = -std::numeric_limits<wide>::infinity();
  for (const std::size_t i : places) largest = std::max(largest, values[i]);
  return largest;
}

wide log_sum_exp(const std::vector<wide>& values, const std::vector<std::size_t>& places) {
  const wide largest = largest_of(values, places);
  wide total = 0;
  for (const std::size_t i : places) total += std::exp(values[i] - largest);
  return largest + std::log(total);
}

}  // namespace

Plain map(const Plain& x, const std::function<wide(wide)>& f) {
  Plain y(x.shape);
  std::ranges::transform(x.values, y.values.begin(), f);
  return y;
}

Plain zip(const Plain& a, const Plain& b, const std::function<wide(wide, wide)>& f) {
  Plain c(joined(a.shape, b.shape));
  for (Index i = 0; i < c.shape.count(); ++i) {
    const Position place = position(c.shape, i);
    c.values[at(i)] = f(a.values[at(number(a.shape, place))], b.values[at(number(b.shape, place))]);
  }
  return c;
}

// Rows of a and columns of b are laid out one after another first: large products are compared too.
Plain matmul(const Plain& a, const Plain& b, bool transpose_a, bool transpose_b) {
  const auto batch = [](const Shape& shape) {
    return Shape(shape.sizes().first(shape.sizes().size() - 2));
  };
  const Index rows = a.shape[transpose_a ? -1 : -2], inner = a.shape[transpose_a ? -2 : -1],
              columns = b.shape[transpose_b ? -2 : -1];
  const Shape leading = joined(batch(a.shape), batch(b.shape));
  Plain c(leading.inserted(leading.rank(), rows).inserted(leading.rank() + 1, columns));
  c.scales.resize(c.values.size());
  for (Index item = 0; item < leading.count(); ++item) {
    const Position place = position(leading, item);
    const std::vector<wide> left = rows_of(
        a.values.data() + number(batch(a.shape), place) * rows * inner, rows, inner, transpose_a);
    const std::vector<wide> right =
        rows_of(b.values.data() + number(batch(b.shape), place) * inner * columns, columns, inner,
                !transpose_b);
    for (Index i = 0; i < rows; ++i)
      for (Index j = 0; j < columns; ++j) {
        wide sum = 0, scale = 0;
        for (Index k = 0; k < inner; ++k) {
          const wide term = left[at(i * inner + k)] * right[at(j * inner + k)];
          sum += term;
          scale += std::abs(term);
        }
        c.values[at((item * rows + i) * columns + j)] = sum;
        c.scales[at((item * rows + i) * columns + j)] = scale;
      }
  }
  return c;
}

Plain sum(const Plain& x, const std::vector<int>& axes, bool keepdims) {
  Plain y(reduced(x.shape, axes, keepdims));
  y.scales.resize(y.values.size());
  for_reduced(x.shape, axes, [&](std::size_t from, std::size_t to) {
    y.values[to] += x.values[from];
    y.scales[to] += std::abs(x.values[from]);
  });
  return y;
}

Plain mean(const Plain& x, const std::vector<int>& axes, bool keepdims) {
  Plain y = sum(x, axes, keepdims);
  wide count = 1;
  for (const int axis : axes) count *= static_cast<wide>(x.shape[axis]);
  for (wide& value : y.values) value /= count;
  for (wide& scale : y.scales) scale /= count;
  return y;
}

Plain max(const Plain& x, const std::vector<int>& axes, bool keepdims) {
  Plain y(reduced(x.shape, axes, keepdims));
  std::ranges::fill(y.values, -std::numeric_limits<wide>::infinity());
  for_reduced(x.shape, axes, [&](std::size_t from, std::size_t to) {
    y.values[to] = std::max(y.values[to], x.values[from]);
  });
  return y;
}

Plain reshape(const Plain& x, const Shape& shape) {
  Plain y(shape);
  y.values = x.values;
  return y;
}

Plain permute(const Plain& x, const std::vector<int>& order) {
  std::vector<Index> sizes;
  for (const int axis : order) sizes.push_back(x.shape[axis]);
  Plain y{Shape(sizes)};
  for (Index i = 0; i < y.shape.count(); ++i) {
    const Position to = position(y.shape, i);
    Position from(to.size());
    for (std::size_t axis = 0; axis < order.size(); ++axis) from[at(order[axis])] = to[axis];
    y.values[at(i)] = x.values[at(number(x.shape, from))];
  }
  return y;
}

Plain concat(const std::vector<Plain>& parts, int axis) {
  Index total = 0;
  for (const Plain& part : parts) total += part.shape[axis];
  Plain y(parts[0].shape.with(axis, total));
  for (Index i = 0; i < y.shape.count(); ++i) {
    Position place = position(y.shape, i);
    std::size_t part = 0;
    for (; place[at(axis)] >= parts[part].shape[axis]; ++part)
      place[at(axis)] -= parts[part].shape[axis];
    y.values[at(i)] = parts[part].values[at(number(parts[part].shape, place))];
  }
  return y;
}

Plain slice(const Plain& x, int axis, Index begin, Index end) {
  Plain y(x.shape.with(axis, end - begin));
  for (Index i = 0; i < y.shape.count(); ++i) {
    Position place = position(y.shape, i);
    place[at(axis)] += begin;
    // number() reads a size of 1 as repeated, which is right for x as well: place is 0 there.
    y.values[at(i)] = x.values[at(number(x.shape, place))];
  }
  return y;
}

Plain gather_rows(const Plain& table, const Ids& ids) {
  std::vector<Index> sizes(ids.shape().sizes().begin(), ids.shape().sizes().end());
  sizes.insert(sizes.end(), table.shape.sizes().begin() + 1, table.shape.sizes().end());
  Plain y{Shape(sizes)};
  if (y.values.empty()) return y;
  const Index width = y.shape.count() / ids.count();
  for (Index i = 0; i < y.shape.count(); ++i)
    y.values[at(i)] = table.values[at(ids.at(i / width) * width + i % width)];
  return y;
}

Plain softmax(const Plain& x, int axis, const std::optional<Mask>& mask) {
  Plain y(x.shape);
  y.scales.resize(y.values.size());
  for_rows(x.shape, axis, mask, [&](const auto& kept, const auto&) {
    const wide largest = largest_of(x.values, kept),
               whole = kept.empty() ? 0 : log_sum_exp(x.values, kept);
    for (const std::size_t i : kept) {
      y.values[i] = std::exp(x.values[i] - whole);
      // The exponent is rounded too, and so is the sum, which along all axes but the last grows one
      // by one.
      y.scales[i] = y.values[i] * (1 + std::abs(x.values[i] - largest) +
                                   std::sqrt(static_cast<wide>(kept.size())) / 4);
    }
  });
  return y;
}

Plain log_softmax(const Plain& x, int axis, const std::optional<Mask>& mask) {
  Plain y(x.shape);
  y.scales.resize(y.values.size());
  for_rows(x.shape, axis, mask, [&](const auto& kept, const auto& all) {
    for (const std::size_t i : all) y.values[i] = -std::numeric_limits<wide>::infinity();
    const wide whole = kept.empty() ? 0 : log_sum_exp(x.values, kept);
    for (const std::size_t i : kept) {
      y.values[i] = x.values[i] - whole;
      y.scales[i] = 1 + std::abs(x.values[i]) + std::abs(whole) +
                    std::sqrt(static_cast<wide>(kept.size())) / 4;
    }
  });
  return y;
}

Plain categorical_crossentropy(const Plain& logits, const Ids& labels) {
  const Plain logs = log_softmax(logits, logits.shape.rank() - 1, {});
  Plain loss(labels.shape());
  loss.scales.resize(loss.values.size());
  for (Index i = 0; i < labels.count(); ++i) {
    const std::size_t from = at(i * logits.shape[-1] + labels.at(i));
    loss.values[at(i)] = -logs.values[from];
    loss.scales[at(i)] = logs.scales[from];
  }
  return loss;
}

}  // namespace plain
}  // namespace support
