// What the programs of this folder end with.
#pragma once

#include <benchmark/benchmark.h>

#include <cstdio>

#include "fovea/runtime/runtime_info.hpp"

namespace bench {

/// Runs what is registered and chosen on the command line. The head says what runs: versions, processor, libraries.
inline void run(int argc, char** argv) {
  const fovea::RuntimeInfo info = fovea::runtime_info();
  benchmark::Initialize(&argc, argv);
  benchmark::AddCustomContext("runtime", to_string(info));
  if (!info.advice.empty()) std::fprintf(stderr, "fovea: %s\n", info.advice.c_str());
  benchmark::RunSpecifiedBenchmarks();
}

}  // namespace bench
