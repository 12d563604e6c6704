// To be preloaded: before any library of the program starts, OpenBLAS has chosen its kernels for
// Prescott, as old versions do on processors that they do not know.
#include <cstdlib>

extern "C" void gotoblas_dynamic_init();
extern "C" void gotoblas_dynamic_quit();

namespace {

[[gnu::constructor]] void choose() {
  setenv("OPENBLAS_CORETYPE", "Prescott", 1);
  gotoblas_dynamic_quit();
  gotoblas_dynamic_init();
  unsetenv("OPENBLAS_CORETYPE");
}

}  // namespace
