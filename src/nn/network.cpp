#include "fovea/nn/network.hpp"

#include <fmt/format.h>

#include "base/located.hpp"
#include "fovea/base/error.hpp"
#include "fovea/nn/chain_network.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace networks {

std::vector<Port> ports(const char* kind, std::size_t count, std::span<const char* const> names) {
  std::vector<Port> result;
  for (std::size_t i = 0; i < count; ++i)
    result.push_back({i < names.size() ? names[i] : fmt::format("{}_{}", kind, i + 1)});
  return result;
}

void check_kinds(const std::vector<Port>& ports, const Signals& x) {
  for (std::size_t i = 0; i < x.size(); ++i) {
    const Ids* const ids = std::get_if<Ids>(&x[i].value);
    if (x[i].mask && !ports[i].takes_mask)
      throw ValueError(
          fmt::format("{}: a mask is given, and the module's call takes none; leave it out, or put "
                      "`const std::optional<Mask>&` behind that input of the call",
                      ports[i].name));
    if (ids ? ports[i].takes_ids : ports[i].takes_array) continue;
    throw ValueError(
        ids ? fmt::format("{}: expected real numbers, got ids of shape {}; give an Array",
                          ports[i].name, to_string(ids->shape()))
            : fmt::format("{}: expected ids, got real numbers of shape {}; give Ids", ports[i].name,
                          to_string(x[i].tensor().shape())));
  }
}

void note_output(const Context& inside, const Signal& output) {
  const Tensor* const tensor = std::get_if<Tensor>(&output.value);
  if (!tensor || tensor->shape().rank() == 0)
    throw ShapeError(
        "an output of the module is a scalar, or ids; expected a tensor whose first axis is "
        "the samples");
  building::note(inside, *tensor);
}

void ask_for_logits(Context& context, std::span<const std::optional<Activation>> wanted) {
  for (const std::optional<Activation>& activation : wanted) {
    if (!activation) continue;
    if (!context.logits) context.logits = std::make_shared<Logits>();
    Logits& logits = *context.logits;
    logits.of_softmax = logits.of_softmax || activation == Activation::softmax;
    logits.of_sigmoid = logits.of_sigmoid || activation == Activation::sigmoid;
  }
}

void find_logits(Logits& logits, std::span<const std::optional<Activation>> wanted,
                 memory::List<Output>& outputs) {
  for (std::size_t o = 0; o < wanted.size(); ++o) {
    if (!wanted[o]) continue;
    const Tensor* const found = logits.of(outputs[o].signal.tensor(), *wanted[o]);
    if (found) outputs[o].logits = *found;
  }
  logits = Logits();
}

}  // namespace networks

void Network::place(const std::string& path) {
  for (Trace::Output& output : traced_)
    output.path = LayerCall::intern(path + (output.path + path_.size()));
  path_ = path;
}

ChainNetwork::ChainNetwork(Chain chain, std::string type)
    : chain_(std::move(chain)), type_(std::move(type)) {
  path_ = chain_.path();
  inputs_ = networks::ports("input", 1, {});
  // The first layer decides which kinds it accepts.
  inputs_[0].takes_ids = inputs_[0].takes_array = inputs_[0].takes_mask = true;
  outputs_ = networks::ports("output", 1, {});
}

void ChainNetwork::place(const std::string& path) {
  Network::place(path);
  chain_.place(path);
}

void ChainNetwork::build(const Shape& sample, const Rng& random) {
  chain_.build(sample, random);
  traced_.clear();
  chain_.note_outputs(traced_);
}

void ChainNetwork::build(const Signals& one, const Rng& random) {
  build(std::visit([](const auto& x) { return building::sample_of(x); }, one[0].value), random);
}

std::vector<Trace::Output> ChainNetwork::trace(const Signals& one) const {
  memory::List<Trace::Output> outputs;
  memory::List<Tensor> masked;
  const Trace trace{std::nullopt, &outputs, &masked};
  chain_.run(one[0], Context{.path = path_, .trace = &trace}, false);
  return {outputs.begin(), outputs.end()};
}

void ChainNetwork::call(const Signals& x, const Context& context,
                        std::span<const std::optional<Activation>> wanted,
                        memory::List<Output>& outputs) const {
  const bool asked = !wanted.empty() && wanted[0].has_value();
  const bool for_logits = asked && chain_.last_activation() == wanted[0];
  Context own = context;
  own.path = path_;
  // The last layer may be a module whose own last part has the logits.
  if (!for_logits) networks::ask_for_logits(own, wanted);
  Signal result = chain_.run(x[0], own, for_logits);
  if (for_logits)
    outputs.push_back({{Tensor(), std::move(result.mask)}, result.tensor()});
  else
    outputs.push_back({std::move(result)});
  if (own.logits) networks::find_logits(*own.logits, wanted, outputs);
}

memory::List<std::optional<Mask>> ChainNetwork::masks(const Signals& x) const {
  memory::List<std::optional<Mask>> masks;
  masks.push_back(
      located(path_, [&] { return chain_.mask_behind(x[0].mask, std::get_if<Ids>(&x[0].value)); }));
  return masks;
}

std::vector<Network::Part> ChainNetwork::parts() const {
  std::vector<Part> parts;
  for (std::size_t i = 0; i < chain_.layers().size(); ++i)
    parts.push_back({chain_.names()[i], chain_.layers()[i].type(), chain_.layers()[i].count()});
  return parts;
}

void ChainNetwork::for_each(const std::function<void(const ParameterPath&, Tensor&)>& visit) const {
  Chain::parameters(chain_, visit);
}

}}  // namespace fovea
