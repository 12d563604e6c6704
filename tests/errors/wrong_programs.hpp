// How the tables of wrong programs are walked. A message says where (the layer's path, inside a
// model), which op or call, what differs with its values, and the rule or what to do.
#pragma once

#include <cxxabi.h>
#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <initializer_list>
#include <memory>
#include <string>
#include <typeinfo>

#include "fovea/fovea.hpp"
#include "support/refusal.hpp"

namespace wrong_programs {

using namespace fovea;
using support::of;

/// Something that a user of Keras or PyTorch would write.
struct Program {
  std::string mistake;  ///< what the user did
  void (*run)();        ///< without captures
  std::string told;  ///< "ShapeError: add: ...", with files of the golden folder named from there
};

/// A tensor that gathers gradients; its numbers do not matter.
inline Tensor weight(const Shape& shape) { return Tensor::parameter(Array::zeros(shape)); }

/// The type of the exception, without its namespaces, and its message.
inline std::string told(void (*run)()) {
  try {
    run();
    return "nothing was thrown";
  } catch (const std::exception& error) {
    const std::unique_ptr<char, void (*)(void*)> type(
        abi::__cxa_demangle(typeid(error).name(), nullptr, nullptr, nullptr), std::free);
    const std::string name = type.get(), folder = std::string(FOVEA_GOLDEN_DIR) + "/";
    std::string message = error.what();
    if (message.starts_with(folder)) message.erase(0, folder.size());
    return name.substr(name.rfind(':') + 1) + ": " + message;
  }
}

/// The number of messages compared, for all tables of the program.
struct Figure {
  long count = 0;
  ~Figure() { std::printf("figure: error messages = %ld\n", count); }
};
inline Figure messages;

inline void check(std::initializer_list<Program> programs) {
  for (const Program& program : programs) {
    INFO("somebody ", program.mistake);
    CHECK(told(program.run) == program.told);
    ++messages.count;
  }
}

}  // namespace wrong_programs
