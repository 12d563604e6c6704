// Files in folders, with our exceptions.
#pragma once

#include <string>

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace train {

/// Makes the folder in which a file will stand. Throws IoError.
void make_folder_of(const std::string& path);

/// Removes a file, if it is there. Throws IoError.
void remove_file(const std::string& path);

}}}  // namespace fovea::train
