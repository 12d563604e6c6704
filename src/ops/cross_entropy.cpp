// loss = log sum e^z - z[label]:   dz = dloss (softmax(z) - [label])
#include "fovea/autograd/graph.hpp"
#include "fovea/ops/ops.hpp"
#include "kernels/softmax.hpp"
#include "ops/shape_rules.hpp"

namespace fovea::inline FOVEA_PRECISION {

Tensor sparse_cross_entropy(const Tensor& logits, const Ids& labels) {
  Array loss(shape::cross_entropy("sparse_cross_entropy", logits.shape(), labels));
  Array log_sum(loss.shape());
  const Index rows = loss.count(), classes = logits.shape()[-1];
  kernels::cross_entropy(logits.value().data(), labels.data(), rows, classes, loss.mutable_data(), log_sum.mutable_data());
  return record("sparse_cross_entropy", loss, wrt(logits, [z = logits.value(), labels, log_sum, rows, classes](const Array& dloss, Gradient& dz) {
                  const auto [view, add] = dz.dense();
                  kernels::cross_entropy_slopes(dloss.data(), z.data(), labels.data(), log_sum.data(), rows, classes, view.data, add);
                }));
}

Tensor sparse_cross_entropy_from_probabilities(const Tensor& probabilities, const Ids& labels) {
  shape::cross_entropy("sparse_cross_entropy_from_probabilities", probabilities.shape(), labels);
  return sparse_cross_entropy(log(clip(probabilities, real(1e-7), real(1) - real(1e-7))), labels);
}

}  // namespace fovea
