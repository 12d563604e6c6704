// The only file that includes CLI11: it takes many seconds to compile.
#include "support/options.hpp"

#include <CLI/CLI.hpp>

#include <charconv>
#include <cstdio>
#include <exception>
#include <iostream>

#include "fovea/runtime/runtime_info.hpp"
#include "support/data_file.hpp"

namespace examples {

namespace {

// One line on standard error. An argument or a file's name may hold bytes that would break the line
// or steer the terminal.
void tell(std::string line) {
  for (char& c : line)
    if ((c >= 0 && c < ' ') || c == '\x7f') c = '?';
  std::cerr << line << '\n';
}

// CLI11 by itself reads 010 as 8, and wraps -1 into an unsigned number.
template <class Number>
Number whole_number(const std::string& option, const std::string& text, Number low, Number high) {
  Number value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < low || value > high)
    throw CLI::ValidationError(option, "must be a whole number from " + std::to_string(low) +
                                           " to " + std::to_string(high) + ", not \"" + text + '"');
  return value;
}

template <class Number>
void add_number(CLI::App& app, const std::string& name, Number& value, Number low, Number high,
                const std::string& help) {
  app.add_option_function<std::string>(
         name,
         [&value, name, low, high](const std::string& text) {
           value = whole_number(name, text, low, high);
         },
         help)
      ->type_name("NUMBER")
      ->default_str(std::to_string(value));
}

}  // namespace

struct Options::Parser {
  CLI::App app;
};

Options::Options(const std::string& name, const std::string& purpose)
    : parser_(std::make_unique<Parser>()) {
  parser_->app.name(name);
  parser_->app.description(purpose);
  parser_->app.option_defaults()->always_capture_default();
}

Options::~Options() = default;

Options& Options::integer(const std::string& name, fovea::Index& value, fovea::Index low,
                          fovea::Index high, const std::string& help) {
  add_number(parser_->app, name, value, low, high, help);
  return *this;
}

Options& Options::seed(const std::string& name, std::uint64_t& value, const std::string& help) {
  add_number(parser_->app, name, value, std::uint64_t(0), ~std::uint64_t(0), help);
  return *this;
}

Options& Options::text(const std::string& name, std::string& value, const std::string& help) {
  parser_->app.add_option(name, value, help);
  return *this;
}

Options& Options::list(const std::string& name, std::vector<std::string>& values,
                       const std::string& help) {
  parser_->app.add_option(name, values, help)->default_str("");
  return *this;
}

void Options::parse(int argc, char** argv) {
  try {
    parser_->app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    std::cout << parser_->app.help();
    throw Leave{0};
  } catch (const CLI::ParseError& error) {
    tell(parser_->app.get_name() + ": " + error.what() + " (see --help)");
    throw Leave{2};
  }
}

void require(bool holds, const std::string& what) {
  if (!holds) throw fovea::Error("this does not hold: " + what);
}

int run(const std::function<void()>& program) {
  try {
    if (const std::string advice = fovea::advice_once(); !advice.empty()) tell("fovea: " + advice);
    program();
    if (std::cout.flush() && !std::ferror(stdout)) return 0;
    tell("error: standard output cannot be written");
    return 1;
  } catch (const Leave& leave) {
    return leave.code;
  } catch (const DataMissing& missing) {
    tell(missing.what());
    return 77;
  } catch (const std::exception& error) {
    tell(std::string("error: ") + error.what());
    return 1;
  }
}

}  // namespace examples
