// A TextVectorization as JSON, and back.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "data/text_vocabulary.hpp"
#include "fovea/base/error.hpp"
#include "fovea/io/error.hpp"
#include "io/json_reader.hpp"
#include "io/json_text.hpp"
#include "io/shown.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

// In the order of their enumerators, with Keras' names.
constexpr std::array<std::string_view, 4> standardize_names = {
    "lower_and_strip_punctuation", "lower", "strip_punctuation", "none"};
constexpr std::array<std::string_view, 3> split_names = {"whitespace", "character", "none"};
constexpr std::array<std::string_view, 4> output_names = {"int", "multi_hot", "count", "tf_idf"};
constexpr std::string_view function_name = "function";
constexpr std::string_view class_name = "TextVectorization";

constexpr std::array<std::string_view, 10> members = {"class_name",
                                                      "max_tokens",
                                                      "standardize",
                                                      "split",
                                                      "ngrams",
                                                      "output_mode",
                                                      "output_sequence_length",
                                                      "pad_to_max_tokens",
                                                      "vocabulary",
                                                      "idf_weights"};
enum Member : std::size_t {
  class_name_member,
  max_tokens,
  standardize,
  split,
  ngrams,
  output_mode,
  output_sequence_length,
  pad_to_max_tokens,
  vocabulary,
  idf_weights
};

template <class Kind, class Function, std::size_t count>
std::string_view name_of(const std::variant<Kind, Function>& value,
                         const std::array<std::string_view, count>& names) {
  const Kind* const kind = std::get_if<Kind>(&value);
  return kind ? names[static_cast<std::size_t>(*kind)] : function_name;
}

std::string number_or_null(const std::optional<Index>& value) {
  return value ? fmt::format("{}", *value) : "null";
}

// Is told of each token in the order of the text: one object of ten members, each once, without
// objects in it.
class OptionsReader final : public io::JsonReader {
 public:
  OptionsReader(const std::string& name, std::string_view text, const TextFunctions& functions)
      : JsonReader(name, text), functions_(functions) {}

  TextVectorizationOptions result() {
    options_.ngrams = Ngrams(std::move(widths_));
    return std::move(options_);
  }

 private:
  void null() override {
    if (in_list_ || (member_ != max_tokens && member_ != output_sequence_length)) refuse_token();
  }

  void boolean(bool value) override {
    if (member_ != pad_to_max_tokens) refuse_token();
    options_.pad_to_max_tokens = value;
  }

  void number(Number number) override {
    if (in_list_ && member_ == idf_weights) {
      std::visit([&](auto weight) { options_.idf_weights.push_back(static_cast<double>(weight)); },
                 number);
      return;
    }
    const auto* const whole = std::get_if<std::uint64_t>(&number);
    if (!whole) refuse_token();
    if (!std::in_range<std::int32_t>(*whole)) fail("a number beyond 2^31 - 1");
    const auto value = static_cast<Index>(*whole);
    if (member_ == max_tokens)
      options_.max_tokens = value;
    else if (member_ == output_sequence_length)
      options_.output_sequence_length = value;
    else if (in_list_ && member_ == ngrams)
      widths_.push_back(value);
    else
      refuse_token();
  }

  void string(std::string text) override {
    if (in_list_ && member_ == vocabulary)
      options_.vocabulary.push_back(std::move(text));
    else if (member_ == class_name_member && text == class_name)
      return;
    else if (member_ == standardize)
      take(text, standardize_names, functions_.standardize, options_.standardize);
    else if (member_ == split)
      take(text, split_names, functions_.split, options_.split);
    else if (member_ == output_mode)
      options_.output_mode = kind_of<TextOutput>(text, output_names);
    else
      refuse_token();
  }

  void begin_object() override {
    if (member_) refuse_token();
    member_ = members.size();
  }

  void key(std::string name) override {
    const auto* const found = std::ranges::find(members, name);
    if (found == members.end())
      fail(fmt::format("a member \"{}\"; there are {}", io::shown(name), fmt::join(members, ", ")));
    member_ = static_cast<std::size_t>(found - members.begin());
    seen_[*member_] = true;
  }

  void end_object() override {
    const auto* const missing = std::ranges::find(seen_, false);
    if (missing != seen_.end())
      fail(
          fmt::format("{} is missing", members[static_cast<std::size_t>(missing - seen_.begin())]));
  }

  void begin_list() override {
    if (in_list_ || (member_ != ngrams && member_ != vocabulary && member_ != idf_weights))
      refuse_token();
    in_list_ = true;
  }

  void end_list() override { in_list_ = false; }

  template <class Kind, std::size_t count>
  Kind kind_of(const std::string& text, const std::array<std::string_view, count>& names) {
    const auto* const found = std::ranges::find(names, text);
    if (found == names.end())
      fail(fmt::format("{}: expected one of {}, got \"{}\"", members[*member_],
                       fmt::join(names, ", "), io::shown(text)));
    return static_cast<Kind>(found - names.begin());
  }

  template <class Kind, class Function, std::size_t count>
  void take(const std::string& text, const std::array<std::string_view, count>& names,
            const Function& function, std::variant<Kind, Function>& option) {
    if ((text == function_name) != static_cast<bool>(function))
      throw ValueError(
          fmt::format("{}: {}: it was made with {}; {}", file(), members[*member_],
                      function ? "\"" + io::shown(text) + "\"" : "a function of its own",
                      function ? "leave the function out" : "give that function to from_json"));
    if (function)
      option = function;
    else
      option = kind_of<Kind>(text, names);
  }

  [[noreturn]] void refuse_token() const {
    fail(fmt::format("{}{} cannot be {}",
                     member_ && *member_ < members.size() ? members[*member_] : "the text",
                     in_list_ ? ": an element" : "", io::shown(token())));
  }

  const TextFunctions& functions_;
  TextVectorizationOptions options_;
  std::vector<Index> widths_;
  std::optional<std::size_t> member_;  // the last key; none before the object begins
  bool in_list_ = false;
  std::array<bool, members.size()> seen_ = {};
};

}  // namespace

std::string TextVectorization::to_json() const {
  std::vector<std::string> tokens;
  for (const std::string& token : get_vocabulary()) tokens.push_back(io::json_string(token));
  return fmt::format(
      R"({{"class_name":"{}","max_tokens":{},"standardize":"{}","split":"{}","ngrams":[{}],)"
      R"("output_mode":"{}","output_sequence_length":{},"pad_to_max_tokens":{},)"
      R"("vocabulary":[{}],"idf_weights":[{}]}})",
      class_name, number_or_null(options_.max_tokens),
      name_of(options_.standardize, standardize_names), name_of(options_.split, split_names),
      fmt::join(options_.ngrams.widths, ","),
      output_names[static_cast<std::size_t>(options_.output_mode)],
      number_or_null(options_.output_sequence_length), options_.pad_to_max_tokens,
      fmt::join(tokens, ","), fmt::join(idf_weights(), ","));
}

TextVectorization TextVectorization::from_json(std::string_view text,
                                               const TextFunctions& functions,
                                               const std::string& name) {
  OptionsReader reader(name, text, functions);
  reader.read();
  return TextVectorization(reader.result());
}

}}  // namespace fovea
