// A training that is killed at random moments, in the middle of writing too, and started again.
// FOVEA_KILLS sets how often; it is 50 without.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "train/training.hpp"

using namespace fovea;
using namespace training;
using support::Folder;

extern char** environ;

namespace {

constexpr const char *folder_variable = "FOVEA_KILLS_FOLDER",
                     *threads_variable = "FOVEA_KILLS_THREADS";

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// A training in a process of its own, and the end of a pipe that tells when it has begun.
class Child {
 public:
  Child(const std::string& folder, Index threads) {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    ::setenv(folder_variable, folder.c_str(), 1);
    ::setenv(threads_variable, std::to_string(threads).c_str(), 1);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    char program[] = "/proc/self/exe", run[] = "--no-skip", which[] = "--test-case=the child*";
    char* arguments[] = {program, run, which, nullptr};
    REQUIRE(::posix_spawn(&process_, program, &actions, nullptr, arguments, environ) == 0);
    posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    output_ = ends[0];
  }
  Child(const Child&) = delete;
  ~Child() { ::close(output_); }

  // Waits until the training has begun, or the child has ended.
  void wait_for_begin() const {
    char c = 0;
    while (::read(output_, &c, 1) == 1 && c != '!') {
    }
  }
  // Kills; returns whether the child had ended by itself before.
  bool kill_after(Index microseconds) const {
    ::usleep(static_cast<useconds_t>(microseconds));
    ::kill(process_, SIGKILL);
    return ended();
  }
  bool ended() const {
    int status = 0;
    REQUIRE(::waitpid(process_, &status, 0) == process_);
    if (WIFEXITED(status)) CHECK(WEXITSTATUS(status) == 0);
    return WIFEXITED(status);
  }

 private:
  pid_t process_ = 0;
  int output_ = 0;
};

// Whether a write was interrupted: its file has not got its name yet.
bool left_in_a_write(const Folder& folder) {
  if (!std::filesystem::exists(folder / "b")) return false;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "b"))
    if (entry.path().extension() == ".tmp") return true;
  return false;
}

// Tells the parent that training has begun.
struct Begin : Callback {
  void on_epoch_begin(Model&, Index) override { tell(); }
  void on_train_batch_begin(Model&, Index) override { tell(); }
  void tell() {
    if (!told) [[maybe_unused]]
      const ssize_t written = ::write(STDOUT_FILENO, "!", 1);
    told = true;
  }
  bool told = false;
};

constexpr Index many_epochs = 6;

}  // namespace

TEST_CASE("the child of the kills" * doctest::skip()) {
  const char* const name = std::getenv(folder_variable);
  if (!name) return;
  const std::string folder = name;
  set_threads(std::atoi(std::getenv(threads_variable)));
  Sequential model = training::model();
  Witness witness;
  Begin begin;
  BackupAndRestore backup({.backup_dir = folder + "/b", .save_freq = 1});
  fit(model, {&witness, &begin, &backup}, many_epochs);
  model.save(folder + "/end", {.texts = {{"witness", std::to_string(witness.sum)}}});
}

TEST_CASE("a training that is killed at any moment ends in the bits of one that never was") {
  const char* const wanted = std::getenv("FOVEA_KILLS");
  const Index most = wanted ? std::atoi(wanted) : 50;
  const Folder reference;
  {
    const Child child(reference / "", 2);
    child.wait_for_begin();
    REQUIRE(child.ended());
  }
  const std::string expected = bytes_of(reference / "end");
  REQUIRE(expected.size() > 1000);
  Index kills = 0, in_a_write = 0, equal = 0, trainings = 0;
  while (kills < most) {
    const Folder folder;
    support::Generate g("kills", trainings++);
    Index here = 0;
    for (bool done = false; !done;) {
      const Child child(folder / "", g.integer(1, 4));
      child.wait_for_begin();
      const bool enough = kills + here >= most;
      done = enough ? child.ended() : child.kill_after(g.integer(0, 12000));
      if (done) break;
      ++here;
      in_a_write += left_in_a_write(folder);
    }
    kills += here;
    const bool same = bytes_of(folder / "end") == expected;
    CHECK(same);
    CHECK(!std::filesystem::exists(folder / "b"));  // nor what killed processes left behind there
    if (same) equal += here;
  }
  std::printf("figure: kills = %d, in a write = %d, equal = %d\n", static_cast<int>(kills),
              static_cast<int>(in_a_write), static_cast<int>(equal));
  CHECK(equal == kills);
  CHECK(in_a_write * (most < 500 ? 10 : 5) >= kills);  // few kills scatter more
}
