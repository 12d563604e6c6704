#include "io/event_file.hpp"

#include <array>
#include <bit>
#include <cstring>

#include "io/input_file.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace io {

namespace {

constexpr std::array<std::uint32_t, 256> crc_table = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78U : 0U);
    table[i] = crc;
  }
  return table;
}();

std::uint32_t masked(std::uint32_t crc) { return std::rotr(crc, 15) + 0xa282ead8U; }

// Numbers are little-endian, as on all processors that the library runs on.
template <class T>
std::string bytes_of(T value) {
  std::string bytes(sizeof(T), '\0');
  std::memcpy(bytes.data(), &value, sizeof(T));
  return bytes;
}

template <class T>
T number_at(std::string_view bytes) {
  T value;
  std::memcpy(&value, bytes.data(), sizeof(T));
  return value;
}

std::string varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
  return bytes + static_cast<char>(value);
}

// The kinds of fields: how the bytes behind a key are laid out.
enum Kind : std::uint64_t { number = 0, eight_bytes = 1, sized = 2, four_bytes = 5 };

std::string key(std::uint64_t field, Kind kind) { return varint(field << 3 | kind); }
std::string field(std::uint64_t name, std::string_view bytes) {
  return key(name, sized) + varint(bytes.size()) + std::string(bytes);
}
std::string field(std::uint64_t name, double value) {
  return key(name, eight_bytes) + bytes_of(value);
}
std::string field(std::uint64_t name, const std::vector<double>& values) {
  std::string bytes;
  for (const double value : values) bytes += bytes_of(value);
  return field(name, bytes);
}

std::string message(const EventHistogram& h) {
  return field(1, h.min) + field(2, h.max) + field(3, h.count) + field(4, h.sum) +
         field(5, h.sum_of_squares) + field(6, h.limits) + field(7, h.counts);
}

std::string message(const EventValue& value) {
  return field(1, value.tag) +
         (value.histogram ? field(5, message(*value.histogram))
                          : key(2, four_bytes) + bytes_of(static_cast<float>(value.scalar)));
}

std::string record(const std::string& data) {
  const std::string length = bytes_of(static_cast<std::uint64_t>(data.size()));
  return length + bytes_of(masked(crc32c(length))) + data + bytes_of(masked(crc32c(data)));
}

// Takes a number in front of the bytes. False where they end before.
bool take_varint(std::string_view& bytes, std::uint64_t& value) {
  value = 0;
  for (int shift = 0; shift < 64 && !bytes.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

// Calls `each` with the fields of a message: name, number and bytes. False for bytes that are none.
bool for_each_field(
    std::string_view bytes,
    const std::function<void(std::uint64_t, std::uint64_t, std::string_view)>& each) {
  while (!bytes.empty()) {
    std::uint64_t key = 0, value = 0, size = 0;
    if (!take_varint(bytes, key)) return false;
    const std::uint64_t kind = key & 7;
    if (kind == number && !take_varint(bytes, value)) return false;
    if (kind == sized && !take_varint(bytes, size)) return false;
    if (kind == eight_bytes) size = 8;
    if (kind == four_bytes) size = 4;
    if (size > bytes.size() || kind == 3 || kind == 4 || kind > 5) return false;
    each(key >> 3, value, bytes.substr(0, size));
    bytes.remove_prefix(size);
  }
  return true;
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  std::uint32_t crc = ~0U;
  for (const char c : bytes)
    crc = crc >> 8 ^ crc_table[(crc ^ static_cast<unsigned char>(c)) & 255];
  return ~crc;
}

std::string first_event_record(double time) {
  return record(field(1, time) + field(3, std::string_view("brain.Event:2")));
}

std::string event_record(double time, Index step, const std::vector<EventValue>& values) {
  std::string summary;
  for (const EventValue& value : values) summary += field(1, message(value));
  return record(field(1, time) + key(2, number) + varint(static_cast<std::uint64_t>(step)) +
                field(5, summary));
}

Index end_of_events(const std::string& path,
                    const std::function<bool(Index step, std::string_view tag)>& stays) {
  const InputFile file(path);
  constexpr Index around = 16;  // bytes of a record beside its data
  Index position = 0;
  std::string head(12, '\0'), data;
  while (file.size() - position >= around) {
    file.read(position, std::as_writable_bytes(std::span(head)));
    const auto size = number_at<std::uint64_t>(head);
    if (number_at<std::uint32_t>(std::string_view(head).substr(8)) !=
            masked(crc32c(std::string_view(head).substr(0, 8))) ||
        size > static_cast<std::uint64_t>(file.size() - position - around))
      return position;
    data.resize(size + 4);
    file.read(position + 12, std::as_writable_bytes(std::span(data)));
    const std::string_view event = std::string_view(data).substr(0, size);
    if (number_at<std::uint32_t>(std::string_view(data).substr(size)) != masked(crc32c(event)))
      return position;
    Index step = 0;
    std::string_view tag;
    const bool whole =
        for_each_field(event, [&](std::uint64_t name, std::uint64_t value, std::string_view bytes) {
          if (name == 2) step = static_cast<Index>(value);
          if (name != 5) return;
          for_each_field(bytes, [&](std::uint64_t, std::uint64_t, std::string_view each) {
            if (tag.empty())
              for_each_field(each, [&](std::uint64_t part, std::uint64_t, std::string_view text) {
                if (part == 1) tag = text;
              });
          });
        });
    if (!whole || !stays(step, tag)) return position;
    position += around + static_cast<Index>(size);
  }
  return position;
}

}}}  // namespace fovea::io
