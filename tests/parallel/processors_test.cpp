#include "parallel/processors.hpp"

#include <doctest/doctest.h>
#include <sched.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <string>
#include <thread>

#include "parallel/parallel.hpp"
#include "support/folder.hpp"

using namespace fovea;
namespace files = std::filesystem;

namespace {

// A machine of our own making: a folder that stands in place of "/".
class Machine {
 public:
  Machine& with(const std::string& file, const std::string& text) {
    files::create_directories(files::path(root_ / file).parent_path());
    std::ofstream(root_ / file) << text;
    return *this;
  }
  Index processors() const { return parallel::processors(root_ / ""); }
  double quota() const { return parallel::cpu_quota(root_ / ""); }

 private:
  support::Folder root_;
};

const std::string v2_mount =
    "31 23 0:28 / /sys/fs/cgroup rw,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
const std::string v1_mounts =
    "32 31 0:29 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
    "33 31 0:30 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 master:2 - cgroup cgroup "
    "rw,cpu,cpuacct\n";

// The quota of a group of v2.
double with_v2(const std::string& quota) {
  return Machine()
      .with("proc/self/cgroup", "0::/app\n")
      .with("proc/self/mountinfo", v2_mount)
      .with("sys/fs/cgroup/app/cpu.max", quota)
      .quota();
}

double with_v1(const std::string& quota, const std::string& period) {
  return Machine()
      .with("proc/self/cgroup", "5:cpuset:/app\n4:cpu,cpuacct:/app\n")
      .with("proc/self/mountinfo", v1_mounts)
      .with("sys/fs/cgroup/cpu,cpuacct/app/cpu.cfs_quota_us", quota)
      .with("sys/fs/cgroup/cpu,cpuacct/app/cpu.cfs_period_us", period)
      .quota();
}

constexpr double none = std::numeric_limits<double>::infinity();

// As many processors as there are of those that this process may use, for the extent of a test.
struct OnProcessors {
  explicit OnProcessors(Index count) {
    sched_getaffinity(0, sizeof before_, &before_);
    cpu_set_t some;
    CPU_ZERO(&some);
    for (int i = 0, left = static_cast<int>(count); i < CPU_SETSIZE && left > 0; ++i)
      if (CPU_ISSET(i, &before_)) {
        CPU_SET(i, &some);
        --left;
      }
    sched_setaffinity(0, sizeof some, &some);
  }
  ~OnProcessors() { sched_setaffinity(0, sizeof before_, &before_); }
  OnProcessors(const OnProcessors&) = delete;
  OnProcessors& operator=(const OnProcessors&) = delete;

 private:
  cpu_set_t before_;
};

}  // namespace

TEST_CASE("without control groups the affinity mask counts") {
  const Index all = Machine().processors();
  CHECK(Machine().quota() == none);
  CHECK(all >= 1);
  CHECK(all <= static_cast<Index>(std::thread::hardware_concurrency()));
  const OnProcessors one(1);
  CHECK(Machine().processors() == 1);
}

TEST_CASE(
    "the number of processors is the smallest of mask and quota, and a quota is rounded up: 1.5 "
    "give 2 threads") {
  const Index all = Machine().processors();
  const auto processors = [](const std::string& quota) {
    return Machine()
        .with("proc/self/cgroup", "0::/app\n")
        .with("proc/self/mountinfo", v2_mount)
        .with("sys/fs/cgroup/app/cpu.max", quota)
        .processors();
  };
  CHECK(processors("1000 100000\n") == 1);
  CHECK(processors("100000 100000\n") == 1);
  CHECK(processors("100001 100000\n") == std::min<Index>(2, all));
  CHECK(processors("150000 100000\n") == std::min<Index>(2, all));
  CHECK(processors("250000 100000\n") == std::min<Index>(3, all));
  CHECK(processors("max 100000\n") == all);
  CHECK(processors("100000000 100000\n") == all);
  const OnProcessors one(1);
  CHECK(processors("400000 100000\n") == 1);
}

TEST_CASE("a quota of cgroup v2 is a number and its period, or max for none") {
  CHECK(with_v2("50000 100000\n") == 0.5);
  CHECK(with_v2("150000 100000") == 1.5);
  CHECK(with_v2("100000 50000\n") == 2);
  CHECK(with_v2("max 100000\n") == none);
}

TEST_CASE("a quota of cgroup v1 is read from two files, and -1 is none") {
  CHECK(with_v1("50000\n", "100000\n") == 0.5);
  CHECK(with_v1("75000\n", "50000\n") == 1.5);
  CHECK(with_v1("-1\n", "100000\n") == none);
}

TEST_CASE("the smallest quota of a group and all that it stands in counts") {
  const auto nested = [](const std::string& outer, const std::string& middle,
                         const std::string& inner) {
    return Machine()
        .with("proc/self/cgroup", "0::/a.slice/b.slice/c.scope\n")
        .with("proc/self/mountinfo", v2_mount)
        .with("sys/fs/cgroup/a.slice/cpu.max", outer)
        .with("sys/fs/cgroup/a.slice/b.slice/cpu.max", middle)
        .with("sys/fs/cgroup/a.slice/b.slice/c.scope/cpu.max", inner)
        .quota();
  };
  CHECK(nested("100000 100000", "max 100000", "200000 100000") == 1);
  CHECK(nested("max 100000", "100000 100000", "300000 100000") == 1);
  CHECK(nested("200000 100000", "max 100000", "100000 100000") == 1);
  CHECK(nested("max 100000", "max 100000", "max 100000") == none);
}

TEST_CASE("in a container its own group may be mounted as the topmost") {
  // Docker on v1: the path is the machine's, the mount begins at it.
  CHECK(Machine()
            .with("proc/self/cgroup", "4:cpu,cpuacct:/docker/1f\n")
            .with("proc/self/mountinfo",
                  "33 31 0:30 /docker/1f /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu,cpuacct\n")
            .with("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "100000")
            .with("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000")
            .quota() == 1);
  // A namespace of groups: the path is "/".
  CHECK(Machine()
            .with("proc/self/cgroup", "0::/\n")
            .with("proc/self/mountinfo", v2_mount)
            .with("sys/fs/cgroup/cpu.max", "100000 100000")
            .quota() == 1);
  // A path outside of the namespace: what is mounted is looked at, what lies outside is not.
  CHECK(Machine()
            .with("proc/self/cgroup", "0::/../other\n")
            .with("proc/self/mountinfo", v2_mount)
            .with("sys/fs/cgroup/cpu.max", "200000 100000")
            .with("sys/fs/other/cpu.max", "100000 100000")
            .quota() == 2);
}

TEST_CASE("a mount of other groups says nothing of this process") {
  CHECK(Machine()
            .with("proc/self/cgroup", "0::/app\n")
            .with("proc/self/mountinfo",
                  v2_mount + "40 23 0:28 /other /mnt/x rw - cgroup2 cgroup2 rw\n")
            .with("sys/fs/cgroup/app/cpu.max", "200000 100000")
            .with("mnt/x/cpu.max", "100000 100000")
            .quota() == 2);
}

TEST_CASE(
    "blanks and backslashes in names of groups and folders are read as mountinfo writes them") {
  CHECK(Machine()
            .with("proc/self/cgroup", "0::/a\\x2db.slice/x\n")
            .with("proc/self/mountinfo",
                  "31 23 0:28 /a\\134x2db.slice /sys/fs/c\\040g rw - cgroup2 cgroup2 rw\n")
            .with("sys/fs/c g/x/cpu.max", "100000 100000")
            .quota() == 1);
}

TEST_CASE("what cannot be read or makes no sense sets no limit") {
  for (const char* quota :
       {"", "max", "0 100000", "-5 100000", "100000 0", "x y", "nan nan", "100000"}) {
    CAPTURE(std::string(quota));
    CHECK(with_v2(quota) == none);
  }
  CHECK(with_v1("", "") == none);
  CHECK(with_v1("100000", "0") == none);
  CHECK(Machine()
            .with("proc/self/cgroup", "nonsense\n::\n0:\n")
            .with("proc/self/mountinfo", "- - -\n1 2\n\n\\04\n")
            .quota() == none);
  CHECK(Machine()
            .with("proc/self/cgroup", "0::/app\n")
            .with("proc/self/mountinfo", v1_mounts)
            .quota() == none);
}

TEST_CASE("at the start there are as many threads as processors that may be used") {
  CHECK(threads() == (parallel::back_end() == "the caller alone" ? 1 : parallel::processors()));
}
