// The shapes of ops that move numbers: shapes, indexing.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <limits>

#include "fovea/base/error.hpp"
#include "ops/shape_rules.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace shape {

namespace {

std::string text(const Range& range) {
  const auto bound = [](const std::optional<Index>& position) {
    return position ? fmt::format("{}", *position) : "";
  };
  return fmt::format("{}:{}:{}", bound(range.begin), bound(range.end), range.step);
}

// Refuses ids that name none of `size` things; head() and the things' name say what there is.
template <class Head>
void check_ids(const char* operation, const Ids& ids, Index size, const Head& head,
               const char* things) {
  for (Index i = 0; i < ids.count(); ++i)
    if (const Index id = ids.data()[i]; id < 0 || id >= size)
      throw IndexError(fmt::format("{}: the id at position {} of {} is {}; {}", operation, i,
                                   to_string(ids.shape()), id, positions(head(), things, size)));
}

std::vector<Index> sizes_of(const Shape& shape) {
  return {shape.sizes().begin(), shape.sizes().end()};
}

}  // namespace

Shape squeeze(const Shape& x, const std::vector<int>& named) {
  AxisSet gone = axes("squeeze", x, named);
  for (int axis = 0; axis < x.rank(); ++axis) {
    if (!gone[static_cast<std::size_t>(axis)] || x[axis] == 1) continue;
    if (!named.empty())
      throw ShapeError(
          fmt::format("squeeze: axis {} of {} has size {}; only an axis of size 1 can go", axis,
                      to_string(x), x[axis]));
    gone.reset(static_cast<std::size_t>(axis));
  }
  return reduce(x, gone, false);
}

Shape broadcast_to(const Shape& x, const std::vector<Index>& sizes) {
  const Shape target(sizes);
  if (!broadcasts(x, target))
    throw ShapeError(
        fmt::format("broadcast_to: {} does not broadcast to {}: aligned at the last axis, each "
                    "size must be equal or 1",
                    to_string(x), to_string(target)));
  return target;
}

Shape stack(const std::vector<Shape>& shapes, int axis) {
  if (shapes.empty()) throw ValueError("stack: no tensors are given; it needs one at least");
  for (const Shape& shape : shapes)
    if (shape != shapes[0])
      throw ShapeError(fmt::format("stack: {} does not fit {}; all shapes must be equal",
                                   to_string(shape), to_string(shapes[0])));
  return inserted("stack", shapes[0], axis, static_cast<Index>(shapes.size()));
}

void split(const Shape& x, const std::vector<Index>& sizes, int axis) {
  const Index whole = x[shape::axis("split", x, axis)];
  Index total = 0;
  for (const Index size : sizes) {
    if (size < 0)
      throw ValueError(fmt::format("split: a size of ({}) is negative", fmt::join(sizes, ", ")));
    total = added("split", total, size);
  }
  if (total != whole)
    throw ShapeError(fmt::format("split: axis {} of {} has size {}; the parts ({}) have {}", axis,
                                 to_string(x), whole, fmt::join(sizes, ", "), total));
}

void split(const Shape& x, Index parts, int axis) {
  const Index size = x[shape::axis("split", x, axis)];
  if (parts < 1 || size % parts != 0 ||
      parts > std::max<Index>(
                  1, size))  // of nothing there is one part: many would be a list without end
    throw ShapeError(fmt::format("split: axis {} of {} has size {}, which {} parts do not divide",
                                 axis, to_string(x), size, parts));
}

Cut slice(const Shape& x, const std::vector<Range>& ranges) {
  if (static_cast<int>(ranges.size()) > x.rank())
    throw ShapeError(fmt::format("slice: {} ranges for {}, which has {} axes", ranges.size(),
                                 to_string(x), x.rank()));
  Cut cut{x, {}, {}};
  for (int axis = 0; axis < x.rank(); ++axis) {
    const auto here = static_cast<std::size_t>(axis);
    const Range range = here < ranges.size() ? ranges[here] : Range{};
    if (range.step == 0)
      throw ValueError(fmt::format("slice: the step of {} is 0; to repeat an element is for repeat",
                                   text(range)));
    const Index size = x[axis];
    const auto resolve = [&](const std::optional<Index>& position, Index otherwise) {
      return !position ? otherwise : *position < 0 ? *position + size : *position;
    };
    const bool forward = range.step > 0;
    const Index begin = resolve(range.begin, forward ? 0 : size - 1),
                end = resolve(range.end, forward ? size : -1);
    const bool backward_fits =
        begin < size && begin >= end && (!range.begin || begin >= 0) && (!range.end || end >= 0);
    if (forward ? begin < 0 || begin > end || end > size : !backward_fits)
      throw IndexError(fmt::format("slice: {} of axis {} of {}, whose size is {}", text(range),
                                   axis, to_string(x), size));
    // The smallest step has no absolute value; the one next to it goes as far.
    const Index length = std::abs(end - begin),
                step = std::abs(std::max(range.step, -std::numeric_limits<Index>::max()));
    cut.shape = cut.shape.with(axis, length == 0 ? 0 : (length - 1) / step + 1);
    cut.begin[here] = begin;
    cut.step[here] =
        length <= step
            ? 1
            : range.step;  // of one element any; a large one would leave the strides' range
  }
  return cut;
}

Shape pad(const Shape& x, const std::vector<PadWidth>& widths) {
  if (static_cast<int>(widths.size()) != x.rank())
    throw ShapeError(fmt::format("pad: {} widths for {}, which has {} axes; each axis needs one",
                                 widths.size(), to_string(x), x.rank()));
  Shape padded = x;
  for (int axis = 0; axis < x.rank(); ++axis) {
    const auto [before, after] = widths[static_cast<std::size_t>(axis)];
    if (before < 0 || after < 0)
      throw ValueError(fmt::format("pad: the widths of axis {} are {} and {}; to cut is for slice",
                                   axis, before, after));
    padded = padded.with(axis, added("pad", added("pad", before, x[axis]), after));
  }
  return padded;
}

Shape tile(const Shape& x, const std::vector<Index>& counts) {
  if (static_cast<int>(counts.size()) != x.rank())
    throw ShapeError(fmt::format("tile: {} counts for {}, which has {} axes; each axis needs one",
                                 counts.size(), to_string(x), x.rank()));
  Shape tiled = x;
  for (int axis = 0; axis < x.rank(); ++axis) {
    const Index count = counts[static_cast<std::size_t>(axis)];
    if (count < 0)
      throw ValueError(fmt::format("tile: a count of ({}) is negative", fmt::join(counts, ", ")));
    tiled = tiled.with(axis, multiplied("tile", x[axis], count));
  }
  return tiled;
}

Shape repeat(const Shape& x, Index count, int axis) {
  const int named = shape::axis("repeat", x, axis);
  if (count < 0)
    throw ValueError(fmt::format("repeat: the count is {}; it must be 0 at least", count));
  return x.with(named, multiplied("repeat", x[named], count));
}

Shape take(const Shape& x, const Ids& ids, int axis) {
  const int named = shape::axis("take", x, axis);
  check_ids(
      "take", ids, x[named], [&] { return fmt::format("axis {} of {} has", axis, to_string(x)); },
      "positions");
  std::vector<Index> sizes = sizes_of(x);
  sizes.erase(sizes.begin() + named);
  sizes.insert(sizes.begin() + named, ids.shape().sizes().begin(), ids.shape().sizes().end());
  return Shape(sizes);
}

Shape take_along(const Shape& x, const Ids& ids, int axis) {
  const int named = shape::axis("take_along", x, axis);
  if (ids.shape().rank() != x.rank() || ids.shape().with(named, 0) != x.with(named, 0))
    throw ShapeError(
        fmt::format("take_along: x is {}, ids are {}; all sizes but that of axis {} must be equal",
                    to_string(x), to_string(ids.shape()), axis));
  check_ids(
      "take_along", ids, x[named],
      [&] { return fmt::format("axis {} of {} has", axis, to_string(x)); }, "positions");
  return ids.shape();
}

void scatter_add(const Shape& x, const Ids& ids, const Shape& updates) {
  if (x.rank() < 1) throw ShapeError("scatter_add: x is a single number; it needs rows");
  std::vector<Index> sizes = sizes_of(ids.shape());
  sizes.insert(sizes.end(), x.sizes().begin() + 1, x.sizes().end());
  if (sizes != sizes_of(updates))
    throw ShapeError(fmt::format(
        "scatter_add: x is {}, ids are {}, updates {}; updates must be one row of x for each id",
        to_string(x), to_string(ids.shape()), to_string(updates)));
  check_ids(
      "scatter_add", ids, x[0], [] { return "x has"; }, "rows");
}

Shape one_hot(const Ids& ids, Index classes) {
  if (classes < 0)
    throw ValueError(fmt::format("one_hot: {} classes; it must be 0 at least", classes));
  check_ids(
      "one_hot", ids, classes, [] { return "there are"; }, "classes");
  return ids.shape().inserted(ids.shape().rank(), classes);
}

}}}  // namespace fovea::shape
