// What the machine can do at best, measured in the run in which kernels are held against it: bytes
// that memcpy moves, and multiply-adds in registers.
#pragma once

#include <functional>

#include "fovea/array/array.hpp"

namespace bench {

/// Copies half of `bytes`, so that as many are read and written together: on one thread, or cut for
/// all of them as the library cuts its loops. What it copies is allocated here.
std::function<void()> copies(fovea::Index bytes, bool all_threads = true);

/// Multiplies and adds in registers, for about half a millisecond, as many at once as the processor
/// takes: on one thread, or on each of them.
struct MultiplyAdds {
  bool all_threads;

  void operator()() const;
  double operations() const;  ///< of one call, two for each multiply-add
};

/// An array of numbers drawn from [low, high).
fovea::Array random_array(const fovea::Shape& shape, fovea::real low, fovea::real high);

}  // namespace bench
