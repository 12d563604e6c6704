// Cross-entropy of a predicted distribution: loss = sum_c t_c (log sum e^z - z_c), t the targets.
// Class labels have one joint kernel:   dz = dloss (softmax(z) sum_c t_c - t)
#include <fmt/format.h>

#include "fovea/autograd/graph.hpp"
#include "fovea/base/error.hpp"
#include "fovea/ops/ops.hpp"
#include "kernels/softmax.hpp"
#include "ops/losses.hpp"
#include "ops/shape_rules.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace shape { namespace {

// Refuses weights that are not one for each of the classes, the last axis of the predictions.
void class_weights(const char* operation, const Shape& predictions, const Shape& weights) {
  if (weights != Shape{predictions[-1]})
    throw ShapeError(
        fmt::format("{}: class weights are {}, predictions {}; there must be one weight for each "
                    "class, the last axis of the predictions",
                    operation, to_string(weights), to_string(predictions)));
}

}}  // namespace shape

namespace ops {

void check_smoothing(const char* operation, real smoothing) {
  if (!(smoothing >= 0 && smoothing <= 1))
    throw ValueError(
        fmt::format("{}: the label smoothing is {}; it must be 0 to 1", operation, smoothing));
}

Tensor smoothed(const Tensor& targets, real smoothing, Index classes) {
  return smoothing == 0 ? targets
                        : targets * (1 - smoothing) + smoothing / static_cast<real>(classes);
}

Tensor clipped(const Tensor& probabilities) {
  return clip(probabilities, real(1e-7), real(1) - real(1e-7));
}

}  // namespace ops

namespace {

// The shape of the losses; refuses what does not fit.
Shape checked(const char* name, const Shape& predictions, const Ids& labels,
              const SparseCrossentropyOptions& options) {
  ops::check_smoothing(name, options.label_smoothing);
  if (options.class_weights.defined())
    shape::class_weights(name, predictions, options.class_weights.shape());
  return shape::cross_entropy(name, predictions, labels, options.ignored_label);
}

kernels::Labels described(const Ids& labels, const SparseCrossentropyOptions& options) {
  const real* const weights =
      options.class_weights.defined() ? options.class_weights.value().data() : nullptr;
  return {labels.data(), options.ignored_label, weights, options.label_smoothing};
}

// Probabilities with 1 in rows of which nothing counts: the slope of their logarithm would be
// multiplied by 0.
Tensor without_ignored(const Tensor& probabilities, const Ids& labels,
                       const SparseCrossentropyOptions& options) {
  if (!options.ignored_label && !options.class_weights.defined()) return probabilities;
  const kernels::Labels rows = described(labels, options);
  Mask keep(probabilities.shape().with(-1, 1));
  for (Index row = 0; row < keep.count(); ++row) keep.mutable_data()[row] = !rows.ignores(row);
  return where(keep, probabilities, scalar(1));
}

}  // namespace

Tensor sparse_categorical_crossentropy(const Tensor& logits, const Ids& labels,
                                       const SparseCrossentropyOptions& options) {
  Array loss(checked("sparse_categorical_crossentropy", logits.shape(), labels, options)),
      log_sum(loss.shape());
  const Index rows = loss.count(), classes = logits.shape()[-1];
  SparseCrossentropyOptions kept = options;
  if (kept.class_weights.defined()) kept.class_weights = Tensor(options.class_weights.value());
  const auto targets = [labels, kept] { return described(labels, kept); };
  kernels::cross_entropy(logits.value().data(), targets(), rows, classes, loss.mutable_data(),
                         log_sum.mutable_data());
  return record(
      "sparse_categorical_crossentropy", loss,
      wrt(logits,
          [z = logits.value(), targets, log_sum, rows, classes](const Array& dloss, Gradient& dz) {
            const auto [view, add] = dz.dense();
            kernels::cross_entropy_slopes(dloss.data(), {z.data(), log_sum.data(), rows, classes},
                                          targets(), view.data, add);
          }));
}

Tensor sparse_categorical_crossentropy_from_probabilities(
    const Tensor& probabilities, const Ids& labels, const SparseCrossentropyOptions& options) {
  checked("sparse_categorical_crossentropy_from_probabilities", probabilities.shape(), labels,
          options);
  return sparse_categorical_crossentropy(
      log(ops::clipped(without_ignored(probabilities, labels, options))), labels, options);
}

Tensor categorical_crossentropy(const Tensor& logits, const Tensor& targets,
                                CrossentropyOptions options) {
  shape::per_sample("categorical_crossentropy", logits.shape(), targets.shape());
  ops::check_smoothing("categorical_crossentropy", options.label_smoothing);
  const Tensor wanted = ops::smoothed(targets, options.label_smoothing, logits.shape()[-1]);
  return -sum(multiply_no_nan(log_softmax(logits), wanted), -1);
}

Tensor categorical_crossentropy_from_probabilities(const Tensor& probabilities,
                                                   const Tensor& targets,
                                                   CrossentropyOptions options) {
  shape::per_sample("categorical_crossentropy_from_probabilities", probabilities.shape(),
                    targets.shape());
  ops::check_smoothing("categorical_crossentropy_from_probabilities", options.label_smoothing);
  const Tensor even = probabilities / sum(probabilities, -1, true);
  return -sum(ops::smoothed(targets, options.label_smoothing, probabilities.shape()[-1]) *
                  log(ops::clipped(even)),
              -1);
}

}}  // namespace fovea
