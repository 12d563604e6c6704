// Calls the program in a plug-in, which brings fovea and OpenBLAS into a process that had neither.
#include <dlfcn.h>

#include <cstdio>

int main(int count, char** arguments) {
  void* const plugin = dlopen(PLUGIN, RTLD_NOW | RTLD_LOCAL);
  if (!plugin) {
    std::fprintf(stderr, "%s\n", dlerror());
    return 1;
  }
  return reinterpret_cast<int (*)(int, char**)>(dlsym(plugin, "fovea_program"))(count, arguments);
}
