// Follows NumPy's arrayprint: one format for all elements, lines that break at a width, and rows
// that are left out of large arrays.
#include "fovea/array/print.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <ostream>
#include <vector>

#include "fovea/base/error.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

// From here on a real that stands alone has an exponent.
constexpr double most_alone = sizeof(real) == 4 ? 1e6 : 1e16;
constexpr std::size_t longest = 512;  // characters of a double, written out

// The shortest digits that name the value, or `digits` of them behind the point.
std::string written(real value, std::chars_format format, Index digits = -1) {
  char text[longest];
  const auto end = digits < 0 ? std::to_chars(text, text + longest, value, format)
                              : std::to_chars(text, text + longest, value, format,
                                              static_cast<int>(std::min<Index>(digits, 100)));
  return {text, end.ptr};
}

struct Digits {
  std::string whole, fraction, exponent;  // of "-1.5e-05": "-1", "5", "e-05"
};

Digits parts_of(const std::string& text) {
  const std::size_t e = std::min(text.find('e'), text.size()), point = std::min(text.find('.'), e);
  return {text.substr(0, point), point < e ? text.substr(point + 1, e - point - 1) : "",
          text.substr(e)};
}

// The shortest digits, of which at most `precision` behind the point, without zeros at their end.
Digits shortest(real value, std::chars_format format, Index precision) {
  Digits digits = parts_of(written(value, format));
  if (static_cast<Index>(digits.fraction.size()) <= precision) return digits;
  digits = parts_of(written(value, format, precision));
  digits.fraction.resize(digits.fraction.find_last_not_of('0') + 1);
  return digits;
}

// A NaN, of either sign, or an infinity.
std::string no_digits(real value) { return std::isnan(value) ? "nan" : value < 0 ? "-inf" : "inf"; }

Index length(const std::string& text) { return static_cast<Index>(text.size()); }

// One format for all of the reals that are shown.
class RealFormat {
 public:
  RealFormat(const std::vector<real>& shown, const PrintOptions& options)
      : precision_(options.precision) {
    std::vector<real> finite;
    std::ranges::copy_if(shown, std::back_inserter(finite),
                         [](real value) { return std::isfinite(value); });
    if (scientific(finite, options.suppress)) format_ = std::chars_format::scientific;
    for (const real value : finite) measure(shortest(value, format_, precision_));
    if (format_ == std::chars_format::scientific) {
      precision_ = right_;
      right_ += exponent_;
    }
    for (const real value : shown)
      if (!std::isfinite(value)) left_ = std::max(left_, length(no_digits(value)) - right_ - 1);
  }

  std::string operator()(real value) const {
    if (!std::isfinite(value)) return fmt::format("{:>{}}", no_digits(value), left_ + right_ + 1);
    if (format_ == std::chars_format::fixed) {
      const Digits digits = shortest(value, format_, precision_);
      return fmt::format("{:>{}}.{:<{}}", digits.whole, left_, digits.fraction, right_);
    }
    const Digits digits = parts_of(written(value, format_, precision_));
    return fmt::format("{:>{}}.{}{}{:0>{}}", digits.whole, left_, digits.fraction,
                       digits.exponent.substr(0, 2), digits.exponent.substr(2), exponent_ - 2);
  }

 private:
  static bool scientific(const std::vector<real>& finite, bool suppress) {
    const double most = std::pow(10, std::min(8, std::numeric_limits<real>::digits10));
    real largest = 0, smallest = std::numeric_limits<real>::infinity();
    for (const real value : finite)
      if (value != 0) {
        largest = std::max(largest, std::abs(value));
        smallest = std::min(smallest, std::abs(value));
      }
    return static_cast<double>(largest) >= most ||
           (!suppress && largest != 0 && (smallest < real(0.0001) || largest / smallest > 1000));
  }

  void measure(const Digits& digits) {
    left_ = std::max(left_, length(digits.whole));
    right_ = std::max(right_, length(digits.fraction));
    exponent_ = std::max(exponent_, length(digits.exponent));
  }

  Index precision_;
  std::chars_format format_ = std::chars_format::fixed;
  Index left_ = 0, right_ = 0;  // characters before and behind the point
  Index exponent_ = 0;          // with its letter and sign
};

struct IntegerFormat {
  IntegerFormat(const std::vector<std::int32_t>& shown, const PrintOptions&) {
    for (const std::int32_t value : shown)
      width = std::max(width, length(fmt::format("{}", value)));
  }
  std::string operator()(std::int32_t value) const { return fmt::format("{:>{}}", value, width); }

  Index width = 0;
};

struct MaskFormat {
  MaskFormat(const std::vector<std::uint8_t>&, const PrintOptions&) {}
  std::string operator()(std::uint8_t keep) const { return keep ? " True" : "False"; }
};

// A number that stands alone, as Python prints it.
std::string alone(real value) {
  if (!std::isfinite(value)) return no_digits(value);
  const double magnitude = std::abs(static_cast<double>(value));
  if (value != 0 && (magnitude < 1e-4 || magnitude >= most_alone))
    return written(value, std::chars_format::scientific);
  const Digits digits = parts_of(written(value, std::chars_format::fixed));
  return fmt::format("{}.{}", digits.whole, digits.fraction.empty() ? "0" : digits.fraction);
}
std::string alone(std::int32_t value) { return fmt::format("{}", value); }
std::string alone(std::uint8_t keep) { return keep ? "True" : "False"; }

// Writes the elements of an array in nested brackets.
template <class T, class Format>
class Printer {
 public:
  Printer(std::span<const T> values, const Shape& shape, const PrintOptions& options)
      : values_(values),
        shape_(shape),
        options_(options),
        short_(values.size() > static_cast<std::size_t>(options.threshold)),
        format_(shown(), options) {}

  std::string text() const { return text(0, 0, " ", options_.line_width); }

 private:
  // Whether the rows from this one on are left out, and if so goes to the last of these.
  bool skips(int axis, Index& position) const {
    const bool cuts = short_ && 2 * options_.edge_items < shape_[axis];
    if (!cuts || position != options_.edge_items) return false;
    position = shape_[axis] - options_.edge_items - 1;
    return true;
  }

  std::vector<T> shown() const {
    std::vector<T> list;
    add_shown(list, 0, 0);
    return list;
  }
  void add_shown(std::vector<T>& list, int axis, Index place) const {
    if (axis == shape_.rank()) return list.push_back(values_[static_cast<std::size_t>(place)]);
    for (Index i = 0; i < shape_[axis]; ++i)
      if (!skips(axis, i)) add_shown(list, axis + 1, place * shape_[axis] + i);
  }

  // The rows of an axis, the first of which stands at `place` of the axes before, in brackets.
  std::string text(int axis, Index place, const std::string& indent, Index width) const {
    const bool last = axis == shape_.rank() - 1;
    std::string result, line = indent;
    const auto put = [&](const std::string& word) {
      if (last && length(line) + length(word) > width - 1 && line.size() > indent.size()) {
        result += line.substr(0, line.find_last_not_of(' ') + 1) + '\n';
        line = indent;
      }
      line += word;
    };
    const std::string gap =
        last ? " " : std::string(static_cast<std::size_t>(shape_.rank() - axis - 1), '\n') + indent;
    for (Index i = 0; i < shape_[axis]; ++i) {
      if (i > 0) line += gap;
      if (skips(axis, i)) {
        put("...");
        continue;
      }
      const Index inner = place * shape_[axis] + i;
      put(last ? format_(values_[static_cast<std::size_t>(inner)])
               : text(axis + 1, inner, indent + ' ', width - 1));
    }
    return '[' + (result + line).substr(indent.size()) + ']';
  }

  std::span<const T> values_;
  const Shape& shape_;
  const PrintOptions& options_;
  bool short_;
  Format format_;
};

template <class Format, class Any>
std::string printed(const Any& array, const PrintOptions& options) {
  for (const Index option :
       {options.precision, options.threshold, options.edge_items, options.line_width})
    if (option < 0)
      throw ValueError(fmt::format("to_string: expected options of at least 0, got {}", option));
  if (array.count() == 0) return "[]";
  if (array.shape().rank() == 0) return alone(array.at(0));
  const auto values = array.values();
  return Printer<std::remove_const_t<typename decltype(values)::element_type>, Format>(
             values, array.shape(), options)
      .text();
}

}  // namespace

std::string to_string(const Array& array, const PrintOptions& options) {
  return printed<RealFormat>(array, options);
}
std::string to_string(const Ids& ids, const PrintOptions& options) {
  return printed<IntegerFormat>(ids, options);
}
std::string to_string(const Mask& mask, const PrintOptions& options) {
  return printed<MaskFormat>(mask, options);
}

std::ostream& operator<<(std::ostream& stream, const Array& array) {
  return stream << to_string(array);
}
std::ostream& operator<<(std::ostream& stream, const Ids& ids) { return stream << to_string(ids); }
std::ostream& operator<<(std::ostream& stream, const Mask& mask) {
  return stream << to_string(mask);
}

}}  // namespace fovea
