// What the programs of this folder end with.
#pragma once

#include <benchmark/benchmark.h>

#include <cstdio>
#include <string>

#include "fovea/runtime/runtime_info.hpp"

namespace bench {

/// Runs what is registered and chosen on the command line. The head says what runs: versions,
/// processor, libraries.
inline void run(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  benchmark::AddCustomContext("runtime", to_string(fovea::runtime_info()));
  if (const std::string advice = fovea::advice_once(); !advice.empty())
    std::fprintf(stderr, "fovea: %s\n", advice.c_str());
  benchmark::RunSpecifiedBenchmarks();
}

}  // namespace bench
