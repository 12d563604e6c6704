// Files that appear whole or not at all.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <span>
#include <string>

#include "fovea/base/real.hpp"

namespace fovea::inline FOVEA_PRECISION::io {

/// The system calls that writing a file makes; tests put failing ones in their place.
struct FileCalls {
  int (*open)(const char* path, int flags, mode_t mode);
  ssize_t (*write)(int descriptor, const void* bytes, std::size_t count);
  int (*fsync)(int descriptor);
  int (*close)(int descriptor);
  int (*rename)(const char* from, const char* to);
};

/// The operating system's own.
const FileCalls& system_calls();

/// Writes a new file beside `path` and puts it in its place at the end: whatever happens, a crash included, `path` names the old
/// content or the whole new one. The permissions of an old file stay; a symbolic link is replaced, not followed.
class AtomicFile {
 public:
  /// Throws IoError, as the other members do.
  explicit AtomicFile(const std::string& path, const FileCalls& calls = system_calls());
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  /// Without a `commit`, removes the new file.
  ~AtomicFile();

  void write(std::span<const std::byte> bytes);

  /// Brings the bytes to the disk, renames, and brings the new name to the disk. If only the last step fails, IoError is thrown
  /// though the new file is in place: it might not outlive a power cut.
  void commit();

 private:
  void open_temporary();
  void keep_permissions();
  void close();
  void sync_folder();

  std::string path_;
  std::string folder_;
  std::string temporary_;  // empty when there is nothing to remove
  int descriptor_ = -1;
  const FileCalls& calls_;
};

}  // namespace fovea::io
