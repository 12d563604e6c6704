#include "fovea/memory/buffer.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "fovea/base/random.hpp"
#include "memory/memory_tests.hpp"
#include "support/seed.hpp"

using namespace fovea;
using memory::Block;
using memory_tests::mebibyte, memory_tests::on_another_thread, memory_tests::peak_slack;

TEST_CASE("blocks are aligned to 64 bytes and hold what was asked for, at most a quarter more") {
  Rng rng(support::seed());
  for (int i = 0; i < 2000; ++i) {
    const Index bytes = i < 1100 ? i : rng.below(Index(1) << (8 + i % 15));
    CAPTURE(bytes);
    Block* const block = memory::acquire(bytes);
    CHECK(reinterpret_cast<std::uintptr_t>(block->data()) % 64 == 0);
    CHECK(block->capacity >= bytes);
    CHECK(block->capacity <= bytes + bytes / 4 + 64);
    std::memset(block->data(), 0xab, static_cast<std::size_t>(block->capacity));
    memory::release(block);
  }
}

TEST_CASE("a released block comes back") {
  for (const Index bytes :
       {Index(0), Index(1), Index(64), Index(65), Index(1000), mebibyte, 7 * mebibyte + 1}) {
    CAPTURE(bytes);
    Block* const block = memory::acquire(bytes);
    memory::release(block);
    const Index held = memory::bytes_held();
    Block* const again = memory::acquire(bytes);
    CHECK(again == block);
    CHECK(again->references.load() == 1);
    CHECK(memory::bytes_held() == held);
    memory::release(again);
  }
}

TEST_CASE("bytes in use are counted exactly") {
  Rng rng(support::seed());
  const Index before = memory::bytes_now();
  Index expected = before;
  std::vector<Block*> blocks;
  bool exact = true;
  for (int i = 0; i < 5000; ++i) {
    if (blocks.empty() || rng.below(5) > 1) {
      blocks.push_back(memory::acquire(rng.below(Index(1) << rng.below(18))));
      expected += blocks.back()->capacity;
    } else {
      std::swap(blocks[static_cast<std::size_t>(rng.below(static_cast<Index>(blocks.size())))],
                blocks.back());
      expected -= blocks.back()->capacity;
      memory::release(blocks.back());
      blocks.pop_back();
    }
    exact = exact && memory::bytes_now() == expected;
  }
  CHECK(exact);
  for (Block* block : blocks) memory::release(block);
  CHECK(memory::bytes_now() == before);
}

TEST_CASE(
    "the peak is known to within its slack, whichever of several threads takes and releases") {
  Rng rng(support::seed());
  memory::reset_peak();
  CHECK(memory::bytes_peak() == memory::bytes_now());
  Index largest = memory::bytes_now();
  std::vector<Buffer> buffers;
  bool within = true;
  const auto some = [&] {
    for (Index i = rng.below(100); i > 0; --i) {
      if (rng.below(400) == 0) buffers.clear();
      buffers.emplace_back(rng.below(Index(1) << (1 + rng.below(19))));
      largest = std::max(largest, memory::bytes_now());
      within = within && std::abs(memory::bytes_peak() - largest) <= 3 * peak_slack;
    }
  };
  for (int i = 0; i < 150; ++i) {
    some();
    on_another_thread([&] { some(), on_another_thread(some), some(); });
  }
  CHECK(within);
}

TEST_CASE("what one thread has given back does not count in the peak of another") {
  memory::release(memory::acquire(16 * mebibyte));
  memory::reset_peak();
  const Index before = memory::bytes_now();
  on_another_thread([] { memory::release(memory::acquire(16 * mebibyte)); });
  CHECK(memory::bytes_peak() - before >= 16 * mebibyte - 2 * peak_slack);
  CHECK(memory::bytes_peak() - before <= 16 * mebibyte + 2 * peak_slack);
}

TEST_CASE("a reset peak starts from the present use") {
  const Buffer kept(2 * mebibyte);
  memory::release(memory::acquire(8 * mebibyte));
  CHECK(memory::bytes_peak() >= memory::bytes_now() + 8 * mebibyte - peak_slack);
  memory::reset_peak();
  CHECK(memory::bytes_peak() == memory::bytes_now());
}

TEST_CASE("a block released by another thread comes back to its own") {
  constexpr Index bytes = 11 * mebibyte;
  const Index now = memory::bytes_now();
  Block* const block = memory::acquire(bytes);
  on_another_thread([&] { memory::release(block); });
  CHECK(memory::bytes_now() == now);
  const Index held = memory::bytes_held();
  on_another_thread([&] {
    memory::release(memory::acquire(100));
  });  // not taken by a thread that it does not belong to
  Block* const again = memory::acquire(bytes);
  CHECK(again == block);
  CHECK(memory::bytes_held() <= held + 2 * peak_slack);
  memory::release(again);
}

TEST_CASE("pools of threads that have ended are used again") {
  const auto work = [] { memory::release(memory::acquire(6 * mebibyte)); };
  on_another_thread(work);
  const Index held = memory::bytes_held();
  for (int i = 0; i < 100; ++i) on_another_thread(work);
  CHECK(memory::bytes_held() == held);
}

TEST_CASE("a thread may take and release blocks to its very end") {
  struct Last {
    Buffer buffer;
    ~Last() {
      for (int i = 0; i < 10; ++i) buffer = Buffer(1000);
      buffer = Buffer();
    }
  };
  const auto work = [] {
    thread_local Last last;  // before the thread has a pool, so it goes after it
    last.buffer = Buffer(10);
  };
  on_another_thread(work);
  const Index now = memory::bytes_now(), held = memory::bytes_held();
  for (int i = 0; i < 20; ++i) on_another_thread(work);
  CHECK(memory::bytes_now() == now);
  CHECK(memory::bytes_held() == held);
}

TEST_CASE("a block may outlive the thread that took it") {
  const Index now = memory::bytes_now();
  Buffer survivor;
  on_another_thread([&] {
    survivor = Buffer(1000);
    std::memset(survivor.as<char>(), 7, 1000);
  });
  CHECK(survivor.as<char>()[999] == 7);
  CHECK(memory::bytes_now() == now + 1024);
  survivor = Buffer();
  CHECK(memory::bytes_now() == now);
}

TEST_CASE("in a steady state nothing is asked of the system") {
  const auto step = [] {
    Rng sizes(7);
    std::vector<Buffer> buffers;
    for (int i = 0; i < 200; ++i) {
      buffers.emplace_back(sizes.below(mebibyte));
      if (i % 3 == 0)
        buffers.erase(buffers.begin() + static_cast<std::ptrdiff_t>(buffers.size() / 2));
    }
    on_another_thread([&] { buffers.clear(); });
  };
  step();
  const Index held = memory::bytes_held(), now = memory::bytes_now();
  bool constant = true;
  for (int i = 0; i < 50; ++i) {
    step();
    constant = constant && memory::bytes_held() == held && memory::bytes_now() == now;
  }
  CHECK(constant);
}

TEST_CASE("many threads take, fill, exchange and release blocks without disturbing each other") {
  constexpr int thread_count = 8, rounds = 10000;
  const Index now = memory::bytes_now();
  struct Slot {
    std::mutex mutex;
    Buffer buffer;
    std::size_t size = 0;
    unsigned char pattern = 0;
  };
  std::vector<Slot> slots(16);
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < thread_count; ++t)
    threads.emplace_back([&, t] {
      Rng rng(support::seed(), static_cast<std::uint64_t>(t));
      for (int i = 0; i < rounds; ++i) {
        const auto size = static_cast<std::size_t>(rng.below(Index(1) << (1 + rng.below(12))));
        const auto pattern = static_cast<unsigned char>(rng.next());
        Buffer buffer(static_cast<Index>(size));
        std::memset(buffer.as<unsigned char>(), pattern, size);
        Slot& slot = slots[static_cast<std::size_t>(rng.below(16))];
        const std::lock_guard lock(slot.mutex);
        const auto* old = slot.buffer.as<unsigned char>();
        wrong += old && std::count(old, old + slot.size, slot.pattern) !=
                            static_cast<std::ptrdiff_t>(slot.size);
        if (old && !slot.buffer.unique()) ++wrong;
        slot.buffer = buffer;
        slot.size = size;
        slot.pattern = pattern;
        buffer = Buffer();
      }
    });
  for (std::thread& thread : threads) thread.join();
  slots.clear();
  CHECK(wrong == 0);
  CHECK(memory::bytes_now() == now);
}

TEST_CASE("many threads release one thread's blocks at once, and none is lost") {
  constexpr std::size_t thread_count = 4, blocks_each = 20000;
  const auto round = [] {
    std::vector<Block*> blocks(thread_count * blocks_each);
    for (Block*& block : blocks) block = memory::acquire(64);
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < thread_count; ++t)
      threads.emplace_back([&, t] {
        for (std::size_t i = 0; i < blocks_each; ++i) memory::release(blocks[i * thread_count + t]);
      });
    for (std::thread& thread : threads) thread.join();
  };
  const Index now = memory::bytes_now();
  round();
  const Index held = memory::bytes_held();
  CHECK(memory::bytes_now() == now);
  round();
  CHECK(memory::bytes_now() == now);
  CHECK(memory::bytes_held() == held);
}

TEST_CASE("many threads share one buffer, and the last lets it go") {
  const Index now = memory::bytes_now();
  std::optional<Buffer> shared(Buffer(4096));
  std::memset(shared->as<char>(), 5, 4096);
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&wrong, buffer = *shared] {
      for (int i = 0; i < 20000; ++i) {
        const Buffer copy = buffer;
        wrong += copy.as<char>()[i % 4096] != 5;
      }
    });
  shared.reset();
  for (std::thread& thread : threads) thread.join();
  threads.clear();
  CHECK(wrong == 0);
  CHECK(memory::bytes_now() == now);
}

TEST_CASE("buffers share, move and let go") {
  const Index now = memory::bytes_now();
  {
    Buffer a(100);
    CHECK(a.unique());
    Buffer b = a;
    CHECK(!a.unique());
    CHECK(a.as<char>() == b.as<char>());
    Buffer c = std::move(b);
    CHECK(b.as<char>() == nullptr);
    CHECK(!b.unique());
    CHECK(c.as<char>() == a.as<char>());
    a = Buffer();
    CHECK(c.unique());
    const Buffer& alias = c;
    c = alias;
    CHECK(c.unique());
    CHECK(Buffer().as<char>() == nullptr);
    CHECK(Buffer(0).as<char>() != nullptr);
  }
  CHECK(memory::bytes_now() == now);
}
