// NumPy's files: a .npy file holds one array, a .npz file (a zip file of them) several by name.
// Files are not trusted: any content leads to an array or an exception, and memory stays in
// proportion to the file.
//
// Readers accept format versions 1.0 to 3.0, ranks 0 to 6, C and Fortran order, and both byte
// orders. Types are f2 f4 f8, i1 i2 i4 i8, u1 u2 u4 u8 and bool, also in the spellings of NumPy 1
// on Python 2 and of other programs: `(3L, 4L)`, 'f4', '|?'. Complex numbers, text, records and
// pickled objects are rejected. Results are dense, row-major, and in the machine's byte order.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/array/array.hpp"
#include "fovea/array/ids.hpp"
#include "fovea/array/mask.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Reads an array of any numeric type as reals; true is 1. Values are rounded to nearest where
/// `real` is the narrower type; f4 into float and f8 into double keep every bit. Throws IoError,
/// and FormatError for a file that is not a .npy file of numbers.
Array read_npy(const std::string& path);

/// Reads integers of any size. Throws IoError, FormatError also for reals and bools, and ValueError
/// for a value that does not fit 32 bits.
Ids read_npy_ids(const std::string& path);

/// Reads bool and u1; every value but 0 keeps. Throws IoError, FormatError also for other types.
Mask read_npy_mask(const std::string& path);

/// Writes version 1.0, C order, `<f4` (`<f8` where `real` is double). At every moment `path` names
/// the old file or the whole new one. A failure leaves nothing behind. Symbolic links are followed.
///
/// Throws IoError, also for an existing file without write permission (for root too, where no bit
/// of its mode permits writing), and where `path` leads to a folder, FIFO, device or socket.
void write_npy(const std::string& path, const Array& array);
/// Writes ids as `<i4`, on the same terms.
void write_npy(const std::string& path, const Ids& ids);

struct NumpyHeader;
namespace io {
struct StoredElements;
}

/// The array of a .npy file, as stored, for conversion to the type that is needed.
class NumpyArray {
 public:
  /// Reads the file. Throws IoError and FormatError.
  explicit NumpyArray(const std::string& path);

  /// Reads `size` bytes from another source; `read` fills a span with the next bytes, or throws. At
  /// first memory for `at_once` bytes (at least 1 MiB) is allocated, then four times as much each
  /// time as bytes arrive. So a false size costs little. `file` is the name in messages.
  NumpyArray(const std::string& file, Index size,
             const std::function<void(std::span<std::byte>)>& read, Index at_once = 0);

  NumpyArray(const NumpyArray&) = default;             ///< shares the elements
  NumpyArray& operator=(const NumpyArray&) = default;  ///< shares the elements

  /// Returns the shape of the array.
  const Shape& shape() const& { return shape_; }
  /// Returns the shape of a temporary.
  Shape shape() const&& { return shape_; }
  /// Returns the type of an element, as in the file: "<f8".
  std::string type() const;

  /// Returns the header of the file; its type is internal.
  const NumpyHeader& header() const& { return *header_; }
  /// Returns the header of a temporary.
  NumpyHeader header() const&&;

  /// Converts the elements on the terms of read_npy.
  Array reals() const;
  /// Converts the elements on the terms of read_npy_ids.
  Ids ids() const;
  /// Converts the elements on the terms of read_npy_mask.
  Mask mask() const;

 private:
  io::StoredElements stored() const;
  std::string file_;
  std::shared_ptr<const NumpyHeader> header_;
  Shape shape_;
  Buffer data_;
};

/// Limits for an archive.
struct NumpyArchiveOptions {
  /// The largest size in bytes to which a compressed member may unpack. Members without compression
  /// are read in any size.
  Index largest_unpacked = Index(4) << 30;
};

/// The arrays of a .npz file. Keeps the file open. Only one thread at a time can use an archive.
/// Members of the zip file whose names do not end in ".npy" are ignored.
class NumpyArchive {
 public:
  /// Reads the directory. Throws IoError, FormatError for an invalid zip file, and ValueError for a
  /// limit below 0. A zip file is invalid if a name occurs twice, or if a member is larger than the
  /// file, encrypted, or compressed in another way than NumPy's.
  explicit NumpyArchive(const std::string& path, const NumpyArchiveOptions& options = {});
  NumpyArchive(NumpyArchive&& other) noexcept;             ///< takes over the open file
  NumpyArchive& operator=(NumpyArchive&& other) noexcept;  ///< takes over the open file
  ~NumpyArchive();

  /// Returns the names of the arrays in the order of the file, without ".npy".
  const std::vector<std::string>& names() const&;
  /// Returns the names of a temporary.
  std::vector<std::string> names() const&& { return names(); }
  /// Returns whether there is an array of this name.
  bool contains(std::string_view name) const;

  /// Reads the header of a member, without checking its checksum. Throws IndexError for an unknown
  /// name, FormatError, IoError.
  Shape shape(std::string_view name) const;

  /// Reads a member, with at most four times the memory of the bytes that it really unpacks to.
  /// Throws IndexError for an unknown name, IoError, and FormatError. FormatErrors include a wrong
  /// checksum, a false size, and a compressed member above the limit of the options.
  NumpyArray numpy(std::string_view name) const;
  /// Reads a member as reals, on the terms of `numpy` and read_npy.
  Array array(std::string_view name) const { return numpy(name).reals(); }
  /// Reads a member as ids, on the terms of `numpy` and read_npy_ids.
  Ids ids(std::string_view name) const { return numpy(name).ids(); }
  /// Reads a member as a mask, on the terms of `numpy` and read_npy_mask.
  Mask mask(std::string_view name) const { return numpy(name).mask(); }

 private:
  struct Zip;
  Zip& zip() const;
  std::unique_ptr<Zip> zip_;
};

}}  // namespace fovea
