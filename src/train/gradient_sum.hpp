// The gradients of an update that is made of several batches.
#pragma once

#include <vector>

#include "fovea/autograd/gradient.hpp"
#include "fovea/memory/buffer.hpp"
#include "fovea/nn/module.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Sums the gradients of batches along the tree by which the shards of one batch are summed. So the
/// sum has the bits of one large batch where each batch is a subtree of the large one's shards.
class GradientSum {
 public:
  explicit GradientSum(const std::vector<NamedParameter>& parameters) : parameters_(parameters) {}

  /// Takes the gradients out of the parameters, and adds them to the sum.
  void take();
  /// Puts the sum into the parameters.
  void give();

 private:
  using Gradients = memory::List<Gradient>;  // of each parameter
  void join();

  const std::vector<NamedParameter>& parameters_;
  memory::List<Gradients> waiting_ = {};  // sums of ever fewer batches, each a power of two
  Index count_ = 0;                       // batches taken
};

}}  // namespace fovea
