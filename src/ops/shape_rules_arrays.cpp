// The shapes of ops that move numbers: shapes, indexing.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdlib>

#include "fovea/base/error.hpp"
#include "ops/shape_rules.hpp"

namespace fovea::inline FOVEA_PRECISION::shape {

namespace {

std::string text(const Range& range) {
  const auto bound = [](const std::optional<Index>& position) { return position ? fmt::format("{}", *position) : ""; };
  return fmt::format("{}:{}:{}", bound(range.begin), bound(range.end), range.step);
}

// Refuses ids that name no position of an axis of `size`; what() says which there are.
template <class What>
void check_ids(const char* operation, const Ids& ids, Index size, const What& what) {
  for (Index i = 0; i < ids.count(); ++i)
    if (const Index id = ids.data()[i]; id < 0 || id >= size)
      throw IndexError(
          fmt::format("{}: the id at position {} of {} is {}; {} 0 to {}", operation, i, to_string(ids.shape()), id, what(), size - 1));
}

std::vector<Index> sizes_of(const Shape& shape) { return {shape.sizes().begin(), shape.sizes().end()}; }

}  // namespace

Shape squeeze(const Shape& x, const std::vector<int>& named) {
  std::vector<int> gone;
  for (int axis = 0; named.empty() && axis < x.rank(); ++axis)
    if (x[axis] == 1) gone.push_back(axis);
  if (!named.empty()) gone = axes("squeeze", x, named);
  for (const int axis : gone)
    if (x[axis] != 1)
      throw ShapeError(fmt::format("squeeze: axis {} of {} has size {}; only an axis of size 1 can go", axis, to_string(x), x[axis]));
  return reduce(x, gone, false);
}

Shape broadcast_to(const Shape& x, const std::vector<Index>& sizes) {
  const Shape target(sizes);
  if (!broadcasts(x, target))
    throw ShapeError(fmt::format("broadcast_to: {} does not broadcast to {}: aligned at the last axis, each size must be equal or 1",
                                 to_string(x), to_string(target)));
  return target;
}

Shape stack(const std::vector<Shape>& shapes, int axis) {
  if (shapes.empty()) throw ValueError("stack: there is nothing to stack");
  for (const Shape& shape : shapes)
    if (shape != shapes[0])
      throw ShapeError(fmt::format("stack: {} does not fit {}; all shapes must be equal", to_string(shape), to_string(shapes[0])));
  return shapes[0].inserted(axis, static_cast<Index>(shapes.size()));
}

void split(const Shape& x, const std::vector<Index>& sizes, int axis) {
  Index total = 0;
  for (const Index size : sizes) {
    if (size < 0) throw ValueError(fmt::format("split: a size of ({}) is negative", fmt::join(sizes, ", ")));
    total += size;
  }
  if (total != x[axis])
    throw ShapeError(fmt::format("split: axis {} of {} has size {}; the parts ({}) have {}", axis, to_string(x), x[axis],
                                 fmt::join(sizes, ", "), total));
}

void split(const Shape& x, Index parts, int axis) {
  if (parts < 1 || x[axis] % parts != 0)
    throw ShapeError(fmt::format("split: axis {} of {} has size {}, which {} parts do not divide", axis, to_string(x), x[axis], parts));
}

Cut slice(const Shape& x, const std::vector<Range>& ranges) {
  if (static_cast<int>(ranges.size()) > x.rank())
    throw ShapeError(fmt::format("slice: {} ranges for {}, which has {} axes", ranges.size(), to_string(x), x.rank()));
  Cut cut{x, {}, {}};
  for (int axis = 0; axis < x.rank(); ++axis) {
    const auto here = static_cast<std::size_t>(axis);
    const Range range = here < ranges.size() ? ranges[here] : Range{};
    if (range.step == 0) throw ValueError(fmt::format("slice: the step of {} is 0; to repeat an element is for repeat", text(range)));
    const Index size = x[axis];
    const auto resolve = [&](const std::optional<Index>& position, Index otherwise) {
      return !position ? otherwise : *position < 0 ? *position + size : *position;
    };
    const bool forward = range.step > 0;
    const Index begin = resolve(range.begin, forward ? 0 : size - 1), end = resolve(range.end, forward ? size : -1);
    const bool backward_fits = begin < size && begin >= end && (!range.begin || begin >= 0) && (!range.end || end >= 0);
    if (forward ? begin < 0 || begin > end || end > size : !backward_fits)
      throw IndexError(fmt::format("slice: {} of axis {} of {}, whose size is {}", text(range), axis, to_string(x), size));
    const Index step = std::abs(range.step);
    cut.shape = cut.shape.with(axis, (std::abs(end - begin) + step - 1) / step);
    cut.begin[here] = begin;
    cut.step[here] = range.step;
  }
  return cut;
}

Shape pad(const Shape& x, const std::vector<PadWidth>& widths) {
  if (static_cast<int>(widths.size()) != x.rank())
    throw ShapeError(fmt::format("pad: {} widths for {}, which has {} axes; each axis needs one", widths.size(), to_string(x), x.rank()));
  Shape padded = x;
  for (int axis = 0; axis < x.rank(); ++axis) {
    const auto [before, after] = widths[static_cast<std::size_t>(axis)];
    if (before < 0 || after < 0)
      throw ValueError(fmt::format("pad: the widths of axis {} are {} and {}; to cut is for slice", axis, before, after));
    padded = padded.with(axis, before + x[axis] + after);
  }
  return padded;
}

void tile(const Shape& x, const std::vector<Index>& counts) {
  if (static_cast<int>(counts.size()) != x.rank())
    throw ShapeError(fmt::format("tile: {} counts for {}, which has {} axes; each axis needs one", counts.size(), to_string(x), x.rank()));
  for (const Index count : counts)
    if (count < 0) throw ValueError(fmt::format("tile: a count of ({}) is negative", fmt::join(counts, ", ")));
}

void repeat(const Shape& x, Index count, int axis) {
  x.resolve(axis);
  if (count < 0) throw ValueError(fmt::format("repeat: the count is {}; it must be 0 at least", count));
}

Shape take(const Shape& x, const Ids& ids, int axis) {
  const int named = x.resolve(axis);
  check_ids("take", ids, x[named], [&] { return fmt::format("axis {} of {} has positions", axis, to_string(x)); });
  std::vector<Index> sizes = sizes_of(x);
  sizes.erase(sizes.begin() + named);
  sizes.insert(sizes.begin() + named, ids.shape().sizes().begin(), ids.shape().sizes().end());
  return Shape(sizes);
}

Shape take_along(const Shape& x, const Ids& ids, int axis) {
  const int named = x.resolve(axis);
  if (ids.shape().rank() != x.rank() || ids.shape().with(named, 0) != x.with(named, 0))
    throw ShapeError(fmt::format("take_along: x is {}, ids are {}; all sizes but that of axis {} must be equal", to_string(x),
                                 to_string(ids.shape()), axis));
  check_ids("take_along", ids, x[named], [&] { return fmt::format("axis {} of {} has positions", axis, to_string(x)); });
  return ids.shape();
}

void scatter_add(const Shape& x, const Ids& ids, const Shape& updates) {
  if (x.rank() < 1) throw ShapeError("scatter_add: x is a single number; it needs rows");
  std::vector<Index> sizes = sizes_of(ids.shape());
  sizes.insert(sizes.end(), x.sizes().begin() + 1, x.sizes().end());
  if (sizes != sizes_of(updates))
    throw ShapeError(fmt::format("scatter_add: x is {}, ids are {}, updates {}; updates must be one row of x for each id", to_string(x),
                                 to_string(ids.shape()), to_string(updates)));
  check_ids("scatter_add", ids, x[0], [] { return "x has rows"; });
}

Shape one_hot(const Ids& ids, Index classes) {
  if (classes < 0) throw ValueError(fmt::format("one_hot: {} classes; it must be 0 at least", classes));
  check_ids("one_hot", ids, classes, [] { return "there are classes"; });
  return ids.shape().inserted(ids.shape().rank(), classes);
}

}  // namespace fovea::shape
