#include "fovea/runtime/runtime_info.hpp"

#include <doctest/doctest.h>

#include "fovea/parallel/threads.hpp"

using namespace fovea;

TEST_CASE("what runs has a name for each part") {
  const RuntimeInfo info = runtime_info();
  CHECK(!info.version.empty());
  CHECK(info.version.find_first_not_of("0123456789.") == std::string::npos);
  CHECK(info.precision == (sizeof(real) == 8 ? "double" : "float"));
  CHECK(!info.thread_back_end.empty());
  CHECK(!info.instruction_set.empty());
  CHECK(info.blas_version.starts_with("OpenBLAS 0."));
  CHECK(!info.blas_core.empty());
  CHECK(!info.blas_core_found.empty());
  CHECK(info.compiler.find("++ ") != std::string::npos);
}

TEST_CASE("the number of threads is that of the moment") {
  const Index before = threads();
  set_threads(3);
  CHECK(runtime_info().threads == threads());
  set_threads(before);
  CHECK(runtime_info().threads == before);
}

TEST_CASE(
    "what runs is one line, which names the core that was chosen beside the one that was found") {
  RuntimeInfo info{.version = "1.2.3",
                   .precision = "float",
                   .threads = 2,
                   .thread_back_end = "oneTBB",
                   .instruction_set = "AVX3",
                   .blas_version = "OpenBLAS 0.3.21",
                   .blas_core_found = "Prescott",
                   .blas_core = "SkylakeX",
                   .compiler = "g++ 12.2.0",
                   .advice = "do this"};
  CHECK(to_string(info) ==
        "fovea 1.2.3 (float), 2 threads by oneTBB, AVX3; OpenBLAS 0.3.21, core SkylakeX (it had "
        "chosen Prescott); g++ 12.2.0");
  info.blas_core_found = "SkylakeX";
  info.threads = 1;
  CHECK(
      to_string(info) ==
      "fovea 1.2.3 (float), 1 thread by oneTBB, AVX3; OpenBLAS 0.3.21, core SkylakeX; g++ 12.2.0");
}
