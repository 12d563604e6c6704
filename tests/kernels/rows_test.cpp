#include "kernels/rows.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <vector>

#include "support/approx.hpp"
#include "support/generate.hpp"

using namespace fovea;
using support::Generate;

namespace {

struct Drawn {
  Index rows, width, count;
  Ids ids;

  explicit Drawn(Generate& g)
      : rows(std::vector<Index>{1, 7, 255, 256, 257,
                                70000}[static_cast<std::size_t>(g.trial() % 6)]),
        width(g.chance(0.1) ? 0 : g.integer(1, g.large() ? 100 : 20)),
        count(g.large() ? g.integer(2000, 5000) : g.integer(0, 60)),
        ids(g.ids({count}, rows)) {}
};

void for_each_drawn(const char* name, const std::function<void(Generate&, const Drawn&)>& check) {
  for (const auto scale : {support::Scale::small, support::Scale::large})
    for (Index trial = 0; trial < (scale == support::Scale::small ? 100 : 12); ++trial) {
      Generate g(name, trial, scale);
      const Drawn drawn(g);
      INFO(drawn.count, " ids of ", drawn.rows, " rows of ", drawn.width, ", trial ", trial,
           ", FOVEA_SEED=", support::seed());
      check(g, drawn);
    }
}

}  // namespace

TEST_CASE("gathered rows are the rows that the ids name") {
  for_each_drawn("gather", [](Generate& g, const Drawn& drawn) {
    const Array table = g.array({drawn.rows, drawn.width}, {-3, 3});
    Array y(Shape{drawn.count, drawn.width}), expected(y.shape());
    kernels::gather_rows(table.data(), drawn.ids.data(), drawn.count, drawn.width,
                         y.mutable_data());
    for (Index i = 0; i < drawn.count; ++i)
      for (Index k = 0; k < drawn.width; ++k)
        expected.mutable_data()[i * drawn.width + k] =
            table.data()[drawn.ids.at(i) * drawn.width + k];
    CHECK(support::bits_differ(y, expected) == "");
  });
}

TEST_CASE("sorting by id is stable, also for ids of four bytes") {
  for (Index trial = 0; trial < 60; ++trial) {
    Generate g("sort", trial);
    const Index count = g.integer(0, 3000),
                bound =
                    std::vector<Index>{1, 200, 70000, 20000000,
                                       (Index(1) << 31) - 1}[static_cast<std::size_t>(trial % 5)];
    INFO(count, " ids below ", bound, ", trial ", trial, ", FOVEA_SEED=", support::seed());
    const Ids ids = g.ids({count}, bound);
    std::vector<std::int32_t> order(static_cast<std::size_t>(count)), scratch(order.size()),
        expected(order.size());
    kernels::sort_by_id(ids.data(), count, order.data(), scratch.data());
    for (std::size_t i = 0; i < expected.size(); ++i) expected[i] = static_cast<std::int32_t>(i);
    std::ranges::stable_sort(expected, {}, [&](std::int32_t i) { return ids.at(i); });
    CHECK(order == expected);
  }
}

TEST_CASE(
    "runs are the distinct ids in ascending order, their sums in the order of positions, and they "
    "are added to their rows") {
  for_each_drawn("runs", [](Generate& g, const Drawn& drawn) {
    const auto size = static_cast<std::size_t>(drawn.count);
    const Array x = g.array({drawn.count, drawn.width}, {-3, 3}),
                table = g.array({drawn.rows, drawn.width}, {-3, 3});
    std::vector<std::int32_t> order(size), scratch(size), unique_ids(size), starts(size + 1);
    kernels::sort_by_id(drawn.ids.data(), drawn.count, order.data(), scratch.data());
    const Index unique = kernels::unique_runs(drawn.ids.data(), order.data(), drawn.count,
                                              unique_ids.data(), starts.data());
    Array sums(Shape{unique, drawn.width}), added = table.clone();
    kernels::sum_runs(x.data(), order.data(), starts.data(), unique, drawn.width,
                      sums.mutable_data());
    kernels::add_rows(sums.data(), unique_ids.data(), unique, drawn.width, added.mutable_data());

    std::map<Index, std::vector<real>> expected;
    for (Index i = 0; i < drawn.count; ++i) {
      std::vector<real>& sum =
          expected.try_emplace(drawn.ids.at(i), static_cast<std::size_t>(drawn.width))
              .first->second;
      for (Index k = 0; k < drawn.width; ++k)
        sum[static_cast<std::size_t>(k)] += x.data()[i * drawn.width + k];
    }
    REQUIRE(unique == static_cast<Index>(expected.size()));
    CHECK(starts[static_cast<std::size_t>(unique)] == drawn.count);
    Array expected_sums(sums.shape()), expected_added = table.clone();
    Index u = 0;
    for (const auto& [id, sum] : expected) {
      CHECK(unique_ids[static_cast<std::size_t>(u)] == id);
      for (Index k = 0; k < drawn.width; ++k) {
        expected_sums.mutable_data()[u * drawn.width + k] = sum[static_cast<std::size_t>(k)];
        expected_added.mutable_data()[id * drawn.width + k] += sum[static_cast<std::size_t>(k)];
      }
      ++u;
    }
    CHECK(support::bits_differ(sums, expected_sums) == "");
    CHECK(support::bits_differ(added, expected_added) == "");
  });
}
