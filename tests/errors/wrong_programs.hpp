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

/// A parameter whose values do not matter.
inline Tensor weight(const Shape& shape) { return Tensor::parameter(Array::zeros(shape)); }

/// Sequences of 3 ids below 10, and a label of 2 classes for each.
inline Ids ids() { return Ids({4, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 3, 5}); }
inline Ids labels() { return Ids({4}, {0, 1, 0, 1}); }

/// Classifies sequences of 3 ids below 10; compiled, not built.
inline Sequential classifier() {
  Sequential model{Embedding{10, 4}, AttentionLayer{3}, Dense{2, Activation::softmax}};
  model.compile({.loss = SparseCategoricalCrossentropy{}, .metrics = {Accuracy{}}});
  return model;
}

/// The same after an epoch.
inline Sequential trained() {
  Sequential model = classifier();
  model.fit(ids(), labels(), {.verbose = 0});
  return model;
}

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
    INFO("the user ", program.mistake);
    CHECK(told(program.run) == program.told);
    ++messages.count;
  }
}

}  // namespace wrong_programs
