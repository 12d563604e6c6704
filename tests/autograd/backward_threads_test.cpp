// Backward on several threads.
#include <doctest/doctest.h>

#include <atomic>
#include <optional>
#include <thread>

#include "autograd/tiny_ops.hpp"
#include "fovea/autograd/graph.hpp"
#include "fovea/base/random.hpp"
#include "fovea/memory/buffer.hpp"
#include "support/seed.hpp"

using namespace fovea;
using tiny::numbers, tiny::plus, tiny::same_bits, tiny::scaled, tiny::Shard, tiny::times,
    tiny::total;

TEST_CASE(
    "threads run backward at once on graphs of their own over shared leaves, each into its sink") {
  Rng rng(support::seed());
  Array values(Shape{40});
  for (real& value : values.mutable_values()) value = rng.uniform(rng.next());
  const Tensor a = Tensor::parameter(values), b = Tensor::parameter(values);
  const auto pass = [&](int number, Sink& sink) {
    Tensor y = scaled(a, static_cast<real>(number + 1));
    for (int i = 0; i < 20; ++i) y = plus(times(y, b), scaled(a, real(0.1)));
    backward(total(y), sink);
  };
  constexpr int thread_count = 4, rounds = 50;
  std::vector<Array> expected_a, expected_b;
  for (int t = 0; t < thread_count; ++t) {
    Shard shard;
    pass(t, shard);
    expected_a.push_back(shard.of(a));
    expected_b.push_back(shard.of(b));
  }
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < thread_count; ++t)
    threads.emplace_back([&, t] {
      for (int round = 0; round < rounds; ++round) {
        Shard shard;
        pass(t, shard);
        wrong += !same_bits(shard.of(a), expected_a[static_cast<std::size_t>(t)]) ||
                 !same_bits(shard.of(b), expected_b[static_cast<std::size_t>(t)]);
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
  CHECK(a.gradient().empty());
  CHECK(a.node()->references == 1);
}

TEST_CASE("a graph may be recorded on one thread, run on a second and dropped on a third") {
  const Tensor x = Tensor::parameter(Array(Shape(), {real(2)}));
  const Index before = memory::bytes_now();
  std::optional<Tensor> loss;
  std::thread([&] { loss = times(times(x, x), x); }).join();
  Shard shard;
  std::thread([&] { backward(*loss, shard, true); }).join();
  CHECK(numbers(shard.of(x)) == std::vector<real>{12});
  shard = Shard();
  std::thread([&] { loss.reset(); }).join();
  CHECK(memory::bytes_now() == before);
}
