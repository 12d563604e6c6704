#include "kernels/blas_core.hpp"

#include <doctest/doctest.h>
#include <hwy/targets.h>

#include <string>
#include <string_view>

#include "kernels/known_products.hpp"

using namespace fovea;
using kernels::better_core;

namespace {

constexpr std::string_view debian_12 =
    "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH NO_AFFINITY Prescott MAX_THREADS=64";
constexpr std::string_view ubuntu_22 =
    "OpenBLAS 0.3.20 NO_LAPACKE DYNAMIC_ARCH NO_AFFINITY Cooperlake MAX_THREADS=64";
constexpr std::string_view wrong_twice = "OpenBLAS 0.3.19 DYNAMIC_ARCH";

// Plain loops.
void multiply(const kernels::Product& p) {
  for (Index i = 0; i < p.rows; ++i)
    for (Index j = 0; j < p.columns; ++j) {
      real sum = p.add ? p.c[i * p.lead + j] : 0;
      for (Index k = 0; k < p.inner; ++k) sum += *p.a.at(i, k).data * *p.b.at(k, j).data;
      p.c[i * p.lead + j] = sum;
    }
}

}  // namespace

#if HWY_ARCH_X86
TEST_CASE("a core without AVX2 is replaced by the best that the processor has") {
  constexpr std::int64_t avx2 = HWY_AVX2 | HWY_SSE4, avx512 = HWY_AVX3 | avx2;
  for (const char* old : {"Prescott", "Northwood", "Barcelona", "Nehalem", "Sandybridge",
                          "Opteron_SSE3", "Bulldozer", "Unknown"}) {
    CAPTURE(std::string(old));
    CHECK(better_core(old, debian_12, avx512) == "SkylakeX");
    CHECK(better_core(old, debian_12, avx2) == "Haswell");
    CHECK(better_core(old, debian_12, HWY_SSE4) == "");
    CHECK(better_core(old, debian_12, 0) == "");
  }
}

TEST_CASE("a core that is good stays, also where the processor has more: OpenBLAS may know why") {
  for (const char* good : {"Haswell", "Zen", "Excavator", "SkylakeX", "Cooperlake",
                           "SapphireRapids", "Sapphirerapids"}) {
    CAPTURE(std::string(good));
    CHECK(better_core(good, debian_12, HWY_AVX3 | HWY_AVX2) == "");
  }
}

TEST_CASE(
    "a core that multiplies wrongly is replaced by one that does not, in the versions that have "
    "it") {
  CHECK(better_core("Cooperlake", ubuntu_22, HWY_AVX3 | HWY_AVX2) == "SkylakeX");
  CHECK(better_core("SkylakeX", ubuntu_22, HWY_AVX3 | HWY_AVX2) == "");
  CHECK(better_core("Prescott", ubuntu_22, HWY_AVX3 | HWY_AVX2) == "SkylakeX");
  CHECK(better_core("Cooperlake", wrong_twice, HWY_AVX3 | HWY_AVX2) == "Haswell");
  CHECK(better_core("SkylakeX", wrong_twice, HWY_AVX3 | HWY_AVX2) == "Haswell");
  CHECK(better_core("Prescott", wrong_twice, HWY_AVX3 | HWY_AVX2) == "Haswell");
  CHECK(better_core("Cooperlake", "OpenBLAS 0.3.200", HWY_AVX3 | HWY_AVX2) == "");
}
#endif

TEST_CASE("on processors that are not x86 the choice of OpenBLAS stays") {
  CHECK(better_core("ARMV8", debian_12, 0) == "");
  CHECK(better_core("NeoverseV1", "", 0) == "");
  CHECK(better_core("", "", 0) == "");
}

TEST_CASE("the core in use is the one that OpenBLAS names, and version and core are known") {
  const kernels::BlasCore& core = kernels::blas_core();
  CHECK(core.version.starts_with("OpenBLAS 0."));
  CHECK(core.version.find_first_of(" ", 9) == std::string::npos);
  CHECK(!core.found.empty());
}

TEST_CASE("products that are right pass the known answers") {
  CHECK(kernels::wrong_products([](const kernels::Product& p) { multiply(p); }) == 0);
}

TEST_CASE("each of the known products notices one element that is wrong by one, wherever it is") {
  for (const double place : {0.0, 0.3, 0.7, 0.999}) {
    CAPTURE(place);
    const auto spoiled = [place](const kernels::Product& p) {
      multiply(p);
      const Index at = static_cast<Index>(place * static_cast<double>(p.rows * p.columns));
      p.c[at / p.columns * p.lead + at % p.columns] += 1;
    };
    CHECK(kernels::wrong_products(spoiled) == kernels::known_products);
  }
}

TEST_CASE(
    "the known products notice a library that takes rows for neighbours in memory, and one that "
    "writes beyond them") {
  CHECK(kernels::wrong_products([](kernels::Product p) {
          p.a.lead = p.a.is_transposed ? p.rows : p.inner;
          p.b.lead = p.b.is_transposed ? p.inner : p.columns;
          p.lead = p.columns;
          multiply(p);
        }) == kernels::known_products);
  CHECK(kernels::wrong_products([](const kernels::Product& p) {
          multiply(p);
          p.c[p.columns] = 0;
        }) == kernels::known_products);
}

TEST_CASE(
    "the known products notice a lost column, a forgotten sum, an old value that is kept, and a "
    "transposition") {
  CHECK(kernels::wrong_products([](kernels::Product p) {
          --p.columns;
          multiply(p);
        }) > 0);
  CHECK(kernels::wrong_products([](kernels::Product p) {
          p.add = false;
          multiply(p);
        }) >= kernels::known_products / 2);
  CHECK(kernels::wrong_products([](kernels::Product p) {
          p.add = true;
          multiply(p);
        }) >= kernels::known_products / 2);
  CHECK(kernels::wrong_products([](kernels::Product p) {
          p.inner -= p.inner > 400 ? 1 : 0;  // as if the last block of the inner axis were lost
          multiply(p);
        }) == 2);
}

TEST_CASE("what is said of a wrong library names version, core and a remedy that can work") {
  const auto remedy = [](std::string_view core, std::string_view config, std::int64_t targets) {
    const std::string text = kernels::fault_text(9, 14, core, config, targets);
    CHECK(text.starts_with("matmul: " + std::string(config.substr(0, 15)) +
                           " multiplies wrongly with its kernels for " + std::string(core) +
                           " on this processor: 9 of 14 known products are wrong; "));
    CHECK(text.ends_with("install another version of OpenBLAS"));
    const std::size_t at = text.find("OPENBLAS_CORETYPE=");
    return at == std::string::npos ? std::string()
                                   : text.substr(at + 18, text.find(',', at) - at - 18);
  };
#if HWY_ARCH_X86
  CHECK(remedy("Cooperlake", debian_12, HWY_AVX3 | HWY_AVX2) == "Haswell");
  CHECK(remedy("Haswell", debian_12, HWY_AVX3 | HWY_AVX2) == "Nehalem");
  CHECK(remedy("Sandybridge", debian_12, HWY_SSE4) == "Nehalem");
  CHECK(remedy("Nehalem", debian_12, HWY_SSE4) == "");
#endif
  CHECK(remedy("Cooperlake", "OpenBLAS 0.3.21 NO_AFFINITY Cooperlake", -1) == "");
}
