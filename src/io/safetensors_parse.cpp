// Reading the header of a safetensors file, as https://github.com/huggingface/safetensors specifies
// it.
#include "io/safetensors_header.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <utility>

#include "fovea/io/error.hpp"
#include "io/checksum.hpp"
#include "io/json_reader.hpp"
#include "io/shown.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace io {

namespace {

constexpr Index text_begin = safetensors_length_bytes;
constexpr std::array<std::string_view, 3> members = {"dtype", "shape", "data_offsets"};

// Is told of each token in the order of the text, and refuses what must not stand there. So nothing
// is built from a header but what is kept of it, and it nests no deeper than the format.
class HeaderReader final : public JsonReader {
 public:
  HeaderReader(const std::string& file, std::string_view text) : JsonReader(file, text) {}

  SafetensorsHeader result() {
    take_checksum();
    return std::move(header_);
  }

 private:
  enum class Place { start, top, metadata, tensor, shape, offsets, end };

  void null() override { refuse_token(); }
  void boolean(bool) override { refuse_token(); }

  void number(Number number) override {
    const auto* const whole = std::get_if<std::uint64_t>(&number);
    const std::size_t most = place_ == Place::shape ? std::size_t(Shape::max_rank) : 2;
    if (!whole || (place_ != Place::shape && place_ != Place::offsets)) refuse_token();
    if (numbers_.size() == most)
      fail(fmt::format("{} of tensor \"{}\" has more than {} numbers", members[member_],
                       shown(entry_.name), most));
    if (!std::in_range<Index>(*whole)) fail("a number beyond 2^63 - 1");
    numbers_.push_back(static_cast<Index>(*whole));
  }

  void string(std::string text) override {
    if (place_ == Place::metadata) {
      if (name_ == checksum_name) checksum_ = {begin(), end()};
      if (name_ == checksum_mark) mark_ = begin();
      header_.metadata[name_] = std::move(text);
    } else if (place_ == Place::tensor && member_ == 0) {
      take_type(text);
    } else {
      refuse_token();
    }
  }

  void begin_object() override {
    if (place_ == Place::start) {
      place_ = Place::top;
    } else if (place_ == Place::top) {
      place_ = name_ == metadata_name ? Place::metadata : Place::tensor;
      entry_ = {.name = name_};
      seen_ = {};
    } else {
      refuse_token();
    }
  }

  void key(std::string name) override {
    if (name.size() > longest_safetensors_name)
      fail(fmt::format("a name of {} bytes; at most {} are read", name.size(),
                       longest_safetensors_name));
    if (place_ == Place::tensor)
      take_member(name);
    else
      name_ = std::move(name);
  }

  void end_object() override {
    if (place_ == Place::tensor) finish_tensor();
    place_ = place_ == Place::top ? Place::end : Place::top;
  }

  void begin_list() override {
    if (place_ != Place::tensor || member_ == 0) refuse_token();
    place_ = member_ == 1 ? Place::shape : Place::offsets;
    numbers_.clear();
    list_ = begin();
  }

  void end_list() override {
    if (place_ == Place::shape)
      take_shape();
    else
      take_offsets();
    place_ = Place::tensor;
  }

  FormatError error(std::size_t position, const std::string& reason) const override {
    return {file(), in_file(position), reason};
  }

  void take_member(const std::string& name) {
    const auto* const found = std::ranges::find(members, name);
    if (found == members.end())
      fail(fmt::format("tensor \"{}\" has a member \"{}\"; there are {}", shown(entry_.name),
                       shown(name), fmt::join(members, ", ")));
    member_ = static_cast<std::size_t>(found - members.begin());
    seen_[member_] = true;
  }

  void take_type(const std::string& name) {
    entry_.type = find_safetensors_type(name);
    entry_.type_begin = in_file(begin());
    if (!entry_.type)
      fail(fmt::format("tensor \"{}\" is of type '{}'; the types are {}", shown(entry_.name),
                       shown(name), safetensors_type_names()));
  }

  void take_shape() {
    try {
      entry_.shape = Shape(numbers_);
    } catch (const ShapeError& error) {
      fail_at(list_, fmt::format("tensor \"{}\": {}", shown(entry_.name), error.what()));
    }
  }

  void take_offsets() {
    if (numbers_.size() != 2 || numbers_[0] > numbers_[1])
      fail_at(list_, fmt::format("data_offsets of tensor \"{}\" must be two, begin and end; they "
                                 "are [{}]",
                                 shown(entry_.name), fmt::join(numbers_, ", ")));
    entry_.begin = numbers_[0];
    entry_.end = numbers_[1];
    entry_.offsets_begin = in_file(list_);
  }

  void finish_tensor() {
    if (std::ranges::find(seen_, false) != seen_.end())
      fail(fmt::format("tensor \"{}\" lacks one of {}", shown(entry_.name),
                       fmt::join(members, ", ")));
    const std::optional<Index> bytes = stored_bytes(*entry_.type, entry_.shape);
    const std::string what =
        fmt::format("tensor \"{}\" of shape {} and type {}", shown(entry_.name),
                    to_string(entry_.shape), entry_.type->name);
    if (!bytes) fail(what + " takes no whole number of bytes");
    if (entry_.end - entry_.begin != *bytes)
      throw FormatError(file(), entry_.offsets_begin,
                        fmt::format("{} takes {} bytes; its data_offsets span {}", what, *bytes,
                                    entry_.end - entry_.begin));
    if (header_.tensors.size() == most_safetensors)
      fail(fmt::format("there are more than {} tensors", most_safetensors));
    header_.places.emplace(entry_.name, header_.tensors.size());
    header_.tensors.push_back(std::move(entry_));
  }

  // Where only the digits are there, they count all the same.
  void take_checksum() {
    const auto mark = header_.metadata.find(checksum_mark);
    const auto sum = header_.metadata.find(checksum_name);
    const bool marked = mark != header_.metadata.end(), given = sum != header_.metadata.end();
    if (marked && (mark->second != checksum_name || !given))
      fail_at(mark_, fmt::format("the metadata promise a checksum '{}', and hold {}{}",
                                 shown(mark->second), given ? "" : "no ", checksum_name));
    if (given) {
      const auto [begin, end] = checksum_;
      const std::string& digits = sum->second;
      if (text().substr(begin + 1, end - begin - 2) != digits ||
          digits.size() != Checksum::digits ||
          digits.find_first_not_of("0123456789abcdef") != std::string::npos)
        fail_at(begin, fmt::format("the checksum {} must be {} digits of 0-9 a-f", checksum_name,
                                   Checksum::digits));
      header_.checksum = digits;
      header_.checksum_begin = in_file(begin + 1);
      header_.metadata.erase(sum);
    }
    if (marked) header_.metadata.erase(mark);
  }

  std::string_view expected() const {
    if (place_ == Place::metadata) return "a text, as all metadata";
    if (place_ == Place::shape || place_ == Place::offsets) return "a whole number, at least 0";
    if (place_ == Place::tensor)
      return member_ == 0 ? "the name of a type" : "a list of whole numbers";
    return "an object";
  }

  [[noreturn]] void refuse_token() const {
    fail(fmt::format("expected {}, got {}", expected(), shown(token())));
  }

  static Index in_file(std::size_t position) { return text_begin + static_cast<Index>(position); }

  SafetensorsHeader header_;
  Place place_ = Place::start;
  std::size_t list_ = 0, mark_ = 0;  // where the list at hand begins, and the checksum's mark
  std::pair<std::size_t, std::size_t> checksum_;
  std::string name_;        // the last key of the object itself or of the metadata
  SafetensorsEntry entry_;  // the tensor at hand, its member and which it has
  std::size_t member_ = 0;
  std::array<bool, members.size()> seen_ = {};
  std::vector<Index> numbers_;
};

// What the parser would let pass: other blanks behind the object.
std::string_view without_padding(const std::string& file, std::string_view text) {
  if (!text.starts_with('{'))
    throw FormatError(file, text_begin,
                      "this is no safetensors file: the header must begin with {");
  const std::size_t last = text.find_last_not_of(' ');
  if (text[last] != '}')
    throw FormatError(file, text_begin + static_cast<Index>(last),
                      "the header must end with } and spaces");
  return text.substr(0, last + 1);
}

// Each byte behind the header belongs to one tensor.
void check_coverage(const std::string& file, Index data_begin, Index size,
                    const SafetensorsHeader& header) {
  std::vector<const SafetensorsEntry*> order;
  for (const SafetensorsEntry& entry : header.tensors) order.push_back(&entry);
  std::ranges::sort(
      order, {}, [](const SafetensorsEntry* entry) { return std::pair(entry->begin, entry->end); });
  const Index data_size = size - data_begin;
  Index covered = 0;
  for (const SafetensorsEntry* entry : order) {
    if (entry->begin != covered)
      throw FormatError(file, entry->offsets_begin,
                        fmt::format("tensor \"{}\" begins at byte {} of the data; the one before "
                                    "ends at {}",
                                    shown(entry->name), entry->begin, covered));
    if (entry->end > data_size)
      throw FormatError(file, size,
                        fmt::format("tensor \"{}\" ends at byte {} of the data, of which the file "
                                    "has {}",
                                    shown(entry->name), entry->end, data_size));
    covered = entry->end;
  }
  if (covered != data_size)
    throw FormatError(
        file, data_begin + covered,
        fmt::format("{} bytes behind the last tensor belong to none", data_size - covered));
}

}  // namespace

SafetensorsHeader parse_safetensors_header(const std::string& file, Index size,
                                           std::string_view text) {
  const std::string_view object = without_padding(file, text);
  HeaderReader reader(file, object);
  reader.read();
  SafetensorsHeader header = reader.result();
  check_coverage(file, text_begin + static_cast<Index>(text.size()), size, header);
  return header;
}

}}}  // namespace fovea::io
