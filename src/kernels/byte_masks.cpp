#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/byte_masks.cpp"
#include "kernels/targets.hpp"
//
#include "kernels/byte_masks.hpp"

HWY_BEFORE_NAMESPACE();
namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using Bytes = hn::CappedTag<std::uint8_t, 64>;

HWY_INLINE auto all_of(char c) { return hn::Set(Bytes(), static_cast<std::uint8_t>(c)); }

HWY_INLINE auto load(const char* text) {
  return hn::LoadU(Bytes(), reinterpret_cast<const std::uint8_t*>(text));
}

void find_bytes(const char* text, Index masks_count, const std::array<char, 4>& wanted,
                std::uint64_t* masks) {
  const auto a = all_of(wanted[0]), b = all_of(wanted[1]), c = all_of(wanted[2]),
             d = all_of(wanted[3]);
  constexpr std::size_t lanes = hn::MaxLanes(Bytes());
  for (Index w = 0; w < masks_count; ++w) {
    std::array<std::uint8_t, 16> bits;
    for (std::size_t i = 0; i < 64; i += lanes) {
      const auto x = load(text + 64 * w + i);
      const auto found =
          hn::Or(hn::Or(hn::Eq(x, a), hn::Eq(x, b)), hn::Or(hn::Eq(x, c), hn::Eq(x, d)));
      hn::StoreMaskBits(Bytes(), found, bits.data() + i / 8);
    }
    masks[w] = 0;
    for (std::size_t i = 0; i < 8; ++i) masks[w] |= std::uint64_t(bits[i]) << (8 * i);
  }
}

ByteCounts count_bytes(const char* text, Index size, char quote) {
  const auto feeds = all_of('\n'), quotes = all_of(quote);
  auto any = hn::Zero(Bytes()), least = all_of('\x7f');
  ByteCounts counts;
  constexpr auto lanes = static_cast<Index>(hn::MaxLanes(Bytes()));
  Index i = 0;
  for (; i + lanes <= size; i += lanes) {
    const auto x = load(text + i);
    counts.line_feeds += static_cast<Index>(hn::CountTrue(Bytes(), hn::Eq(x, feeds)));
    counts.quotes += static_cast<Index>(hn::CountTrue(Bytes(), hn::Eq(x, quotes)));
    any = hn::Or(any, x);
    least = hn::Min(least, x);
  }
  const auto zero = hn::Zero(Bytes());
  counts.ascii = hn::AllFalse(Bytes(), hn::Eq(least, zero)) &&
                 hn::AllTrue(Bytes(), hn::Eq(hn::And(any, all_of('\x80')), zero));
  for (; i < size; ++i) {
    counts.line_feeds += text[i] == '\n';
    counts.quotes += text[i] == quote;
    counts.ascii &= static_cast<signed char>(text[i]) > 0;
  }
  return counts;
}

}}}  // namespace fovea::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

void find_bytes(const char* text, Index masks_count, const std::array<char, 4>& wanted,
                std::uint64_t* masks) {
  FOVEA_BEST(find_bytes)(text, masks_count, wanted, masks);
}

ByteCounts count_bytes(const char* text, Index size, char quote) {
  return FOVEA_BEST(count_bytes)(text, size, quote);
}

}}}  // namespace fovea::kernels
#endif
