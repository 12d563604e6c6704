// IDX files, the format of MNIST: an array of one type, plain or packed by gzip.
#pragma once

#include <string>

#include "fovea/array/array.hpp"
#include "fovea/array/ids.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Limits for a packed file.
struct IdxOptions {
  /// The largest size in bytes to which a file may unpack. Plain files are read in any size.
  Index largest_unpacked = Index(4) << 30;
};

/// Reads an array of any type of the format (u1, i1, i2, i4, f4, f8, all big-endian) as reals, such
/// as images of shape (images, height, width) with values from 0 to 255. A packed file is told by
/// its content. Ranks are 1 to 6.
///
/// Throws IoError, and FormatError where the size is not that of the header, the rank is another,
/// or a packed file is damaged or above the limit. Where a packed file's header is wrong, the byte
/// of the error is that of the unpacked data, and the message says so.
Array read_idx(const std::string& path, const IdxOptions& options = {});

/// Reads an array of integers as ids, such as labels. Throws FormatError also for reals.
Ids read_idx_ids(const std::string& path, const IdxOptions& options = {});

}}  // namespace fovea
