// What the standard allocator was asked for, in a program with counting_new.hpp.
#pragma once

#include <atomic>
#include <cstddef>

namespace support {

inline std::atomic<std::size_t> requested = 0;  // bytes, so far

}  // namespace support
