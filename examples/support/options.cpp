// The only file that includes CLI11: it takes many seconds to compile.
#include "support/options.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <exception>
#include <iostream>

#include "support/wordnet.hpp"

namespace examples {

struct Options::Parser {
  CLI::App app;
};

Options::Options(const std::string& name, const std::string& purpose) : parser_(std::make_unique<Parser>()) {
  parser_->app.name(name);
  parser_->app.description(purpose);
  parser_->app.option_defaults()->always_capture_default();
}

Options::~Options() = default;

Options& Options::integer(const std::string& name, fovea::Index& value, fovea::Index low, fovea::Index high, const std::string& help) {
  parser_->app.add_option(name, value, help)->check(CLI::Range(low, high));
  return *this;
}

Options& Options::seed(const std::string& name, std::uint64_t& value, const std::string& help) {
  parser_->app.add_option(name, value, help);
  return *this;
}

Options& Options::text(const std::string& name, std::string& value, const std::string& help) {
  parser_->app.add_option(name, value, help);
  return *this;
}

void Options::parse(int argc, char** argv) {
  try {
    parser_->app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    std::cout << parser_->app.help();
    throw Leave{0};
  } catch (const CLI::ParseError& error) {
    std::cerr << parser_->app.get_name() << ": " << error.what() << " (see --help)\n";
    throw Leave{2};
  }
}

int run(const std::function<void()>& program) {
  try {
    program();
    return std::cout.flush() ? 0 : 1;
  } catch (const Leave& leave) {
    return leave.code;
  } catch (const DataMissing& missing) {
    std::cerr << missing.what() << '\n';
    return 77;
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << '\n';
    return 1;
  }
}

}  // namespace examples
