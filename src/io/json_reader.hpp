// JSON of a file that is not trusted: the one reader that all formats with JSON in them share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "fovea/io/error.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace io {

/// How much of a text is read at most.
struct JsonLimits {
  std::size_t bytes = std::size_t(1) << 30;
  std::size_t values = std::size_t(1) << 27;  ///< all in all: each costs more than its text
  std::size_t depth = 32;                     ///< objects and lists inside of each other
};

/// Reads a text that holds one object. A derived class is told what stands there, in that order,
/// and refuses what must not by `fail`; so nothing is built but what it keeps. Refused here are
/// what is no JSON in UTF-8, NUL and a byte order mark, a name that stands twice in an object, and
/// what is beyond the limits.
class JsonReader {
 public:
  /// Refers to the name of the file, for messages, and to the text.
  JsonReader(const std::string& file, std::string_view text, JsonLimits limits = {})
      : file_(file), text_(text), limits_(limits) {}
  virtual ~JsonReader() = default;

  /// Reads the text. Throws FormatError.
  void read();

 protected:
  /// Not negative, negative, and with a point or an exponent or beyond 64 bits.
  using Number = std::variant<std::uint64_t, std::int64_t, double>;

  virtual void null() = 0;
  virtual void boolean(bool flag) = 0;
  virtual void number(Number number) = 0;
  virtual void string(std::string text) = 0;
  virtual void begin_object() = 0;
  virtual void key(std::string name) = 0;
  virtual void end_object() = 0;
  virtual void begin_list() = 0;
  virtual void end_list() = 0;
  /// Returns the error for a byte of the text, which is that byte of the file.
  virtual FormatError error(std::size_t position, const std::string& reason) const {
    return {file_, static_cast<Index>(position), reason};
  }

  /// Throws the error for the token at hand, or for a byte.
  [[noreturn]] void fail(const std::string& reason) const { fail_at(begin_, reason); }
  [[noreturn]] void fail_at(std::size_t position, const std::string& reason) const {
    throw error(position, reason);
  }
  const std::string& file() const& { return file_; }
  std::string_view text() const { return text_; }
  /// Where in the text the token at hand begins and ends.
  std::size_t begin() const { return begin_; }
  std::size_t end() const { return end_; }
  std::string_view token() const { return text_.substr(begin_, end_ - begin_); }

 private:
  class Events;
  void pass();
  void count_value();
  void open();

  const std::string& file_;
  std::string_view text_;
  JsonLimits limits_;
  std::size_t begin_ = 0, end_ = 0, values_ = 0;
  std::vector<std::set<std::string>> names_;  // of each open object; of a list: none
};

}}}  // namespace fovea::io
