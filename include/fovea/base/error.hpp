// The exceptions of the library. A message says what was called, what was expected, what was given,
// and what to do. Inside a model it starts with the path of the layer.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// The base of all exceptions of this library. Arguments are checked before any work is done.
class Error : public std::exception {
 public:
  /// Constructs an error with an empty path.
  explicit Error(std::string message) : message_(std::move(message)) {}

  /// Returns the whole message, which starts with the layer's path where there is one.
  const char* what() const noexcept override { return message_.c_str(); }

  /// Returns the path of the layer whose call failed, such as "sequential/attention_layer". The
  /// path is empty outside of a model.
  const std::string& path() const& noexcept { return path_; }
  /// Returns the path of a temporary.
  std::string path() const&& { return path_; }

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

/// An id, label, axis or position that does not exist.
struct IndexError : Error {
  using Error::Error;
};

/// A call that the present state does not allow. For instance, the module is not built, the graph
/// was released, or a parameter was written to after the forward pass.
struct StateError : Error {
  using Error::Error;
};

/// More memory than the cap allows (memory/buffer.hpp), or than the system has.
struct MemoryError : Error {
  using Error::Error;
};

}}  // namespace fovea
