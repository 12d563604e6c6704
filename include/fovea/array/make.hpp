// Arrays from a rule, and arrays as arrays of another type. The names are NumPy's. An Array is a
// constant Tensor wherever a Tensor is expected.
#pragma once

#include "fovea/array/array.hpp"
#include "fovea/array/mask.hpp"
#include "fovea/base/random.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Returns an array of zeros.
inline Array zeros(const Shape& shape) { return Array::zeros(shape); }
/// Returns an array of ones.
inline Array ones(const Shape& shape) { return Array::full(shape, 1); }
/// Returns an array whose elements all equal `value`. Throws ValueError for a number that a real
/// cannot represent, as do arange and linspace.
Array full(const Shape& shape, Number value);

/// Returns the identity: 1 on the diagonal, 0 elsewhere: (size, size).
Array eye(Index size);
/// The same with another number of columns: (rows, columns).
Array eye(Index rows, Index columns);

/// Returns 0, 1, ... before `end`: (ceil(end),), without elements unless end > 0.
Array arange(double end);
/// Returns begin, begin + step, ... before `end`: (ceil((end - begin) / step),), without elements
/// where the step leads away from the end. Throws ValueError for a step of 0, and for bounds that
/// are infinite or NaN.
Array arange(double begin, double end, double step = 1);
/// Returns `count` values at equal distances, both ends included: (count,). Throws ValueError for a
/// negative count, and for bounds that are infinite, NaN or too far apart for a double.
Array linspace(double begin, double end, Index count = 50);

/// Returns values drawn uniformly from [0, 1): element i is random.uniform(i).
Array rand(const Shape& shape, const Rng& random);
/// Returns values drawn from the normal distribution of mean 0 and variance 1, each from two
/// uniform values (Box and Muller, 1958).
Array randn(const Shape& shape, const Rng& random);

/// Returns ids as reals. Throws ValueError for an id that a real does not hold exactly.
Array to_array(const Ids& ids);
/// Returns 1 where the mask keeps, 0 elsewhere.
Array to_array(const Mask& mask);
/// Returns reals as ids. Throws ValueError for a value that is no integer of 32 bits.
Ids to_ids(const Array& array);
/// Returns 1 where the mask keeps, 0 elsewhere.
Ids to_ids(const Mask& mask);
/// Returns a mask that keeps wherever a value is not 0. Throws ValueError for NaN.
Mask to_mask(const Array& array);
/// Returns a mask that keeps wherever an id is not 0.
Mask to_mask(const Ids& ids);

}}  // namespace fovea
