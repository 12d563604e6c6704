// Random cases that can be drawn again: everything is a function of the seed, a name and the number
// of the trial.
#pragma once

#include <algorithm>
#include <random>
#include <string_view>
#include <vector>

#include "fovea/array/array.hpp"
#include "fovea/array/mask.hpp"
#include "support/seed.hpp"

namespace support {

using fovea::Array;
using fovea::Ids;
using fovea::Index;
using fovea::Mask;
using fovea::real;
using fovea::Shape;

/// Numbers from low to high, at least `margin` away from those listed in `avoid` (kinks, poles),
/// and at least (high - low) / (2 count) from each other when `distinct`.
struct Range {
  double low, high;
  std::vector<double> avoid = {};
  double margin = 0.1;
  bool distinct = false;
};

/// Small cases suit a gradient check; large ones are cut into pieces by the library's loops.
enum class Scale { small, large };

class Generate {
 public:
  Generate(std::string_view name, Index trial, Scale scale = Scale::small)
      : trial_(trial), scale_(scale) {
    std::vector<std::uint32_t> words = {
        static_cast<std::uint32_t>(seed()), static_cast<std::uint32_t>(seed() >> 32),
        static_cast<std::uint32_t>(trial), static_cast<std::uint32_t>(scale)};
    for (const char c : name) words.push_back(static_cast<unsigned char>(c));
    std::seed_seq sequence(words.begin(), words.end());
    engine_.seed(sequence);
  }

  Index trial() const { return trial_; }
  bool large() const { return scale_ == Scale::large; }

  // What random drawing may miss comes in a fixed part of the trials.
  bool wants_empty() const { return !large() && trial_ % 8 == 3; }
  bool wants_ones() const { return trial_ % 4 == 1; }
  bool wants_transposed() const { return trial_ % 5 == 2; }
  bool wants_same() const { return trial_ % 6 == 5; }

  /// A choice among `count` that changes from one run of seven trials to the next.
  Index variant(Index count) const { return trial_ / 7 % count; }

  std::uint64_t bits() { return engine_(); }
  double uniform(double low, double high) {
    return low + (high - low) * static_cast<double>(bits() >> 11) * 0x1p-53;
  }
  bool chance(double probability) { return uniform(0, 1) < probability; }

  /// Both ends included.
  Index integer(Index low, Index high) {
    return low + static_cast<Index>(bits() % static_cast<std::uint64_t>(high - low + 1));
  }

  template <class T>
  void shuffle(std::vector<T>& list) {
    for (std::size_t i = list.size(); i > 1; --i)
      std::swap(list[i - 1], list[static_cast<std::size_t>(integer(0, static_cast<Index>(i) - 1))]);
  }

  /// Sizes 1 to 5, the last one now and then beyond a vector's width; a size 0, ones, or one long
  /// axis where wanted.
  Shape shape(int min_rank, int max_rank) {
    if (wants_empty() || wants_ones()) min_rank = std::max(min_rank, std::min(2, max_rank));
    if (large()) min_rank = std::max(min_rank, 1);
    std::vector<Index> sizes(static_cast<std::size_t>(integer(min_rank, max_rank)));
    for (Index& size : sizes) size = integer(1, 5);
    if (sizes.empty()) return Shape();
    const auto any = [&]() -> Index& {
      return sizes[static_cast<std::size_t>(integer(0, static_cast<Index>(sizes.size()) - 1))];
    };
    if (chance(0.25)) sizes.back() = integer(6, 40);
    if (wants_ones()) any() = 1;
    if (wants_empty()) any() = 0;
    if (large()) any() *= 40000 / Shape(sizes).count() + integer(1, 99);
    return Shape(sizes);
  }

  /// `shape` without some leading axes and with some sizes 1, so that it broadcasts back.
  Shape broadcastable(const Shape& shape) {
    std::vector<Index> sizes(shape.sizes().begin(), shape.sizes().end());
    if (chance(0.3))
      sizes.erase(sizes.begin(), sizes.begin() + integer(0, static_cast<Index>(sizes.size())));
    for (Index& size : sizes)
      if (chance(0.3)) size = 1;
    return Shape(sizes);
  }

  Array array(const Shape& shape, const Range& range) {
    std::vector<double> values(static_cast<std::size_t>(shape.count()));
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = range.distinct ? range.low + (range.high - range.low) *
                                                   (static_cast<double>(i) + uniform(0.25, 0.75)) /
                                                   static_cast<double>(values.size())
                                 : uniform(range.low, range.high);
    if (range.distinct) shuffle(values);
    for (double& value : values)
      for (const double point : range.avoid)
        if (value > point - range.margin && value < point + range.margin)
          value = value < point ? point - range.margin : point + range.margin;
    return Array(shape, std::vector<real>(values.begin(), values.end()));
  }

  Ids ids(const Shape& shape, Index bound) {
    std::vector<std::int32_t> values(static_cast<std::size_t>(shape.count()));
    for (std::int32_t& value : values) value = static_cast<std::int32_t>(integer(0, bound - 1));
    return Ids(shape, values);
  }

  Mask mask(const Shape& shape, double kept) {
    Mask mask(shape);
    for (std::uint8_t& keep : mask.mutable_keep()) keep = chance(kept);
    return mask;
  }

 private:
  Index trial_;
  Scale scale_;
  std::mt19937_64 engine_;
};

}  // namespace support
