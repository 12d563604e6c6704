#include "io/atomic_file.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <cerrno>

#include "files.hpp"
#include "fovea/io/error.hpp"

using namespace fovea;
using namespace test_files;

namespace {

// Calls pass to the system until the countdown is over; that one fails. With `interrupt` it fails with EINTR, and once only.
int countdown = 0;
int error_number = EIO;

bool fails() {
  if (--countdown != 0) return false;
  errno = error_number;
  return true;
}

const io::FileCalls failing = {
    [](const char* path, int flags, mode_t mode) { return fails() ? -1 : io::system_calls().open(path, flags, mode); },
    [](int descriptor, const void* bytes, std::size_t count) {
      return fails() ? -1 : io::system_calls().write(descriptor, bytes, std::min<std::size_t>(count, 3));
    },
    [](int descriptor) { return fails() ? -1 : io::system_calls().fsync(descriptor); },
    [](int descriptor) {
      const bool failed = fails();  // a failing close has closed
      const int result = io::system_calls().close(descriptor);
      if (failed) errno = error_number;
      return failed ? -1 : result;
    },
    [](const char* from, const char* to) { return fails() ? -1 : io::system_calls().rename(from, to); }};

void save(const std::string& path, const std::string& text) {
  io::AtomicFile file(path, failing);
  file.write(std::as_bytes(std::span(text)));
  file.commit();
}

// open, 3 writes of at most 3 bytes, fsync, close, rename; then open, fsync, close for the folder.
constexpr int calls = 10, rename_call = 7;

}  // namespace

TEST_CASE("short writes and interruptions at any call write the whole file") {
  error_number = EINTR;
  for (int call = 0; call <= calls; ++call) {
    if (call == rename_call) continue;  // is never interrupted
    CAPTURE(call);
    const Folder folder;
    countdown = call;
    save(folder / "file", "new text");
    CHECK(countdown <= 0);
    CHECK(read_bytes(folder / "file") == "new text");
    CHECK(folder.names() == std::vector<std::string>{"file"});
  }
}

TEST_CASE("whichever call fails, the old file or the whole new one stands, and nothing beside it") {
  error_number = ENOSPC;
  for (int call = 1; call <= calls; ++call) {
    CAPTURE(call);
    const Folder folder;
    write_bytes(folder / "file", "old text");
    countdown = call;
    CHECK_THROWS_AS(save(folder / "file", "new text"), IoError);
    CHECK(read_bytes(folder / "file") == (call <= rename_call ? "old text" : "new text"));
    CHECK(folder.names() == std::vector<std::string>{"file"});
  }
}

TEST_CASE("without a commit nothing stays") {
  const Folder folder;
  countdown = 0;
  { io::AtomicFile(folder / "file", failing).write({}); }
  CHECK(folder.names().empty());
}

TEST_CASE("an old file's permissions stay") {
  const Folder folder;
  countdown = 0;
  write_bytes(folder / "file", "old text");
  ::chmod((folder / "file").c_str(), 0640);
  save(folder / "file", "new text");
  struct stat status = {};
  REQUIRE(::stat((folder / "file").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0640);
}
