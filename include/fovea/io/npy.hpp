// NumPy's files: a .npy file holds one array, a .npz file (a zip file of them) several by name.
// Files are not trusted: any content leads to an array or an exception, and memory stays in
// proportion to the file.
//
// Read are format versions 1.0 to 3.0, ranks 0 to 6, C and Fortran order, both byte orders, and the
// types f2 f4 f8, i1 i2 i4 i8, u1 u2 u4 u8 and bool, also as NumPy 1 on Python 2 and other programs
// write them, `(3L, 4L)`, 'f4', '|?'; never complex numbers, text, records, or pickled objects.
// Results are dense, row-major, in memory's order.
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

/// Any numeric type becomes reals, rounded to the nearest where `real` is the narrower one; true
/// is 1. Reading f4 into float and f8 into double keeps every bit. Throws IoError, and FormatError
/// for what is not a .npy file of numbers.
Array read_npy(const std::string& path);

/// Integers of any size. Throws IoError, FormatError also for reals and bools, and ValueError where
/// one does not fit 32 bits.
Ids read_npy_ids(const std::string& path);

/// bool and u1; whatever is not 0 keeps. Throws IoError, FormatError also for every other type.
Mask read_npy_mask(const std::string& path);

/// Writes version 1.0, C order, `<f4` (`<f8` where `real` is double) or `<i4`. At every moment
/// `path` names the old file or the whole new one; what fails leaves nothing behind. Symbolic links
/// are followed. Throws IoError, also where a file is there that may not be written (not by the
/// administrator either, where no bit of its mode permits it), and where `path` leads to a folder,
/// FIFO, device or socket.
void write_npy(const std::string& path, const Array& array);
void write_npy(const std::string& path, const Ids& ids);

/// Fills the span with a file's next bytes, or throws.
using ByteReader = std::function<void(std::span<std::byte>)>;

enum class NumpyType {
  boolean,
  int8,
  int16,
  int32,
  int64,
  uint8,
  uint16,
  uint32,
  uint64,
  float16,
  float32,
  float64
};

/// What stands in front of the numbers.
struct NumpyHeader {
  NumpyType type = NumpyType::float64;  ///< of an element
  Index item_size = 8;                  ///< bytes of an element
  bool big_endian = false;              ///< the order of its bytes
  bool fortran_order = false;           ///< first axis fastest
  Shape shape;                          ///< of the array
  std::string type_text;                ///< as the file writes it: "<f8"
  Index type_begin = 0;                 ///< where in the file that stands
  Index data_begin = 0;                 ///< where in the file the numbers begin

  /// Reads no further than to the first number, and checks that a file of `size` bytes holds the
  /// numbers and nothing else. `file` is the name for messages. Throws FormatError.
  static NumpyHeader read(const std::string& file, Index size, const ByteReader& read);
};

/// The array of a .npy file as the file has it, to be taken out in the type that is wanted.
class NumpyArray {
 public:
  explicit NumpyArray(const std::string& path);  ///< reads the file

  /// From elsewhere: `size` bytes that `read` will give, or throws. Memory for `at_once` of them (1
  /// MiB, where that is more) is taken before the first one came, and more, four times as much each
  /// time, as they come: a size that is a lie costs little.
  NumpyArray(const std::string& file, Index size, const ByteReader& read, Index at_once = 0);

  const NumpyHeader& header() const& { return header_; }  ///< as the file has it
  NumpyHeader header() const&& { return header_; }        ///< the same, of a temporary
  const Shape& shape() const& { return header_.shape; }   ///< of the array
  Shape shape() const&& { return header_.shape; }         ///< the same, of a temporary

  /// With the contracts of read_npy, read_npy_ids and read_npy_mask.
  Array reals() const;
  Ids ids() const;    ///< as read_npy_ids
  Mask mask() const;  ///< as read_npy_mask

 private:
  std::string file_;
  NumpyHeader header_;
  Buffer data_;
};

/// How far an archive is trusted.
struct NumpyArchiveOptions {
  /// The most bytes that a compressed member may unpack to. What is stored without compression is
  /// as large as it is in the file, and is read in any size.
  Index largest_unpacked = Index(4) << 30;
};

/// The arrays of a .npz file. Keeps the file open; one thread at a time. A member of the zip file
/// whose name does not end in
/// ".npy" is no array and left out.
class NumpyArchive {
 public:
  /// Reads the directory. Throws IoError, FormatError for what is no sound zip file (a name that
  /// stands there twice, a member that is larger than the file, encrypted, or packed in another way
  /// than NumPy's), and ValueError for a limit below 0.
  explicit NumpyArchive(const std::string& path, const NumpyArchiveOptions& options = {});
  NumpyArchive(NumpyArchive&& other) noexcept;             ///< takes over the open file
  NumpyArchive& operator=(NumpyArchive&& other) noexcept;  ///< takes over the open file
  ~NumpyArchive();

  /// In the order of the file, without ".npy".
  const std::vector<std::string>& names() const&;
  std::vector<std::string> names() const&& { return names(); }  ///< the same, of a temporary
  bool contains(std::string_view name) const;  ///< whether there is an array of this name

  /// Reads the member's header only; its checksum is not looked at. Throws IndexError for an
  /// unknown name, FormatError, IoError.
  Shape shape(std::string_view name) const;

  /// Reads the member, in memory of the bytes that it really unpacks to, at most four times as
  /// many. Throws IndexError for an unknown name, IoError, and FormatError also for a wrong
  /// checksum, a member that unpacks to more or less than it says, and one that is compressed and
  /// above the limit of the options.
  NumpyArray numpy(std::string_view name) const;
  Array array(std::string_view name) const {
    return numpy(name).reals();
  }                                                                      ///< its numbers as reals
  Ids ids(std::string_view name) const { return numpy(name).ids(); }     ///< its integers
  Mask mask(std::string_view name) const { return numpy(name).mask(); }  ///< its bytes as a mask

 private:
  struct Zip;
  Zip& zip() const;
  std::unique_ptr<Zip> zip_;
};

}}  // namespace fovea
