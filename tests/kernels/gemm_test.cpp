#include "kernels/gemm.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "fovea/parallel/threads.hpp"
#include "support/approx.hpp"
#include "support/generate.hpp"

using namespace fovea;
using support::Generate;
using support::Plain;

namespace {

struct Product {
  Index rows, columns, inner;
  Shape batch;
  bool transpose_a, transpose_b, add;

  Shape a() const { return matrix(transpose_a ? inner : rows, transpose_a ? rows : inner); }
  Shape b() const { return matrix(transpose_b ? columns : inner, transpose_b ? inner : columns); }
  Shape c() const { return matrix(rows, columns); }
  Shape matrix(Index down, Index right) const {
    return batch.inserted(batch.rank(), down).inserted(batch.rank() + 1, right);
  }
};

using kernels::Cut;

Array gemm(const Product& p, const Array& a, const Array& b, const Array& old, Cut cut) {
  Array c = old.clone();
  const View left = p.transpose_a ? transposed(a.view()) : a.view(),
             right = p.transpose_b ? transposed(b.view()) : b.view();
  kernels::gemm(left, right, c.mutable_view(), p.add, cut);
  return c;
}

// Compares with plain loops, and the bits on 2, 3 and 8 threads with those on 1, by both cuts: a
// processor uses one of them, but all must be right.
void check(const Product& p, Generate& g) {
  INFO(to_string(p.a()), p.transpose_a ? std::string(" transposed") : std::string(), " by ",
       to_string(p.b()), p.transpose_b ? std::string(" transposed") : std::string(), ", add ",
       p.add, ", trial ", g.trial(), ", FOVEA_SEED=", support::seed());
  const Array a = g.array(p.a(), {-1, 1}), b = g.array(p.b(), {-1, 1});
  // What is not to be added to may be anything.
  const Array old =
      p.add ? g.array(p.c(), {-1, 1}) : Array::full(p.c(), std::numeric_limits<real>::quiet_NaN());
  Plain expected = support::plain::matmul(Plain(a), Plain(b), p.transpose_a, p.transpose_b);
  if (p.add)
    for (std::size_t i = 0; i < expected.values.size(); ++i) {
      expected.values[i] += old.data()[i];
      expected.scales[i] += std::abs(old.data()[i]);
    }
  const Index before = threads();
  for (const Cut cut : {Cut::small_kernels, Cut::packing}) {
    INFO("cut for ",
         cut == Cut::packing ? std::string("packing kernels") : std::string("small kernels"));
    set_threads(1);
    const Array alone = gemm(p, a, b, old, cut);
    CHECK(support::differs(alone, expected, 4) == "");
    for (const Index count : {2, 3, 8}) {
      set_threads(count);
      CHECK(support::bits_differ(gemm(p, a, b, old, cut), alone) == "");
    }
  }
  set_threads(before);
}

}  // namespace

TEST_CASE("products of all orientations agree with plain loops") {
  for (Index trial = 0; trial < 200; ++trial) {
    Generate g("gemm", trial);
    const auto size = [&] { return g.chance(0.1) ? 0 : g.chance(0.2) ? 1 : g.integer(1, 40); };
    check({size(), size(), size(), g.chance(0.5) ? Shape() : Shape{g.integer(0, 3), 2},
           g.chance(0.5), g.chance(0.5), g.chance(0.5)},
          g);
  }
}

TEST_CASE(
    "products that are cut into tiles, blocks and pieces of the inner axis agree with plain "
    "loops") {
  const std::vector<std::vector<Index>> cuts = {
      {100, 60, 70},     // one call, of which b transposed is packed
      {500, 70, 90},     // row tiles
      {150, 600, 140},   // row tiles and column tiles
      {1300, 190, 100},  // blocks of several tiles in both directions
      {64, 700, 300},    // few rows, long enough that b is packed
      {30, 37, 4001},    // pieces of the inner axis, the last one short
      {130, 90, 1100},   // row tiles and pieces
      {1, 1, 3000000},   // a scalar product
      {3, 900, 1000},    // column tiles and pieces
      {300, 250, 200},   // thick: stripes of rows
      {193, 2100, 192},  // stripes in two blocks of columns
      {768, 769, 770},   // stripes for all kernels
      {60, 600, 130},    // b packed because its rows are far apart
  };
  for (std::size_t i = 0; i < cuts.size(); ++i)
    for (int orientation = 0; orientation < 4; ++orientation) {
      Generate g("cut gemm", static_cast<Index>(4 * i) + orientation);
      check({cuts[i][0], cuts[i][1], cuts[i][2], orientation == 0 ? Shape{2} : Shape(),
             orientation % 2 == 1, orientation / 2 == 1, orientation == 2},
            g);
    }
}

TEST_CASE(
    "batches of large products agree with plain loops: with few items the inner axis is cut, with "
    "many it is not") {
  for (const Index batch : {1, 3, 40}) {
    Generate g("batch of large products", batch);
    check({40, 30, 1000, Shape{batch}, batch == 3, batch == 40, batch == 3}, g);
    check({20, 30, 4000, Shape{batch, 1}, false, true, true}, g);
  }
}

TEST_CASE("a matrix repeated by stride 0 along leading axes gives the product of each copy") {
  Generate g("repeated", 0);
  const Array a = g.array({2, 3, 4, 5}, {-1, 1}),
              b = g.array({3, 1, 6}, {-1, 1}).reshaped({1, 3, 1, 6});
  const Array column = g.array({2, 3, 4, 1}, {-1, 1});
  Array c(Shape{2, 3, 4, 6});
  kernels::gemm(column.view(), broadcast_to(b.view(), {2, 3, 1, 6}), c.mutable_view(), false);
  CHECK(support::differs(c, support::plain::matmul(Plain(column), Plain(b), false, false), 4) ==
        "");
  const Array right = g.array({5, 6}, {-1, 1});
  kernels::gemm(a.view(), broadcast_to(right.view(), {2, 3, 5, 6}), c.mutable_view(), false);
  CHECK(support::differs(c, support::plain::matmul(Plain(a), Plain(right), false, false), 4) == "");
}
