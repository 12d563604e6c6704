// What every op must do, checked for every row of the table (support/op_cases.cpp).
#include <doctest/doctest.h>

#include <cstdio>
#include <fstream>
#include <set>
#include <string>

#include "fovea/base/error.hpp"
#include "fovea/parallel/threads.hpp"
#include "support/approx.hpp"
#include "support/op_run.hpp"

using namespace support;

namespace {

constexpr Index trials = 120;  // small cases of each op
constexpr Index large_trials =
    12;  // cases beyond 32768 elements, or 2e6 multiplications, which are cut into pieces

void for_each_case(Scale scale, const std::function<void(const DrawnCase&)>& check) {
  for (const OpCase& op : op_cases())
    for (Index trial = 0; trial < (scale == Scale::small ? trials : large_trials); ++trial) {
      INFO(fmt::format("{}, trial {}{}, FOVEA_SEED={}", op.name, trial,
                       scale == Scale::large ? " (large)" : "", seed()));
      try {
        const DrawnCase drawn(op, trial, scale);
        INFO(drawn.text());
        check(drawn);
      } catch (const fovea::Error& error) {
        FAIL_CHECK(error.what());
      }
    }
}

std::vector<Plain> exact_inputs(const DrawnCase& drawn) {
  std::vector<Plain> result;
  for (const Tensor& input : drawn.inputs(drawn.constants())) result.emplace_back(input.value());
  return result;
}

// Whether a = b + c to within rounding.
std::string sum_differs(const Array& a, const Array& b, const Array& c) {
  Plain expected(b);
  for (Index i = 0; i < c.count(); ++i) {
    const auto at = static_cast<std::size_t>(i);
    expected.scales.push_back(1 + std::abs(expected.values[at]) + std::abs(c.data()[i]));
    expected.values[at] += c.data()[i];
  }
  return differs(a, expected, 64);
}

}  // namespace

TEST_CASE("every function that headers of ops declare has a row, and every row a function") {
  std::set<std::string> declared, listed;
  for (const std::string name : {"ops", "attention", "losses", "recurrent"}) {
    std::ifstream header(FOVEA_GOLDEN_DIR "/../../include/fovea/ops/" + name + ".hpp");
    REQUIRE(header.good());
    for (std::string line; std::getline(header, line);)
      for (const std::string type : {"Tensor ", "TopK ", "Attended ", "Unrolled "})
        if (line.starts_with(type))
          declared.insert(line.substr(type.size(), line.find('(') - type.size()));
  }
  for (const OpCase& op : op_cases())
    CHECK_MESSAGE(listed.insert(op.name).second, std::string(op.name), " has two rows");
  CHECK(declared.size() > 20);
  for (const std::string& name : declared)
    CHECK_MESSAGE(listed.contains(name), name,
                  " is declared, but no tests/support/op_cases*.cpp has a row for it");
  for (const std::string& name : listed)
    CHECK_MESSAGE(declared.contains(name), name, " has a row, but is not declared");
}

TEST_CASE(
    "the table draws sizes 0 and 1, inputs out of a transpose, and one tensor as several inputs "
    "for each op") {
  for (const OpCase& op : op_cases()) {
    Index empty = 0, ones = 0, transposed = 0, same = 0;
    bool several = false;
    for (Index trial = 0; trial < trials; ++trial) {
      const DrawnCase drawn(op, trial, Scale::small);
      empty += drawn.has_size(0);
      ones += drawn.has_size(1);
      transposed += drawn.transposed;
      same += drawn.same;
      // One tensor can be several inputs only where they can have one rank.
      several = several || (drawn.shapes.size() > 1 &&
                            std::ranges::all_of(drawn.shapes, [&](const Shape& shape) {
                              return shape.rank() == drawn.shapes[0].rank();
                            }));
      if (drawn.shapes.empty()) empty = ones = transposed = trials;
    }
    INFO(std::string(op.name));
    CHECK(empty >= 5);
    CHECK(ones >= 10);
    CHECK(transposed >= 10);
    if (several) CHECK(same >= 10);
  }
}

#if defined(FOVEA_DOUBLE)
TEST_CASE(
    "gradients agree with central differences in random directions, and element by element for "
    "small inputs") {
  Index checks = 0, comparisons = 0;
  for_each_case(Scale::small, [&](const DrawnCase& drawn) {
    if (drawn.leaves.empty()) return;
    Generate directions(drawn.op->name, 1000 + drawn.trial);
    CHECK(gradcheck(drawn.function(), drawn.leaves, directions, comparisons) == "");
    ++checks;
  });
  std::printf("figure: gradient checks = %lld\n", static_cast<long long>(checks));
  std::printf("figure: gradient comparisons = %lld\n", static_cast<long long>(comparisons));
}
#endif

TEST_CASE("values agree with plain loops in long double, and are equal where nothing is computed") {
  for (const Scale scale : {Scale::small, Scale::large})
    for_each_case(scale, [](const DrawnCase& drawn) {
      CHECK(differs(run(drawn).y, drawn.call.oracle(exact_inputs(drawn)), drawn.op->ulps) == "");
    });
}

TEST_CASE("values and gradients are the same bits on 1 and 3 threads, and when computed again") {
  const Index before = fovea::threads();
  for (const Scale scale : {Scale::small, Scale::large}) {
    std::vector<Outcome> alone;
    fovea::set_threads(1);
    for_each_case(scale, [&](const DrawnCase& drawn) { alone.push_back(run(drawn)); });
    std::size_t next = 0;
    fovea::set_threads(3);
    for_each_case(scale, [&](const DrawnCase& drawn) {
      for (int repeat = 0; repeat < 2; ++repeat) {
        const Outcome shared = run(drawn);
        CHECK(bits_differ(shared.y, alone[next].y) == "");
        for (std::size_t i = 0; i < shared.gradients.size(); ++i)
          CHECK(bits_differ(shared.gradients[i], alone[next].gradients[i]) == "");
      }
      ++next;
    });
  }
  fovea::set_threads(before);
}

TEST_CASE(
    "backward through a retained graph gives the same bits again, and changes neither values nor "
    "inputs") {
  for_each_case(Scale::small, [](const DrawnCase& drawn) {
    const std::vector<Tensor> leaves = as_parameters(drawn.leaves);
    if (leaves.empty()) return;
    const Tensor y = drawn.function()(leaves);
    const Array value = y.value().clone();
    const Tensor loss = weighted_sum(y, drawn.weights);
    std::vector<Array> first;
    loss.backward(true);
    for (const Tensor& leaf : leaves) {
      first.push_back(leaf.grad());
      leaf.zero_grad();
    }
    loss.backward();
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      CHECK(bits_differ(leaves[i].grad(), first[i]) == "");
      CHECK(bits_differ(leaves[i].value(), drawn.leaves[i]) == "");
    }
    CHECK(bits_differ(y.value(), value) == "");
  });
}

TEST_CASE(
    "gradients are added to what a leaf has gathered, and to what another use of the input gives") {
  for_each_case(Scale::small, [](const DrawnCase& drawn) {
    Generate g(drawn.op->name, 2000 + drawn.trial);
    const Outcome once = run(drawn);
    std::vector<Array> others;
    for (const Array& leaf : drawn.leaves) others.push_back(g.array(leaf.shape(), {-1, 1}));
    const std::vector<Tensor> gathered = as_parameters(drawn.leaves),
                              used = as_parameters(drawn.leaves);
    if (gathered.empty()) return;

    for (std::size_t i = 0; i < gathered.size(); ++i) gathered[i].gradient().add(others[i]);
    weighted_sum(drawn.function()(gathered), drawn.weights).backward();

    // The other use is a step further from the leaf: inputs gather the op's share before or after
    // it.
    std::vector<Tensor> copies;
    for (const Tensor& leaf : used)
      copies.push_back(
          fovea::reshape(leaf, {leaf.shape().sizes().begin(), leaf.shape().sizes().end()}));
    Tensor loss = weighted_sum(drawn.function()(copies), drawn.weights);
    for (std::size_t i = 0; i < copies.size(); ++i)
      loss = g.chance(0.5) ? loss + weighted_sum(copies[i], others[i])
                           : weighted_sum(copies[i], others[i]) + loss;
    loss.backward();

    for (std::size_t i = 0; i < gathered.size(); ++i) {
      CHECK(sum_differs(gathered[i].grad(), once.gradients[i], others[i]) == "");
      CHECK(sum_differs(used[i].grad(), once.gradients[i], others[i]) == "");
    }
  });
}

TEST_CASE(
    "an input that needs no gradient gets none, and the others' gradients are the same bits "
    "without it") {
  for_each_case(Scale::small, [](const DrawnCase& drawn) {
    if (drawn.leaves.empty()) return;
    const Outcome all = run(drawn);
    for (std::size_t live = 0; live < drawn.leaves.size(); ++live) {
      std::vector<Tensor> leaves = as_parameters(drawn.leaves);
      for (std::size_t i = 0; i < leaves.size(); ++i) leaves[i].set_requires_grad(i == live);
      weighted_sum(drawn.function()(leaves), drawn.weights).backward();
      CHECK(bits_differ(leaves[live].grad(), all.gradients[live]) == "");
      for (std::size_t i = 0; i < leaves.size(); ++i)
        if (i != live) CHECK_THROWS_AS(leaves[i].gradient(), fovea::StateError);
    }
    CHECK_FALSE(drawn.function()(drawn.constants()).requires_grad());
  });
}

TEST_CASE("under NoGrad nothing is recorded, and values are the same bits") {
  for_each_case(Scale::small, [](const DrawnCase& drawn) {
    const std::vector<Tensor> leaves = as_parameters(drawn.leaves);
    const Tensor recorded = drawn.function()(leaves);
    CHECK(recorded.requires_grad() == !leaves.empty());
    const fovea::NoGrad no_grad;
    const Tensor y = drawn.function()(leaves);
    CHECK_FALSE(y.requires_grad());
    CHECK(bits_differ(y.value(), recorded.value()) == "");
  });
}
