// Everything the library throws. A message says what was called, what differs, the values, and what
// to do; where the call was made inside a model, it starts with the layer's path. Arguments are
// checked before any work is done.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// The base of all exceptions of this library.
class Error : public std::exception {
 public:
  explicit Error(std::string message) : message_(std::move(message)) {}  ///< the path is empty

  /// The whole message, layer path first where there is one.
  const char* what() const noexcept override { return message_.c_str(); }

  /// Path of the layer in whose call the error arose, such as "sequential/attention_layer"; empty
  /// outside of a model.
  const std::string& path() const& noexcept { return path_; }
  std::string path() const&& { return path_; }  ///< the same, of a temporary

  /// Puts a container's name in front of the path. Containers call it while the error passes
  /// through them.
  void add_path(std::string_view name);

 private:
  std::string message_;
  std::string path_;
};

/// Shapes that do not fit each other or the operation.
struct ShapeError : Error {
  using Error::Error;
};

/// An argument or option outside of its range.
struct ValueError : Error {
  using Error::Error;
};

/// An id, label or position that names nothing.
struct IndexError : Error {
  using Error::Error;
};

/// A call that the present state does not allow: not built, graph released, numbers changed in
/// between.
struct StateError : Error {
  using Error::Error;
};

/// More memory than the cap allows (memory/buffer.hpp), or than the system has.
struct MemoryError : Error {
  using Error::Error;
};

}}  // namespace fovea
