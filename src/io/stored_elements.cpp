#include "io/stored_elements.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <concepts>
#include <type_traits>
#include <utility>

#include "fovea/io/error.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace io {

static_assert(std::endian::native == std::endian::little,
              "numbers are written as they lie in memory");

namespace {

// A bool takes a byte, of which every value but 0 is true.
struct Truth {
  std::uint8_t byte;
  template <std::floating_point T>
  explicit operator T() const {
    return byte != 0;
  }
};

// IEEE 754 binary16.
struct Half {
  std::uint16_t bits;

  template <std::floating_point T>
  explicit operator T() const {
    const bool negative = bits >> 15;
    const std::uint32_t exponent = bits >> 10 & 31, fraction = bits & 1023;
    if (exponent == 0) return static_cast<T>(fraction) * (negative ? T(-0x1p-24) : T(0x1p-24));
    const std::uint32_t wide_exponent = exponent == 31 ? 255 : exponent + 112;
    return std::bit_cast<float>(std::uint32_t(negative) << 31 | wide_exponent << 23 |
                                fraction << 13);
  }
};

// The upper half of an IEEE 754 binary32.
struct BrainFloat {
  std::uint16_t bits;

  template <std::floating_point T>
  explicit operator T() const {
    return std::bit_cast<float>(std::uint32_t(bits) << 16);
  }
};

// Calls use.operator()<T>() with the type that holds an element.
template <class Use>
void with_element_type(ElementType type, const Use& use) {
  switch (type) {
    case ElementType::boolean:
      return use.template operator()<Truth>();
    case ElementType::int8:
      return use.template operator()<std::int8_t>();
    case ElementType::int16:
      return use.template operator()<std::int16_t>();
    case ElementType::int32:
      return use.template operator()<std::int32_t>();
    case ElementType::int64:
      return use.template operator()<std::int64_t>();
    case ElementType::uint8:
      return use.template operator()<std::uint8_t>();
    case ElementType::uint16:
      return use.template operator()<std::uint16_t>();
    case ElementType::uint32:
      return use.template operator()<std::uint32_t>();
    case ElementType::uint64:
      return use.template operator()<std::uint64_t>();
    case ElementType::float16:
      return use.template operator()<Half>();
    case ElementType::bfloat16:
      return use.template operator()<BrainFloat>();
    case ElementType::float32:
      return use.template operator()<float>();
    case ElementType::float64:
      return use.template operator()<double>();
  }
}

template <class T>
T load(const std::byte* from, bool big_endian) {
  std::array<std::byte, sizeof(T)> bytes;
  std::copy_n(from, sizeof(T), bytes.begin());
  if (big_endian) std::ranges::reverse(bytes);
  return std::bit_cast<T>(bytes);
}

// Where the elements lie whose first axis runs fastest, in the order in which the last one does.
class FortranWalk {
 public:
  explicit FortranWalk(const Shape& shape) : shape_(shape) {
    Index step = 1;
    for (std::size_t axis = 0; axis < shape.sizes().size(); ++axis) {
      steps_[axis] = step;
      step *= shape.sizes()[axis];
    }
  }

  Index position() const { return position_; }

  void advance() {
    for (std::size_t axis = shape_.sizes().size(); axis-- > 0;) {
      position_ += steps_[axis];
      if (++index_[axis] < shape_.sizes()[axis]) return;
      position_ -= steps_[axis] * index_[axis];
      index_[axis] = 0;
    }
  }

 private:
  Shape shape_;
  Strides steps_ = {}, index_ = {};
  Index position_ = 0;
};

// Calls use(position, value) for all elements in row-major order.
template <class T, class Use>
void for_each_element(const StoredElements& stored, const Use& use) {
  const auto element = [&](Index position) {
    return load<T>(stored.bytes + position * static_cast<Index>(sizeof(T)), stored.big_endian);
  };
  FortranWalk walk(stored.shape);
  for (Index i = 0; i < stored.shape.count(); ++i) {
    use(i, element(stored.fortran_order ? walk.position() : i));
    if (stored.fortran_order) walk.advance();
  }
}

// Writes all elements, converted.
template <class To>
void convert(const StoredElements& stored, To* out) {
  with_element_type(stored.type, [&]<class T>() {
    for_each_element<T>(stored, [=](Index i, T value) { out[i] = static_cast<To>(value); });
  });
}

}  // namespace

Array StoredElements::reals() const {
  Array result(shape);
  convert(*this, result.mutable_data());
  return result;
}

std::vector<double> StoredElements::doubles() const {
  std::vector<double> result(static_cast<std::size_t>(shape.count()));
  convert(*this, result.data());
  return result;
}

Ids StoredElements::ids() const {
  const Buffer narrow(shape.count() * 4);
  std::int32_t* const out = narrow.as<std::int32_t>();
  with_element_type(type, [&]<class T>() {
    if constexpr (std::is_integral_v<T>) {
      for_each_element<T>(*this, [&](Index i, T value) {
        if (!std::in_range<std::int32_t>(value))
          throw ValueError(fmt::format(
              "{}: the value at position {} is {}, which does not fit 32 bits", file, i, value));
        // NOLINTNEXTLINE(bugprone-signed-char-misuse): bytes hold numbers
        out[i] = static_cast<std::int32_t>(value);
      });
    } else {
      throw FormatError(
          file, type_begin,
          fmt::format("numbers of type '{}' are not ids; ids are integers", type_text));
    }
  });
  return Ids(shape, std::span<const std::int32_t>(out, static_cast<std::size_t>(shape.count())));
}

Mask StoredElements::mask() const {
  if (type != ElementType::boolean && type != ElementType::uint8)
    throw FormatError(
        file, type_begin,
        fmt::format("numbers of type '{}' are not a mask; masks are {}", type_text, mask_types));
  Mask result(shape);
  for_each_element<std::uint8_t>(*this, [&](Index i, std::uint8_t value) {
    result.mutable_keep()[static_cast<std::size_t>(i)] = value != 0;
  });
  return result;
}

}}}  // namespace fovea::io
