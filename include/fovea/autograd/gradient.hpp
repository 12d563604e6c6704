// The gradient of one tensor: a dense array, or only the touched rows of a table.
#pragma once

#include <vector>

#include "fovea/array/array.hpp"
#include "fovea/array/ids.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Rows of a table: row i of `values` belongs to row ids.at(i).
struct TouchedRows {
  Ids ids;       ///< (rows)
  Array values;  ///< (rows, width)
};

/// The gradient of one tensor as accumulated so far. A backward rule adds to it in one of three
/// ways: into dense memory, as an array of its own, or as rows.
class Gradient {
 public:
  /// Dense memory into which a rule writes or adds.
  struct Target {
    MutableView view;  ///< not initialised unless `add`
    bool add;          ///< whether to add rather than to write
  };

  /// Constructs an empty gradient.
  explicit Gradient(const Shape& shape) : dense_(shape, Array::Unfilled{}) {}

  /// Returns the shape of the tensor.
  const Shape& shape() const& { return dense_.shape(); }
  /// Returns the shape of the tensor, from a temporary.
  Shape shape() const&& { return dense_.shape(); }

  /// Returns whether nothing has been added.
  bool empty() const { return !has_dense() && parts_.empty(); }

  /// Returns whether something was added, and all of it as rows.
  bool has_rows_only() const { return !has_dense() && !parts_.empty(); }

  /// Returns dense memory, which the caller must write or add to at once.
  Target dense();

  /// Adds an array of the same shape. The first one is shared, not copied. Throws ShapeError.
  void add(const Array& contribution);

  /// Adds row i of `rows` to row ids.at(i) of the table; ids can repeat. rows (ids, width). Throws
  /// ShapeError, and IndexError for an id that the table does not have.
  void add_rows(const Ids& ids, const Array& rows);

  /// Adds another gradient of the same shape.
  void add(const Gradient& other);

  /// Returns the whole gradient as a dense array; zeros where nothing was added.
  Array array() const;

  /// Returns the same by reference, where something was added. Rows become a dense array.
  const Array& gathered() &;

  /// Returns the rows as they were added; ids can repeat.
  const std::vector<TouchedRows>& parts() const& { return parts_; }
  /// Returns the rows of a temporary.
  std::vector<TouchedRows> parts() const&& { return parts_; }

  /// Returns each touched row once, by ascending id, summed in the order of addition. Requires
  /// has_rows_only().
  TouchedRows rows() const;

  /// Makes the gradient empty.
  void clear();

 private:
  bool has_dense() const { return dense_.data() != nullptr; }

  Array dense_;
  std::vector<TouchedRows> parts_;
};

}}  // namespace fovea
