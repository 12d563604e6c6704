#include "fovea/nn/layer.hpp"

#include <cxxabi.h>
#include <fmt/format.h>

#include <cstdlib>

#include "fovea/base/error.hpp"

namespace fovea::inline FOVEA_PRECISION {

std::string Layer::type_name(const std::type_info& type) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> demangled(abi::__cxa_demangle(type.name(), nullptr, nullptr, &status), std::free);
  std::string name = status == 0 ? demangled.get() : type.name();
  name = name.substr(0, name.find('<'));
  return name.substr(name.rfind(':') + 1);
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
