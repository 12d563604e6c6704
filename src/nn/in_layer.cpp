#include "fovea/nn/in_layer.hpp"

#include <fmt/format.h>

#include <mutex>
#include <set>

namespace fovea::inline FOVEA_PRECISION {

const char* LayerCall::intern(std::string_view path) {
  static std::mutex mutex;
  static auto& paths = *new std::set<std::string, std::less<>>;  // never destroyed: nodes refer to them
  const std::lock_guard lock(mutex);
  const auto found = paths.find(path);
  return (found != paths.end() ? found : paths.emplace(path).first)->c_str();
}

Tensor LayerCall::hooked(const Context& context, Tensor output) {
  if (!context.hooks) return output;
  const auto hook = context.hooks->find(context.path);
  if (hook == context.hooks->end()) return output;
  const Shape shape = output.shape();
  if (!hook->second) throw ValueError("forward hook: it is empty; take it out of the hooks");
  output = hook->second(output);
  if (!output.defined()) throw ValueError("forward hook: it gives a tensor that is not defined; give what it was given, or another of the same shape");
  if (output.shape() != shape)
    throw ShapeError(fmt::format("forward hook: it was given {} and gives {}; give a tensor of the same shape", to_string(shape), to_string(output.shape())));
  return output;
}

}  // namespace fovea
