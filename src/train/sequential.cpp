#include "fovea/train/sequential.hpp"

#include <fmt/format.h>

#include "fovea/base/error.hpp"
#include "train/trainer.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

Sequential::Sequential(std::shared_ptr<ChainNetwork> network) : Model(std::move(network)) {}

namespace {

std::shared_ptr<ChainNetwork> without_layers() {
  return std::make_shared<ChainNetwork>(Chain("sequential"), "Sequential");
}

}  // namespace

Sequential::Sequential(Sequential&& other) : Sequential(without_layers()) {
  *this = std::move(other);
}

Sequential& Sequential::operator=(Sequential&& other) {
  if (this == &other) return *this;
  Model::operator=(std::move(other));
  // `other` becomes a model without layers, which can be used again.
  static_cast<Model&>(other) = Sequential(without_layers());  // NOLINT(bugprone-use-after-move)
  return *this;
}

ChainNetwork& Sequential::layered() const {
  if (auto* const own = dynamic_cast<ChainNetwork*>(&network())) return *own;
  throw StateError(
      fmt::format("Sequential: another model, {}, was assigned to it as a Model, and it has no "
                  "layers; assign a "
                  "Sequential",
                  network().type()));
}

Chain& Sequential::chain() const { return layered().chain(); }

void Sequential::add(const Layer& layer) { chain().add(layer); }

void Sequential::build(const Shape& sample) {
  if (layers().empty())
    throw StateError(fmt::format("{}: there are no layers to build; add some", name()));
  build_by({sample}, [&](const Rng& random) { layered().build(sample, random); });
}

Shape Sequential::build(const Shape& sample, const Rng& random) {
  layered().build(sample, random);
  return chain().outputs().back();
}

Signal Sequential::run(const Signal& x, const Context& context, bool for_logits) const {
  Context own = context;
  const bool is_the_model = context.path.empty() || context.path == name();
  if (const auto& hooks = trainer().hooks(); hooks && is_the_model) own.hooks = hooks;
  return chain().run(x, own, for_logits);
}

Tensor Sequential::operator()(const Samples& x, const Context& context) const {
  return x.is_ids() ? (*this)(x.ids(), context) : (*this)(x.array(), context);
}

Tensor Sequential::operator()(const Ids& x, const Context& context) const {
  return run({x}, context, false).tensor();
}

Tensor Sequential::operator()(const Array& x, const Context& context) const {
  return (*this)(Tensor(x), context);
}

Tensor Sequential::operator()(const Tensor& x, const Context& context) const {
  return run({x}, context, false).tensor();
}

Tensor Sequential::operator()(const Tensor& x, const std::optional<Mask>& mask,
                              const Context& context) const {
  return run({x, mask}, context, false).tensor();
}

Array Sequential::predict(const SampleSet& x, Index batch_size) const {
  return Model::predict(x, batch_size);
}

Array Sequential::predict(const Dataset& data, Index batch_size) const {
  return Model::predict(data, batch_size);
}

Array Sequential::predict(const GeneratedBatches& batches, Index steps) const {
  return Model::predict(batches, steps);
}

}}  // namespace fovea
