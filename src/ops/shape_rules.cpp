#include "ops/shape_rules.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "fovea/base/error.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace shape {

namespace {

// The size of axis `axis` of a result with `rank` axes, in an operand aligned at the last axis; 1
// where it has no such axis.
Index aligned(const Shape& operand, int axis, int rank) {
  const int own = axis - (rank - operand.rank());
  return own < 0 ? 1 : operand[own];
}

// call(), and the operation's name in front of what it has to say of an axis.
template <class Call>
auto named(const char* operation, const Call& call) {
  try {
    return call();
  } catch (const IndexError& error) {
    throw IndexError(fmt::format("{}: {}", operation, error.what()));
  }
}

Index checked(const char* operation, bool overflows, Index a, const char* sign, Index b,
              Index result) {
  if (overflows || result > (Index(1) << 56))
    throw ShapeError(
        fmt::format("{}: a size of {} {} {} is more than memory can have", operation, a, sign, b));
  return result;
}

}  // namespace

int axis(const char* operation, const Shape& x, int axis) {
  return named(operation, [&] { return x.resolve(axis); });
}

Shape inserted(const char* operation, const Shape& x, int axis, Index size) {
  return named(operation, [&] { return x.inserted(axis, size); });
}

Index added(const char* operation, Index a, Index b) {
  Index sum;
  const bool overflows = __builtin_add_overflow(a, b, &sum);
  return checked(operation, overflows, a, "+", b, sum);
}

Index multiplied(const char* operation, Index a, Index b) {
  Index product;
  const bool overflows = __builtin_mul_overflow(a, b, &product);
  return checked(operation, overflows, a, "*", b, product);
}

std::string positions(std::string_view head, std::string_view things, Index size) {
  return size == 0 ? fmt::format("{} no {}", head, things)
                   : fmt::format("{} {} 0 to {}", head, things, size - 1);
}

bool broadcasts(const Shape& from, const Shape& to) {
  if (from.rank() > to.rank()) return false;
  for (int axis = 0; axis < to.rank(); ++axis) {
    const Index size = aligned(from, axis, to.rank());
    if (size != 1 && size != to[axis]) return false;
  }
  return true;
}

Shape broadcast(const char* operation, const Shape& a, const Shape& b) {
  if (a == b) return a;
  const int rank = std::max(a.rank(), b.rank());
  std::array<Index, Shape::max_rank> sizes = {};
  for (int axis = 0; axis < rank; ++axis) {
    const Index size_a = aligned(a, axis, rank), size_b = aligned(b, axis, rank);
    if (size_a != size_b && size_a != 1 && size_b != 1)
      throw ShapeError(
          fmt::format("{}: shapes {} and {} do not broadcast: aligned at the last axis, sizes {} "
                      "and {} must be equal or one of them 1",
                      operation, to_string(a), to_string(b), size_a, size_b));
    sizes[static_cast<std::size_t>(axis)] = size_a == 1 ? size_b : size_a;
  }
  return Shape(std::span<const Index>(sizes.data(), static_cast<std::size_t>(rank)));
}

AxisSet axes(const char* operation, const Shape& x, const std::vector<int>& named) {
  AxisSet result;
  for (int axis = 0; named.empty() && axis < x.rank(); ++axis)
    result.set(static_cast<std::size_t>(axis));
  for (const int one : named) result.set(static_cast<std::size_t>(axis(operation, x, one)));
  if (!named.empty() && result.count() != named.size())
    throw ShapeError(fmt::format("{}: an axis of {} is named twice in ({})", operation,
                                 to_string(x), fmt::join(named, ", ")));
  return result;
}

Shape reduce(const Shape& x, AxisSet axes, bool keepdims) {
  std::array<Index, Shape::max_rank> sizes = {};
  std::size_t rank = 0;
  for (int axis = 0; axis < x.rank(); ++axis) {
    const bool reduced = axes[static_cast<std::size_t>(axis)];
    if (!reduced || keepdims) sizes[rank++] = reduced ? 1 : x[axis];
  }
  return Shape(std::span<const Index>(sizes.data(), rank));
}

Shape reshape(const Shape& x, std::vector<Index> sizes) {
  const auto open = std::ranges::find(sizes, Index(-1));
  if (open != sizes.end()) {
    const std::vector<Index> named = sizes;
    *open = 1;
    if (std::ranges::find(sizes, Index(-1)) != sizes.end())
      throw ShapeError(
          fmt::format("reshape: more than one size of ({}) is -1", fmt::join(named, ", ")));
    const Index others = Shape(sizes).count();
    if (others == 0 || x.count() % others != 0)
      throw ShapeError(
          fmt::format("reshape: {} has {} elements, which the other sizes of ({}) do not divide",
                      to_string(x), x.count(), fmt::join(named, ", ")));
    *open = x.count() / others;
  }
  const Shape result(sizes);
  if (result.count() != x.count())
    throw ShapeError(fmt::format("reshape: {} has {} elements, {} has {}; they must be as many",
                                 to_string(x), x.count(), to_string(result), result.count()));
  return result;
}

Shape permute(const Shape& x, const std::vector<int>& order) {
  if (static_cast<int>(order.size()) != x.rank() ||
      axes("permute", x, order).count() != order.size())
    throw ShapeError(fmt::format("permute: the order ({}) must name each of the {} axes of {} once",
                                 fmt::join(order, ", "), x.rank(), to_string(x)));
  std::vector<Index> sizes;
  for (const int axis : order) sizes.push_back(x[axis]);
  return Shape(sizes);
}

Shape slice(const Shape& x, int axis, Index begin, Index end) {
  const Index size = x[shape::axis("slice", x, axis)];
  if (begin < 0 || begin > end || end > size)
    throw IndexError(fmt::format(
        "slice: [{}, {}) of axis {} of {}, whose size is {}; it must be 0 <= begin <= end <= {}",
        begin, end, axis, to_string(x), size, size));
  return x.with(axis, end - begin);
}

Shape concat(const std::vector<Shape>& shapes, int axis) {
  if (shapes.empty()) throw ValueError("concat: no tensors are given; it needs one at least");
  shape::axis("concat", shapes[0], axis);
  Index total = 0;
  for (const Shape& shape : shapes) {
    if (shape.rank() != shapes[0].rank() || shape.with(axis, 0) != shapes[0].with(axis, 0))
      throw ShapeError(fmt::format(
          "concat along axis {}: {} does not fit {}; all sizes but that axis must be equal", axis,
          to_string(shape), to_string(shapes[0])));
    total = added("concat", total, shape[axis]);
  }
  return shapes[0].with(axis, total);
}

Shape gather_rows(const Shape& table, const Ids& ids) {
  if (table.rank() < 1)
    throw ShapeError("gather_rows: the table is a single number; it needs rows");
  const Index rows = table[0];
  for (Index i = 0; i < ids.count(); ++i)
    if (const Index id = ids.data()[i]; id < 0 || id >= rows)
      throw IndexError(fmt::format("gather_rows: the id at position {} of {} is {}; {}", i,
                                   to_string(ids.shape()), id,
                                   positions("the table has", "rows", table[0])));
  Shape shape = ids.shape();
  for (int axis = 1; axis < table.rank(); ++axis) shape = shape.inserted(shape.rank(), table[axis]);
  return shape;
}

Shape cross_entropy(const char* operation, const Shape& predictions, const Ids& labels,
                    const std::optional<Index>& ignored) {
  if (predictions.rank() < 1 || predictions.without(-1) != labels.shape())
    throw ShapeError(
        fmt::format("{}: predictions are {}, labels {}; labels must have the predictions' shape "
                    "without its last axis, the classes",
                    operation, to_string(predictions), to_string(labels.shape())));
  const Index classes = predictions[-1];
  for (Index i = 0; i < labels.count(); ++i)
    if (const Index label = labels.data()[i]; (label < 0 || label >= classes) && label != ignored)
      throw IndexError(fmt::format("{}: the label at position {} is {}; {}", operation, i, label,
                                   positions("there are", "classes", classes)));
  return labels.shape();
}

void class_weights(const char* operation, const Shape& predictions, const Shape& weights) {
  if (weights != Shape{predictions[-1]})
    throw ShapeError(
        fmt::format("{}: class weights are {}, predictions {}; there must be one weight for each "
                    "class, the last axis of the predictions",
                    operation, to_string(weights), to_string(predictions)));
}

Shape per_sample(const char* operation, const Shape& predictions, const Shape& targets) {
  if (predictions.rank() < 1 || predictions != targets)
    throw ShapeError(fmt::format(
        "{}: predictions are {}, targets {}; they must have the same shape, of one axis at least",
        operation, to_string(predictions), to_string(targets)));
  return predictions.without(-1);
}

Shape top_k(const Shape& x, Index k) {
  const Index size = x[axis("top_k", x, -1)];
  if (k < 0 || k > size)
    throw ValueError(
        fmt::format("top_k: k is {}; the last axis of {} has {} elements; k must be 0 to {}", k,
                    to_string(x), size, size));
  return x.with(-1, k);
}

std::array<Index, 4> additive_pool(const Shape& x, const Shape& w1, const Shape& w2,
                                   const Shape* b1, const Shape* b2, const Shape& v,
                                   const std::optional<Mask>& mask) {
  const bool fit =
      x.rank() == 3 && w1.rank() == 2 && w1[0] == x[2] && w2 == w1 && v == Shape{w1[1], 1};
  if (!fit)
    throw ShapeError(
        fmt::format("additive_pool: x is {}, W1 {}, W2 {}, v {}; they must be (batch, time, "
                    "features), (features, units) twice, and (units, 1)",
                    to_string(x), to_string(w1), to_string(w2), to_string(v)));
  const auto bias = [](const Shape* b) { return b ? to_string(*b) : std::string("none"); };
  if ((b1 || b2) && !(b1 && b2 && *b1 == Shape{w1[1]} && *b2 == Shape{w1[1]}))
    throw ShapeError(fmt::format(
        "additive_pool: b1 is {}, b2 {}; with {} units both must be ({},), or both left out",
        bias(b1), bias(b2), w1[1], w1[1]));
  if (mask && mask->shape() != Shape{x[0], x[1]})
    throw ShapeError(fmt::format("additive_pool: the mask is {}; for x of {} it must be ({}, {})",
                                 to_string(mask->shape()), to_string(x), x[0], x[1]));
  return {x[0], x[1], x[2], w1[1]};
}

void mask(const char* operation, const Shape& x, const Mask& mask) {
  if (!broadcasts(mask.shape(), x))
    throw ShapeError(
        fmt::format("{}: a mask of shape {} does not broadcast to {}: aligned at the last axis, "
                    "each size must be equal or 1",
                    operation, to_string(mask.shape()), to_string(x)));
}

}}}  // namespace fovea::shape
