#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bars.cpp"
#include <benchmark/benchmark.h>

#include <cstring>

#include "bars.hpp"
#include "fovea/base/random.hpp"
#include "kernels/targets.hpp"
#include "parallel/parallel.hpp"

HWY_BEFORE_NAMESPACE();
namespace bench::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using Tag = hn::ScalableTag<fovea::real>;

/// Twelve chains of multiply-adds, `links` long each: more than any processor has under way at
/// once. They start from different numbers, so that no compiler makes one of them. Returns their
/// sum.
fovea::real multiply_add(fovea::Index links) {
  const auto factor = hn::Set(Tag(), fovea::real(0.5)), term = hn::Set(Tag(), fovea::real(1));
  auto a = hn::Iota(Tag(), 0), b = a + term, c = b + term, d = c + term, e = d + term, f = e + term;
  auto g = f + term, h = g + term, i = h + term, j = i + term, k = j + term, l = k + term;
  for (fovea::Index link = 0; link < links; ++link) {
    a = hn::MulAdd(a, factor, term);
    b = hn::MulAdd(b, factor, term);
    c = hn::MulAdd(c, factor, term);
    d = hn::MulAdd(d, factor, term);
    e = hn::MulAdd(e, factor, term);
    f = hn::MulAdd(f, factor, term);
    g = hn::MulAdd(g, factor, term);
    h = hn::MulAdd(h, factor, term);
    i = hn::MulAdd(i, factor, term);
    j = hn::MulAdd(j, factor, term);
    k = hn::MulAdd(k, factor, term);
    l = hn::MulAdd(l, factor, term);
  }
  return hn::GetLane(a + b + c + d + e + f + g + h + i + j + k + l);
}

fovea::Index lanes() { return static_cast<fovea::Index>(hn::Lanes(Tag())); }

}  // namespace bench::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace bench {

using fovea::Array;
using fovea::Index;
using fovea::real;
using fovea::Shape;

namespace {

constexpr Index links = 1 << 18;  // about half a millisecond

}  // namespace

std::function<void()> copies(Index bytes, bool all_threads) {
  const Index count = bytes / 2 / static_cast<Index>(sizeof(real));
  const Array from = Array::full(Shape{count}, 1), to = Array::full(Shape{count}, 0);
  const Index grain = all_threads ? fovea::parallel::worth_a_task : count;
  return [=, from = from, to = to]() mutable {
    fovea::parallel::for_range(count, grain, [&](Index begin, Index end) {
      std::memcpy(to.mutable_data() + begin, from.data() + begin,
                  static_cast<std::size_t>(end - begin) * sizeof(real));
    });
    benchmark::DoNotOptimize(to.mutable_data());
    benchmark::ClobberMemory();
  };
}

void MultiplyAdds::operator()() const {
  fovea::parallel::run(all_threads ? fovea::threads() : 1,
                       [](Index) { benchmark::DoNotOptimize(FOVEA_BEST(multiply_add)(links)); });
}

double MultiplyAdds::operations() const {
  return 2.0 * 12 *
         static_cast<double>(links * FOVEA_BEST(lanes)() * (all_threads ? fovea::threads() : 1));
}

Array random_array(const Shape& shape, real low, real high) {
  const fovea::Rng random(5);
  Array array(shape);
  for (Index i = 0; i < array.count(); ++i)
    array.mutable_data()[i] = low + (high - low) * random.uniform(static_cast<std::uint64_t>(i));
  return array;
}

}  // namespace bench
#endif
