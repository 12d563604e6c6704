#include "io/atomic_file.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

#include "files.hpp"
#include "fovea/io/error.hpp"
#include "support/generate.hpp"

using namespace fovea;
using namespace test_files;

namespace {

// Calls pass to the system until the countdown is over; that one fails. With `interrupt` it fails
// with EINTR, and once only.
int countdown = 0;
int error_number = EIO;

bool fails() {
  if (--countdown != 0) return false;
  errno = error_number;
  return true;
}

const io::FileCalls failing = {
    [](const char* path, int flags, mode_t mode) {
      return fails() ? -1 : io::system_calls().open(path, flags, mode);
    },
    [](int descriptor, const void* bytes, std::size_t count) {
      return fails() ? -1
                     : io::system_calls().write(descriptor, bytes, std::min<std::size_t>(count, 3));
    },
    [](int descriptor) { return fails() ? -1 : io::system_calls().fsync(descriptor); },
    [](int descriptor) {
      const bool failed = fails();  // a failing close has closed
      const int result = io::system_calls().close(descriptor);
      if (failed) errno = error_number;
      return failed ? -1 : result;
    },
    [](const char* from, const char* to) {
      return fails() ? -1 : io::system_calls().rename(from, to);
    }};

void save(const std::string& path, const std::string& text) {
  io::AtomicFile file(path, failing);
  file.write(std::as_bytes(std::span(text)));
  file.commit();
}

// What saving is told; "saved" if it went well. `error` becomes the system's number.
std::string refusal(const std::string& path, int& error) {
  error = 0;
  try {
    save(path, "new text");
  } catch (const IoError& thrown) {
    error = thrown.error_number();
    return thrown.what();
  }
  return "saved";
}

mode_t mode_of(const std::string& path) {
  struct stat status = {};
  REQUIRE(::lstat(path.c_str(), &status) == 0);
  return status.st_mode;
}

bool is_link(const std::string& path) { return std::filesystem::is_symlink(path); }

// An administrator who acts as another user meanwhile.
class AsUser {
 public:
  explicit AsUser(uid_t user) { REQUIRE(::seteuid(user) == 0); }
  AsUser(const AsUser&) = delete;
  AsUser& operator=(const AsUser&) = delete;
  ~AsUser() { static_cast<void>(::seteuid(0) == 0); }
};

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

TEST_CASE("a large file is written whole, by long and short writes, past the page cache or not") {
  // What the system does: all; a part of each write; refuses to pass the page cache.
  enum Kind { all, parts, refuses };
  static Kind kind;
  static support::Generate* draws;
  static Index past, refused;
  io::FileCalls calls_of_disk = io::system_calls();
  calls_of_disk.write = [](int descriptor, const void* bytes, std::size_t count) -> ssize_t {
    const bool passes = (::fcntl(descriptor, F_GETFL) & O_DIRECT) != 0;
    past += passes;
    if (passes && kind == refuses) {
      ++refused;
      errno = EINVAL;
      return -1;
    }
    const auto most = static_cast<std::size_t>(draws->integer(1, 3 << 20));
    return io::system_calls().write(descriptor, bytes,
                                    kind == parts ? std::min(count, most) : count);
  };
  for (Index trial = 0; trial < 12; ++trial) {
    CAPTURE(trial);
    support::Generate g("large", trial);
    const Folder folder;
    kind = static_cast<Kind>(trial % 3);
    draws = &g;
    past = refused = 0;
    std::string text;
    {
      io::AtomicFile file(folder / "file", calls_of_disk);
      for (Index left = g.integer(2, 6); left > 0; --left) {
        const Index count = g.integer(0, 1) ? g.integer(0, 10'000) : g.integer(1 << 20, 5 << 20);
        std::string part(static_cast<std::size_t>(count), '\0');
        for (std::size_t i = 0; i < part.size(); ++i)
          part[i] = static_cast<char>(i * 2654435761u >> 13) + static_cast<char>(left);
        file.write(std::as_bytes(std::span(part)));
        text += part;
      }
      file.commit();
    }
    CHECK((read_bytes(folder / "file") == text));
    CHECK(refused <= 1);  // then the page cache takes the rest
    if (kind == refuses) CHECK(past == refused);
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

TEST_CASE(
    "writing through symbolic links replaces the file that they lead to, and the links stay") {
  namespace files = std::filesystem;
  for (Index trial = 0; trial < 40; ++trial) {
    CAPTURE(trial);
    support::Generate g("links", trial);
    const Folder folder;
    countdown = 0;
    files::create_directories(folder / "data/deep");
    files::create_directories(folder / "links");
    files::create_directory_symlink("../data", folder / "links/to_data");
    // A chain of links, each in a folder of the one before, relative or absolute, some through a
    // linked folder; at its end a file, or nothing yet.
    if (g.integer(0, 1)) write_bytes(folder / "data/deep/file", "old text");
    std::string place = "links", before = "data/deep/file";
    std::vector<std::string> links;
    for (Index i = g.integer(1, 5); i > 0; --i) {
      const std::string relative = !links.empty()    ? "../link"
                                   : g.integer(0, 1) ? "to_data/deep/file"
                                                     : "to_data/../data/deep/file";
      links.push_back(folder / (place + "/link"));
      files::create_symlink(g.integer(0, 1) ? relative : folder / before, links.back());
      before = place + "/link";
      files::create_directory(folder / (place += "/folder"));
    }
    save(links.back(), "new text");
    CHECK(read_bytes(folder / "data/deep/file") == "new text");
    CHECK(read_bytes(links.back()) == "new text");
    CHECK(files::is_regular_file(files::symlink_status(folder / "data/deep/file")));
    for (const std::string& link : links) CHECK(is_link(link));
    for (const auto& entry : files::recursive_directory_iterator(folder / ""))
      CHECK(entry.path().extension() != ".tmp");
  }
}

TEST_CASE(
    "whichever call fails, the file behind a symbolic link is the old or the whole new one, and "
    "the link stays") {
  error_number = ENOSPC;
  for (int call = 1; call <= calls; ++call) {
    CAPTURE(call);
    const Folder folder;
    std::filesystem::create_directory(folder / "data");
    write_bytes(folder / "data/file", "old text");
    std::filesystem::create_symlink("data/file", folder / "link");
    countdown = call;
    CHECK_THROWS_AS(save(folder / "link", "new text"), IoError);
    CHECK(read_bytes(folder / "data/file") == (call <= rename_call ? "old text" : "new text"));
    CHECK(is_link(folder / "link"));
    CHECK(folder.names() == std::vector<std::string>{"data", "link"});
  }
}

TEST_CASE(
    "links that lead in a circle, to a folder, or to a folder that is not there are errors, and "
    "stay") {
  const Folder folder;
  countdown = 0;
  int error = 0;
  std::filesystem::create_symlink("b", folder / "a");
  std::filesystem::create_symlink("a", folder / "b");
  CHECK(refusal(folder / "a", error) ==
        folder / "a" + ": cannot look at what is there: Too many levels of symbolic links");
  CHECK(error == ELOOP);
  std::filesystem::create_symlink("none/file", folder / "c");
  CHECK(refusal(folder / "c", error) == folder / "c" + ": cannot create a file beside " +
                                            (folder / "none/file") +
                                            ", to which it leads: No such file or directory");
  std::filesystem::create_directory_symlink(".", folder / "d");
  CHECK(refusal(folder / "d", error).find("cannot write to a folder") != std::string::npos);
  CHECK(error == EISDIR);
  CHECK(folder.names() == std::vector<std::string>{"a", "b", "c", "d"});
  for (const char* name : {"a", "b", "c", "d"}) CHECK(is_link(folder / name));
}

TEST_CASE(
    "a FIFO or a socket is not replaced by a file, nor waited for, directly or through a symbolic "
    "link") {
  const Folder folder;
  countdown = 0;
  int error = 0;
  REQUIRE(::mkfifo((folder / "fifo").c_str(), 0666) == 0);
  std::filesystem::create_symlink("fifo", folder / "link");
  for (const char* name : {"fifo", "link"}) {
    CHECK(refusal(folder / name, error) == folder / name +
                                               ": cannot write to a FIFO, only to ordinary files, "
                                               "which appear whole or not at all; write one, and "
                                               "copy it there: Operation not supported");
    CHECK_THROWS_AS(write_npy(folder / name, Array::zeros({3})), IoError);
    CHECK_THROWS_AS(read_npy(folder / name), IoError);
    CHECK_THROWS_AS(NumpyArchive(folder / name), IoError);
  }
  sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = {}};
  const std::string path = folder / "socket";
  REQUIRE(path.size() < sizeof address.sun_path);
  std::strcpy(address.sun_path, path.c_str());
  const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
  REQUIRE(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  CHECK(refusal(path, error).find("cannot write to a socket") != std::string::npos);
  ::close(socket);
  CHECK(S_ISFIFO(mode_of(folder / "fifo")));
  CHECK(S_ISLNK(mode_of(folder / "link")));
  CHECK(S_ISSOCK(mode_of(path)));
  CHECK(folder.names() == std::vector<std::string>{"fifo", "link", "socket"});
}

TEST_CASE("a file that a process has open is not replaced under its descriptor's name") {
  const Folder folder;
  countdown = 0;
  int error = 0;
  write_bytes(folder / "file", "old text");
  const int descriptor = ::open((folder / "file").c_str(), O_WRONLY | O_CLOEXEC);
  const std::string name = "/proc/self/fd/" + std::to_string(descriptor);
  CHECK(refusal(name, error) == name +
                                    ": cannot replace the file that a process has open; name the "
                                    "file itself: Operation not supported");
  ::close(descriptor);
  CHECK(read_bytes(folder / "file") == "old text");
}

TEST_CASE(
    "a read-only file is not overwritten, by the administrator neither, directly or through a "
    "symbolic link") {
  const Folder folder;
  countdown = 0;
  int error = 0;
  write_bytes(folder / "file", "old text");
  std::filesystem::create_symlink("file", folder / "link");
  for (const mode_t mode : {0444U, 0400U, 0555U, 0000U}) {
    ::chmod((folder / "file").c_str(), mode);
    for (const char* name : {"file", "link"}) {
      CHECK(refusal(folder / name, error).find("cannot write to a file of mode 0") !=
            std::string::npos);
      CHECK(error == EACCES);
    }
    CHECK((mode_of(folder / "file") & 0777) == mode);
  }
  ::chmod((folder / "file").c_str(), 0444);
  CHECK(refusal(folder / "file", error) ==
        folder / "file" +
            ": cannot write to a file of mode 0444; permit it with chmod, or choose another name: "
            "Permission denied");
  CHECK(read_bytes(folder / "file") == "old text");
  ::chmod((folder / "file").c_str(), 0600);
  CHECK(refusal(folder / "link", error) == "saved");
  CHECK(folder.names() == std::vector<std::string>{"file", "link"});
}

TEST_CASE(
    "a file is overwritten by those whom its permissions allow it, and keeps its owner and group") {
  if (::geteuid() != 0) return;  // who is no administrator has no second user to try it with
  constexpr uid_t owner = 4711, other = 4712;
  const Folder folder;
  countdown = 0;
  int error = 0;
  ::chmod((folder / "").c_str(), 0777);
  write_bytes(folder / "file", "old text");
  REQUIRE(::chown((folder / "file").c_str(), owner, 815) == 0);
  const auto may = [&](uid_t user, mode_t mode) {
    ::chmod((folder / "file").c_str(), mode);
    const AsUser as(user);
    return refusal(folder / "file", error) == "saved";
  };
  CHECK_FALSE(may(other, 0644));
  CHECK(error == EACCES);
  CHECK_FALSE(may(owner, 0466));
  CHECK(read_bytes(folder / "file") == "old text");
  CHECK(may(0, 0466));
  struct stat status = {};
  REQUIRE(::stat((folder / "file").c_str(), &status) == 0);
  CHECK(status.st_uid == owner);
  CHECK(status.st_gid == 815);
  CHECK((status.st_mode & 0777) == 0466);
  CHECK(may(owner, 0644));
  CHECK(may(other, 0666));
}
