// Arrays in files that may be larger than memory: rows are read when they are asked for.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "fovea/array/array.hpp"
#include "fovea/array/ids.hpp"
#include "fovea/array/mask.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// An array of a .npy or safetensors file, which stays open. Copies share it. Several threads can
/// read at once.
///
/// Rows are read by `pread`, from the system's page cache where they are there, and are not mapped
/// into memory: a file that becomes shorter is then a FormatError and not the end of the process.
class FileArray {
 public:
  /// Opens a .npy file and checks its header. Throws IoError, and FormatError for a file that is
  /// not a .npy file of numbers, or whose rows do not lie together (Fortran order).
  static FileArray npy(const std::string& path);
  /// Opens a safetensors file and checks its header, but not its checksum, for which the whole file
  /// would be read. Throws IndexError for an unknown name, IoError, and FormatError also for a type
  /// that is not converted.
  static FileArray safetensors(const std::string& path, const std::string& name);

  /// Returns the shape: (rows, ...).
  const Shape& shape() const&;
  /// The same, of a temporary.
  Shape shape() const&& { return shape(); }
  /// Returns the number of rows.
  Index count() const { return shape()[0]; }
  /// Returns whether the elements are integers.
  bool is_integer() const;
  /// Returns the file, and the name of the tensor, for messages.
  const std::string& name() const&;
  /// The same, of a temporary.
  std::string name() const&& { return name(); }

  /// Reads the rows at `positions`, in that order, as reals; true is 1. Neighbours are read at
  /// once. Throws IndexError, IoError, and FormatError for a file that became shorter.
  Array rows(std::span<const Index> positions) const;
  /// The same, all elements one after another in double.
  std::vector<double> doubles(std::span<const Index> positions) const;
  /// Reads integers of any size. Throws FormatError for other types, and ValueError for a value
  /// that does not fit 32 bits.
  Ids ids(std::span<const Index> positions) const;
  /// Reads bools and bytes; every value but 0 keeps. Throws FormatError for other types.
  Mask mask(std::span<const Index> positions) const;

 private:
  struct Contents;
  explicit FileArray(std::shared_ptr<const Contents> contents);
  template <class Use>
  auto converted(std::span<const Index> positions, const Use& use) const;

  std::shared_ptr<const Contents> contents_;
};

}}  // namespace fovea
