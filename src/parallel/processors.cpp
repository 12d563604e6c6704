#include "parallel/processors.hpp"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "parallel/parallel.hpp"

namespace fovea::inline FOVEA_PRECISION::parallel {

namespace {

namespace files = std::filesystem;

constexpr double no_limit = std::numeric_limits<double>::infinity();

// A machine may have more processors than a cpu_set_t: the kernel then refuses it, and takes a larger one.
Index processors_of_the_mask() {
  for (int most = 1024; most <= 1 << 20; most *= 4) {
    const std::size_t bytes = CPU_ALLOC_SIZE(most);
    std::vector<char> set(bytes);
    if (sched_getaffinity(0, bytes, reinterpret_cast<cpu_set_t*>(set.data())) == 0)
      return CPU_COUNT_S(bytes, reinterpret_cast<cpu_set_t*>(set.data()));
  }
  return std::max(1u, std::thread::hardware_concurrency());
}

std::vector<std::string> lines_of(const files::path& file) {
  std::ifstream stream(file);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::optional<double> number_in(const files::path& file) {
  std::ifstream stream(file);
  double value = 0;
  return stream >> value ? std::optional(value) : std::nullopt;
}

// A comma-separated list has it.
bool has(const std::string& list, const std::string& name) {
  return ("," + list + ",").find("," + name + ",") != std::string::npos;
}

// Where a hierarchy of groups is mounted, and which of its groups stands there.
struct Mount {
  files::path folder, group;
  bool is_v2;
};

// mountinfo writes blanks and backslashes as three octal digits behind a backslash.
std::string unescaped(const std::string& text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_escape = text[i] == '\\' && text.find_first_not_of("01234567", i + 1) >= i + 4 && i + 3 < text.size();
    result += is_escape ? static_cast<char>(std::stoi(text.substr(i + 1, 3), nullptr, 8)) : text[i];
    if (is_escape) i += 3;
  }
  return result;
}

// A line of /proc/self/mountinfo: ID PARENT DEVICE ROOT FOLDER OPTIONS ... - TYPE SOURCE OPTIONS.
std::optional<Mount> cpu_mount(const std::string& line) {
  std::istringstream words(line);
  std::string skipped, root, folder, word, type, source, options;
  words >> skipped >> skipped >> skipped >> root >> folder;
  while (words >> word && word != "-") {
  }
  words >> type >> source >> options;
  if (type == "cgroup2") return Mount{unescaped(folder), unescaped(root), true};
  if (type == "cgroup" && has(options, "cpu")) return Mount{unescaped(folder), unescaped(root), false};
  return std::nullopt;
}

// The group of the process in a hierarchy: a line of /proc/self/cgroup is NUMBER:CONTROLLERS:GROUP, v2's 0::GROUP.
std::optional<files::path> own_group(const std::vector<std::string>& lines, bool is_v2) {
  for (const std::string& line : lines) {
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (is_v2 ? controllers.empty() : has(controllers, "cpu")) return line.substr(second + 1);
  }
  return std::nullopt;
}

double quota_in(const files::path& folder, bool is_v2) {
  double period = 0, quota = -1;
  if (is_v2) {
    std::ifstream stream(folder / "cpu.max");  // "max 100000" or "150000 100000"
    if (!(stream >> quota >> period)) return no_limit;
  } else {
    quota = number_in(folder / "cpu.cfs_quota_us").value_or(-1);  // -1: none
    period = number_in(folder / "cpu.cfs_period_us").value_or(0);
  }
  return quota > 0 && period > 0 ? quota / period : no_limit;
}

// The smallest quota of the group and all that it stands in, as far as they are visible.
double quota_of(const Mount& mount, const files::path& group, const files::path& root) {
  const auto leaves = [](const files::path& path) { return path.empty() || *path.begin() == ".."; };
  files::path below = group.lexically_relative(mount.group);
  if (leaves(below)) {
    // A namespace of groups shows what lies outside of it as "/.." and its own as "/". Any other mount is of other groups.
    if (mount.group != "/" && group != "/" && !leaves(group.relative_path()) && !leaves(mount.group.relative_path())) return no_limit;
    below = ".";
  }
  files::path folder = root / mount.folder.relative_path();
  double quota = quota_in(folder, mount.is_v2);
  for (const files::path& name : below) quota = std::min(quota, quota_in(folder /= name, mount.is_v2));
  return quota;
}

}  // namespace

double cpu_quota(const files::path& root) {
  const std::vector<std::string> groups = lines_of(root / "proc/self/cgroup");
  double quota = no_limit;
  for (const std::string& line : lines_of(root / "proc/self/mountinfo"))
    if (const std::optional<Mount> mount = cpu_mount(line))
      if (const auto group = own_group(groups, mount->is_v2)) quota = std::min(quota, quota_of(*mount, *group, root));
  return quota;
}

Index processors(const files::path& root) {
  const double most = std::min(std::ceil(cpu_quota(root)), static_cast<double>(processors_of_the_mask()));
  return std::clamp<Index>(static_cast<Index>(most), 1, most_threads);
}

}  // namespace fovea::parallel
