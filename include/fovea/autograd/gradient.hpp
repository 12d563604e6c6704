// The gradient of one tensor: dense numbers, or only the touched rows of a table.
#pragma once

#include <vector>

#include "fovea/array/array.hpp"
#include "fovea/array/ids.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Rows of a table: row i of `values` belongs to row ids.at(i).
struct TouchedRows {
  Ids ids;       ///< one for each row
  Array values;  ///< (ids, width)
};

/// What has been added up so far. A backward rule adds to it in one of three ways: into dense
/// numbers, as an array of its own, or as rows.
class Gradient {
 public:
  /// Where a rule writes: over what is there (add is false: it is not initialised), or on top of
  /// it.
  struct Target {
    MutableView view;  ///< the dense numbers
    bool add;          ///< whether to add to them
  };

  explicit Gradient(const Shape& shape)
      : dense_(shape, Array::Unfilled{}) {}  ///< nothing added yet

  const Shape& shape() const& { return dense_.shape(); }  ///< the tensor's
  Shape shape() const&& { return dense_.shape(); }        ///< the same, of a temporary

  /// Whether nothing has been added.
  bool empty() const { return !has_dense() && parts_.empty(); }

  /// Whether all that was added are rows.
  bool has_rows_only() const { return !has_dense() && !parts_.empty(); }

  /// Dense numbers to write into or add to. After the call they count as written.
  Target dense();

  /// Adds an array of the same shape; the first is shared, not copied. Throws ShapeError.
  void add(const Array& contribution);

  /// Adds row i of `rows` to the table row ids.at(i); ids may repeat. rows: (ids.count(), width of
  /// the table). Throws ShapeError, and IndexError for an id that the table does not have.
  void add_rows(const Ids& ids, const Array& rows);

  /// Adds all of another gradient of the same shape.
  void add(const Gradient& other);

  /// The whole gradient as dense numbers; zeros where nothing was added.
  Array array() const;

  /// The same where something was added, without a copy of the handle; rows become dense numbers.
  const Array& gathered() &;

  const std::vector<TouchedRows>& parts() const& {
    return parts_;
  }  ///< what was added as rows; ids may repeat
  std::vector<TouchedRows> parts() const&& { return parts_; }  ///< the same, of a temporary

  /// The touched rows, each once, ids ascending, added up in the order in which they were added.
  /// Only where has_rows_only().
  TouchedRows rows() const;

  /// Nothing added, as at first.
  void clear();

 private:
  bool has_dense() const { return dense_.data() != nullptr; }

  Array dense_;
  std::vector<TouchedRows> parts_;
};

}}  // namespace fovea
