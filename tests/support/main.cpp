// The entry of every test program. FOVEA_SEED in the environment draws other cases; the seed of a run is printed, so that a
// failure can be repeated.
#define DOCTEST_CONFIG_IMPLEMENT
#include "support/seed.hpp"

#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>

namespace support {

std::uint64_t seed() {
  static const std::uint64_t value = [] {
    const char* text = std::getenv("FOVEA_SEED");
    return text ? std::strtoull(text, nullptr, 10) : 1;
  }();
  return value;
}

}  // namespace support

int main(int argc, char** argv) {
  std::printf("FOVEA_SEED=%llu\n", static_cast<unsigned long long>(support::seed()));
  doctest::Context context(argc, argv);
  return context.run();
}
