#include "fovea/nn/layer.hpp"

#include <cxxabi.h>
#include <fmt/format.h>

#include <cstdlib>

#include "fovea/base/error.hpp"

namespace fovea::inline FOVEA_PRECISION {

namespace {

// What stands behind the last "::" that no bracket encloses, without arguments of templates. Types without a name are written
// "{lambda(...)#1}" or "{unnamed type#1}" by one compiler, "$_0", "'lambda'(...)" or "'unnamed'" by another.
std::string unqualified(std::string_view type) {
  std::size_t begin = 0, depth = 0;
  for (std::size_t i = 0; i < type.size(); ++i) {
    if (std::string_view("<({[").find(type[i]) != std::string_view::npos) ++depth;
    if (std::string_view(">)}]").find(type[i]) != std::string_view::npos) --depth;
    if (type[i] == ':' && depth == 0) begin = i + 1;
  }
  const std::string_view last = type.substr(begin);
  if (last.starts_with("{unnamed") || last.starts_with("'unnamed")) return "module";
  if (last.starts_with('{') || last.starts_with('\'') || last.starts_with('$')) return "lambda";
  return std::string(last.substr(0, last.find('<')));
}

}  // namespace

std::string Layer::type_name(const std::type_info& type) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> demangled(abi::__cxa_demangle(type.name(), nullptr, nullptr, &status), std::free);
  return unqualified(status == 0 ? demangled.get() : type.name());
}

Layer named(std::string name, Layer layer) {
  if (name.empty() || name.find('/') != std::string::npos)
    throw ValueError(fmt::format("named: the name of a layer is \"{}\"; give one that is not empty and has no \"/\", which stands between the names of a path", name));
  layer.name_ = std::move(name);
  return layer;
}

Signal Layer::call(const Signal& x, const Context& context) const {
  std::optional<Mask> behind = mask(x.mask, std::get_if<Ids>(&x.value));
  const std::optional<Tensor> y = self_->call(x, context);
  if (!y) refuse_kind(x);
  return {*y, std::move(behind)};
}

void Layer::check(const Signal& x) const {
  if (!self_->takes(x)) refuse_kind(x);
  if (const Ids* ids = std::get_if<Ids>(&x.value)) self_->check(*ids);
}

void Layer::refuse_kind(const Signal& x) const {
  const Ids* ids = std::get_if<Ids>(&x.value);
  throw ValueError(
      ids ? fmt::format("{} takes numbers, and is given ids of shape {}; put an Embedding before it", type_, to_string(ids->shape()))
          : fmt::format("{} takes ids, and is given numbers of shape {}; give Ids", type_, to_string(std::get<Tensor>(x.value).shape())));
}

Signal Layer::call_for_logits(const Signal& x, const Context& context) const {
  const Tensor* tensor = std::get_if<Tensor>(&x.value);
  if (!tensor || !ends_in_softmax()) return call(x, context);
  return {self_->linear(*tensor), mask(x.mask, nullptr)};
}

std::optional<Mask> Layer::mask(const std::optional<Mask>& before, const Ids* ids) const {
  if (ids)
    if (std::optional<Mask> own = self_->own_mask(*ids)) return own;
  if (!before || self_->mask_flow() == MaskFlow::ends) return std::nullopt;
  if (self_->mask_flow() == MaskFlow::loses)
    throw StateError(fmt::format("{} is given a mask and would lose it; put a DropMask before it if padding shall count from here on, or have the module declare a mask_flow", type_));
  return before;
}

Index Layer::count() const {
  Index numbers = 0;
  for_each([&](const ParameterPath&, const Tensor& tensor) { numbers += tensor.defined() ? tensor.shape().count() : 0; });
  return numbers;
}

}  // namespace fovea
