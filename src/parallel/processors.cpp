#include "parallel/processors.hpp"

#include <sched.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <limits>
#include <optional>
#include <string>
#include <thread>
#include <vector>

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

// Words and numbers are taken apart by hand: streams read them as the process's locale would have them.
std::vector<std::string> words_of(const std::string& line) {
  std::vector<std::string> words;
  for (std::size_t end = 0, begin = 0; (begin = line.find_first_not_of(' ', end)) < line.size();) {
    end = std::min(line.find(' ', begin), line.size());
    words.push_back(line.substr(begin, end - begin));
  }
  return words;
}

// The word at `place` of the first line, if it is a number.
std::optional<Index> number_in(const files::path& file, std::size_t place = 0) {
  const std::vector<std::string> lines = lines_of(file), words = words_of(lines.empty() ? "" : lines[0]);
  Index value = 0;
  if (place >= words.size()) return std::nullopt;
  const std::string& word = words[place];
  const bool is_number = std::from_chars(word.data(), word.data() + word.size(), value).ec == std::errc();
  return is_number ? std::optional(value) : std::nullopt;
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

// A line of /proc/self/mountinfo: ID PARENT DEVICE ROOT FOLDER OPTIONS ... - TYPE SOURCE OPTIONS.
std::optional<Mount> cpu_mount(const std::string& line) {
  const std::vector<std::string> words = words_of(line);
  const auto dash = std::find(words.begin(), words.end(), "-");
  if (dash - words.begin() < 6 || words.end() - dash < 2) return std::nullopt;
  const std::string &root = words[3], &folder = words[4], &type = dash[1], &options = words.back();
  if (type == "cgroup2") return Mount{folder, root, true};
  if (type == "cgroup" && has(options, "cpu")) return Mount{folder, root, false};
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

// Of v2, cpu.max holds "max 100000" or "150000 100000"; of v1, a quota of -1 is none.
double quota_in(const files::path& folder, bool is_v2) {
  const auto quota = is_v2 ? number_in(folder / "cpu.max") : number_in(folder / "cpu.cfs_quota_us");
  const auto period = is_v2 ? number_in(folder / "cpu.max", 1) : number_in(folder / "cpu.cfs_period_us");
  if (quota.value_or(0) <= 0 || period.value_or(0) <= 0) return no_limit;
  return static_cast<double>(*quota) / static_cast<double>(*period);
}

// The smallest quota of the group and all that it stands in, as far as they are visible.
double quota_of(const Mount& mount, const files::path& group, const files::path& root) {
  // In a container a group may be mounted as if it were the topmost.
  files::path below = group.lexically_relative(mount.group);
  if (below.empty() || *below.begin() == "..") below = ".";
  double quota = quota_in(root / mount.folder.relative_path(), mount.is_v2);
  files::path folder = root / mount.folder.relative_path();
  for (const files::path& name : below) quota = std::min(quota, quota_in(folder /= name, mount.is_v2));
  return quota;
}

}  // namespace

Index processors(const files::path& root) {
  const std::vector<std::string> groups = lines_of(root / "proc/self/cgroup");
  double quota = no_limit;
  for (const std::string& line : lines_of(root / "proc/self/mountinfo"))
    if (const std::optional<Mount> mount = cpu_mount(line))
      if (const auto group = own_group(groups, mount->is_v2)) quota = std::min(quota, quota_of(*mount, *group, root));
  const double most = std::min(std::ceil(quota), static_cast<double>(processors_of_the_mask()));
  return std::max<Index>(1, static_cast<Index>(most));
}

}  // namespace fovea::parallel
