// Losses, as Keras and PyTorch compute them, and their means.
//
// Left out: log_cosh of Keras; bce_logits_pos_weight of PyTorch (no such options), and its
// bce_probabilities, which bounds logarithms at -100 where ours, like Keras', bounds probabilities.
// kl_mean is kl_batchmean with another divisor.
#include <doctest/doctest.h>

#include "fovea/nn/dense.hpp"
#include "fovea/train/losses.hpp"
#include "golden/golden.hpp"

using namespace fovea;

namespace {

constexpr double t = 2e-6;

// Checks one case: a function of predictions and targets, its value, and its gradient by the
// predictions.
template <class F>
void check(const NumpyArchive& file, const std::string& name, const std::string& predictions,
           const Samples& targets, const F& loss, double tolerance = t) {
  CAPTURE(name);
  const Tensor prediction = golden::parameter(file, predictions);
  const Tensor value = loss(prediction, targets);
  CHECK(golden::differs(value.value(), file.array(name), tolerance) == "");
  sum(value).backward();
  CHECK(golden::differs(prediction.grad(), file.array("d_" + name), tolerance) == "");
}

template <class F>
void check(const NumpyArchive& file, const std::string& name, const std::string& predictions,
           const std::string& labels, const F& loss) {
  check(file, name, predictions, Samples(file.ids(labels)), loss);
}

// A case whose targets are numbers, and whose value is the mean of the losses.
void check_mean(const NumpyArchive& file, const std::string& name, const std::string& predictions,
                const std::string& targets, const Loss& loss, double tolerance = t) {
  check(
      file, name, predictions, Samples(file.array(targets)),
      [&](const Tensor& p, const Samples& y) { return mean(loss(p, y)); }, tolerance);
}

const SparseCategoricalCrossentropy from_logits{.from_logits = true}, from_probabilities{};

}  // namespace

TEST_CASE("cross-entropy from logits, summed and averaged, is Keras'") {
  const NumpyArchive file = golden::open("keras_losses");
  const Tensor weight = file.array("sample_weight");
  check(file, "sparse_logits", "logits", "labels",
        [](const Tensor& p, const Samples& y) { return mean(from_logits(p, y)); });
  check(file, "sparse_logits_sum", "logits", "labels",
        [](const Tensor& p, const Samples& y) { return sum(from_logits(p, y)); });
  check(file, "sparse_logits_each", "logits", "labels",
        [](const Tensor& p, const Samples& y) { return from_logits(p, y); });
  check(file, "sparse_logits_weighted", "logits", "labels",
        [&](const Tensor& p, const Samples& y) { return mean(from_logits(p, y) * weight); });
  check(file, "sparse_logits_weighted_mean", "logits", "labels",
        [&](const Tensor& p, const Samples& y) {
          return sum(from_logits(p, y) * weight) / sum(weight);
        });
  check(file, "sparse_sequence", "sequence_logits", "sequence_labels",
        [](const Tensor& p, const Samples& y) { return mean(from_logits(p, y)); });
}

TEST_CASE("a mask divides by the kept positions, a sample weight of zero by all, as in Keras") {
  const NumpyArchive file = golden::open("keras_losses");
  const Tensor keep = file.array("sequence_mask");
  check(
      file, "sparse_sequence_masked", "sequence_logits", "sequence_labels",
      [&](const Tensor& p, const Samples& y) { return sum(from_logits(p, y) * keep) / sum(keep); });
  check(file, "sparse_sequence_zero_weighted", "sequence_logits", "sequence_labels",
        [&](const Tensor& p, const Samples& y) { return mean(from_logits(p, y) * keep); });
}

TEST_CASE(
    "cross-entropy from probabilities clips and then renormalises, as Keras does on TensorFlow") {
  const NumpyArchive file = golden::open("keras_losses");
  const auto average = [](const Tensor& p, const Samples& y) {
    return mean(from_probabilities(p, y));
  };
  check(file, "sparse_probabilities", "probabilities", "labels", average);
  check(file, "sparse_unnormalised", "unnormalised", "labels", average);
  check(file, "sparse_extreme", "extreme", "labels", average);
  check(file, "sparse_extreme_each", "extreme", "labels",
        [](const Tensor& p, const Samples& y) { return from_probabilities(p, y); });
}

TEST_CASE("a softmax that is part of the model is not clipped, one by hand is, as in Keras") {
  const NumpyArchive file = golden::open("keras_losses");
  check(file, "sparse_softmax_layer_big", "big_logits", "labels",
        [](const Tensor& z, const Samples& y) { return mean(from_probabilities.of_logits(z, y)); });
  check(file, "sparse_softmax_by_hand_big", "big_logits", "labels",
        [](const Tensor& z, const Samples& y) { return mean(from_probabilities(softmax(z), y)); });
}

TEST_CASE("cross-entropy from logits is PyTorch's") {
  const NumpyArchive file = golden::open("torch_losses");
  const auto average = [](const Tensor& p, const Samples& y) { return mean(from_logits(p, y)); };
  check(file, "ce", "logits", "labels", average);
  check(file, "ce_sum", "logits", "labels",
        [](const Tensor& p, const Samples& y) { return sum(from_logits(p, y)); });
  check(file, "ce_each", "logits", "labels",
        [](const Tensor& p, const Samples& y) { return from_logits(p, y); });
  check(file, "ce_sequence", "sequence_logits", "sequence_labels", average);
}

TEST_CASE(
    "cross-entropy of distributions is Keras': from logits, smoothed, and from probabilities, "
    "renormalised and then clipped") {
  const NumpyArchive file = golden::open("keras_losses");
  const Tensor weight = file.array("sample_weight");
  const CategoricalCrossentropy logits{.from_logits = true}, probabilities{};
  check_mean(file, "dense_logits", "logits", "target", logits);
  check_mean(file, "dense_smoothing_0.1", "logits", "one_hot",
             CategoricalCrossentropy{.from_logits = true, .label_smoothing = real(0.1)});
  check_mean(file, "dense_probabilities", "probabilities", "target", probabilities);
  check_mean(file, "dense_unnormalised", "unnormalised", "target", probabilities);
  check_mean(file, "dense_extreme", "extreme", "one_hot", probabilities);
  check(file, "dense_logits_weighted", "logits", Samples(file.array("target")),
        [&](const Tensor& p, const Samples& y) { return mean(logits(p, y) * weight); });
}

TEST_CASE("binary cross-entropy is Keras': clipped, from logits, smoothed, weighted") {
  const NumpyArchive file = golden::open("keras_losses");
  const Tensor weight = file.array("sample_weight");
  const BinaryCrossentropy logits{.from_logits = true}, probabilities{};
  check_mean(file, "bce", "binary_probabilities", "binary", probabilities);
  // 1 - 1e-7 is 1 - 1.19e-7 in float, whose logarithm is 1 % off in the loss that the file holds.
  check_mean(file, "bce_extreme", "binary_extreme", "binary", probabilities,
             sizeof(real) == 4 ? t : 1e-2);
  check_mean(file, "bce_logits", "binary_logits", "binary", logits);
  check_mean(file, "bce_smoothing_0.2", "binary_probabilities", "binary",
             BinaryCrossentropy{.label_smoothing = real(0.2)});
  check(file, "bce_logits_weighted", "binary_logits", Samples(file.array("binary")),
        [&](const Tensor& p, const Samples& y) { return mean(logits(p, y) * weight); });
}

TEST_CASE("losses of numbers and the divergence of distributions are Keras'") {
  const NumpyArchive file = golden::open("keras_losses");
  const Tensor weight = file.array("sample_weight");
  const MeanSquaredError squares;
  const Samples targets(file.array("y_true"));
  check_mean(file, "mse", "y_pred", "y_true", squares);
  check_mean(file, "mae", "y_pred", "y_true", MeanAbsoluteError());
  check_mean(file, "huber", "y_pred", "y_true", Huber());
  check_mean(file, "huber_0.7", "y_pred", "y_true", Huber{.delta = real(0.7)});
  check_mean(file, "kl", "probabilities", "target", KLDivergence());
  check_mean(file, "kl_extreme", "extreme", "one_hot", KLDivergence());
  check(file, "mse_weighted", "y_pred", targets,
        [&](const Tensor& p, const Samples& y) { return mean(squares(p, y) * weight); });
  check(file, "mse_each", "y_pred", targets, squares);
  check(file, "mse_sum", "y_pred", targets,
        [&](const Tensor& p, const Samples& y) { return sum(squares(p, y)); });
}

TEST_CASE("an ignored class is Keras': the mean is over what is left") {
  const NumpyArchive file = golden::open("keras_losses");
  const Ids labels = file.ids("labels");
  const real kept = static_cast<real>(Mask::keep_where_not(labels, 2).kept());
  check(file, "sparse_ignore_class_2", "logits", labels, [&](const Tensor& p, const Samples& y) {
    return sum(sparse_categorical_crossentropy(p, y.ids(), {.ignored_label = 2})) / kept;
  });
}

TEST_CASE(
    "class weights, an ignored label and label smoothing are PyTorch's, whose means divide by the "
    "weights of the labels that count") {
  const NumpyArchive file = golden::open("torch_losses");
  const Array weights = file.array("class_weight");
  const auto weight_of = [&](const Ids& labels) {
    real total = 0;
    for (const std::int32_t label : labels.values())
      if (label != -100) total += weights.data()[label];
    return total;
  };
  const real kept =
      static_cast<real>(Mask::keep_where_not(file.ids("labels_ignored"), -100).kept());
  const auto total = [](const Tensor& p, const Samples& y,
                        const SparseCrossentropyOptions& options) {
    return sum(sparse_categorical_crossentropy(p, y.ids(), options));
  };
  const auto weighted = [&](const SparseCrossentropyOptions& options) {
    return [&, options](const Tensor& p, const Samples& y) {
      return total(p, y, options) / weight_of(y.ids());
    };
  };
  check(file, "ce_class_weight", "logits", "labels", weighted({.class_weights = weights}));
  check(file, "ce_class_weight_sum", "logits", "labels",
        [&](const Tensor& p, const Samples& y) { return total(p, y, {.class_weights = weights}); });
  check(file, "ce_ignore_-100", "logits", "labels_ignored", [&](const Tensor& p, const Samples& y) {
    return total(p, y, {.ignored_label = -100}) / kept;
  });
  check(file, "ce_ignore_-100_class_weight", "logits", "labels_ignored",
        weighted({.ignored_label = -100, .class_weights = weights}));
  check(file, "ce_smoothing_0.1", "logits", "labels", [&](const Tensor& p, const Samples& y) {
    return total(p, y, {.label_smoothing = real(0.1)}) / real(9);
  });
  check(file, "ce_smoothing_0.1_ignore_class_weight", "logits", "labels_ignored",
        weighted({.label_smoothing = real(0.1), .ignored_label = -100, .class_weights = weights}));
  check(file, "nll", "logits", "labels", [](const Tensor& p, const Samples& y) {
    const Ids column = y.ids().reshaped({y.count(), 1});
    return -mean(take_along_axis(log_softmax(p), column));
  });
}

TEST_CASE(
    "other losses are PyTorch's: its smooth_l1 with beta is huber with delta beta, divided by "
    "beta") {
  const NumpyArchive file = golden::open("torch_losses");
  check_mean(file, "ce_dense", "logits", "target", CategoricalCrossentropy{.from_logits = true});
  check_mean(file, "bce_logits", "input", "binary", BinaryCrossentropy{.from_logits = true});
  check_mean(file, "mse", "input", "input_target", MeanSquaredError());
  check_mean(file, "mae", "input", "input_target", MeanAbsoluteError());
  check_mean(file, "huber_0.7", "input", "input_target", Huber{.delta = real(0.7)});
  check_mean(file, "smooth_l1", "input", "input_target", Huber());
  const Samples targets(file.array("input_target")), distributions(file.array("target"));
  check(file, "smooth_l1_beta_0.5", "input", targets, [](const Tensor& p, const Samples& y) {
    return mean(huber(p, y.array(), real(0.5))) / real(0.5);
  });
  check(file, "mse_sum", "input", targets,
        [](const Tensor& p, const Samples& y) { return sum(square(p - y.array())); });
  check(file, "kl_batchmean", "logits", distributions,
        [](const Tensor& p, const Samples& y) { return mean(KLDivergence()(softmax(p), y)); });
}
