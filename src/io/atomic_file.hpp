// Files that appear whole or not at all.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace io {

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

/// Those that files make where none are given: the system's, or what a test put in their place.
const FileCalls& file_calls();
/// Puts calls in the place of the system's; null: puts the system's back. Not while a file is
/// written.
void use_file_calls(const FileCalls* calls);

/// What the name of a new file begins and ends with; between stand the number of the process, "-"
/// and a number.
constexpr std::string_view new_file_begin = ".fovea-", new_file_end = ".tmp";

/// Writes a new file beside the one that `path` leads to, and puts it in its place at the end:
/// whatever happens, a crash included, `path` names the old content or the whole new one. Symbolic
/// links are followed and stay. The permissions of an old file stay, its owner and group where the
/// system permits; another name of it, a hard link, keeps the old content.
///
/// From the first write of 2 MiB or more on, a file goes to the disk past the system's page cache,
/// where the file system can: that costs about half of the processor's time, which a training that
/// goes on has other use for.
class AtomicFile {
 public:
  /// Throws IoError, as the other members do; here also where there is something that must not be
  /// replaced: a folder; a FIFO, a device or a socket, where nothing can appear whole or not at
  /// all; a file that the user may not write, or that nobody may (no bit of its mode permits it),
  /// which holds for the administrator too.
  explicit AtomicFile(const std::string& path, const FileCalls& calls = file_calls());
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  /// Without a `commit`, removes the new file.
  ~AtomicFile();

  void write(std::span<const std::byte> bytes);

  /// Brings the bytes to the disk, renames, and brings the new name to the disk. If only the last
  /// step fails, IoError is thrown though the new file is in place: it might not outlive a power
  /// cut.
  void commit();

 private:
  struct Aligned {
    void operator()(std::byte* memory) const;
  };

  void open_temporary();
  bool begin_pieces(std::span<const std::byte>& bytes);
  void pass_cache(bool wanted);
  void put(std::span<const std::byte> bytes);
  void keep_permissions();
  void close();
  void sync_folder();

  std::string path_;       // as it was given, for messages
  std::string target_;     // what it leads to
  std::string folder_;     // of the target
  std::string temporary_;  // empty when there is nothing to remove
  int descriptor_ = -1;
  Index written_ = 0;                               // bytes, without those in the piece
  std::unique_ptr<std::byte, Aligned> piece_ = {};  // what waits to be written; null: nothing does
  std::size_t filled_ = 0;                          // bytes of the piece
  bool passes_cache_ = false;                       // what is written now
  const FileCalls& calls_;
};

}}}  // namespace fovea::io
