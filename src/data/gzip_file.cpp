#include "data/gzip_file.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <utility>

#include "fovea/base/error.hpp"
#include "fovea/io/error.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

struct GzipFile::Stream {
  Stream() {
    constexpr int gzip_alone = 16 + MAX_WBITS;
    if (::inflateInit2(&state, gzip_alone) != Z_OK)
      throw MemoryError("gzip: no memory for unpacking");
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream() { ::inflateEnd(&state); }

  z_stream state = {};
  std::array<std::byte, 65536> packed = {};
  bool ended = false;
};

GzipFile::GzipFile(const std::string& path) : path_(path), file_(path) {
  std::array<std::byte, 2> mark = {};
  if (file_.size() < 2) return;
  file_.read(0, mark);
  if (mark[0] == std::byte(0x1f) && mark[1] == std::byte(0x8b))
    stream_ = std::make_unique<Stream>();
}

GzipFile::~GzipFile() = default;

void GzipFile::read(std::span<std::byte> bytes) {
  if (packed()) {
    const std::size_t count = inflate_into(bytes);
    if (count < bytes.size())
      fail(fmt::format("the packed data end {} bytes early", bytes.size() - count));
    return;
  }
  if (static_cast<Index>(bytes.size()) > size() - position_) {
    position_ = size();
    fail("the file ends early");
  }
  file_.read(position_, bytes);
  position_ += static_cast<Index>(bytes.size());
}

void GzipFile::expect_end() {
  std::array<std::byte, 1> more = {};
  if (packed() && inflate_into(more) > 0) fail("there are more packed data than the header says");
  if (position_ < size()) fail("there are bytes behind the end of the data");
}

// Unpacks up to all of the span; fewer bytes at the end of the data.
std::size_t GzipFile::inflate_into(std::span<std::byte> bytes) {
  z_stream& state = stream_->state;
  std::size_t done = 0;
  while (done < bytes.size() && !stream_->ended) {
    if (state.avail_in == 0) {
      const auto count = static_cast<std::size_t>(
          std::min<Index>(static_cast<Index>(stream_->packed.size()), size() - position_));
      if (count == 0) fail("the file ends within the packed data");
      file_.read(position_, std::span(stream_->packed).first(count));
      position_ += static_cast<Index>(count);
      state.next_in = reinterpret_cast<Bytef*>(stream_->packed.data());
      state.avail_in = static_cast<uInt>(count);
    }
    const auto room = static_cast<uInt>(std::min<std::size_t>(bytes.size() - done, 1 << 30));
    state.next_out = reinterpret_cast<Bytef*>(bytes.data() + done);
    state.avail_out = room;
    const int result = ::inflate(&state, Z_NO_FLUSH);
    done += room - state.avail_out;
    if (result == Z_MEM_ERROR) throw MemoryError("gzip: no memory for unpacking");
    stream_->ended = result == Z_STREAM_END;
    if (stream_->ended) position_ -= std::exchange(state.avail_in, 0U);
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
      position_ -= state.avail_in;
      fail("the packed data are damaged");
    }
  }
  return done;
}

void GzipFile::fail(const std::string& reason) const {
  throw FormatError(path_, position_, reason);
}

}}  // namespace fovea
