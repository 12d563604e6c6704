// How many processors the process may use: what the machine has is not what a container gets.
#pragma once

#include <filesystem>

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace parallel {

/// The smallest CPU quota, in processors, of the process's control groups: those of cgroup v1 and
/// v2 (man 7 cgroups), each with all that it stands in; infinity where there is none, or none can
/// be read. `root` stands before the system's paths, so that tests can bring files of their own.
double cpu_quota(const std::filesystem::path& root = "/");

/// The smallest of the processors in the affinity mask and the quota, rounded up; at least 1, at
/// most as many as set_threads takes.
Index processors(const std::filesystem::path& root = "/");

}}}  // namespace fovea::parallel
