// An OpenBLAS that was built for one old processor, without the functions that choose a core; its
// products are right, but with FAKE_OPENBLAS_SPOILS in the environment, where one element of each
// is off by one.
#include <cblas.h>

#include <cstdlib>

namespace {

template <class Real>
void multiply(bool transpose_a, bool transpose_b, blasint m, blasint n, blasint k, const Real* a,
              blasint lead_a, const Real* b, blasint lead_b, Real beta, Real* c, blasint lead_c) {
  for (blasint i = 0; i < m; ++i)
    for (blasint j = 0; j < n; ++j) {
      Real sum = beta == 0 ? 0 : c[i * lead_c + j];
      for (blasint p = 0; p < k; ++p)
        sum += (transpose_a ? a[p * lead_a + i] : a[i * lead_a + p]) *
               (transpose_b ? b[j * lead_b + p] : b[p * lead_b + j]);
      c[i * lead_c + j] = sum;
    }
  if (std::getenv("FAKE_OPENBLAS_SPOILS")) c[0] += 1;
}

}  // namespace

extern "C" {

char* openblas_get_corename() {
  static char name[] = "Prescott";
  return name;
}
char* openblas_get_config() {
  static char dynamic[] = "OpenBLAS 0.3.99 DYNAMIC_ARCH Prescott",
              fixed[] = "OpenBLAS 0.3.99 Prescott";
  return std::getenv("FAKE_OPENBLAS_FIXED") ? fixed : dynamic;
}
int openblas_get_parallel() { return 1; }
void openblas_set_num_threads(int) {}
int openblas_get_num_threads() { return 1; }

void cblas_sgemm(CBLAS_ORDER, CBLAS_TRANSPOSE a_is, CBLAS_TRANSPOSE b_is, blasint m, blasint n,
                 blasint k, float, const float* a, blasint lead_a, const float* b, blasint lead_b,
                 float beta, float* c, blasint lead_c) {
  multiply(a_is == CblasTrans, b_is == CblasTrans, m, n, k, a, lead_a, b, lead_b, beta, c, lead_c);
}
void cblas_dgemm(CBLAS_ORDER, CBLAS_TRANSPOSE a_is, CBLAS_TRANSPOSE b_is, blasint m, blasint n,
                 blasint k, double, const double* a, blasint lead_a, const double* b,
                 blasint lead_b, double beta, double* c, blasint lead_c) {
  multiply(a_is == CblasTrans, b_is == CblasTrans, m, n, k, a, lead_a, b, lead_b, beta, c, lead_c);
}
}
