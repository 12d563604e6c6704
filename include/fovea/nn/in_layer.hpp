// Calls modules inside modules, so that errors, dropout, attention weights, hooks and the graph
// know the path.
#pragma once

#include "fovea/autograd/tensor.hpp"
#include "fovea/base/error.hpp"
#include "fovea/nn/context.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// The parts of `in_layer`, for containers that call the same layers again and again.
struct LayerCall {
  /// Returns the path as a string that is never freed, the same one for equal paths.
  static const char* intern(std::string_view path);

  /// Passes the output of the layer at context.path through its hook, if there is one. Throws
  /// ShapeError for a hook that changes the shape.
  static Tensor hooked(const Context& context, Tensor output);

  /// Returns body(inside), run as the layer at an interned path. An error without a path gets this
  /// path.
  template <class Body>
  static auto run(const Context& context, const char* path, const Body& body) {
    Context inside = context;
    inside.path = path;
    const Place place(path);
    try {
      return body(static_cast<const Context&>(inside));
    } catch (Error& error) {
      if (error.path().empty()) error.add_path(path);
      throw;
    }
  }

 private:
  // While in scope, the operations of this thread belong to the layer.
  struct Place {
    explicit Place(const char* layer) : outer(std::exchange(surroundings().layer, layer)) {}
    ~Place() { surroundings().layer = outer; }
    const char* outer;
  };
};

/// Returns body(inside), run as the layer `name` of the module that was called with `context`:
/// inside.path is the path of that module and the name. The result passes the layer's forward hook.
///
///     return x + in_layer(context, "up", [&](const Context& inside) { return up(x, inside); });
template <class Body>
Tensor in_layer(const Context& context, std::string_view name, const Body& body) {
  const std::string path = context.path.empty()
                               ? std::string(name)
                               : std::string(context.path) + "/" + std::string(name);
  return LayerCall::run(context, LayerCall::intern(path), [&](const Context& inside) {
    return LayerCall::hooked(inside, body(inside));
  });
}

}}  // namespace fovea
