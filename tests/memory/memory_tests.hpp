// What tests of memory share.
#pragma once

#include <string>
#include <thread>

#include "fovea/base/error.hpp"
#include "fovea/memory/buffer.hpp"

namespace memory_tests {

using namespace fovea;

constexpr Index mebibyte = Index(1) << 20;
constexpr Index peak_slack = 128 * 1024;  // of each thread, as bytes_peak() states

/// A cap for the extent of a test.
struct Cap {
  explicit Cap(Index bytes) { memory::set_cap(bytes); }
  ~Cap() { memory::set_cap(0); }
};

template <class Function>
void on_another_thread(Function function) {
  std::thread(function).join();
}

/// What a request of so many bytes is answered with, or "granted".
inline std::string refusal(Index bytes) {
  try {
    memory::release(memory::acquire(bytes));
  } catch (const MemoryError& error) {
    return error.what();
  }
  return "granted";
}

}  // namespace memory_tests
