// Requests that are refused: beyond a cap, absurd ones, and those that no system has memory for.
#include <doctest/doctest.h>
#include <sys/resource.h>

#include <algorithm>
#include <limits>
#include <optional>

#include "fovea/array/array.hpp"
#include "memory/memory_tests.hpp"

using namespace memory_tests;
using memory::Block;

TEST_CASE("a request beyond the cap is refused before anything grows, and all stays usable") {
  const Buffer warm(100);
  const Index now = memory::bytes_now(), held = memory::bytes_held();
  memory::reset_peak();
  {
    const Cap cap(now + mebibyte);
    const std::string expected = "a request of 33554432 bytes would bring the " +
                                 std::to_string(now) + " bytes in use above the cap of " +
                                 std::to_string(now + mebibyte) +
                                 " bytes; raise it with memory::set_cap";
    CHECK(refusal(32 * mebibyte) == expected);
    CHECK(memory::bytes_now() == now);
    CHECK(memory::bytes_held() == held);
    CHECK(memory::bytes_peak() <= now + peak_slack);
    CHECK(refusal(mebibyte / 2) == "granted");
    CHECK_THROWS_AS(Array(Shape{mebibyte}), MemoryError);
    CHECK(Array::full(Shape{4}, 2).at(3) == 2);
  }
  CHECK(refusal(32 * mebibyte) == "granted");
  CHECK(memory::bytes_now() == now);
}

TEST_CASE("one request beyond a cap that is far off is refused as well") {
  constexpr Index gibibyte = Index(1) << 30;
  const Cap cap(memory::bytes_now() + 4 * gibibyte);
  CHECK(refusal(8 * gibibyte) != "granted");
}

TEST_CASE("the cap is exact, also for small requests and for blocks that wait in a pool") {
  const Index now = memory::bytes_now();
  const Cap cap(now + 256);
  Block* const first = memory::acquire(64);
  Block* const second = memory::acquire(192);
  CHECK(memory::bytes_now() == now + 256);
  CHECK_THROWS_AS(memory::acquire(1), MemoryError);
  on_another_thread([] { CHECK_THROWS_AS(memory::acquire(1), MemoryError); });
  memory::release(first);
  CHECK_THROWS_AS(memory::acquire(65), MemoryError);
  memory::release(memory::acquire(64));
  memory::release(second);
  CHECK(memory::bytes_now() == now);
}

TEST_CASE("a cap below what is in use refuses everything until enough is released") {
  std::optional<Buffer> large(Buffer(4 * mebibyte));
  const Cap cap(memory::bytes_now() - mebibyte);
  CHECK_THROWS_AS(Buffer(1), MemoryError);
  large.reset();
  CHECK_NOTHROW(Buffer(1));
}

TEST_CASE("a negative cap is refused, and the old one stays") {
  const Cap cap(memory::bytes_now() + 64);
  CHECK_THROWS_WITH_AS(memory::set_cap(-1), "memory::set_cap: -1 bytes; use 0 for no cap",
                       ValueError);
  CHECK(refusal(mebibyte) != "granted");
}

TEST_CASE("negative and absurd sizes are refused") {
  const Index now = memory::bytes_now(), held = memory::bytes_held();
  CHECK(refusal(-1) == "a request of -1 bytes is more than any machine has");
  CHECK(refusal(std::numeric_limits<Index>::min()) != "granted");
  CHECK(refusal(std::numeric_limits<Index>::max()) ==
        "a request of 9223372036854775807 bytes is more than any machine has");
  CHECK(refusal((Index(1) << 44) + 1) != "granted");
  CHECK(memory::bytes_now() == now);
  CHECK(memory::bytes_held() == held);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_CASE(
    "memory that the system does not have is a MemoryError, and leaves the counts as they were") {
  const Index now = memory::bytes_now(), held = memory::bytes_held();
  memory::reset_peak();
  rlimit before;
  REQUIRE(getrlimit(RLIMIT_AS, &before) == 0);
  rlimit low = before;
  low.rlim_cur = std::min(rlim_t(1) << 36, before.rlim_max);
  REQUIRE(setrlimit(RLIMIT_AS, &low) == 0);
  const std::string message = refusal(Index(1) << 40);
  REQUIRE(setrlimit(RLIMIT_AS, &before) == 0);
  CHECK(message == "the system has no memory for a block of 1099511627776 bytes; " +
                       std::to_string(now) + " bytes are in use");
  CHECK(memory::bytes_now() == now);
  CHECK(memory::bytes_held() == held);
  CHECK(memory::bytes_peak() <= now + peak_slack);
  CHECK(refusal(mebibyte) == "granted");
}
#endif
