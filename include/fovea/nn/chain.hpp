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
  explicit Chain(std::string name) : name_(std::move(name)) {}  ///< named in messages

  /// Puts a layer behind the others, under the name that `named` gave it, or one made of its type.
  /// Throws StateError once built, and ValueError when there is a layer of the given name.
  void add(Layer layer);

  const std::vector<Layer>& layers() const& { return layers_; }      ///< in order
  std::vector<Layer> layers() const&& { return layers_; }            ///< the same, of a temporary
  const std::vector<std::string>& names() const& { return names_; }  ///< of the layers, unique
  std::vector<std::string> names() const&& { return names_; }        ///< the same, of a temporary
  /// What the layers make of one sample, in order; none before they are built.
  const std::vector<Shape>& outputs() const& { return outputs_; }
  std::vector<Shape> outputs() const&& { return outputs_; }  ///< the same, of a temporary
  const Shape& input() const& { return input_; }             ///< the sample that it was built for
  Shape input() const&& { return input_; }                   ///< the same, of a temporary
  bool built() const { return !outputs_.empty(); }           ///< whether the parameters exist

  static constexpr bool builds_children = true;  ///< build makes the layers
  /// Makes all parameters for samples of a shape; what the last layer makes of one. Where it
  /// throws, nothing was built. Throws StateError without layers; ShapeError and ValueError of the
  /// layers.
  Shape build(const Shape& sample, const Rng& random);

  /// Says where the chain is in its model, so that calls there need not put paths together.
  void place(const std::string& path);
  const std::string& path() const& { return place_; }  ///< as placed; at first the name
  std::string path() const&& { return place_; }        ///< the same, of a temporary
  /// The paths of the layers, which are never freed.
  std::span<const char* const> paths() const& { return paths_; }
  std::vector<const char*> paths() const&& { return paths_; }  ///< the same, of a temporary

  /// Calls the layers. `for_logits`: without the activation that the last one ends in. Throws
  /// StateError before it is built.
  Signal run(const Signal& x, const Context& context, bool for_logits) const;
  Tensor operator()(const Ids& x, const Context& context = {}) const;     ///< what comes out
  Tensor operator()(const Tensor& x, const Context& context = {}) const;  ///< what comes out
  /// What comes out where some positions of x do not count.
  Tensor operator()(const Tensor& x, const std::optional<Mask>& mask,
                    const Context& context = {}) const;

  /// The mask behind the last layer, for a mask before the first and the ids, if any, that it is
  /// given.
  std::optional<Mask> mask_behind(const std::optional<Mask>& before, const Ids* ids) const;

  /// The activation that the chain ends in, of a layer that can leave it out; nothing where there
  /// is none.
  std::optional<Activation> last_activation() const;

  /// Throws, by path, before any work, for an input that the first layer does not take.
  void check(const Signal& x) const;
  /// Throws ValueError, by path, for options of a layer that never learn.
  void check_options() const;
  /// Adds what the layers, those inside of them included, make of a sample.
  void note_outputs(std::vector<Trace::Output>& outputs) const;

  Index dense_bytes() const;  ///< of the parameters whose gradients are dense
  bool samples_mix() const;   ///< whether samples of a batch act on each other in a layer

  /// Every parameter with its path, such as "dense_1/kernel".
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
