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

#include "parallel/parallel.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace parallel {

namespace {

namespace files = std::filesystem;

constexpr double no_limit = std::numeric_limits<double>::infinity();

// A machine may have more processors than a cpu_set_t: the kernel then refuses it, and takes a
// larger one.
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

// Words and numbers are taken apart by hand: streams read them as the process's locale would have
// them.
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
  const std::vector<std::string> lines = lines_of(file),
                                 words = words_of(lines.empty() ? "" : lines[0]);
  Index value = 0;
  if (place >= words.size()) return std::nullopt;
  const std::string& word = words[place];
  const bool is_number =
      std::from_chars(word.data(), word.data() + word.size(), value).ec == std::errc();
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

// mountinfo writes blanks and backslashes as three octal digits behind a backslash.
std::string unescaped(const std::string& text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_escape = text[i] == '\\' && text.find_first_not_of("01234567", i + 1) >= i + 4 &&
                           i + 3 < text.size();
    result += is_escape ? static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 +
                                            text[i + 3] - '0')
                        : text[i];
    if (is_escape) i += 3;
  }
  return result;
}

// A line of /proc/self/mountinfo: ID PARENT DEVICE ROOT FOLDER OPTIONS ... - TYPE SOURCE OPTIONS.
std::optional<Mount> cpu_mount(const std::string& line) {
  const std::vector<std::string> words = words_of(line);
  const auto dash = std::find(words.begin(), words.end(), "-");
  if (dash - words.begin() < 6 || words.end() - dash < 2) return std::nullopt;
  const std::string &root = words[3], &folder = words[4], &type = dash[1], &options = words.back();
  if (type == "cgroup2") return Mount{unescaped(folder), unescaped(root), true};
  if (type == "cgroup" && has(options, "cpu"))
    return Mount{unescaped(folder), unescaped(root), false};
  return std::nullopt;
}

// The group of the process in a hierarchy: a line of /proc/self/cgroup is NUMBER:CONTROLLERS:GROUP,
// v2's 0::GROUP.
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
  const auto period =
      is_v2 ? number_in(folder / "cpu.max", 1) : number_in(folder / "cpu.cfs_period_us");
  if (quota.value_or(0) <= 0 || period.value_or(0) <= 0) return no_limit;
  return static_cast<double>(*quota) / static_cast<double>(*period);
}

// The smallest quota of the group and all that it stands in, as far as they are visible.
double quota_of(const Mount& mount, const files::path& group, const files::path& root) {
  const auto leaves = [](const files::path& path) { return path.empty() || *path.begin() == ".."; };
  files::path below = group.lexically_relative(mount.group);
  if (leaves(below)) {
    // A namespace of groups shows what lies outside of it as "/.." and its own as "/". Any other
    // mount is of other groups.
    if (mount.group != "/" && group != "/" && !leaves(group.relative_path()) &&
        !leaves(mount.group.relative_path()))
      return no_limit;
    below = ".";
  }
  files::path folder = root / mount.folder.relative_path();
  double quota = quota_in(folder, mount.is_v2);
  for (const files::path& name : below)
    quota = std::min(quota, quota_in(folder /= name, mount.is_v2));
  return quota;
}

}  // namespace

double cpu_quota(const files::path& root) {
  const std::vector<std::string> groups = lines_of(root / "proc/self/cgroup");
  double quota = no_limit;
  for (const std::string& line : lines_of(root / "proc/self/mountinfo"))
    if (const std::optional<Mount> mount = cpu_mount(line))
      if (const auto group = own_group(groups, mount->is_v2))
        quota = std::min(quota, quota_of(*mount, *group, root));
  return quota;
}

Index processors(const files::path& root) {
  const double most =
      std::min(std::ceil(cpu_quota(root)), static_cast<double>(processors_of_the_mask()));
  return std::clamp<Index>(static_cast<Index>(most), 1, most_threads);
}

}}}  // namespace fovea::parallel
