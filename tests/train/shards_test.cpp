// How a batch is cut, and how the gradients of its parts are added up.
#include "train/shards.hpp"

#include <doctest/doctest.h>

#include <limits>

#include "fovea/fovea.hpp"
#include "support/approx.hpp"
#include "support/generate.hpp"

using namespace fovea;

namespace {

constexpr double t = sizeof(real) == 4 ? 1e-5 : 1e-12;
const support::Range range{-1, 1};

std::vector<NamedParameter> parameters(const std::vector<Shape>& shapes) {
  std::vector<NamedParameter> list;
  for (const Shape& shape : shapes)
    list.push_back({"parameter", Tensor::parameter(Array::zeros(shape))});
  return list;
}

// Gives each shard's sink what `give(shard, sink)` adds, and adds it all up.
template <class Give>
void add_up(Shards& shards, Index count, const std::vector<NamedParameter>& list,
            const Give& give) {
  shards.run(count, count, [&](Index shard, Index, Index, Sink& sink) { give(shard, sink); });
  shards.reduce(count, list);
}

double difference(const Array& got, const std::vector<double>& expected) {
  double largest = 0;
  for (Index i = 0; i < got.count(); ++i)
    largest = std::max(
        largest, std::abs(static_cast<double>(got.at(i)) - expected[static_cast<std::size_t>(i)]));
  return largest;
}

}  // namespace

TEST_CASE(
    "shards have 512 positions each, are powers of two, at most 32, and their dense gradients fill "
    "at most 64 MB") {
  CHECK(Shards::count(1, 1, 1000, false) == 1);
  CHECK(Shards::count(1023, 1, 1000, false) == 1);
  CHECK(Shards::count(1024, 1, 1000, false) == 2);
  CHECK(Shards::count(32, 100, 1000, false) == 4);
  CHECK(Shards::count(32, 512, 1000, false) == 32);
  CHECK(Shards::count(31, 5000, 1000, false) == 16);
  CHECK(Shards::count(100000, 100000, 1000, false) == 32);
  CHECK(Shards::count(100000, 100, 4'000'000, false) == 16);
  CHECK(Shards::count(100000, 100, 65'000'000, false) == 1);
  CHECK(Shards::count(100000, 100, 1000, true) == 1);
}

TEST_CASE("the gradients of all shards are added up, whichever shards have one") {
  for (Index trial = 0; trial < 40; ++trial) {
    support::Generate g("shards", trial);
    const Index count = g.integer(1, 32);
    const auto list =
        parameters({Shape{g.integer(1, 30), g.integer(1, 900)}, Shape{g.integer(0, 5)}, Shape{}});
    std::vector<std::vector<double>> expected;
    for (const auto& [path, parameter] : list)
      expected.emplace_back(static_cast<std::size_t>(parameter.shape().count()), 0.0);
    std::vector<std::vector<Array>> parts(static_cast<std::size_t>(count));
    for (std::vector<Array>& of_shard : parts)
      for (std::size_t i = 0; i < list.size(); ++i) {
        of_shard.push_back(g.integer(0, 3) == 0 ? Array() : g.array(list[i].tensor.shape(), range));
        if (of_shard[i].shape() != list[i].tensor.shape()) continue;
        for (Index k = 0; k < of_shard[i].count(); ++k)
          expected[i][static_cast<std::size_t>(k)] += static_cast<double>(of_shard[i].at(k));
      }
    Shards shards;
    for (int again = 0; again < 2; ++again) {
      add_up(shards, count, list, [&](Index shard, Sink& sink) {
        for (std::size_t i = 0; i < list.size(); ++i)
          if (const Array& part = parts[static_cast<std::size_t>(shard)][i];
              part.shape() == list[i].tensor.shape())
            sink.target(*list[i].tensor.node()).add(part.clone());
      });
      for (std::size_t i = 0; i < list.size(); ++i)
        CHECK(difference(list[i].tensor.grad(), expected[i]) < t * 32);
    }
  }
}

TEST_CASE("two parameters with one gradient get the same sum, and neither is counted twice") {
  const auto list = parameters({Shape{300, 70}, Shape{300, 70}, Shape{300, 70}});
  support::Generate g("shared gradients", 0);
  std::vector<Array> parts, others;
  for (int i = 0; i < 8; ++i) {
    parts.push_back(g.array(Shape{300, 70}, range));
    others.push_back(g.array(Shape{300, 70}, range));
  }
  std::vector<double> expected(300 * 70, 0.0);
  for (const Array& part : parts)
    for (Index k = 0; k < part.count(); ++k)
      expected[static_cast<std::size_t>(k)] += static_cast<double>(part.at(k));
  Shards shards;
  add_up(shards, 8, list, [&](Index shard, Sink& sink) {
    const Array own = parts[static_cast<std::size_t>(shard)].clone();
    sink.target(*list[0].tensor.node()).add(own);
    sink.target(*list[1].tensor.node()).add(others[static_cast<std::size_t>(shard)].clone());
    sink.target(*list[2].tensor.node()).add(own);
  });
  CHECK(difference(list[0].tensor.grad(), expected) < t * 8);
  CHECK(support::bits_differ(list[2].tensor.grad(), list[0].tensor.grad()) == "");
  CHECK(difference(list[1].tensor.grad(), expected) > 0.1);
}

TEST_CASE("one gradient may belong to parameters of two shapes") {
  const auto list = parameters({Shape{4}, Shape{2, 2}});
  for (const Index count : {1, 4}) {
    Shards shards;
    add_up(shards, count, list, [&](Index, Sink& sink) {
      const Array own = Array::full(Shape{4}, 3);
      sink.target(*list[0].tensor.node()).add(own);
      sink.target(*list[1].tensor.node()).add(own.reshaped(Shape{2, 2}));
    });
    for (const auto& [path, parameter] : list) {
      CHECK(parameter.grad().shape() == parameter.shape());
      for (const real number : parameter.grad().values())
        CHECK(number == static_cast<real>(3 * count));
    }
  }
}

TEST_CASE(
    "rows stay rows, in the order of the shards; with dense numbers beside them they are added to "
    "these") {
  const auto list = parameters({Shape{50, 3}});
  const Tensor& table = list[0].tensor;
  Shards shards;
  const auto rows = [&](Index shard, Sink& sink) {
    sink.target(*table.node())
        .add_rows(Ids(Shape{2}, {7, static_cast<std::int32_t>(shard)}),
                  Array::full(Shape{2, 3}, static_cast<real>(shard + 1)));
  };
  add_up(shards, 4, list, rows);
  REQUIRE(table.gradient().has_rows_only());
  REQUIRE(table.gradient().parts().size() == 4);
  for (Index shard = 0; shard < 4; ++shard)
    CHECK(table.gradient().parts()[static_cast<std::size_t>(shard)].ids.at(1) == shard);
  CHECK(table.grad().at(7 * 3) == 10);
  add_up(shards, 4, list, [&](Index shard, Sink& sink) {
    if (shard == 2) return sink.target(*table.node()).add(Array::full(Shape{50, 3}, 100));
    rows(shard, sink);
  });
  CHECK(table.grad().at(7 * 3) == 107);
  CHECK(table.grad().at(3 * 3) == 104);
  CHECK(table.grad().at(2 * 3) == 100);
}

TEST_CASE("sums of shards are the same bits on any number of threads") {
  const Index before = threads();
  const auto list = parameters({Shape{200, 100}, Shape{77}});
  const auto sums = [&](Index count) {
    set_threads(count);
    Shards shards;
    add_up(shards, 16, list, [&](Index shard, Sink& sink) {
      for (const auto& [path, parameter] : list)
        sink.target(*parameter.node())
            .add(support::Generate("bits", shard).array(parameter.shape(), range));
    });
    return std::vector<Array>{list[0].tensor.grad().clone(), list[1].tensor.grad().clone()};
  };
  const std::vector<Array> one = sums(1);
  for (const Index count : {2, 3, 8}) {
    const std::vector<Array> other = sums(count);
    CHECK(support::bits_differ(other[0], one[0]) == "");
    CHECK(support::bits_differ(other[1], one[1]) == "");
  }
  set_threads(before);
}
