#include "fovea/io/text_file.hpp"

#include "io/atomic_file.hpp"
#include "io/path.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

void write_text(const std::string& path, std::string_view text) {
  io::AtomicFile file(io::checked_path("write_text", path));
  file.write(std::as_bytes(std::span(text)));
  file.commit();
}

}}  // namespace fovea
