// A user's program, for links_test.sh: it says which core of OpenBLAS runs, what became of its
// environment, and what comes out of products and of training.
//
//   program                  as it is
//   program down CORE        first takes the core down to CORE, then lets the rule choose, as if
//   OpenBLAS had chosen CORE program keep CORE        takes the core down to CORE and leaves it
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

#include "fovea/fovea.hpp"
#include "kernels/blas_core.hpp"

using namespace fovea;

namespace {

// What the process was started with.
std::string initial_environment() {
  std::ifstream stream("/proc/self/environ", std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::string environment() {
  std::string text;
  for (char** entry = environ; *entry; ++entry) text += std::string(*entry) + '\0';
  return text;
}

// FNV-1a over the bits.
std::uint64_t hash(const Array& array, std::uint64_t value = 14695981039346656037u) {
  const auto* const bytes = reinterpret_cast<const unsigned char*>(array.data());
  for (std::size_t i = 0; i < static_cast<std::size_t>(array.count()) * sizeof(real); ++i)
    value = (value ^ bytes[i]) * 1099511628211u;
  return value;
}

Array drawn(const Shape& shape) {
  const Rng random(3);
  Array array(shape);
  for (Index i = 0; i < array.count(); ++i)
    array.mutable_data()[i] = random.uniform(static_cast<std::uint64_t>(i)) - real(0.5);
  return array;
}

std::uint64_t products() {
  std::uint64_t value = 14695981039346656037u;
  for (const auto& [rows, inner, columns] :
       {std::array<Index, 3>{5, 7, 9}, {64, 64, 64}, {128, 784, 256}, {800, 790, 780}}) {
    const Tensor a(drawn({rows, inner})), b(drawn({inner, columns})), c(drawn({columns, inner}));
    value = hash(matmul(a, b).value(), value);
    value = hash(matmul(a, c, {.transpose_b = true}).value(), value);
  }
  return value;
}

// Twice `fit`, the second time in silence; returns the weights.
std::uint64_t training() {
  std::vector<std::int32_t> ids, labels;
  const Rng random(5);
  for (std::uint64_t i = 0; i < 96 * 20; ++i)
    ids.push_back(static_cast<std::int32_t>(random.bits(i) % 50));
  for (std::uint64_t i = 0; i < 96; ++i)
    labels.push_back(static_cast<std::int32_t>(ids[20 * i] % 4));
  const Ids x({96, 20}, ids), y({96}, labels);
  Sequential model{Embedding{50, 32}, AttentionLayer{16}, Dense{4, Activation::softmax}};
  model.compile(
      {.optimizer = Adam{}, .loss = SparseCategoricalCrossentropy{}, .metrics = {Accuracy{}}});
  model.fit(x, y, {.verbose = 0});
  std::cout << "silent fit done\n";
  for (int i = 0; i < 2; ++i) model.fit(x, y, {.verbose = 2});
  std::uint64_t value = 14695981039346656037u;
  for (const NamedParameter& parameter : parameters_of(model))
    value = hash(parameter.tensor.value(), value);
  return value;
}

int run(int count, char** arguments) {
  const bool environment_is_kept = environment() == initial_environment();
  if (count == 3) {
    if (!kernels::can_choose_core()) {
      std::cout << "cannot choose\n";
      return 77;
    }
    kernels::choose_core(arguments[2]);
    std::cout << "forced " << kernels::current_core() << '\n';
    if (std::strcmp(arguments[1], "down") == 0) kernels::correct_core();
  }
  const RuntimeInfo info = runtime_info();
  std::cout << to_string(info) << "\nfound " << info.blas_core_found << "\ncore " << info.blas_core
            << "\nadvice " << info.advice << "\nenvironment "
            << (environment_is_kept && environment() == initial_environment() ? "kept" : "changed")
            << '\n';
  const std::uint64_t product_bits = products();
  std::cout << "products " << product_bits << '\n';
  const std::uint64_t weight_bits = training();
  std::cout << "weights " << weight_bits << '\n';
  return 0;
}

}  // namespace

// For a static object: a product that may be made before any object of the library; nothing where
// products are wrong.
extern "C" const char* fovea_early() {
  static std::string text;
  try {
    text =
        "early " +
        std::to_string(hash(matmul(Tensor(drawn({128, 300})), Tensor(drawn({300, 200}))).value()));
  } catch (const StateError&) {
  }
  return text.c_str();
}

extern "C" int fovea_program(int count, char** arguments) {
  try {
    return run(count, arguments);
  } catch (const StateError& error) {
    std::cout << "StateError: " << error.what() << '\n';
    return 3;
  }
}
