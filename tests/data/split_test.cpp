// Splits by content.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <set>

#include "fovea/base/error.hpp"
#include "fovea/data/split.hpp"
#include "support/generate.hpp"
#include "support/refusal.hpp"

using namespace fovea;

namespace {

std::vector<std::string> drawn_texts(support::Generate& g, Index count, Index different) {
  std::vector<std::string> texts;
  for (Index i = 0; i < count; ++i)
    texts.push_back("text " + std::to_string(g.integer(0, different)));
  return texts;
}

}  // namespace

TEST_CASE("each sample is on one side, equal ones on the same, in about the fraction asked for") {
  support::Generate g("split by hash", 0);
  const std::vector<std::string> texts = drawn_texts(g, 20'000, 8'000);
  for (const double fraction : {0.0, 0.1, 0.5, 0.9, 1.0}) {
    const SplitPositions split = split_by_hash(texts, fraction, 7);
    CHECK(split.first.size() + split.second.size() == texts.size());
    std::set<std::string> first, second;
    for (const Index i : split.first) first.insert(texts[static_cast<std::size_t>(i)]);
    for (const Index i : split.second) second.insert(texts[static_cast<std::size_t>(i)]);
    for (const std::string& text : first) CHECK(!second.contains(text));
    const double all = static_cast<double>(first.size() + second.size());
    CHECK(std::abs(static_cast<double>(first.size()) / all - fraction) <= 3 / std::sqrt(all));
    CHECK(std::ranges::is_sorted(split.first));
  }
}

TEST_CASE("a sample stays on its side when others come or go, and moves with the seed") {
  support::Generate g("split by hash", 1);
  const std::vector<std::string> texts = drawn_texts(g, 400, 100'000);
  const SplitPositions all = split_by_hash(texts, 0.5);
  const std::span<const std::string> some = std::span(texts).first(100);
  std::vector<Index> expected = all.first;
  std::erase_if(expected, [](Index i) { return i >= 100; });
  CHECK(split_by_hash(some, 0.5).first == expected);
  CHECK(split_by_hash(texts, 0.5, 1).first != all.first);
}

TEST_CASE("samples of ids and of real numbers are split by their bits") {
  const Ids ids(Shape{4, 2}, {1, 2, 1, 4, 1, 2, 1, 4});
  const Array array(Shape{4, 2}, {1, 2, 1, 4, 1, 2, 1, 4});
  for (const Samples& samples : {Samples(ids), Samples(array)}) {
    bool apart = false;
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      const SplitPositions split = split_by_hash(samples, 0.5, seed);
      const auto on_first = [&](Index i) { return std::ranges::count(split.first, i) == 1; };
      CHECK(on_first(0) == on_first(2));
      CHECK(on_first(1) == on_first(3));
      apart = apart || on_first(0) != on_first(1);
    }
    CHECK(apart);
  }
  CHECK(split_by_hash(Samples(Array(Shape{0, 3})), 0.5).first.empty());
}

TEST_CASE("a fraction out of range is refused by name") {
  const std::vector<std::string> texts = {"a"};
  for (const double fraction : {-0.1, 1.5, std::numeric_limits<double>::quiet_NaN()})
    CHECK(support::refusal<ValueError>([&] {
            split_by_hash(texts, fraction);
          }).starts_with("split_by_hash: expected a fraction from 0 to 1, got "));
}
