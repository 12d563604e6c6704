// Layers called one after another, and trained.
#pragma once

#include "fovea/nn/chain.hpp"
#include "fovea/train/model.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Keras' Sequential: a model made of layers in order, and a module, which may be a layer of
/// another or a member of a struct.
class Sequential : public Model {
 public:
  /// Modules, or layers, in the order in which they are called.
  template <class... Modules>
  explicit Sequential(Modules... modules)
      : Sequential(std::make_shared<ChainNetwork>(Chain("sequential"), "Sequential")) {
    (add(Layer(std::move(modules))), ...);
  }
  Sequential(Sequential&& other);             ///< takes over: `other` has no layers any more
  Sequential& operator=(Sequential&& other);  ///< takes over; both throw StateError while fit runs

  /// Puts a layer behind the others, under the name that `named` gave it, or one made of its type.
  /// Throws StateError once built, and ValueError when there is a layer of the given name.
  void add(const Layer& layer);

  const std::vector<Layer>& layers() const& { return chain().layers(); }  ///< in order
  std::vector<Layer> layers() const&& { return chain().layers(); }        ///< of a temporary

  using Model::build;
  /// Makes all parameters for samples of a shape, the batch axis left out.
  void build(const Shape& sample);
  /// The same as a layer of another model.
  Shape build(const Shape& sample, const Rng& random);

  /// The prediction for a batch, recorded: for a loop of your own, or as a module. Throws
  /// StateError before it is built.
  Tensor operator()(const Samples& x, const Context& context = {}) const;
  Tensor operator()(const Ids& x, const Context& context = {}) const;     ///< the same
  Tensor operator()(const Array& x, const Context& context = {}) const;   ///< the same
  Tensor operator()(const Tensor& x, const Context& context = {}) const;  ///< with gradients to x
  /// The same, where some positions of x do not count.
  Tensor operator()(const Tensor& x, const std::optional<Mask>& mask,
                    const Context& context = {}) const;

  /// Predictions, in the samples' order: (samples, ...).
  Array predict(const SampleSet& x, Index batch_size = 32) const;

  /// As a layer of another model, it carries masks and can leave out its last activation (Chain).
  Signal run(const Signal& x, const Context& context, bool for_logits) const;
  std::optional<Mask> mask_behind(const std::optional<Mask>& before, const Ids* ids) const {
    return chain().mask_behind(before, ids);
  }  ///< see Chain
  std::optional<Activation> last_activation() const {
    return chain().last_activation();
  }                                                        ///< see Chain
  void check(const Signal& x) const { chain().check(x); }  ///< see Chain
  /// See Chain.
  void note_outputs(std::vector<Trace::Output>& outputs) const { chain().note_outputs(outputs); }
  Index dense_bytes() const { return chain().dense_bytes(); }   ///< see Chain
  bool samples_mix() const { return chain().samples_mix(); }    ///< see Chain
  void place(const std::string& path) { chain().place(path); }  ///< see Chain

 private:
  explicit Sequential(std::shared_ptr<ChainNetwork> network);
  ChainNetwork& layered() const;
  Chain& chain() const;
};

}}  // namespace fovea
