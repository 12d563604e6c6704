#include "fovea/array/make.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "array/normal.hpp"
#include "fovea/base/error.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

void check_bounds(const char* name, double begin, double end) {
  if (!std::isfinite(begin) || !std::isfinite(end))
    throw ValueError(fmt::format("{}: expected finite bounds, got {} and {}", name, begin, end));
}

// Returns at(0), at(1), ... as an array.
template <class At>
Array sequence(const char* name, Index count, At at) {
  Array array(Shape{count});
  for (Index i = 0; i < count; ++i)
    array.mutable_data()[i] = Number(at(static_cast<double>(i))).as<real>(name, i);
  return array;
}

template <class To, class From>
To cast(const From& from, const char* name) {
  To to(from.shape());
  using T = std::remove_reference_t<decltype(*to.mutable_data())>;
  for (Index i = 0; i < from.count(); ++i)
    to.mutable_data()[i] = Number(from.data()[i]).template as<T>(name, i);
  return to;
}

}  // namespace

Array full(const Shape& shape, Number value) {
  return Array::full(shape, value.as<real>("full", 0));
}

Array eye(Index size) { return eye(size, size); }

Array eye(Index rows, Index columns) {
  Array array = zeros(Shape{rows, columns});
  for (Index i = 0; i < std::min(rows, columns); ++i) array.mutable_data()[i * columns + i] = 1;
  return array;
}

Array arange(double end) { return arange(0, end); }

Array arange(double begin, double end, double step) {
  check_bounds("arange", begin, end);
  if (step == 0 || !std::isfinite(step))
    throw ValueError(fmt::format("arange: expected a finite step other than 0, got {}", step));
  const double count = std::max(0.0, std::ceil((end - begin) / step));
  if (count >= 0x1p56)
    throw ShapeError(
        fmt::format("arange: from {} to {} by {} there are more elements than the "
                    "address space holds",
                    begin, end, step));
  return sequence("arange", static_cast<Index>(count), [=](double i) { return begin + i * step; });
}

Array linspace(double begin, double end, Index count) {
  check_bounds("linspace", begin, end);
  if (!std::isfinite(end - begin))
    throw ValueError(fmt::format("linspace: {} and {} are too far apart", begin, end));
  if (count < 0)
    throw ValueError(fmt::format("linspace: expected a count of at least 0, got {}", count));
  const auto parts = static_cast<double>(count - 1);
  return sequence("linspace", count, [=](double i) {
    return i == parts && count > 1 ? end : begin + (count > 1 ? i * ((end - begin) / parts) : 0);
  });
}

Array rand(const Shape& shape, const Rng& random) {
  Array array(shape);
  random.fill(0, array.mutable_values());
  return array;
}

Array randn(const Shape& shape, const Rng& random) {
  Array array(shape);
  std::vector<double> normal(static_cast<std::size_t>(std::min<Index>(shape.count(), 1024)));
  for (Index done = 0; done < shape.count(); done += 1024) {
    const auto count = static_cast<std::size_t>(std::min<Index>(shape.count() - done, 1024));
    array::fill_normal(random, static_cast<std::uint64_t>(done), std::span(normal).first(count));
    for (std::size_t i = 0; i < count; ++i)
      array.mutable_data()[done + static_cast<Index>(i)] = static_cast<real>(normal[i]);
  }
  return array;
}

void array::fill_normal(const Rng& random, std::uint64_t first, std::span<double> numbers) {
  std::vector<real> uniform(2 * numbers.size());
  random.fill(2 * first, uniform);
  for (std::size_t i = 0; i < numbers.size(); ++i)
    numbers[i] = std::sqrt(-2 * std::log1p(-static_cast<double>(uniform[2 * i]))) *
                 std::cos(2 * std::numbers::pi * static_cast<double>(uniform[2 * i + 1]));
}

Array to_array(const Ids& ids) { return cast<Array>(ids, "to_array"); }
Array to_array(const Mask& mask) { return cast<Array>(mask, "to_array"); }
Ids to_ids(const Array& array) { return cast<Ids>(array, "to_ids"); }
Ids to_ids(const Mask& mask) { return cast<Ids>(mask, "to_ids"); }
Mask to_mask(const Array& array) { return cast<Mask>(array, "to_mask"); }
Mask to_mask(const Ids& ids) { return cast<Mask>(ids, "to_mask"); }

}}  // namespace fovea
