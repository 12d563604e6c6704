// Products whose results are known: what a library of products must get right before it is trusted.
// Versions of OpenBLAS have multiplied wrongly on some processors, without a word.
#pragma once

#include "kernels/product.hpp"
#include "parallel/parallel.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

/// How many products `wrong_products` tries.
constexpr int known_products = 14;

/// Returns how many of them `multiply` gets wrong. Their sizes reach the kernels of OpenBLAS for
/// small products, in all four orientations, and those that pack, in two, beyond the sizes of their
/// blocks; their rows lie apart in memory, and half of them add to what is there. All elements are
/// integers so small that every sum is exact in any order. They are held against C y = A (B y) + C'
/// y (Freivalds, "Probabilistic machines can use less running time", 1977), which takes n^2
/// operations: all of it a millisecond or two.
int wrong_products(parallel::FunctionRef<void(const Product&)> multiply);

}}}  // namespace fovea::kernels
