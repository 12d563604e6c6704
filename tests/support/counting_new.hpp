// Counts the bytes that the standard allocator is asked for in this program. Include it in one file
// of a program.
#pragma once

#include <cstdlib>
#include <new>

#include "requested.hpp"

// The address sanitizer has an allocator of its own, and counts nothing.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
void* operator new(std::size_t bytes) {
  support::requested += bytes;
  if (void* const memory = std::malloc(bytes > 0 ? bytes : 1)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
#endif
