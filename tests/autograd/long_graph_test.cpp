// Nothing in the engine recurses: a chain of a million operations runs and goes on a thread with a
// stack of 1 MiB.
#include <doctest/doctest.h>
#include <pthread.h>

#include <cstdio>

#include "autograd/tiny_ops.hpp"
#include "fovea/memory/buffer.hpp"

using namespace fovea;

namespace {

// Sanitizers make each operation some ten times dearer; a recursion of 100,000 calls would not fit
// a stack of 1 MiB either.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int length = 100'000;
#else
constexpr int length = 1'000'000;
#endif

void on_a_small_stack(void (*work)()) {
  pthread_attr_t attributes;
  REQUIRE(pthread_attr_init(&attributes) == 0);
  REQUIRE(pthread_attr_setstacksize(&attributes, 1 << 20) == 0);
  pthread_t thread;
  REQUIRE(pthread_create(
              &thread, &attributes,
              [](void* argument) -> void* {
                (*static_cast<void (**)()>(argument))();
                return nullptr;
              },
              &work) == 0);
  REQUIRE(pthread_join(thread, nullptr) == 0);
  pthread_attr_destroy(&attributes);
}

// x + 0 + 0 ..., each by an operation of its own that captures nothing
Tensor chain(const Tensor& x) {
  Tensor y = x;
  for (int i = 0; i < length; ++i)
    y = record("link", y.value(), wrt(y, [](const Array& dy, Gradient& dx) { dx.add(dy); }));
  return y;
}

Tensor leaf() { return Tensor::parameter(Array(Shape(), {1})); }

}  // namespace

TEST_CASE("a long chain runs forward and backward, and goes on the way") {
  const Index before = memory::bytes_now();
  on_a_small_stack([] {
    const Tensor x = leaf();
    chain(x).backward();
    CHECK(x.grad().at(0) == 1);
  });
  CHECK(memory::bytes_now() == before);
  std::printf("figure: chained ops = %d\n", length);
}

TEST_CASE("a long chain that backward never saw goes with its last handle") {
  const Index before = memory::bytes_now();
  on_a_small_stack([] { chain(leaf()); });
  CHECK(memory::bytes_now() == before);
}

TEST_CASE("a long chain that was retained goes with its last handle, through two paths") {
  const Index before = memory::bytes_now();
  on_a_small_stack([] {
    const Tensor x = leaf();
    const Tensor y = chain(x);
    const Tensor loss = tiny::plus(tiny::scaled(y, 2), y);
    loss.backward(true);
    CHECK(x.grad().at(0) == 3);
  });
  CHECK(memory::bytes_now() == before);
}

TEST_CASE("a chain of captured handles is destroyed in a loop as well") {
  // Rules ought not to capture tensors; if one does, its chain must still not be destroyed by
  // recursion.
  const Index before = memory::bytes_now();
  on_a_small_stack([] {
    const Tensor x = leaf();
    Tensor y = x;
    for (int i = 0; i < length / 10; ++i)
      y = record("hold", y.value(),
                 wrt(x, [held = y](const Array& dy, Gradient& dx) { dx.add(dy); }));
  });
  CHECK(memory::bytes_now() == before);
}
