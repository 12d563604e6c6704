#include "fovea/nn/in_layer.hpp"

#include <fmt/format.h>

#include <mutex>
#include <set>

namespace fovea { inline namespace FOVEA_PRECISION {

const char* LayerCall::intern(std::string_view path) {
  static std::mutex mutex;
  static auto& paths =
      *new std::set<std::string, std::less<>>;  // never destroyed: nodes refer to them
  const std::lock_guard lock(mutex);
  const auto found = paths.find(path);
  return (found != paths.end() ? found : paths.emplace(path).first)->c_str();
}

namespace {

// A running forward hook, and the hook that was running when it was called: on this thread, or on
// the thread that waits for the shards.
struct Running {
  const ForwardHook* hook;
  const void* outer;
};

}  // namespace

Tensor LayerCall::hooked(const Context& context, Tensor output) {
  if (!context.hooks) return output;
  const auto hook = context.hooks->find(context.path);
  if (hook == context.hooks->end()) return output;
  const Shape shape = output.shape();
  if (!hook->second) throw ValueError("forward hook: it is empty; remove it from the hooks");
  Surroundings inside = surroundings();
  for (auto around = static_cast<const Running*>(inside.hook); around;
       around = static_cast<const Running*>(around->outer))
    if (around->hook == &hook->second)
      throw StateError(
          "forward hook: it calls itself, through the model whose layer it hooks; compute from "
          "what it is given, or call another model made of the same layers");
  const Running running{&hook->second, inside.hook};
  inside.hook = &running;
  {
    const SurroundingsScope scope(inside);
    output = hook->second(output);
  }
  if (!output.defined())
    throw ValueError(
        "forward hook: it returned an undefined tensor; return its argument, or another tensor of "
        "the same shape");
  if (output.shape() != shape)
    throw ShapeError(
        fmt::format("forward hook: it was given {} and gives {}; give a tensor of the same shape",
                    to_string(shape), to_string(output.shape())));
  return output;
}

}}  // namespace fovea
