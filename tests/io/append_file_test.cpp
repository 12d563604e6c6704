// Files that grow line by line: all of a line or nothing, whatever the system refuses.
#include "io/append_file.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sys/wait.h>
#include <cerrno>
#include <csignal>

#include "fovea/io/error.hpp"
#include "io/files.hpp"
#include "support/refusal.hpp"

using namespace fovea;
using support::refusal;
using test_files::Folder;
using test_files::read_bytes;
using test_files::write_bytes;

namespace {

int writes = 0, fails_at = 0, fails_with = 0, closes = 0;

// Writes at most 3 bytes at once, and fails at one of the calls.
io::FileCalls failing() {
  io::FileCalls calls = io::system_calls();
  calls.write = [](int descriptor, const void* bytes, std::size_t count) -> ssize_t {
    if (++writes == fails_at) {
      errno = fails_with;
      return fails_with == 0 ? 0 : -1;
    }
    return ::write(descriptor, bytes, std::min<std::size_t>(count, 3));
  };
  calls.close = [](int descriptor) {
    ++closes;
    return ::close(descriptor);
  };
  return calls;
}

bool any(std::string_view) { return true; }

}  // namespace

TEST_CASE("what is appended is there as a whole, or not at all where a write fails") {
  const Folder folder;
  const std::string path = folder / "log";
  io::append_to_file(path, "first\n");
  const io::FileCalls calls = failing();
  for (const int error : {ENOSPC, EIO, 0, EINTR})
    for (fails_at = 1; fails_at <= 5; ++fails_at) {
      writes = closes = 0;
      fails_with = error;
      const std::string before = read_bytes(path);
      if (error == EINTR) {
        io::append_to_file(path, "eleven here\n", calls);
        CHECK(read_bytes(path) == before + "eleven here\n");
      } else if (fails_at <= 4) {
        CHECK_THROWS_AS(io::append_to_file(path, "eleven here\n", calls), IoError);
        CHECK(read_bytes(path) == before);
      }
      CHECK(closes <= 1);
    }
  writes = 0;
  fails_at = 2;
  fails_with = ENOSPC;
  CHECK(refusal<IoError>([&] { io::append_to_file(path, "eleven here\n", calls); }) ==
        path + ": cannot append: No space left on device");
}

TEST_CASE("only ordinary files are appended to") {
  const Folder folder;
  CHECK(refusal<IoError>([&] { io::append_to_file(folder / "none/log", "x"); }) ==
        folder / "none/log" + ": cannot open for appending: No such file or directory");
  CHECK_THROWS_AS(io::append_to_file(folder / "", "x"), IoError);
  CHECK_THROWS_AS(io::append_to_file("", "x"), ValueError);
  REQUIRE(::mkfifo((folder / "fifo").c_str(), 0666) == 0);
  CHECK_THROWS_AS(io::append_to_file(folder / "fifo", "x"), IoError);
  const int reader = ::open((folder / "fifo").c_str(), O_RDONLY | O_NONBLOCK);
  CHECK(refusal<IoError>([&] {
          io::append_to_file(folder / "fifo", "x");
        }).starts_with(folder / "fifo" + ": cannot append to what is no ordinary file"));
  ::close(reader);
}

TEST_CASE("lines end where one does not stay, or where the last has no end") {
  const Folder folder;
  const std::string path = folder / "log";
  const std::string far(200000, 'x');
  write_bytes(path, "a\n\n" + far + "\nb\ntorn");
  const Index whole = 3 + std::ssize(far) + 1 + 2;
  CHECK(io::end_of_lines(path, 0, any) == whole);
  CHECK(io::end_of_lines(path, 2, any) == whole);
  CHECK(io::end_of_lines(path, 0, [](std::string_view line) { return line != "b"; }) == whole - 2);
  CHECK(io::end_of_lines(path, 0, [&](std::string_view line) { return line != far; }) == 3);
  CHECK(io::end_of_lines(path, 0, [](std::string_view line) { return line != ""; }) == 2);
  io::cut_file(path, 2);
  CHECK(read_bytes(path) == "a\n");
  CHECK_THROWS_AS(io::cut_file(folder / "none", 0), IoError);
}

TEST_CASE("a process that is killed leaves whole lines, and at most one without its end") {
  const Folder folder;
  const std::string path = folder / "log", line(300, 'l');
  for (int trial = 0; trial < 50; ++trial) {
    write_bytes(path, "");
    const pid_t child = ::fork();
    if (child == 0) {
      while (true) io::append_to_file(path, line + "\n");
    }
    while (std::filesystem::file_size(path) < 301U * static_cast<unsigned>(trial + 1)) {
    }
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    Index lines = 0;
    bool same = true;
    const Index end = io::end_of_lines(path, 0, [&](std::string_view each) {
      same = same && each == line;
      return ++lines > 0;
    });
    CHECK(same);
    CHECK(end == 301 * lines);
    CHECK(lines > trial);
    CHECK(line.starts_with(read_bytes(path).substr(static_cast<std::size_t>(end))));
  }
}
