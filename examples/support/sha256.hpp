// SHA-256 (FIPS 180-4), to say which data file a program has read.
#pragma once

#include <string>
#include <string_view>

namespace examples {

/// The digest of all bytes, as 64 lower-case hexadecimal digits.
std::string sha256(std::string_view bytes);

}  // namespace examples
