// Sums of parts along one binary tree.
//
// The promise of equal bits rests here. Work is cut into parts by the shapes of its operands alone,
// never by the number of threads; each part is computed by one task, in one order; and the results
// of the parts are added along this tree, whose form depends on their number alone. So a sum has
// the same bits on any number of threads and in every run. The rounding error of n parts grows with
// log(n) rather than n.
#pragma once

#include <array>

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

/// Calls add(i, k) for every addition of the tree over `count` parts: part k is added to part i,
/// neighbours first, then sums of neighbours. The sum is in part 0 in the end.
template <class Count, class Add>
inline void add_pairwise(Count count, const Add& add) {
  for (Count step = 1; step < count; step *= 2)
    for (Count i = 0; i + step < count; i += 2 * step) add(i, i + step);
}

/// The same sum of parts that come one after another.
template <class Part>
class PairwiseSum {
 public:
  void add(const Part& part) {
    waiting_[held_++] = part;
    for (Index even = ++count_; even % 2 == 0; even /= 2) join();
  }

  Part total() {
    while (held_ > 1) join();
    return waiting_[0];
  }

 private:
  void join() {
    --held_;
    waiting_[held_ - 1] = waiting_[held_ - 1] + waiting_[held_];
  }

  std::array<Part, 64> waiting_ = {};  // sums of ever fewer parts, each a power of two
  std::size_t held_ = 0;
  Index count_ = 0;
};

}}}  // namespace fovea::kernels
