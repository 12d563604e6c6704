#include "fovea/nn/chain.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/located.hpp"
#include "fovea/base/error.hpp"
#include "fovea/nn/dropout.hpp"
#include "fovea/nn/type_name.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

void Chain::add(Layer layer) {
  if (built())
    throw StateError(
        fmt::format("{}: a layer is added to a model that is built; add all layers first", place_));
  if (std::ranges::find(names_, layer.name()) != names_.end())
    throw ValueError(fmt::format("{}: two layers are named \"{}\"; give each a name of its own",
                                 place_, layer.name()));
  std::string name = layer.name().empty() ? snake_case(layer.type()) : layer.name();
  const std::string stem = name;
  for (int number = 1; std::ranges::find(names_, name) != names_.end(); ++number)
    name = fmt::format("{}_{}", stem, number);
  paths_.push_back(LayerCall::intern(fmt::format("{}/{}", place_, name)));
  names_.push_back(std::move(name));
  layers_.push_back(std::move(layer));
  layers_.back().place(paths_.back());
}

void Chain::place(const std::string& path) {
  place_ = path;
  for (std::size_t i = 0; i < names_.size(); ++i) {
    paths_[i] = LayerCall::intern(path + "/" + names_[i]);
    layers_[i].place(paths_[i]);
  }
}

Shape Chain::build(const Shape& sample, const Rng& random) {
  if (layers_.empty())
    throw StateError(fmt::format("{}: there are no layers to build; add some", name_));
  std::vector<Shape> outputs;
  std::vector<bool> had_parameters;
  for (const Layer& layer : layers_) had_parameters.push_back(layer.count() > 0);
  Shape shape = sample;
  try {
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      shape = located(names_[i], [&] { return layers_[i].build(shape, random.split(names_[i])); });
      outputs.push_back(shape);
    }
  } catch (...) {  // nothing was built: the next call may come with another shape
    for (std::size_t i = 0; i < layers_.size(); ++i)
      if (!had_parameters[i])
        layers_[i].for_each([](const ParameterPath&, Tensor& tensor) { tensor = Tensor(); });
    throw;
  }
  outputs_ = std::move(outputs);
  input_ = sample;
  return shape;
}

namespace {

// Calls a layer. Where a loss is computed from the logits of an activation that the layer ends in,
// they are kept beside the output, as a Caller does.
Signal output_of(const Layer& layer, const Signal& x, const Context& inside) {
  const std::optional<Activation> last = inside.logits ? layer.last_activation() : std::nullopt;
  if (!last || !inside.logits->wants(*last)) return layer.call(x, inside);
  Signal output = layer.call_for_logits(x, inside);
  output.value = inside.logits->keep(output.tensor(), *last);
  return output;
}

}  // namespace

Signal Chain::run(const Signal& x, const Context& context, bool for_logits) const {
  if (!built())
    throw StateError(
        fmt::format("{}: it is not built; call build with the shape of a sample, or fit", name_));
  const bool placed = context.path.empty() || context.path == place_;
  const std::size_t without_activation = for_logits ? last_layer() : layers_.size();
  Signal signal = x;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const char* const path =
        placed ? paths_[i] : LayerCall::intern(fmt::format("{}/{}", context.path, names_[i]));
    signal = LayerCall::run(context, path, [&](const Context& inside) {
      Signal output = i == without_activation ? layers_[i].call_for_logits(signal, inside)
                                              : output_of(layers_[i], signal, inside);
      if (Tensor* const tensor = std::get_if<Tensor>(&output.value)) {
        *tensor = LayerCall::hooked(inside, std::move(*tensor));
        building::note(inside, *tensor);
      }
      return output;
    });
  }
  return signal;
}

Tensor Chain::operator()(const Ids& x, const Context& context) const {
  return run({x}, context, false).tensor();
}

Tensor Chain::operator()(const Tensor& x, const Context& context) const {
  return run({x}, context, false).tensor();
}

Tensor Chain::operator()(const Tensor& x, const std::optional<Mask>& mask,
                         const Context& context) const {
  return run({x, mask}, context, false).tensor();
}

// Returns the position of the last layer that computes something; layers behind it pass the result
// on.
std::size_t Chain::last_layer() const {
  std::size_t last = layers_.size() - 1;
  while (last > 0 && layers_[last].as<DropMask>()) --last;
  return last;
}

std::optional<Activation> Chain::last_activation() const {
  if (layers_.empty()) return std::nullopt;
  return layers_[last_layer()].last_activation();
}

std::optional<Mask> Chain::mask_behind(const std::optional<Mask>& before, const Ids* ids) const {
  std::optional<Mask> mask = before;
  for (std::size_t i = 0; i < layers_.size(); ++i)
    mask = located(names_[i], [&] { return layers_[i].mask(mask, i == 0 ? ids : nullptr); });
  return mask;
}

void Chain::check(const Signal& x) const {
  if (!layers_.empty()) located(names_.front(), [&] { layers_.front().check(x); });
}

void Chain::check_options() const {
  for (std::size_t i = 0; i < layers_.size(); ++i)
    located(names_[i], [&] { layers_[i].check_options(); });
}

void Chain::note_outputs(std::vector<Trace::Output>& outputs) const {
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    layers_[i].note_outputs(outputs);
    outputs.push_back({paths_[i], outputs_[i]});
  }
}

Index Chain::dense_bytes() const {
  Index bytes = 0;
  for (const Layer& layer : layers_) bytes += layer.dense_bytes();
  return bytes;
}

bool Chain::samples_mix() const {
  return std::ranges::any_of(layers_, [](const Layer& layer) { return layer.mixes_samples(); });
}

}}  // namespace fovea
