// What a wrong call is told.
#pragma once

#include <exception>
#include <string>

#include "fovea/autograd/tensor.hpp"

namespace support {

/// Zeros of a shape: an argument whose numbers do not matter.
inline fovea::Tensor of(const fovea::Shape& shape) { return fovea::Array::zeros(shape); }

/// The message with which `call` throws an E.
template <class E, class F>
std::string refusal(const F& call) {
  try {
    call();
  } catch (const E& error) {
    return error.what();
  } catch (const std::exception& error) {
    return std::string("another exception: ") + error.what();
  }
  return "nothing was thrown";
}

}  // namespace support
