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
    throw ShapeError(fmt::format("{}: a size of {} {} {} is more than the address space holds",
                                 operation, a, sign, b));
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

void refuse_id(const char* operation, const Ids& ids, Index position, std::string_view there_are) {
  throw IndexError(fmt::format("{}: the id at position {} of {} is {}; {}", operation, position,
                               to_string(ids.shape()), ids.data()[position], there_are));
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

Shape per_sample(const char* operation, const Shape& predictions, const Shape& targets) {
  if (predictions.rank() < 1 || predictions != targets)
    throw ShapeError(fmt::format(
        "{}: predictions are {}, targets {}; they must have the same shape, of at least one axis",
        operation, to_string(predictions), to_string(targets)));
  return predictions.without(-1);
}

void mask(const char* operation, const Shape& x, const Mask& mask) {
  if (!broadcasts(mask.shape(), x))
    throw ShapeError(
        fmt::format("{}: a mask of shape {} does not broadcast to {}: aligned at the last axis, "
                    "each size must be equal or 1",
                    operation, to_string(mask.shape()), to_string(x)));
}

}}}  // namespace fovea::shape
