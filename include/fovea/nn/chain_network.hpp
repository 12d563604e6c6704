// A chain of layers as a network of one input and one output.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "fovea/nn/chain.hpp"
#include "fovea/nn/network.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Layers in order. One module of one input is a chain of one layer.
class ChainNetwork final : public Network {
 public:
  /// Takes the chain over. Messages name the type of the network.
  explicit ChainNetwork(Chain chain, std::string type);
  void place(const std::string& path) override;
  std::string type() const override { return type_; }
  void build(const Signals& one, const Rng& random) override;
  bool built() const override { return chain_.built(); }
  std::vector<Trace::Output> trace(const Signals& one) const override;
  void check(const Signals& x) const override { chain_.check(x[0]); }
  void check_options() const override { chain_.check_options(); }
  void call(const Signals& x, const Context& context,
            std::span<const std::optional<Activation>> wanted,
            memory::List<Output>& outputs) const override;
  memory::List<std::optional<Mask>> masks(const Signals& x) const override;
  bool may_end_in(Activation last) const override {
    return chain_.last_activation().value_or(last) == last;
  }
  std::vector<Part> parts() const override;
  Index dense_bytes() const override { return chain_.dense_bytes(); }
  bool samples_mix() const override { return chain_.samples_mix(); }
  void for_each(const std::function<void(const ParameterPath&, Tensor&)>& visit) const override;
  bool empty() const override { return chain_.layers().empty(); }
  void* module(const std::type_info&) const override { return nullptr; }

  /// Makes the parameters for samples of a shape.
  void build(const Shape& sample, const Rng& random);
  /// Returns the chain of layers.
  Chain& chain() & { return chain_; }
  /// Returns the chain of layers.
  const Chain& chain() const& { return chain_; }

 private:
  mutable Chain chain_;  // for_each is const, and hands out parameters that are not
  std::string type_;
};

}}  // namespace fovea
