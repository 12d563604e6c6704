#include "io/input_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "fovea/io/error.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace io {

namespace {

Index size_of(int descriptor, const std::string& path) {
  struct stat status = {};
  if (::fstat(descriptor, &status) != 0) throw IoError(path, "look at", errno);
  if (!S_ISREG(status.st_mode))
    throw IoError(path, "read what is no ordinary file", S_ISDIR(status.st_mode) ? EISDIR : EINVAL);
  return status.st_size;
}

}  // namespace

InputFile::InputFile(const std::string& path)
    : path_(path), descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
  if (descriptor_ < 0) throw IoError(path_, "open", errno);
  try {
    size_ = size_of(descriptor_, path_);
  } catch (...) {
    ::close(descriptor_);
    throw;
  }
}

InputFile::~InputFile() { ::close(descriptor_); }

void InputFile::read(Index position, std::span<std::byte> bytes) const {
  while (!bytes.empty()) {
    const ssize_t count = ::pread(descriptor_, bytes.data(), bytes.size(), position);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw IoError(path_, "read", errno);
    if (count == 0) throw FormatError(path_, position, "the file became shorter while it was read");
    bytes = bytes.subspan(static_cast<std::size_t>(count));
    position += count;
  }
}

}}}  // namespace fovea::io
