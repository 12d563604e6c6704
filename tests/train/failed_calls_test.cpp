// A save of which a call to the system fails: the path holds the old file or the new one, whole.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <map>

#include "fovea/io/error.hpp"
#include "io/atomic_file.hpp"
#include "train/training.hpp"

using namespace fovea;
using namespace training;
using support::Folder;

namespace {

// The calls of one save. The one of number `fails_at` fails; after a crash none has an effect.
struct Disk {
  Index calls = 0, fails_at = 0;
  int error = EIO;
  bool crash = false, crashed = false;
  Index longest_write = 1 << 20;
  std::map<int, std::string> written = {};  // by descriptor: files with bytes that are not synced
  std::map<std::string, bool> lost = {};    // by path: whether its bytes would be lost

  // Whether the present call fails.
  bool fails() {
    ++calls;
    if (crash && calls >= fails_at) crashed = true;
    if (calls != fails_at && !crashed) return false;
    errno = error;
    return true;
  }
};
Disk disk;

std::string path_of(int descriptor) {
  char text[4096];
  const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
  const ssize_t length = ::readlink(link.c_str(), text, sizeof text);
  return {text, length > 0 ? static_cast<std::size_t>(length) : 0};
}

const io::FileCalls calls_of_disk = {
    [](const char* path, int flags, mode_t mode) {
      return disk.fails() ? -1 : io::system_calls().open(path, flags, mode);
    },
    [](int descriptor, const void* bytes, std::size_t count) -> ssize_t {
      if (disk.fails()) return -1;
      disk.lost[path_of(descriptor)] = true;
      return io::system_calls().write(
          descriptor, bytes, std::min(count, static_cast<std::size_t>(disk.longest_write)));
    },
    [](int descriptor) {
      if (disk.fails()) return -1;
      disk.lost[path_of(descriptor)] = false;
      return 0;  // the test does not wait for a disk
    },
    [](int descriptor) {
      const bool failed = disk.fails();  // a failing close has closed
      const int result = io::system_calls().close(descriptor);
      if (failed) errno = disk.error;
      return failed ? -1 : result;
    },
    [](const char* from, const char* to) {
      if (disk.fails()) return -1;
      // What was not synced is gone after a power cut, though the new name may be there.
      if (disk.lost[from] && ::truncate(from, 0) != 0) return -1;
      return io::system_calls().rename(from, to);
    }};

struct Calls {
  Calls() { io::use_file_calls(&calls_of_disk); }
  ~Calls() { io::use_file_calls(nullptr); }
};

bool save(const Model& model, const std::string& path, const Disk& how) {
  const Calls calls;
  disk = how;
  try {
    model.save(path);
    return true;
  } catch (const IoError&) {
    return false;
  }
}

// 1: the old model; 2: the new one; 0: neither.
int loaded(const std::string& path, const std::vector<Array>& before,
           const std::vector<Array>& after) {
  Sequential model = training::model();
  model.load(path);
  const std::vector<Array> weights = toy::weights(model);
  if (toy::bits_differ(weights, before).empty()) return 1;
  return toy::bits_differ(weights, after).empty() ? 2 : 0;
}

}  // namespace

TEST_CASE("whichever call of a save fails, the old model loads, or the new one") {
  const Folder folder;
  Sequential old = training::model(), next = training::model();
  fit(old, {}, 1);
  fit(next, {}, 2);
  const std::string path = folder / "m";
  const std::vector<Array> before = toy::weights(old), after = toy::weights(next);
  const auto failed = [&](const Disk& how) {
    old.save(path);
    const bool saved = save(next, path, how);
    const int now = loaded(path, before, after);
    CHECK(now != 0);
    if (saved) CHECK(now == 2);
    if (!how.crash) CHECK(folder.names() == std::vector<std::string>{"m"});
    for (const std::string& name : folder.names())
      if (name != "m") std::filesystem::remove(folder / name);  // of a crash
    return now;
  };
  REQUIRE(save(next, path, {.longest_write = 3000}));
  const Index count = disk.calls;
  REQUIRE(count > 10);
  Index trials = 0, sound = 0, old_ones = 0;
  for (Index at = 1; at <= count; ++at)
    for (const int error : {EIO, ENOSPC, EINTR})
      for (const bool crash : {false, true}) {
        if (crash && error == EINTR) continue;  // would be repeated for ever
        CAPTURE(at);
        CAPTURE(error);
        CAPTURE(crash);
        const int now =
            failed({.fails_at = at, .error = error, .crash = crash, .longest_write = 3000});
        sound += now != 0;
        old_ones += now == 1;
        ++trials;
      }
  CHECK(old_ones > count);
  CHECK(old_ones < trials);
  std::printf("figure: failed calls of a save = %d, old or new loads = %d\n",
              static_cast<int>(trials), static_cast<int>(sound));
}

TEST_CASE("a backup that cannot be written ends fit with the reason, and the one before stays") {
  const Folder folder;
  Sequential model = training::model();
  struct Full : Callback {
    std::string other;
    explicit Full(std::string path) : other(std::move(path)) {}
    void on_train_batch_begin(Model& model, Index batch) override {
      if (batch != 3) return;
      model.save_weights(other);  // waits for what is being written
      disk = {.fails_at = 2, .error = ENOSPC};
      io::use_file_calls(&calls_of_disk);
    }
    ~Full() override { io::use_file_calls(nullptr); }
  };
  const BackupAndRestoreOptions options{.backup_dir = folder / "b", .save_freq = 1};
  Witness witness;
  {
    Full full(folder / "other");
    BackupAndRestore backup(options);
    CHECK(support::refusal<IoError>([&] {
            fit(model, {&witness, &full, &backup});
          }).find("No space left on device") != std::string::npos);
  }
  Sequential second = training::model();
  BackupAndRestore backup(options);
  const History history = fit(second, {&witness, &backup});
  CHECK(backup.restored_from() == folder / "b/backup-3.safetensors");
  CHECK(differ(result(second, history, witness), whole()) == "");
  // The model whose fit ended goes on, too, behind the batch that was trained.
  CHECK(fit(model, {}, 1).epoch == std::vector<Index>{0});
}
