// Folders and the files in them.
#pragma once

#include <string>
#include <vector>

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace io {

/// Returns the names of what is in a folder; none where there is no such folder. Throws IoError.
std::vector<std::string> names_in(const std::string& folder);

/// Makes the folder in which a file will stand. Throws IoError.
void make_folder_of(const std::string& path);

/// Removes a file, if it is there. Throws IoError.
void remove_file(const std::string& path);

/// Removes new files of AtomicFile in a folder that processes left behind which do not run any
/// more: killed, they had no time to. Throws IoError where the folder cannot be read.
void remove_leftovers(const std::string& folder);

}}}  // namespace fovea::io
