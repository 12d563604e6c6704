// Arrays as text, as NumPy prints them.
#pragma once

#include <iosfwd>
#include <string>

#include "fovea/array/array.hpp"
#include "fovea/array/mask.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// How arrays are printed; the defaults are NumPy's.
struct PrintOptions {
  Index precision = 8;     ///< the most digits behind the decimal point
  Index threshold = 1000;  ///< the most elements that are printed without a summary
  Index edge_items = 3;    ///< the rows at each end of an axis that a summary shows
  Index line_width = 75;   ///< the most characters of a line
  bool suppress = false;   ///< whether small values are rounded rather than written as 1e-05
};

/// Returns the elements as NumPy's str prints an array of the same type: all with as many digits as
/// the one that needs most. Throws ValueError for options below 0.
std::string to_string(const Array& array, const PrintOptions& options = {});
/// The same, of ids.
std::string to_string(const Ids& ids, const PrintOptions& options = {});
/// The same, of a mask: True where it keeps, False elsewhere.
std::string to_string(const Mask& mask, const PrintOptions& options = {});

/// Writes to_string(array).
std::ostream& operator<<(std::ostream& stream, const Array& array);
/// Writes to_string(ids).
std::ostream& operator<<(std::ostream& stream, const Ids& ids);
/// Writes to_string(mask).
std::ostream& operator<<(std::ostream& stream, const Mask& mask);
/// Writes a copy of the row.
template <class Element, class Self>
std::ostream& operator<<(std::ostream& stream, const Row<Element, Self>& row) {
  return stream << Self(row);
}

}}  // namespace fovea
