// Calling modules inside modules, so that errors, dropout, attention weights, hooks and the
// graph say where.
#pragma once

#include "fovea/autograd/tensor.hpp"
#include "fovea/base/error.hpp"
#include "fovea/nn/context.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// What `in_layer` is made of, for containers that call the same layers again and again.
struct LayerCall {
  /// The path as a string that is never freed; equal paths give the same.
  static const char* intern(std::string_view path);

  /// What the hook of the layer at context.path, if there is one, makes of the layer's output.
  /// Throws ShapeError where it changes the shape.
  static Tensor hooked(const Context& context, Tensor output);

  /// body(inside) as the layer at an interned path, which errors from inside begin with unless they
  /// have a path already.
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
  // While it is in scope, this thread's operations are the layer's.
  struct Place {
    explicit Place(const char* layer) : outer(std::exchange(surroundings().layer, layer)) {}
    ~Place() { surroundings().layer = outer; }
    const char* outer;
  };
};

/// body(inside) as the layer `name` of the module that was called with `context`; inside.path is
/// that module's path and the name. The tensor that it gives passes the layer's forward hook.
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
