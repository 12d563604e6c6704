#include "fovea/nn/caller.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "fovea/base/error.hpp"
#include "fovea/nn/type_name.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace building {

void note(const Context& inside, const Tensor& output) {
  if (inside.trace && inside.trace->outputs && output.shape().rank() > 0)
    inside.trace->outputs->push_back({inside.path.data(), output.shape().without(0)});
}

void note_masked(const Context& inside, const Tensor& output) {
  if (inside.trace && inside.trace->masked) inside.trace->masked->push_back(output);
}

bool is_masked(const Context& inside, const Tensor& x) {
  return inside.trace && inside.trace->masked &&
         std::ranges::any_of(*inside.trace->masked, [&](const Tensor& masked) {
           return masked.shape() == x.shape() && masked.value().data() == x.value().data();
         });
}

void throw_mask_forgotten() {
  throw StateError(
      "its input comes from an Embedding with mask_zero, and its mask was forgotten; pass "
      "embedding.mask(ids) behind the input, or std::optional<Mask>() to look at padding as well");
}

void throw_unlisted(const std::type_info& child) {
  throw StateError(
      fmt::format("a module of type {} is called that has no name; list it in `parameters`, "
                  "visit(\"its name\", self.member), and call the member itself, not a copy",
                  type_name(child)));
}

void throw_not_made(const std::string& path) {
  throw StateError(fmt::format(
      "{}: it is listed in `parameters`, and was never built; call its module by a Caller, or "
      "give the module that lists it a build",
      path));
}

}}}  // namespace fovea::building
