// Layers that are called one after another: a module like any other.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "fovea/nn/layer.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Layers in order. Takes ids or a tensor, carries masks from layer to layer, and passes gradients
/// to its input. Copies share the layers. Const members may be called from several threads at once.
class Chain {
 public:
  /// Makes a chain without layers. Messages begin with the name.
  explicit Chain(std::string name) : name_(std::move(name)) {}

  /// Adds a layer behind the others, under the name that `named` gave the layer, or one made of its
  /// type. Throws StateError once built, and ValueError when there is a layer of the given name.
  void add(Layer layer);

  /// Returns the layers in order.
  const std::vector<Layer>& layers() const& { return layers_; }
  /// The same, of a temporary.
  std::vector<Layer> layers() const&& { return layers_; }
  /// Returns the names of the layers, each another.
  const std::vector<std::string>& names() const& { return names_; }
  /// The same, of a temporary.
  std::vector<std::string> names() const&& { return names_; }
  /// Returns the shapes of the layers' outputs for one sample; none before the chain is built.
  const std::vector<Shape>& outputs() const& { return outputs_; }
  /// The same, of a temporary.
  std::vector<Shape> outputs() const&& { return outputs_; }
  /// Returns the shape of the sample that the chain was built for.
  const Shape& input() const& { return input_; }
  /// The same, of a temporary.
  Shape input() const&& { return input_; }
  /// Returns whether the parameters exist.
  bool built() const { return !outputs_.empty(); }

  static constexpr bool builds_children = true;  ///< build makes the layers
  /// Makes all parameters for samples of a shape, and returns the shape of the last layer's output.
  /// If it throws, nothing was built. Throws StateError without layers, and what the layers throw.
  Shape build(const Shape& sample, const Rng& random);

  /// Tells the chain its path in the model, so that calls need not put paths together.
  void place(const std::string& path);
  /// Returns the path, which is the name until `place` is called.
  const std::string& path() const& { return place_; }
  /// The same, of a temporary.
  std::string path() const&& { return place_; }
  /// Returns the paths of the layers, which are never freed.
  std::span<const char* const> paths() const& { return paths_; }
  /// The same, of a temporary.
  std::vector<const char*> paths() const&& { return paths_; }

  /// Calls the layers, and leaves out the activation that the last one ends in if `for_logits`.
  /// Throws StateError before the chain is built.
  Signal run(const Signal& x, const Context& context, bool for_logits) const;
  /// Returns the output of the last layer.
  Tensor operator()(const Ids& x, const Context& context = {}) const;
  /// Returns the output of the last layer.
  Tensor operator()(const Tensor& x, const Context& context = {}) const;
  /// Returns the output of the last layer, where the mask drops positions of x.
  Tensor operator()(const Tensor& x, const std::optional<Mask>& mask,
                    const Context& context = {}) const;

  /// Returns the mask behind the last layer, for the mask before the first layer and the ids that
  /// the chain is called with; null: it is called with a tensor.
  std::optional<Mask> mask_behind(const std::optional<Mask>& before, const Ids* ids) const;

  /// Returns the activation that the chain ends in, if the last layer can leave it out.
  std::optional<Activation> last_activation() const;

  /// Throws, by path, before any work, for an input that the first layer does not take.
  void check(const Signal& x) const;
  /// Throws ValueError, by path, for options of a layer that never learn.
  void check_options() const;
  /// Adds the outputs that the layers, and the layers inside, have for one sample.
  void note_outputs(std::vector<Trace::Output>& outputs) const;

  /// Returns the number of bytes of the parameters whose gradients are dense.
  Index dense_bytes() const;
  /// Returns whether samples of a batch act on each other in a layer.
  bool samples_mix() const;

  /// Visits every parameter with its path, such as "dense_1/kernel".
  static void parameters(auto& self, auto&& visit) {
    for (std::size_t i = 0; i < self.layers_.size(); ++i) {
      const auto named = [&](const ParameterPath& path, Tensor& tensor) {
        visit(ParameterPath(self.names_[i], path), tensor);
      };
      self.layers_[i].for_each(std::cref(named));  // by reference: no copy is made in memory
    }
  }

 private:
  std::size_t last_layer() const;

  std::string name_, place_ = name_;
  std::vector<Layer> layers_;
  std::vector<std::string> names_;
  std::vector<Shape> outputs_;
  std::vector<const char*> paths_;
  Shape input_;
};

}}  // namespace fovea
