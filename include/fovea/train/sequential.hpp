// Layers called one after another, and trained.
#pragma once

#include "fovea/nn/chain.hpp"
#include "fovea/train/model.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Keras' Sequential: a model made of layers in order, and a module, which may be a layer of
/// another or a member of a struct.
class Sequential : public Model {
 public:
  /// Takes modules, or layers, in the order in which they are called.
  template <class... Modules>
  explicit Sequential(Modules... modules)
      : Sequential(std::make_shared<ChainNetwork>(Chain("sequential"), "Sequential")) {
    (add(Layer(std::move(modules))), ...);
  }
  /// Takes over: `other` has no layers any more. Throws StateError while fit runs.
  Sequential(Sequential&& other);
  /// The same.
  Sequential& operator=(Sequential&& other);

  /// Appends a layer under the name that `named` gave it, or a name made of its type. Throws
  /// StateError once built, and ValueError where there is a layer of the given name.
  void add(const Layer& layer);

  /// Returns the layers in order.
  const std::vector<Layer>& layers() const& { return chain().layers(); }
  /// The same, of a temporary.
  std::vector<Layer> layers() const&& { return chain().layers(); }

  /// Returns the names of the layers, as Chain does.
  const std::vector<std::string>& names() const& { return chain().names(); }
  /// The same, of a temporary.
  std::vector<std::string> names() const&& { return chain().names(); }
  /// Returns the shapes of the layers' outputs for one sample; none before the model is built.
  const std::vector<Shape>& outputs() const& { return chain().outputs(); }
  /// The same, of a temporary.
  std::vector<Shape> outputs() const&& { return chain().outputs(); }

  using Model::build;
  /// Makes all parameters for samples of a shape, the batch axis left out.
  void build(const Shape& sample);
  /// The same as a layer of another model.
  Shape build(const Shape& sample, const Rng& random);

  /// Returns the prediction for a batch, recorded: for a training loop of your own, or as a module.
  /// Throws StateError before the model is built.
  Tensor operator()(const Samples& x, const Context& context = {}) const;
  /// The same, of ids.
  Tensor operator()(const Ids& x, const Context& context = {}) const;
  /// The same, of real numbers.
  Tensor operator()(const Array& x, const Context& context = {}) const;
  /// The same, with gradients to x.
  Tensor operator()(const Tensor& x, const Context& context = {}) const;
  /// The same, where some positions of x do not count.
  Tensor operator()(const Tensor& x, const std::optional<Mask>& mask,
                    const Context& context = {}) const;

  /// Returns predictions in the order of the samples: (samples, ...).
  Array predict(const SampleSet& x, Index batch_size = 32) const;
  /// The same, for a dataset, whose targets are not used.
  Array predict(const Dataset& data, Index batch_size = 32) const;
  /// The same, for the first `steps` batches of a generator.
  Array predict(const GeneratedBatches& batches, Index steps) const;

  /// Calls the layers as a layer of another model; see Chain. The following functions are those of
  /// Chain, too.
  Signal run(const Signal& x, const Context& context, bool for_logits) const;
  /// See Chain.
  std::optional<Mask> mask_behind(const std::optional<Mask>& before, const Ids* ids) const {
    return chain().mask_behind(before, ids);
  }
  /// See Chain.
  std::optional<Activation> last_activation() const { return chain().last_activation(); }
  /// See Chain.
  void check(const Signal& x) const { chain().check(x); }
  /// See Chain.
  void note_outputs(std::vector<Trace::Output>& outputs) const { chain().note_outputs(outputs); }
  /// See Chain.
  Index dense_bytes() const { return chain().dense_bytes(); }
  /// See Chain.
  bool samples_mix() const { return chain().samples_mix(); }
  /// See Chain.
  void place(const std::string& path) { chain().place(path); }

 private:
  explicit Sequential(std::shared_ptr<ChainNetwork> network);
  ChainNetwork& layered() const;
  Chain& chain() const;
};

}}  // namespace fovea
