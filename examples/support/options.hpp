// The options of an example program, and the one way in which examples end.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "fovea/base/real.hpp"

namespace examples {

/// The command line: `--name VALUE` each, --help, and arguments where a program takes them.
class Options {
 public:
  /// `purpose` is the first line of --help.
  Options(const std::string& name, const std::string& purpose);
  ~Options();

  /// Adds an option, whose variable holds its default. Numbers are written in decimal; integers
  /// must lie within [low, high].
  Options& integer(const std::string& name, fovea::Index& value, fovea::Index low,
                   fovea::Index high, const std::string& help);
  Options& seed(const std::string& name, std::uint64_t& value, const std::string& help);
  Options& text(const std::string& name, std::string& value, const std::string& help);

  /// Adds arguments that stand by themselves: any number of them.
  Options& list(const std::string& name, std::vector<std::string>& values, const std::string& help);

  /// Reads the command line. Prints and throws `Leave` for --help, and for what it cannot take.
  void parse(int argc, char** argv);

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
};

/// Thrown to end the program with an exit code, when everything has been said.
struct Leave {
  int code;
};

/// Throws Error unless it holds, so that an example whose result is not what it says ends with 1.
void require(bool holds, const std::string& what);

/// Runs the program and gives its exit code: 0; 77 when data are missing (Meson counts it as
/// skipped); 2 for a bad command line; 1 for any other error. Errors are told in one line on
/// standard error, whatever bytes they quote.
int run(const std::function<void()>& program);

}  // namespace examples
