// Steps of Adam over neighbouring numbers: one step over many, and many steps over one row.
//
// A row that was left alone for a while and is brought up to date has the same bits as one that was
// updated in every step: without a gradient both come to the same operations, less those that
// change nothing.
#pragma once

#include <span>

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

/// What a step of Adam multiplies with, bias corrections included:
///   g' = gradient + l2 p,  m += (g' - m) one_minus_beta_1,  v += (g'^2 - v) one_minus_beta_2,
///   p = keep p - rate m / (root_scale sqrt(v) + epsilon)
/// v is infinite only where the share of g'^2 is, not where g'^2 alone is. It stays infinite then,
/// and p stands still there; docs/numerics.md says which gradients are too large.
struct AdamStep {
  real one_minus_beta_1, one_minus_beta_2;
  real rate, root_scale, epsilon;
  real l2, keep;

  bool operator==(const AdamStep&) const = default;
};

/// Updates n parameters, in parallel. A null gradient counts as zeros.
void adam(const AdamStep& step, const real* gradient, real* parameter, real* mean, real* variance,
          Index n);

/// Updates one row of a table by the sum of `gradients`, at least one, added up in their order; on
/// the calling thread.
void adam_row(const AdamStep& step, std::span<const real* const> gradients, real* parameter,
              real* mean, real* variance, Index width);

/// Equal steps in a row.
struct AdamRun {
  AdamStep step;
  Index count;
};

/// Makes the steps of `runs`, in order, less the first `skip`, with gradients of zero, on `width`
/// neighbours of a row. With `settles`, gradients of zero make moments shrink and parameters stand
/// still in the end (no decay, beta_1^2 <= beta_2), and from when they do the moments alone are
/// computed; then `largest_rate` is the largest rate and `smallest_root` the smallest root_scale
/// among the steps.
void adam_replay(std::span<const AdamRun> runs, Index skip, bool settles, real largest_rate,
                 real smallest_root, real* parameter, real* mean, real* variance, Index width);

}}}  // namespace fovea::kernels
