#include "fovea/nn/layer.hpp"

#include <fmt/format.h>

#include "fovea/base/error.hpp"
#include "nn/checks.hpp"
#include "nn/masked.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

Layer named(std::string name, Layer layer) {
  if (name.empty() || name.find('/') != std::string::npos)
    throw ValueError(
        fmt::format("named: the name of a layer is \"{}\"; give one that is not empty and has no "
                    "\"/\", which stands between the names of a path",
                    name));
  layer.name_ = std::move(name);
  return layer;
}

Signal Layer::call(const Signal& x, const Context& context) const {
  if (std::optional<Signal> carried = self_->run(x, context, false)) return *std::move(carried);
  std::optional<Mask> behind = mask(x.mask, std::get_if<Ids>(&x.value));
  const std::optional<Signal> finite = without_dropped_nan(x);
  const Signal& input = finite ? *finite : x;
  const Tensor* const tensor = std::get_if<Tensor>(&input.value);
  const std::optional<Activation> last = last_activation();
  if (context.logits && tensor && last && context.logits->wants(*last))
    return {context.logits->keep(self_->linear(*tensor), *last), std::move(behind)};
  const std::optional<Tensor> y = self_->call(input, context);
  if (!y) refuse_kind(x);
  return {*y, std::move(behind)};
}

// Returns the input that replaces x in a module that keeps positions, if masked positions of x are
// not finite.
std::optional<Signal> Layer::without_dropped_nan(const Signal& x) const {
  const Tensor* tensor = std::get_if<Tensor>(&x.value);
  const MaskFlow flow = self_->mask_flow();
  const bool keeps = flow == MaskFlow::keeps || flow == MaskFlow::reverses;
  if (!tensor || !x.mask || !keeps || !drops_nan(*tensor, *x.mask)) return std::nullopt;
  return Signal{without_dropped(*tensor, *x.mask), x.mask};
}

Shape Layer::build(const Shape& sample, const Rng& random) {
  const Shape output = self_->build(sample, random);
  if (const auto last = last_activation(); last && output.rank() > 0)
    check_softmax_units(type_.c_str(), *last, output[-1]);
  return output;
}

void Layer::check(const Signal& x) const {
  if (self_->checked(x)) return;
  if (!self_->takes(x)) refuse_kind(x);
  if (const Ids* ids = std::get_if<Ids>(&x.value)) self_->check(*ids);
}

void Layer::check_options() const {
  const std::optional<Index> units = self_->units();
  if (const auto last = last_activation(); last && units)
    check_softmax_units(type_.c_str(), *last, *units);
}

void Layer::refuse_kind(const Signal& x) const {
  const Ids* ids = std::get_if<Ids>(&x.value);
  throw ValueError(
      ids ? fmt::format("{} expected real numbers, got ids of shape {}; put an Embedding before it",
                        type_, to_string(ids->shape()))
          : fmt::format("{} expected ids, got real numbers of shape {}; give Ids", type_,
                        to_string(std::get<Tensor>(x.value).shape())));
}

Signal Layer::call_for_logits(const Signal& x, const Context& context) const {
  const Tensor* tensor = std::get_if<Tensor>(&x.value);
  if (std::optional<Signal> carried = self_->run(x, context, true)) return *std::move(carried);
  if (!tensor || !last_activation()) return call(x, context);
  const std::optional<Signal> finite = without_dropped_nan(x);
  return {self_->linear(finite ? std::get<Tensor>(finite->value) : *tensor), mask(x.mask, nullptr)};
}

std::optional<Mask> Layer::mask(const std::optional<Mask>& before, const Ids* ids) const {
  if (auto carried = self_->mask_behind(before, ids)) return *std::move(carried);
  if (ids)
    if (std::optional<Mask> own = self_->own_mask(*ids)) return own;
  const MaskFlow flow = self_->mask_flow();
  if (!before || flow == MaskFlow::ends) return std::nullopt;
  if (flow == MaskFlow::reverses) return reversed(*before);
  if (flow == MaskFlow::loses)
    throw StateError(
        fmt::format("{} got a mask, which it would lose; put a DropMask before it if padding is to "
                    "count from here on, or have the module declare a mask_flow",
                    type_));
  return before;
}

Index Layer::count() const {
  Index numbers = 0;
  for_each([&](const ParameterPath&, const Tensor& tensor) {
    numbers += tensor.defined() ? tensor.shape().count() : 0;
  });
  return numbers;
}

}}  // namespace fovea
