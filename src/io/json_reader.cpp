// nlohmann's parser reads; its event interface tells no positions, which are found here.
#include "io/json_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

#include "io/shown.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace io {

class JsonReader::Events : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit Events(JsonReader& reader) : reader_(reader) {}

  bool null() override {
    return value([&] { reader_.null(); });
  }
  bool boolean(bool flag) override {
    return value([&] { reader_.boolean(flag); });
  }
  bool number_unsigned(number_unsigned_t number) override {
    return value([&] { reader_.number(std::uint64_t{number}); });
  }
  bool number_integer(number_integer_t number) override {
    return value([&] { reader_.number(std::int64_t{number}); });
  }
  // The digits themselves, rounded to nearest: the parser's number is that of the C library. What
  // is too large the parser has refused, and what is too small is 0.
  bool number_float(number_float_t, const string_t&) override {
    return value([&] {
      const std::string_view token = reader_.token();
      double number = 0;
      std::from_chars(token.data(), token.data() + token.size(), number);
      reader_.number(number);
    });
  }
  bool string(string_t& text) override {
    return value([&] { reader_.string(std::move(text)); });
  }
  bool binary(binary_t&) override { return false; }  // there is none in text
  bool start_object(std::size_t) override {
    return value([&] {
      reader_.open();
      reader_.begin_object();
    });
  }
  bool start_array(std::size_t) override {
    return value([&] {
      reader_.open();
      reader_.begin_list();
    });
  }
  bool key(string_t& name) override {
    reader_.pass();
    if (!reader_.names_.back().insert(name).second)
      reader_.fail(fmt::format("the name \"{}\" stands twice", shown(name)));
    reader_.key(std::move(name));
    return true;
  }
  bool end_object() override {
    reader_.pass();
    reader_.names_.pop_back();
    reader_.end_object();
    return true;
  }
  bool end_array() override {
    reader_.pass();
    reader_.names_.pop_back();
    reader_.end_list();
    return true;
  }
  // `count` bytes were read, the wrong one and the end of the text included.
  bool parse_error(std::size_t count, const std::string&,
                   const nlohmann::json::exception&) override {
    reader_.fail_at(std::min(std::max<std::size_t>(count, 1), reader_.text_.size()) - 1,
                    "the text is no valid JSON in UTF-8 here");
  }

 private:
  template <class Take>
  bool value(const Take& take) {
    reader_.pass();
    reader_.count_value();
    take();
    return true;
  }

  JsonReader& reader_;
};

void JsonReader::read() {
  if (text_.size() > limits_.bytes)
    fail_at(0,
            fmt::format("the text has {} bytes; at most {} are read", text_.size(), limits_.bytes));
  // The parser would let a byte order mark pass, and take NUL as the end.
  if (!text_.starts_with('{')) fail_at(0, "the text must begin with {");
  if (const std::size_t nul = text_.find('\0'); nul != std::string_view::npos)
    fail_at(nul, "the text holds a NUL");
  Events events(*this);
  nlohmann::json::sax_parse(text_.begin(), text_.end(), &events);
}

// Moves to the token that the parser has just read, from the one before.
void JsonReader::pass() {
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

void JsonReader::count_value() {
  if (++values_ > limits_.values) fail(fmt::format("more than {} values", limits_.values));
}

void JsonReader::open() {
  if (names_.size() >= limits_.depth)
    fail(fmt::format("nested deeper than {} levels", limits_.depth));
  names_.emplace_back();
}

}}}  // namespace fovea::io
