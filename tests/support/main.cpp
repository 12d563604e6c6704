// The entry of every test program. FOVEA_SEED in the environment draws other cases; the seed of a
// run is printed, so that a failure can be repeated. FOVEA_LOCALE makes the process one of that
// locale, in C and in C++, as a user's program may be.
#define DOCTEST_CONFIG_IMPLEMENT
#include "support/seed.hpp"

#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>
#include <locale>

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
  if (const char* const name = std::getenv("FOVEA_LOCALE")) std::locale::global(std::locale(name));
  std::printf("FOVEA_SEED=%llu\n", static_cast<unsigned long long>(support::seed()));
  doctest::Context context(argc, argv);
  return context.run();
}
