// How many processors the process may use: what the machine has is not what a container gets.
#pragma once

#include <filesystem>

#include "fovea/base/real.hpp"

namespace fovea::inline FOVEA_PRECISION::parallel {

/// The smallest of the processors in the affinity mask and the CPU quota of the process's control groups, rounded up; at least
/// 1. The groups are those of cgroup v1 and v2 (man 7 cgroups), each with all that it stands in. `root` stands before the
/// system's paths, so that tests can bring files of their own. What cannot be read sets no limit.
Index processors(const std::filesystem::path& root = "/");

}  // namespace fovea::parallel
