// Numbers of any type on their way into an array, converted with a check.
#pragma once

#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <type_traits>
#include <vector>

#include "fovea/shape/shape.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Whether a type is that of a number. Characters are none.
template <class N>
concept NumberType = std::is_arithmetic_v<N> && !std::same_as<N, char>;

/// A number of any type, exactly. (A long double is rounded to a double.)
class Number {
 public:
  /// Takes a number.
  template <NumberType N>
  Number(N value) {  // NOLINT: implicit on purpose
    if constexpr (std::is_integral_v<N>) {
      integer_ = true;
      negative_ = value < N(0);
      magnitude_ = static_cast<std::uint64_t>(value);
      if (negative_) magnitude_ = 0 - magnitude_;
    } else {
      fraction_ = static_cast<double>(value);
    }
  }

  /// Returns the number as an element of `type`, "Array", "Ids" or "Mask": T is real, std::int32_t
  /// or std::uint8_t. Throws ValueError, which names the position, for a number that T cannot
  /// represent: beyond its range, an integer that a real would round, a fraction or NaN as an id,
  /// NaN in a mask. A real is rounded; a mask is 1 wherever the number is not 0.
  template <class T>
  T as(const char* type, Index position) const;

  /// Returns the number, rounded. Throws ValueError for a finite number beyond the range of real.
  real rounded() const;

 private:
  std::uint64_t magnitude_ = 0;  // of an integer
  double fraction_ = 0;          // of another number
  bool integer_ = false;
  bool negative_ = false;
};

/// A number, or a list of lists of numbers, as braces give it: {{1, 2}, {3, 4}}.
class NestedNumbers {
 public:
  /// Takes a number.
  template <NumberType N>
  NestedNumbers(N value) : number_(value) {}  // NOLINT: implicit on purpose
  /// Takes a list. The lists must outlive this one, as they do within one expression.
  NestedNumbers(std::initializer_list<NestedNumbers> list)
      : number_(0), list_(list), is_list_(true) {}

  /// Returns the shape of the lists. Throws ShapeError, which names `type`, where lists that stand
  /// side by side differ in length or depth.
  Shape shape(const char* type) const;
  /// Appends the numbers in row-major order.
  void append_to(std::vector<Number>& numbers) const;

 private:
  void append_sizes(std::vector<Index>& sizes) const;
  void check(const char* type, std::span<const Index> sizes) const;

  Number number_;
  std::initializer_list<NestedNumbers> list_ = {};
  bool is_list_ = false;
};

/// Whether a type is a list of numbers with a size, such as a std::vector, std::span or std::array.
template <class List>
concept NumberList = requires(const List& list) {
  { list.size() } -> std::convertible_to<std::size_t>;
  requires NumberType<std::remove_cvref_t<decltype(*list.begin())>>;
};

}}  // namespace fovea
