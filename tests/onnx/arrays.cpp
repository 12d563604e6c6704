// Shapes and indexing: numbers are chosen and moved.
#include <algorithm>

#include "onnx/dictionary.hpp"

namespace onnx {

namespace {

using enum Result;

int axis_of(const Case& c, int otherwise) { return static_cast<int>(c.option("axis", otherwise)); }

std::vector<Index> sizes_of(const Tensor& x) {
  return {x.shape().sizes().begin(), x.shape().sizes().end()};
}

Index product(const std::vector<Index>& sizes) {
  Index count = 1;
  for (const Index size : sizes) count *= size;
  return count;
}

// A size of 0 is x's own, unless "allowzero".
Tensor reshaped(const Case& c) {
  const Tensor x = c.tensor(0);
  std::vector<Index> sizes = c.list(1);
  for (std::size_t axis = 0; axis < sizes.size(); ++axis)
    if (sizes[axis] == 0 && !c.option("allowzero", 0))
      sizes[axis] = x.shape()[static_cast<int>(axis)];
  return reshape(x, sizes);
}

// Two axes: those before "axis" as one, and the others.
Tensor flattened(const Case& c) {
  const Tensor x = c.tensor(0);
  const int axis = axis_of(c, 1), from = axis < 0 ? axis + x.shape().rank() : axis;
  std::vector<Index> sizes = sizes_of(x);
  sizes.resize(static_cast<std::size_t>(from));
  return reshape(x, {product(sizes), -1});
}

Tensor transposed(const Case& c) {
  const Tensor x = c.tensor(0);
  const std::vector<Index> wanted = c.options("perm");
  std::vector<int> order(wanted.begin(), wanted.end());
  if (order.empty())
    for (int axis = x.shape().rank(); axis-- > 0;) order.push_back(axis);
  return permute_dims(x, order);
}

Tensor unsqueezed(const Case& c) {
  Tensor y = c.tensor(0);
  std::vector<Index> axes = c.has(1) ? c.list(1) : c.options("axes");
  for (Index& axis : axes)
    axis += axis < 0 ? y.shape().rank() + static_cast<Index>(axes.size()) : 0;
  std::ranges::sort(axes);
  for (const Index axis : axes) y = expand_dims(y, static_cast<int>(axis));
  return y;
}

// The sizes asked for may be 1 where x's are not.
Tensor expanded(const Case& c) {
  const Tensor x = c.tensor(0);
  std::vector<Index> sizes = c.list(1);
  for (int axis = -1; axis >= -std::min(x.shape().rank(), static_cast<int>(sizes.size())); --axis) {
    Index& size = sizes[sizes.size() - static_cast<std::size_t>(-axis)];
    if (size == 1) size = x.shape()[axis];
  }
  return broadcast_to(x, sizes);
}

Tensor joined(const Case& c) {
  std::vector<Tensor> tensors;
  for (std::size_t i = 0; i < c.inputs(); ++i) tensors.push_back(c.tensor(i));
  return concat(tensors, axis_of(c, 0));
}

// Without sizes, equal parts but for the last, which may be smaller.
Values parted(const Case& c) {
  const Tensor x = c.tensor(0);
  std::vector<Index> sizes = c.has(1) ? c.list(1) : c.options("split");
  if (sizes.empty()) {
    const Index whole = x.shape()[axis_of(c, 0)], count = static_cast<Index>(c.expected().size()),
                size = (whole + count - 1) / count;
    sizes.assign(c.expected().size(), size);
    sizes.back() = whole - (count - 1) * size;
  }
  const std::vector<Tensor> parts = split(x, sizes, axis_of(c, 0));
  return {parts.begin(), parts.end()};
}

// ONNX cuts a range off where its axis ends, and one that is backwards is empty.
Tensor sliced(const Case& c) {
  const Tensor x = c.tensor(0);
  const std::vector<Index> starts = c.list(1), ends = c.list(2);
  std::vector<Range> ranges(static_cast<std::size_t>(x.shape().rank()));
  for (std::size_t i = 0; i < starts.size(); ++i) {
    const int axis =
        x.shape().resolve(static_cast<int>(c.has(3) ? c.list(3)[i] : static_cast<Index>(i)));
    const Index size = x.shape()[axis], step = c.has(4) ? c.list(4)[i] : 1,
                lowest = step > 0 ? 0 : -1;
    const auto position = [&](Index p) {
      return std::clamp(p < 0 ? p + size : p, lowest, size + lowest);
    };
    const Index begin = position(starts[i]), end = position(ends[i]);
    Range& range =
        ranges[static_cast<std::size_t>(axis)] = {.begin = begin, .end = end, .step = step};
    if ((end - begin) * step < 0) range.end = begin;
    if (end < 0) range.end.reset();
  }
  return slice(x, ranges);
}

Tensor padded(const Case& c) {
  if (c.option("mode", "constant") != "constant")
    throw LeftOut("padding with the array's own numbers");
  const Tensor x = c.tensor(0);
  const std::vector<Index> pads = c.list(1);
  std::vector<PadWidth> widths(static_cast<std::size_t>(x.shape().rank()));
  for (std::size_t i = 0; i < pads.size() / 2; ++i) {
    const int axis =
        x.shape().resolve(static_cast<int>(c.has(3) ? c.list(3)[i] : static_cast<Index>(i)));
    widths[static_cast<std::size_t>(axis)] = {pads[i], pads[i + pads.size() / 2]};
  }
  return pad(x, widths, c.has(2) ? c.number(2) : 0);
}

Tensor space_to_depth(const Case& c) {
  const Tensor x = c.tensor(0);
  const Index b = c.option("blocksize", 1), batch = x.shape()[0], depth = x.shape()[1],
              rows = x.shape()[2] / b, columns = x.shape()[3] / b;
  return reshape(permute_dims(reshape(x, {batch, depth, rows, b, columns, b}), {0, 3, 5, 1, 2, 4}),
                 {batch, b * b * depth, rows, columns});
}

// DCR: a block's row and column change slower than the depth; CRD: faster.
Tensor depth_to_space(const Case& c) {
  const Tensor x = c.tensor(0);
  const Index b = c.option("blocksize", 1), batch = x.shape()[0], depth = x.shape()[1] / (b * b),
              rows = x.shape()[2], columns = x.shape()[3];
  const Tensor y =
      c.option("mode", "DCR") == "DCR"
          ? permute_dims(reshape(x, {batch, b, b, depth, rows, columns}), {0, 3, 4, 1, 5, 2})
          : permute_dims(reshape(x, {batch, depth, b, b, rows, columns}), {0, 1, 4, 2, 5, 3});
  return reshape(y, {batch, depth, b * rows, b * columns});
}

// x where column - row is at least k (upper) or at most k, 0 elsewhere, in each of the matrices of
// the last two axes.
Tensor triangle(const Case& c) {
  const Tensor x = c.tensor(0);
  const auto count = [](Index size) { return cumsum(Array::full({size}, 1)) - 1; };
  const Tensor offset = count(x.shape()[-1]) - expand_dims(count(x.shape()[-2]), 1);
  const real k = c.has(1) ? c.number(1) : 0;
  return where(c.option("upper", 1) ? greater_equal(offset, k) : less_equal(offset, k), x,
               scalar(0));
}

// (..., depth) of 0 and 1 becomes (..., off and on, ...) with the depth at "axis". Ids below 0
// count from the end.
Tensor one_hot_rows(const Case& c) {
  const Index depth = static_cast<Index>(c.number(1));
  const Tensor x = move_axis(one_hot(c.ids(0, depth), depth), -1, axis_of(c, -1)),
               values = c.tensor(2);
  return where(equal(x, 1), slice(values, 0, 1, 2), slice(values, 0, 0, 1));
}

Tensor hard_maximum(const Case& c) {
  const Tensor x = c.tensor(0);
  return move_axis(one_hot(argmax(x, axis_of(c, -1)), x.shape()[axis_of(c, -1)]), -1,
                   axis_of(c, -1));
}

// Where the last axis of input 1 names one position for each of x's axes behind the first `batch`
// ones: rows of x with these axes as one, by number.
struct Rows {
  Tensor table;
  Ids ids;
};

Rows rows_of(const Case& c, const Tensor& x, std::size_t batch) {
  const std::vector<Index> names = c.list(1), sizes = sizes_of(x), id_sizes = c.plain(1).sizes;
  const std::size_t width = static_cast<std::size_t>(id_sizes.back()), named = batch + width;
  std::vector<Index> table_sizes(sizes.begin() + static_cast<std::ptrdiff_t>(named), sizes.end()),
      ids;
  table_sizes.insert(table_sizes.begin(),
                     product({sizes.begin(), sizes.begin() + static_cast<std::ptrdiff_t>(named)}));
  const Index samples =
      product({sizes.begin(), sizes.begin() + static_cast<std::ptrdiff_t>(batch)});
  const Index count = static_cast<Index>(names.size() / width);
  for (Index i = 0; i < count; ++i) {
    Index row = i / (count / samples);
    for (std::size_t k = 0; k < width; ++k) {
      const Index id = names[static_cast<std::size_t>(i) * width + k], size = sizes[batch + k];
      row = row * size + (id < 0 ? id + size : id);
    }
    ids.push_back(row);
  }
  return {reshape(x, table_sizes), Ids(Shape(std::span(id_sizes).first(id_sizes.size() - 1)), ids)};
}

Tensor gathered_rows(const Case& c) {
  const Rows rows = rows_of(c, c.tensor(0), static_cast<std::size_t>(c.option("batch_dims", 0)));
  return gather_rows(rows.table, rows.ids);
}

// table[ids] = updates, or += with the reduction "add". What is new is scattered into zeros, and
// taken where ones arrive so too.
Tensor scattered(const Case& c, const Tensor& table, const Ids& ids, const Tensor& updates) {
  const std::string reduction = c.option("reduction", "none");
  if (reduction == "add") return scatter_add(table, ids, updates);
  if (reduction != "none") throw LeftOut("a scatter that multiplies");
  const Tensor zeros = Array::zeros(table.shape());
  const Mask touched = greater(scatter_add(zeros, ids, Array::full(updates.shape(), 1)), 0);
  return where(touched, scatter_add(zeros, ids, updates), table);
}

Tensor scattered_rows(const Case& c) {
  const Tensor x = c.tensor(0);
  const Rows rows = rows_of(c, x, 0);
  return reshape(scattered(c, rows.table, rows.ids, c.tensor(2)), sizes_of(x));
}

// x[i, ids[i, j], k] = updates[i, j, k]: elements of x by their place in row-major order.
Tensor scattered_elements(const Case& c) {
  const Tensor x = c.tensor(0), updates = c.tensor(2);
  const Shape& shape = updates.shape();
  const int axis = x.shape().resolve(axis_of(c, 0));
  const Ids ids = c.ids(1, x.shape()[axis]);
  std::vector<Index> places;
  for (Index i = 0; i < ids.count(); ++i) {
    Index place = 0, rest = i, stride = 1;
    for (int k = shape.rank(); k-- > 0;) {
      place += (k == axis ? ids.at(i) : rest % shape[k]) * stride;
      rest /= shape[k], stride *= x.shape()[k];
    }
    places.push_back(place);
  }
  return reshape(scattered(c, reshape(x, {-1}), Ids({ids.count()}, places), reshape(updates, {-1})),
                 sizes_of(x));
}

Values largest(const Case& c) {
  const Tensor x = c.tensor(0);
  if (x.shape().resolve(axis_of(c, -1)) != x.shape().rank() - 1)
    throw LeftOut("top k along another axis than the last");
  const bool smallest = !c.option("largest", 1);
  const TopK top = top_k(smallest ? -x : x, c.list(1)[0]);
  return {smallest ? -top.values : top.values, top.ids};
}

}  // namespace

std::vector<Translation> arrays() {
  return {
      {"Identity", moved, [](const Case& c) { return c.tensor(0).clone(); }},
      {"ConstantOfShape", moved,
       [](const Case& c) {
         return Tensor(Array::full(Shape(c.list(0)),
                                   c.has_option("value") ? c.tensor_option("value").item() : 0));
       }},
      {"Reshape", moved, reshaped},
      {"Flatten", moved, flattened},
      {"Transpose", moved, transposed},
      {"Squeeze", moved, [](const Case& c) { return squeeze(c.tensor(0), axes_of(c)); }},
      {"Unsqueeze", moved, unsqueezed},
      {"Expand", moved, expanded},
      {"Concat", moved, joined},
      {"Split", moved, parted},
      {"Slice", moved, sliced},
      {"Pad", moved, padded},
      {"Tile", moved, [](const Case& c) { return tile(c.tensor(0), c.list(1)); }},
      {"SpaceToDepth", moved, space_to_depth},
      {"DepthToSpace", moved, depth_to_space},
      {"Trilu", moved, triangle},

      {"Gather", moved,
       [](const Case& c) {
         return take(c.tensor(0), c.ids(1, c.tensor(0).shape()[axis_of(c, 0)]), axis_of(c, 0));
       }},
      {"GatherElements", moved,
       [](const Case& c) {
         return take_along_axis(c.tensor(0), c.ids(1, c.tensor(0).shape()[axis_of(c, 0)]),
                                axis_of(c, 0));
       }},
      {"GatherND", moved, gathered_rows},
      {"ScatterND", moved, scattered_rows},
      {"ScatterElements", moved, scattered_elements},
      {"Scatter", moved, scattered_elements},
      {"OneHot", moved, one_hot_rows},
      {"Hardmax", moved, hard_maximum},
      {"TopK", moved, largest},
  };
}

}  // namespace onnx
