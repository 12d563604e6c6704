#include "kernels/where.hpp"

#include "parallel/parallel.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

void where(const std::uint8_t* keep, Choice a, Choice b, Index count, real* c) {
  const auto choose = [&](auto at_a, auto at_b) {
    parallel::for_range(count, parallel::worth_a_task, [&](Index begin, Index end) {
      for (Index i = begin; i < end; ++i) {
        const real one = a.data[at_a(i)], other = b.data[at_b(i)];
        c[i] = keep[i] != 0 ? one : other;
      }
    });
  };
  constexpr auto each = [](Index i) { return i; };
  constexpr auto first = [](Index) { return 0; };
  if (a.one && b.one)
    choose(first, first);
  else if (a.one)
    choose(first, each);
  else if (b.one)
    choose(each, first);
  else
    choose(each, each);
}

}}}  // namespace fovea::kernels
