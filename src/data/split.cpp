#include "fovea/data/split.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "data/content_hash.hpp"
#include "data/order.hpp"
#include "fovea/base/error.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

void check_fraction(std::string_view call, double fraction) {
  if (!(fraction > 0 && fraction < 1))
    throw ValueError(
        fmt::format("{}: fraction: expected above 0 and below 1, got {}", call, fraction));
}

// Whether content is in the test part. The hash is as good as random, so its first 53 bits are a
// number from 0 to 1.
bool is_test(std::string_view content, double fraction, std::uint64_t seed) {
  return static_cast<double>(content_hash(content, seed) >> 11) * 0x1p-53 < fraction;
}

// Calls content(i) for each sample, for its bytes.
template <class Content>
SplitPositions split(Index count, double fraction, std::uint64_t seed, const Content& content) {
  check_fraction("split_by_hash", fraction);
  SplitPositions result;
  for (Index i = 0; i < count; ++i)
    (is_test(content(i), fraction, seed) ? result.test : result.train).push_back(i);
  return result;
}

template <class T>
std::string_view bytes_of(std::span<const T> values) {
  return {reinterpret_cast<const char*>(values.data()), values.size_bytes()};
}

}  // namespace

SplitPositions split_by_hash(std::span<const std::string> texts, double fraction,
                             std::uint64_t seed) {
  return split(static_cast<Index>(texts.size()), fraction, seed,
               [&](Index i) { return std::string_view(texts[static_cast<std::size_t>(i)]); });
}

SplitPositions split_by_hash(const Samples& samples, double fraction, std::uint64_t seed) {
  const Index count = samples.count();
  const auto width = static_cast<std::size_t>(count == 0 ? 0 : samples.shape().count() / count);
  if (samples.is_ids())
    return split(count, fraction, seed, [&](Index i) {
      return bytes_of(samples.ids().values().subspan(static_cast<std::size_t>(i) * width, width));
    });
  std::vector<double> row(width);  // double for both precisions: the same split of the same values
  return split(count, fraction, seed, [&](Index i) {
    const auto values =
        samples.array().values().subspan(static_cast<std::size_t>(i) * width, width);
    std::ranges::transform(values, row.begin(), [](real value) {
      return std::isnan(value) ? std::numeric_limits<double>::quiet_NaN()
             : value == 0      ? 0.0
                               : static_cast<double>(value);
    });
    return bytes_of(std::span<const double>(row));
  });
}

SplitPositions train_test_split(Index count, double fraction, std::uint64_t seed) {
  check_fraction("train_test_split", fraction);
  const Index test = count < 0 ? 0 : std::llround(fraction * static_cast<double>(count));
  if (test < 1 || test >= count)
    throw ValueError(fmt::format(
        "train_test_split: expected samples for both parts, got {} for the test of {} samples; "
        "change the fraction, or give more samples",
        test, count));
  std::vector<Index> order = shuffled(count, seed, 0);
  SplitPositions result = {{order.begin() + test, order.end()},
                           {order.begin(), order.begin() + test}};
  std::ranges::sort(result.train);
  std::ranges::sort(result.test);
  return result;
}

}}  // namespace fovea
