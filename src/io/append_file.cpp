#include "io/append_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "fovea/io/error.hpp"
#include "fovea/memory/buffer.hpp"
#include "io/input_file.hpp"
#include "io/path.hpp"
#include "io/uninterrupted.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace io {

namespace {

// A descriptor that is closed in the end.
struct Open {
  Open(const std::string& path, const FileCalls& c)
      : calls(c), descriptor(uninterrupted([&] {
          // A FIFO that nobody reads fails, and does not wait.
          return calls.open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_CLOEXEC,
                            0666);
        })) {}
  ~Open() {
    if (descriptor >= 0) calls.close(descriptor);
  }
  Open(const Open&) = delete;

  const FileCalls& calls;
  int descriptor;
};

}  // namespace

void append_to_file(const std::string& path, std::string_view bytes, const FileCalls& calls) {
  const Open file(checked_path("append_to_file", path), calls);
  if (file.descriptor < 0) throw IoError(path, "open for appending", errno);
  struct stat before = {};
  if (::fstat(file.descriptor, &before) != 0) throw IoError(path, "look at what is there", errno);
  if (!S_ISREG(before.st_mode))
    throw IoError(path, "append to what is no ordinary file; write one, and copy it there",
                  ENOTSUP);
  while (!bytes.empty()) {
    const ssize_t written =
        uninterrupted([&] { return calls.write(file.descriptor, bytes.data(), bytes.size()); });
    if (written <= 0) {
      const int reason = written < 0 ? errno : ENOSPC;
      [[maybe_unused]] const int cut = ::ftruncate(file.descriptor, before.st_size);
      throw IoError(path, "append", reason);
    }
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

void flush_file(const std::string& path, const FileCalls& calls) {
  const Open file(path, calls);
  if (file.descriptor < 0) throw IoError(path, "open for appending", errno);
  if (uninterrupted([&] { return calls.fsync(file.descriptor); }) != 0 &&
      errno != EINVAL)  // EINVAL: a file system that cannot
    throw IoError(path, "flush it to the disk", errno);
}

Index end_of_lines(const std::string& path, Index begin,
                   const std::function<bool(std::string_view line)>& stays) {
  const InputFile file(path);
  constexpr Index most = 1 << 16;
  std::string line, block;
  Index end = begin;  // of the lines that stay
  for (Index position = begin; position < file.size(); position += std::ssize(block)) {
    block.resize(static_cast<std::size_t>(std::min(most, file.size() - position)));
    file.read(position, std::as_writable_bytes(std::span(block)));
    for (std::string_view rest = block; !rest.empty();) {
      const std::size_t at = rest.find('\n');
      line += rest.substr(0, at);
      if (at == std::string_view::npos) break;
      rest.remove_prefix(at + 1);
      if (!stays(line)) return end;
      end += std::ssize(line) + 1;
      line.clear();
    }
  }
  return end;
}

void cut_file(const std::string& path, Index size) {
  if (uninterrupted([&] { return ::truncate(path.c_str(), size); }) != 0)
    throw IoError(path, "cut it off", errno);
}

}}}  // namespace fovea::io
