#include "fovea/nn/type_name.hpp"

#include <cxxabi.h>

#include <cstdlib>
#include <memory>
#include <string_view>

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

// Returns the part behind the last "::" outside of brackets, without template arguments. A type
// without a name is "{lambda(...)#1}" or "{unnamed type#1}" with one compiler, and "$_0",
// "'lambda'(...)" or "'unnamed'" with another.
std::string unqualified(std::string_view type) {
  std::size_t begin = 0, depth = 0;
  for (std::size_t i = 0; i < type.size(); ++i) {
    if (std::string_view("<({[").find(type[i]) != std::string_view::npos) ++depth;
    if (std::string_view(">)}]").find(type[i]) != std::string_view::npos) --depth;
    if (type[i] == ':' && depth == 0) begin = i + 1;
  }
  const std::string_view last = type.substr(begin);
  if (last.starts_with("{unnamed") || last.starts_with("'unnamed")) return "module";
  if (last.starts_with('{') || last.starts_with('\'') || last.starts_with('$')) return "lambda";
  return std::string(last.substr(0, last.find('<')));
}

// Only ASCII letters: the functions of <cctype> follow the locale of the process.
bool is_capital(char c) { return c >= 'A' && c <= 'Z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_small(char c) { return c >= 'a' && c <= 'z'; }
char lowered(char c) { return is_capital(c) ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

std::string type_name(const std::type_info& type) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> demangled(
      abi::__cxa_demangle(type.name(), nullptr, nullptr, &status), std::free);
  return unqualified(status == 0 ? demangled.get() : type.name());
}

// As in Keras, a capital behind a small letter begins a word. A capital behind a capital or a digit
// begins a word if a small letter follows.
std::string snake_case(const std::string& type) {
  std::string name;
  for (std::size_t i = 0; i < type.size(); ++i) {
    const char before = i > 0 ? type[i - 1] : '\0',
               behind = i + 1 < type.size() ? type[i + 1] : '\0';
    if (is_capital(type[i]) &&
        (is_small(before) || ((is_capital(before) || is_digit(before)) && is_small(behind))))
      name += '_';
    name += lowered(type[i]);
  }
  return name;
}

}}  // namespace fovea
