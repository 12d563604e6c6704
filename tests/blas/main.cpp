// Calls the program, linked in, and makes a product before main.
#include <cstdio>

extern "C" const char* fovea_early();
extern "C" int fovea_program(int count, char** arguments);

namespace {
const char* const early = fovea_early();
}

int main(int count, char** arguments) {
  std::puts(early);
  return fovea_program(count, arguments);
}
