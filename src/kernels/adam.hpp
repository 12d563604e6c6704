// Steps of Adam over neighbouring numbers: one step over many, and many steps over one row.
//
// A row that was left alone for a while and is brought up to date has the same bits as one that was
// updated in every step: without a gradient both come to the same operations, less those that
// change nothing.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

/// What a step of Adam multiplies with, bias corrections included, in the order of AdamFactor:
///   g' = gradient + l2 p,  m += (g' - m) one_minus_beta_1,  v += (g'^2 - v) one_minus_beta_2,
///   p = keep p - rate m / (root_scale sqrt(v) + epsilon)
/// v is infinite only where the share of g'^2 is, not where g'^2 alone is. It stays infinite then,
/// and p stands still there; docs/numerics.md says which gradients are too large.
using AdamFactors = std::array<real, 8>;

/// Positions in AdamFactors.
enum AdamFactor : std::size_t {
  one_minus_beta_1,
  one_minus_beta_2,
  rate,
  root_scale,
  epsilon,
  l2,
  keep,
};

/// Where the elements of a step are.
struct AdamPlaces {
  real *parameter, *mean, *variance;
};

/// Updates n neighbouring elements. A null gradient stands for zeros. `left`: how many elements to
/// prefetch in the array from the first on, see ahead.hpp.
void adam(const AdamFactors& step, const real* gradient, const AdamPlaces& at, Index n, Index left);

/// Updates one row of a table by the sum of `gradients`, at least one, added up in their order.
void adam_row(const AdamFactors& step, std::span<const real* const> gradients, const AdamPlaces& at,
              Index width);

/// Steps that a row has missed, equal ones once.
struct AdamMissed {
  std::span<const AdamFactors> factors;
  std::span<const std::int32_t> ends;  ///< the number of the last step with these factors
  std::int32_t done;                   ///< the number of the last step that the row has made
  /// Whether gradients of zero make moments shrink and parameters come to rest in the end (no
  /// decay, beta_1^2 <= beta_2). From when they do the moments alone are computed.
  bool settles;
  real largest_rate;   ///< at least the largest rate of these steps
  real smallest_root;  ///< at most the smallest root_scale of these steps
};

/// Makes the steps that `width` neighbours of a row have missed, with gradients of zero.
void adam_replay(const AdamMissed& missed, const AdamPlaces& at, Index width);

}}}  // namespace fovea::kernels
