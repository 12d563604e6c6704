#include "io/atomic_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "fovea/io/error.hpp"

namespace fovea::inline FOVEA_PRECISION::io {

namespace {

// Calls again as long as a signal interrupts.
template <class Call>
auto uninterrupted(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

// Ends in a slash.
std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? "./" : path.substr(0, slash + 1);
}

}  // namespace

const FileCalls& system_calls() {
  static constexpr FileCalls calls = {[](const char* path, int flags, mode_t mode) { return ::open(path, flags, mode); }, ::write, ::fsync,
                                      ::close, ::rename};
  return calls;
}

AtomicFile::AtomicFile(const std::string& path, const FileCalls& calls) : path_(path), folder_(folder_of(path)), calls_(calls) {
  open_temporary();
  keep_permissions();
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) calls_.close(descriptor_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

// The name says whose it is: process and number. A process before us that had our number and died may have left its own behind.
void AtomicFile::open_temporary() {
  static std::atomic<unsigned> number = 0;
  for (int attempt = 0; attempt < 1000; ++attempt) {
    std::string name = fmt::format("{}.fovea-{}-{}.tmp", folder_, ::getpid(), number++);
    descriptor_ = uninterrupted([&] { return calls_.open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666); });
    if (descriptor_ >= 0) {
      temporary_ = std::move(name);
      return;
    }
    if (errno != EEXIST) break;
  }
  throw IoError(path_, "create a file beside it", errno);
}

void AtomicFile::keep_permissions() {
  struct stat old = {};
  if (::stat(path_.c_str(), &old) == 0 && S_ISREG(old.st_mode)) ::fchmod(descriptor_, old.st_mode & 0777);
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = uninterrupted([&] { return calls_.write(descriptor_, bytes.data(), bytes.size()); });
    if (written <= 0) throw IoError(path_, "write", written < 0 ? errno : ENOSPC);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void AtomicFile::commit() {
  if (uninterrupted([&] { return calls_.fsync(descriptor_); }) != 0) throw IoError(path_, "bring it to the disk", errno);
  close();
  if (calls_.rename(temporary_.c_str(), path_.c_str()) != 0) throw IoError(path_, "put the new file in place", errno);
  temporary_.clear();
  sync_folder();
}

// Never closed twice: after any failure of close the descriptor may be somebody else's. An interruption loses nothing, the bytes
// are on the disk already.
void AtomicFile::close() {
  if (calls_.close(std::exchange(descriptor_, -1)) != 0 && errno != EINTR) throw IoError(path_, "close", errno);
}

void AtomicFile::sync_folder() {
  descriptor_ = uninterrupted([&] { return calls_.open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0); });
  if (descriptor_ < 0) throw IoError(folder_, "open", errno);
  if (uninterrupted([&] { return calls_.fsync(descriptor_); }) != 0 && errno != EINVAL)  // EINVAL: a file system that cannot
    throw IoError(folder_, "bring it to the disk", errno);
  close();
}

}  // namespace fovea::io
