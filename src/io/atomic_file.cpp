#include "io/atomic_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>
#include <new>
#include <utility>

#include "fovea/io/error.hpp"
#include "io/uninterrupted.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace io {

namespace {

constexpr std::size_t piece_bytes = 2 << 20;  // of what passes the page cache: a large page
constexpr std::size_t disk_block = 4096;      // to which such writes are aligned

// Ends in a slash.
std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? "./" : path.substr(0, slash + 1);
}

std::string_view kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISFIFO(mode)) return "a FIFO";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

// Refuses what a new file must not take the place of. Asks the system to follow links, so that its
// rules for those of others hold.
void check_replaceable(const std::string& path) {
  struct stat old = {};
  if (::stat(path.c_str(), &old) != 0) {
    if (errno == ENOENT) return;
    throw IoError(path, "look at what is there", errno);
  }
  if (!S_ISREG(old.st_mode))
    throw IoError(path,
                  fmt::format("write to {}, only to ordinary files, which appear whole or not at "
                              "all; write one, and copy it there",
                              kind_of(old.st_mode)),
                  S_ISDIR(old.st_mode) ? EISDIR : ENOTSUP);
  // The administrator passes the system's check; a file that nobody may write is meant to stay all
  // the same.
  const bool nobody = (old.st_mode & 0222) == 0;
  if (nobody || ::faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) != 0)
    throw IoError(
        path,
        fmt::format("write to a file of mode {:04o}; permit it with chmod, or choose another name",
                    old.st_mode & 0777),
        nobody ? EACCES : errno);
}

// Where the symbolic links of a path end, whether something is there or not.
std::string behind_links(const std::string& path) {
  constexpr int most_links = 40;  // as in the kernel
  std::string name = path;
  for (int links = 0; links <= most_links; ++links) {
    std::array<char, PATH_MAX> text;
    const ssize_t length = ::readlink(name.c_str(), text.data(), text.size());
    if (length < 0) return name;
    struct statfs system = {};
    if (::statfs(folder_of(name).c_str(), &system) == 0 && system.f_type == PROC_SUPER_MAGIC)
      throw IoError(path, "replace the file that a process has open; name the file itself",
                    ENOTSUP);
    const std::string target(text.data(), static_cast<std::size_t>(length));
    name = target.starts_with('/') ? target : folder_of(name) + target;
  }
  throw IoError(path, "follow its symbolic links", ELOOP);
}

}  // namespace

const FileCalls& system_calls() {
  static constexpr FileCalls calls = {
      [](const char* path, int flags, mode_t mode) { return ::open(path, flags, mode); }, ::write,
      ::fsync, ::close, ::rename};
  return calls;
}

namespace {

std::atomic<const FileCalls*> in_use = nullptr;

}  // namespace

const FileCalls& file_calls() {
  const FileCalls* const calls = in_use;
  return calls ? *calls : system_calls();
}

void use_file_calls(const FileCalls* calls) { in_use = calls; }

AtomicFile::AtomicFile(const std::string& path, const FileCalls& calls)
    : path_(path), calls_(calls) {
  check_replaceable(path);
  target_ = behind_links(path);
  folder_ = folder_of(target_);
  open_temporary();
  keep_permissions();
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) calls_.close(descriptor_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

// The name says whose it is: process and number. A process before us that had our number and died
// may have left its own behind.
void AtomicFile::open_temporary() {
  static std::atomic<unsigned> number = 0;
  for (int attempt = 0; attempt < 1000; ++attempt) {
    std::string name =
        fmt::format("{}{}{}-{}{}", folder_, new_file_begin, ::getpid(), number++, new_file_end);
    descriptor_ = uninterrupted(
        [&] { return calls_.open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666); });
    if (descriptor_ >= 0) {
      temporary_ = std::move(name);
      return;
    }
    if (errno != EEXIST) break;
  }
  throw IoError(path_,
                target_ == path_
                    ? "create a file beside it"
                    : fmt::format("create a file beside {}, to which it leads", target_),
                errno);
}

// Who may not give files away, gives what the group may have.
void AtomicFile::keep_permissions() {
  struct stat old = {}, own = {};
  if (::stat(target_.c_str(), &old) != 0 || ::fstat(descriptor_, &own) != 0) return;
  const bool same = old.st_uid == own.st_uid && old.st_gid == own.st_gid;
  if (!same && ::fchown(descriptor_, old.st_uid, old.st_gid) != 0) [[maybe_unused]]
    const int refused = ::fchown(descriptor_, own.st_uid, old.st_gid);
  ::fchmod(descriptor_, old.st_mode & 0777);
}

void AtomicFile::Aligned::operator()(std::byte* memory) const {
  ::operator delete(memory, std::align_val_t(piece_bytes));
}

// Small files are written as they are. Of a large one whole pieces are.
void AtomicFile::write(std::span<const std::byte> bytes) {
  if (!piece_ && (bytes.size() < piece_bytes || !begin_pieces(bytes))) return put(bytes);
  while (!bytes.empty()) {
    const std::size_t count = std::min(bytes.size(), piece_bytes - filled_);
    std::memcpy(piece_.get() + filled_, bytes.data(), count);
    filled_ += count;
    bytes = bytes.subspan(count);
    if (filled_ == piece_bytes) put({piece_.get(), std::exchange(filled_, 0)});
  }
}

// Takes the bytes up to the next block of the disk from the front, and writes them. Returns whether
// there is memory for pieces.
bool AtomicFile::begin_pieces(std::span<const std::byte>& bytes) {
  piece_.reset(static_cast<std::byte*>(
      ::operator new(piece_bytes, std::align_val_t(piece_bytes), std::nothrow)));
  if (!piece_) return false;
  ::madvise(piece_.get(), piece_bytes, MADV_HUGEPAGE);
  const std::size_t over = static_cast<std::size_t>(written_) % disk_block;
  const std::size_t first = over == 0 ? 0 : disk_block - over;
  put(bytes.first(first));
  bytes = bytes.subspan(first);
  pass_cache(true);
  return true;
}

// Where the file system cannot, the page cache takes what is written.
void AtomicFile::pass_cache(bool wanted) {
  const int flags = ::fcntl(descriptor_, F_GETFL);
  passes_cache_ = flags >= 0 && wanted && ::fcntl(descriptor_, F_SETFL, flags | O_DIRECT) == 0;
  if (!wanted && flags >= 0) ::fcntl(descriptor_, F_SETFL, flags & ~O_DIRECT);
}

// A part that ends within a block of the disk, or that the file system refuses to write past the
// page cache, goes through it, and so does all behind it.
void AtomicFile::put(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    if (passes_cache_ && bytes.size() % disk_block != 0) pass_cache(false);
    const ssize_t written =
        uninterrupted([&] { return calls_.write(descriptor_, bytes.data(), bytes.size()); });
    if (written < 0 && errno == EINVAL && passes_cache_) {
      pass_cache(false);
      continue;
    }
    if (written <= 0) throw IoError(path_, "write", written < 0 ? errno : ENOSPC);
    written_ += written;
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void AtomicFile::commit() {
  if (piece_) put({piece_.get(), std::exchange(filled_, 0)});
  if (uninterrupted([&] { return calls_.fsync(descriptor_); }) != 0)
    throw IoError(path_, "flush it to the disk", errno);
  close();
  if (calls_.rename(temporary_.c_str(), target_.c_str()) != 0)
    throw IoError(path_, "put the new file in place", errno);
  temporary_.clear();
  sync_folder();
}

// Never closed twice: after any failure of close the descriptor may be somebody else's. An
// interruption loses nothing, the bytes are on the disk already.
void AtomicFile::close() {
  if (calls_.close(std::exchange(descriptor_, -1)) != 0 && errno != EINTR)
    throw IoError(path_, "close", errno);
}

void AtomicFile::sync_folder() {
  descriptor_ = uninterrupted(
      [&] { return calls_.open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0); });
  if (descriptor_ < 0) throw IoError(folder_, "open", errno);
  if (uninterrupted([&] { return calls_.fsync(descriptor_); }) != 0 &&
      errno != EINVAL)  // EINVAL: a file system that cannot
    throw IoError(folder_, "flush it to the disk", errno);
  close();
}

}}}  // namespace fovea::io
