// Files that grow line by line.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "io/atomic_file.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace io {

/// Appends bytes to an ordinary file, which is made where there is none: all bytes or, where an
/// IoError is thrown, none. A process that is killed meanwhile may leave some of them: see
/// end_of_lines. Nothing stays open.
void append_to_file(const std::string& path, std::string_view bytes,
                    const FileCalls& calls = system_calls());

/// Brings a file to the disk. Throws IoError.
void flush_file(const std::string& path, const FileCalls& calls = system_calls());

/// Returns the position of the first line from `begin` on that does not stay, or that has no end;
/// the size of the file where there is none. Lines come without their ends. Throws IoError.
Index end_of_lines(const std::string& path, Index begin,
                   const std::function<bool(std::string_view line)>& stays);

/// Cuts a file off. Throws IoError.
void cut_file(const std::string& path, Index size);

}}}  // namespace fovea::io
