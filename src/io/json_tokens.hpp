// Where a JSON parser is in its text. nlohmann's event interface tells no positions.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace io {

/// Follows a parser through a text that is not empty: `pass` is called for each of its events.
class JsonTokens {
 public:
  explicit JsonTokens(std::string_view text) : text_(text) {}

  /// Moves to the token that the parser has just read, from the one before.
  void pass() {
    begin_ = std::min(text_.find_first_not_of(" \t\r\n:,", end_), text_.size() - 1);
    if (text_[begin_] == '"') {
      end_ = begin_ + 1;
      while (end_ < text_.size() && text_[end_] != '"') end_ += text_[end_] == '\\' ? 2 : 1;
      ++end_;
    } else if (std::string_view("{}[]").find(text_[begin_]) != std::string_view::npos) {
      end_ = begin_ + 1;
    } else {
      end_ = std::min(text_.find_first_of(" \t\r\n:,{}[]", begin_), text_.size());
    }
  }

  /// Moves to the byte where the parser met an error: number `count`, from 1.
  void stop(std::size_t count) {
    begin_ = std::min(std::max<std::size_t>(count, 1), text_.size()) - 1;
  }

  std::size_t begin() const { return begin_; }
  std::size_t end() const { return end_; }
  std::string_view token() const { return text_.substr(begin_, end_ - begin_); }

 private:
  std::string_view text_;
  std::size_t begin_ = 0, end_ = 0;
};

}}}  // namespace fovea::io
