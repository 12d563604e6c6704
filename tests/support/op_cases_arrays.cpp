// Rows of the table: ops that move numbers, and normalisation.
#include <cmath>

#include "support/op_draws.hpp"

namespace support {

namespace {

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

std::vector<Index> list(const Shape& shape) { return {shape.sizes().begin(), shape.sizes().end()}; }

// y of a shape, each element from the place in x that `from` says for its own.
Plain moved(const Plain& x, const Shape& shape, const std::function<Position(Position)>& from) {
  Plain y(shape);
  for (Index i = 0; i < shape.count(); ++i)
    y.values[at(i)] = x.values[at(number(x.shape, from(position(shape, i))))];
  return y;
}

Call moving(Function function, const Shape& shape, std::function<Position(Position)> from,
            std::string arguments) {
  return {std::move(function), [=](const auto& x) { return moved(x[0], shape, from); },
          std::move(arguments)};
}

// Shapes.

Shapes with_ones(Generate& g) {
  Shape shape = g.shape(0, 3);
  for (Index ones = g.integer(0, 2); ones > 0; --ones)
    shape = shape.inserted(static_cast<int>(g.integer(0, shape.rank())), 1);
  return {shape};
}

Shapes repeatable(Generate& g) { return {g.broadcastable(g.shape(1, 4))}; }

Shapes equal_shapes(Generate& g) {
  return Shapes(at(g.integer(g.wants_same() ? 2 : 1, 4)), g.shape(0, 4));
}

// x (rows, width...) and one row for each of some ids.
Shapes rows_and_updates(Generate& g) {
  const Shape x = g.shape(1, 3);
  if (g.wants_same()) return {x, x};
  const Index most = g.large() ? 3 : 6;
  return {x, x.with(0, x[0] == 0 ? 0 : g.integer(1, most)).inserted(0, g.integer(1, 2))};
}

Call squeeze_call(const Shapes& shapes, Generate& g) {
  std::vector<int> ones;
  for (int axis = 0; axis < shapes[0].rank(); ++axis)
    if (shapes[0][axis] == 1) ones.push_back(axis);
  const bool all = ones.empty() || g.chance(0.5);
  const int one = all ? 0 : ones[at(g.integer(0, static_cast<Index>(ones.size()) - 1))],
            given = g.chance(0.5) ? one : one - shapes[0].rank();
  Shape result;
  for (int axis = 0; axis < shapes[0].rank(); ++axis)
    if (shapes[0][axis] != 1 || (!all && axis != one))
      result = result.inserted(result.rank(), shapes[0][axis]);
  return {[=](Inputs x) { return all ? fovea::squeeze(x[0]) : fovea::squeeze(x[0], given); },
          [=](const auto& x) { return plain::reshape(x[0], result); },
          all ? "all" : fmt::format("axis {}", given)};
}

Call expand_dims_call(const Shapes& shapes, Generate& g) {
  const int rank = shapes[0].rank(), position = static_cast<int>(g.integer(0, rank)),
            axis = g.chance(0.5) ? position : position - rank - 1;
  const Shape result = shapes[0].inserted(position, 1);
  return {[=](Inputs x) { return fovea::expand_dims(x[0], axis); },
          [=](const auto& x) { return plain::reshape(x[0], result); },
          fmt::format("axis {}", axis)};
}

Call broadcast_to_call(const Shapes& shapes, Generate& g) {
  std::vector<Index> sizes = list(shapes[0]);
  for (Index& size : sizes)
    if (size == 1) size = g.integer(0, 4);
  if (g.chance(0.5)) sizes.insert(sizes.begin(), g.integer(0, 3));
  return moving([=](Inputs x) { return fovea::broadcast_to(x[0], sizes); }, Shape(sizes),
                [](Position to) { return to; }, fmt::format("sizes ({})", fmt::join(sizes, ", ")));
}

Call stack_call(const Shapes& shapes, Generate& g) {
  const int rank = shapes[0].rank(), position = static_cast<int>(g.integer(0, rank)),
            axis = g.chance(0.5) ? position : position - rank - 1;
  return {[=](Inputs x) { return fovea::stack(x, axis); },
          [=](const std::vector<Plain>& x) {
            Plain y(x[0].shape.inserted(position, static_cast<Index>(x.size())));
            for (Index i = 0; i < y.shape.count(); ++i) {
              Position place = support::position(y.shape, i);
              const Plain& from = x[at(place[at(position)])];
              place.erase(place.begin() + position);
              y.values[at(i)] = from.values[at(number(from.shape, place))];
            }
            return y;
          },
          fmt::format("axis {}", axis)};
}

// A range of an axis, its ends named from either side or left out.
fovea::Range draw_range(Index size, Generate& g) {
  const Index step = g.chance(0.5) ? 1 : g.integer(1, 3);
  Index first = g.integer(0, size), past = g.integer(first, size);
  const auto name = [&](Index place) {
    return g.chance(0.3) && place < size ? place - size : place;
  };
  if (g.chance(0.5)) {
    fovea::Range forward{.step = step};
    if (g.chance(0.7)) forward.begin = name(first);
    if (g.chance(0.7)) forward.end = name(past);
    return forward;
  }
  fovea::Range backward{.step = -step};
  if (size > 0 && g.chance(0.7)) backward.begin = name(std::min(past, size - 1));
  if (size > 0 && g.chance(0.7)) backward.end = name(std::min(first, size - 1));
  return backward;
}

// Python's: the positions that a range names.
std::vector<Index> positions(const fovea::Range& range, Index size) {
  std::vector<Index> result;
  const auto place = [&](Index named) { return named < 0 ? named + size : named; };
  for (Index i = range.step > 0 ? place(range.begin.value_or(0))
                 : range.begin  ? place(*range.begin)
                                : size - 1;
       range.step > 0 ? i < (range.end ? place(*range.end) : size)
                      : i > (range.end ? place(*range.end) : -1);
       i += range.step)
    result.push_back(i);
  return result;
}

Call slice_call(const Shapes& shapes, Generate& g) {
  const Shape& x = shapes[0];
  if (g.variant(2) == 0) {
    const int axis = draw_axis(x, g);
    const Index begin = g.integer(0, x[axis]), end = g.integer(begin, x[axis]);
    return {[=](Inputs in) { return fovea::slice(in[0], axis, begin, end); },
            [=, resolved = x.resolve(axis)](const auto& in) {
              return plain::slice(in[0], resolved, begin, end);
            },
            fmt::format("axis {}, begin {}, end {}", axis, begin, end)};
  }
  std::vector<fovea::Range> ranges;
  std::vector<std::vector<Index>> places;
  std::vector<Index> sizes;
  const int named = static_cast<int>(g.integer(0, x.rank()));
  for (int axis = 0; axis < x.rank(); ++axis) {
    const fovea::Range range = axis < named ? draw_range(x[axis], g) : fovea::Range{};
    if (axis < named) ranges.push_back(range);
    places.push_back(positions(range, x[axis]));
    sizes.push_back(static_cast<Index>(places.back().size()));
  }
  const auto from = [=](Position to) {
    for (std::size_t axis = 0; axis < to.size(); ++axis) to[axis] = places[axis][at(to[axis])];
    return to;
  };
  return moving([=](Inputs in) { return fovea::slice(in[0], ranges); }, Shape(sizes), from,
                fmt::format("{} ranges, to ({})", ranges.size(), fmt::join(sizes, ", ")));
}

Call flip_call(const Shapes& shapes, Generate& g) {
  const std::vector<int> axes = draw_axes(shapes[0], g, false);
  const fovea::Axes given = named(axes, shapes[0], g);
  const Shape shape = shapes[0];
  const auto from = [=](Position to) {
    for (const int axis : axes) to[at(axis)] = shape[axis] - 1 - to[at(axis)];
    return to;
  };
  return moving([=](Inputs x) { return fovea::flip(x[0], given); }, shape, from,
                fmt::format("axes ({})", fmt::join(given.list(), ", ")));
}

Call pad_call(const Shapes& shapes, Generate& g) {
  const real value = g.chance(0.5) ? real(0) : real(1.5);
  std::vector<fovea::PadWidth> widths;
  Shape padded = shapes[0];
  for (int axis = 0; axis < shapes[0].rank(); ++axis) {
    widths.push_back({g.integer(0, 2), g.integer(0, 2)});
    padded = padded.with(axis, widths.back().before + shapes[0][axis] + widths.back().after);
  }
  return {[=](Inputs x) {
            return value == 0 ? fovea::pad(x[0], widths) : fovea::pad(x[0], widths, value);
          },
          [=](const std::vector<Plain>& x) {
            Plain y(Array::full(padded, value));
            for (Index i = 0; i < x[0].shape.count(); ++i) {
              Position to = position(x[0].shape, i);
              for (std::size_t axis = 0; axis < to.size(); ++axis) to[axis] += widths[axis].before;
              y.values[at(number(padded, to))] = x[0].values[at(i)];
            }
            return y;
          },
          fmt::format("to {}, value {}", to_string(padded), value)};
}

Call roll_call(const Shapes& shapes, Generate& g) {
  const int axis = draw_axis(shapes[0], g), resolved = shapes[0].resolve(axis);
  const Index shift = g.integer(-50, 50), size = shapes[0][axis];
  const auto from = [=](Position to) {
    to[at(resolved)] = ((to[at(resolved)] - shift) % size + size) % size;
    return to;
  };
  return moving([=](Inputs x) { return fovea::roll(x[0], shift, axis); }, shapes[0], from,
                fmt::format("shift {}, axis {}", shift, axis));
}

Call repeat_call(const Shapes& shapes, Generate& g) {
  const int axis = draw_axis(shapes[0], g), resolved = shapes[0].resolve(axis);
  const Index count = g.integer(0, 3);
  const auto from = [=](Position to) {
    to[at(resolved)] /= count;
    return to;
  };
  return moving([=](Inputs x) { return fovea::repeat(x[0], count, axis); },
                shapes[0].with(axis, shapes[0][axis] * count), from,
                fmt::format("count {}, axis {}", count, axis));
}

Call tile_call(const Shapes& shapes, Generate& g) {
  const Shape x = shapes[0];
  std::vector<Index> counts;
  Shape result = x;
  for (int axis = 0; axis < x.rank(); ++axis) {
    counts.push_back(g.integer(g.chance(0.1) ? 0 : 1, 3));
    result = result.with(axis, x[axis] * counts.back());
  }
  const auto from = [=](Position to) {
    for (std::size_t axis = 0; axis < to.size(); ++axis) to[axis] %= x[static_cast<int>(axis)];
    return to;
  };
  return moving([=](Inputs in) { return fovea::tile(in[0], counts); }, result, from,
                fmt::format("counts ({})", fmt::join(counts, ", ")));
}

Call take_call(const Shapes& shapes, Generate& g) {
  const Shape x = shapes[0];
  const int axis = draw_axis(x, g), named = x.resolve(axis);
  Shape shape = x[axis] == 0 ? Shape{0}
                : g.chance(0.2)
                    ? Shape()
                    : Shape{g.integer(1, g.large() ? 9 : 2 * std::min<Index>(x[axis], 4))};
  if (g.chance(0.3)) shape = shape.inserted(0, g.integer(1, 2));
  const Ids ids = g.ids(shape, x[axis]);
  std::vector<Index> sizes = list(x);
  sizes.erase(sizes.begin() + named);
  sizes.insert(sizes.begin() + named, shape.sizes().begin(), shape.sizes().end());
  const auto from = [=](Position to) {
    const Position id(to.begin() + named, to.begin() + named + shape.rank());
    Position place(to.begin(), to.begin() + named);
    place.push_back(ids.at(number(shape, id)));
    place.insert(place.end(), to.begin() + named + shape.rank(), to.end());
    return place;
  };
  return moving([=](Inputs in) { return fovea::take(in[0], ids, axis); }, Shape(sizes), from,
                fmt::format("axis {}, {}", axis, text(ids)));
}

Call take_along_axis_call(const Shapes& shapes, Generate& g) {
  const Shape x = shapes[0];
  const int axis = draw_axis(x, g), named = x.resolve(axis);
  const Shape shape = x.with(axis, x[axis] == 0 ? 0 : g.integer(1, g.large() ? 3 : 6));
  const Ids ids = g.ids(shape, x[axis]);
  const auto from = [=](Position to) {
    to[at(named)] = ids.at(number(shape, to));
    return to;
  };
  return moving([=](Inputs in) { return fovea::take_along_axis(in[0], ids, axis); }, shape, from,
                fmt::format("axis {}, {}", axis, text(ids)));
}

Call scatter_add_call(const Shapes& shapes, Generate& g) {
  const Shape x = shapes[0], updates = shapes[1];
  const Shape shape(updates.sizes().first(updates.sizes().size() - x.sizes().size() + 1));
  const Ids ids = g.ids(shape, x[0]);
  return {[=](Inputs in) { return fovea::scatter_add(in[0], ids, in[1]); },
          [=](const std::vector<Plain>& in) {
            Plain y = in[0];
            for (const wide value : y.values) y.scales.push_back(std::abs(value));
            const Index width = ids.count() == 0 ? 0 : updates.count() / ids.count();
            for (Index i = 0; i < updates.count(); ++i) {
              const std::size_t to = at(ids.at(i / width) * width + i % width);
              y.values[to] += in[1].values[at(i)];
              y.scales[to] += std::abs(in[1].values[at(i)]);
            }
            return y;
          },
          text(ids)};
}

Call one_hot_call(const Shapes&, Generate& g) {
  const Index classes = g.integer(1, 6);
  const Ids ids = g.ids(g.shape(0, 3), classes);
  return {[=](Inputs) { return fovea::one_hot(ids, classes); },
          [=](const auto&) {
            Plain y(ids.shape().inserted(ids.shape().rank(), classes));
            for (Index i = 0; i < y.shape.count(); ++i)
              y.values[at(i)] = ids.at(i / classes) == i % classes;
            return y;
          },
          fmt::format("{}, {} classes", text(ids), classes)};
}

}  // namespace

std::vector<OpCase> array_cases() {
  const Range numbers = {-3, 3};
  return {
      {"squeeze", numbers, 0, with_ones, squeeze_call},
      {"expand_dims", numbers, 0, any, expand_dims_call},
      {"broadcast_to", numbers, 0, repeatable, broadcast_to_call},
      {"stack", numbers, 0, equal_shapes, stack_call},
      {"slice", numbers, 0, vectors, slice_call},
      {"flip", numbers, 0, any, flip_call},
      {"pad", numbers, 0, any, pad_call},
      {"roll", numbers, 0, vectors, roll_call},
      {"repeat", numbers, 0, vectors, repeat_call},
      {"tile", numbers, 0, any, tile_call},
      {"take", numbers, 0, vectors, take_call},
      {"take_along_axis", numbers, 0, vectors, take_along_axis_call},
      {"scatter_add", numbers, 4, rows_and_updates, scatter_add_call},
      {"one_hot", numbers, 0, nothing, one_hot_call},
  };
}

}  // namespace support
