// What the rows of the table (op_cases*.cpp) are made of: shapes of inputs, what else a call takes,
// and calls of a family.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "support/op_cases.hpp"

namespace support {

// Shapes of inputs.

inline Shapes nothing(Generate&) { return {}; }
inline Shapes any(Generate& g) { return {g.shape(0, 4)}; }
inline Shapes vectors(Generate& g) { return {g.shape(1, 4)}; }
inline Shapes matrices(Generate& g) { return {g.shape(2, 5)}; }

inline Shapes pairs(Generate& g) {
  const Shape shape = g.shape(0, 4);
  if (g.wants_same()) return {shape, shape};
  if (g.chance(0.5)) return {shape, g.broadcastable(shape)};
  return g.chance(0.5) ? Shapes{g.broadcastable(shape), shape}
                       : Shapes{g.broadcastable(shape), g.broadcastable(shape)};
}

// With an axis, if any, over which a mean exists.
inline Shapes reducible(Generate& g) {
  Shape shape = g.shape(0, 4);
  if (shape.count() == 0 && std::ranges::count(shape.sizes(), 0) == shape.rank())
    shape = shape.inserted(0, 3);
  return {shape};
}

// (..., classes) of which there is one at least, unless there is nothing to be classified.
inline Shapes predictions(Generate& g) {
  const Shape shape = g.shape(1, 4);
  const bool classes = shape[-1] > 0 || shape.without(-1).count() == 0;
  return {classes ? shape : shape.with(-1, 3).with(0, shape.rank() > 1 ? 0 : 3)};
}

// What else a call takes.

inline int draw_axis(const Shape& shape, Generate& g) {
  return static_cast<int>(g.integer(-shape.rank(), shape.rank() - 1));
}

// Some axes, from 0 on, ascending: all, or a part. Where `nonempty`, none of size 0.
inline std::vector<int> draw_axes(const Shape& shape, Generate& g, bool nonempty) {
  std::vector<int> axes;
  for (int axis = 0; axis < shape.rank(); ++axis)
    if (!nonempty || shape[axis] > 0) axes.push_back(axis);
  if (static_cast<int>(axes.size()) == shape.rank() && g.chance(0.25)) return axes;
  g.shuffle(axes);
  if (!axes.empty())
    axes.resize(static_cast<std::size_t>(g.integer(1, static_cast<Index>(axes.size()))));
  std::ranges::sort(axes);
  return axes;
}

// The same axes as a caller may name them: in any order, from either end; none for all of them.
inline fovea::Axes named(std::vector<int> axes, const Shape& shape, Generate& g) {
  if (static_cast<int>(axes.size()) == shape.rank() && g.chance(0.5)) return {};
  g.shuffle(axes);
  for (int& axis : axes)
    if (g.chance(0.4)) axis -= shape.rank();
  switch (axes.size()) {
    case 0:
      return {};
    case 1:
      return axes[0];
    case 2:
      return {axes[0], axes[1]};
    case 3:
      return {axes[0], axes[1], axes[2]};
    default:
      return {axes[0], axes[1], axes[2], axes[3]};
  }
}

inline std::optional<Mask> draw_mask(const Shape& shape, Generate& g) {
  if (g.variant(3) == 0) return {};
  return g.mask(g.variant(3) == 1 ? shape : g.broadcastable(shape),
                std::vector{0.0, 0.3, 0.7, 1.0}[static_cast<std::size_t>(g.integer(0, 3))]);
}

inline std::string text(const std::optional<Mask>& mask) {
  return mask ? fmt::format(
                    ", mask {} keeps {}", to_string(mask->shape()),
                    fmt::join(mask->keep().first(std::min<std::size_t>(64, mask->keep().size())),
                              ""))
              : "";
}

inline std::string text(const Ids& ids) {
  return fmt::format(
      "ids {} ({})", to_string(ids.shape()),
      fmt::join(ids.values().first(std::min<std::size_t>(64, ids.values().size())), ", "));
}

// Calls of a family.

inline auto unary(Tensor (*op)(const Tensor&), wide (*exact)(wide)) {
  return [=](const Shapes&, Generate&) {
    return Call{[=](Inputs x) { return op(x[0]); },
                [=](const auto& x) { return plain::map(x[0], exact); }};
  };
}

inline auto binary(Tensor (*op)(const Tensor&, const Tensor&), wide (*exact)(wide, wide)) {
  return [=](const Shapes&, Generate&) {
    return Call{[=](Inputs x) { return op(x[0], x[1]); },
                [=](const auto& x) { return plain::zip(x[0], x[1], exact); }};
  };
}

inline auto reduction(Tensor (*op)(const Tensor&, const fovea::Axes&, fovea::KeepDims),
                      Plain (*exact)(const Plain&, const std::vector<int>&, bool), bool nonempty) {
  return [=](const Shapes& shapes, Generate& g) {
    const std::vector<int> axes = draw_axes(shapes[0], g, nonempty);
    const fovea::Axes given = named(axes, shapes[0], g);
    const bool keepdims = g.chance(0.5);
    return Call{[=](Inputs x) { return op(x[0], given, keepdims); },
                [=](const auto& x) { return exact(x[0], axes, keepdims); },
                fmt::format("axes ({}), keepdims {}", fmt::join(given.list(), ", "), keepdims)};
  };
}

}  // namespace support
