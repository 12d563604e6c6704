#include "kernels/permute.hpp"

#include <doctest/doctest.h>

#include <numeric>
#include <vector>

#include "support/approx.hpp"
#include "support/generate.hpp"

using namespace fovea;
using support::Generate;

TEST_CASE("a copy of reordered axes has each element in its place, and adds where asked to") {
  for (const auto scale : {support::Scale::small, support::Scale::large})
    for (Index trial = 0; trial < (scale == support::Scale::small ? 200 : 20); ++trial) {
      Generate g("permute", trial, scale);
      const Shape shape = g.shape(0, 6);
      std::vector<int> order(static_cast<std::size_t>(shape.rank()));
      std::iota(order.begin(), order.end(), 0);
      g.shuffle(order);
      const Array x = g.array(shape, {-3, 3});
      View reordered{x.data(), {}, {}};
      std::vector<Index> sizes;
      for (std::size_t i = 0; i < order.size(); ++i) {
        sizes.push_back(shape[order[i]]);
        reordered.strides[i] = x.view().strides[static_cast<std::size_t>(order[i])];
      }
      reordered.shape = Shape(sizes);
      INFO(to_string(shape), " to ", to_string(reordered.shape), ", trial ", trial,
           ", FOVEA_SEED=", support::seed());

      Array y(reordered.shape), sum = Array::full(reordered.shape, 1), back(shape);
      kernels::copy_strided(reordered, y.mutable_view(), false);
      kernels::copy_strided(reordered, sum.mutable_view(), true);
      kernels::copy_strided(y.view(), {back.mutable_data(), reordered.shape, reordered.strides},
                            false);  // strides on the side that is written
      const support::Plain expected = support::plain::permute(support::Plain(x), order);
      CHECK(support::differs(y, expected, 0) == "");
      for (Index i = 0; i < y.count(); ++i) CHECK(sum.data()[i] == 1 + y.data()[i]);
      CHECK(support::bits_differ(back, x) == "");
    }
}

TEST_CASE("axes are exchanged tile by tile, whole tiles and parts of them, written and added") {
  for (const Shape& shape :
       {Shape{130, 67}, Shape{4, 1000}, Shape{65, 2, 129}, Shape{3, 64, 128}}) {
    Generate g("tiles", shape.count());
    const Array x = g.array(shape, {-3, 3});
    const int last = shape.rank() - 1;
    View exchanged = x.view();
    std::swap(exchanged.strides[static_cast<std::size_t>(last)], exchanged.strides[0]);
    exchanged.shape = shape.with(0, shape[last]).with(last, shape[0]);
    std::vector<int> order(static_cast<std::size_t>(shape.rank()));
    std::iota(order.begin(), order.end(), 0);
    std::swap(order.front(), order.back());
    Array y(exchanged.shape), sum = Array::full(exchanged.shape, 1);
    kernels::copy_strided(exchanged, y.mutable_view(), false);
    kernels::copy_strided(exchanged, sum.mutable_view(), true);
    CHECK(support::differs(y, support::plain::permute(support::Plain(x), order), 0) == "");
    for (Index i = 0; i < y.count(); ++i) CHECK(sum.data()[i] == 1 + y.data()[i]);
  }
}

TEST_CASE("a copy into a part of an array leaves the rest alone") {
  const Array x({2, 2}, {1, 2, 3, 4});
  Array y = Array::zeros({3, 4});
  kernels::copy_strided(x.view(), {y.mutable_data() + 5, Shape{2, 2}, y.view().strides}, false);
  CHECK(support::bits_differ(y, Array({3, 4}, {0, 0, 0, 0, 0, 1, 2, 0, 0, 3, 4, 0})) == "");
}
