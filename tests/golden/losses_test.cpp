// Cross-entropy of class labels, as Keras and PyTorch compute it: from logits, from probabilities, clipped or not, and its means.
#include <doctest/doctest.h>

#include "fovea/nn/dense.hpp"
#include "fovea/train/losses.hpp"
#include "golden/golden.hpp"

using namespace fovea;

namespace {

constexpr double t = 2e-6;

// Checks one case: a function of predictions and labels, its value, and its gradient by the predictions.
template <class F>
void check(const NumpyArchive& file, const std::string& name, const std::string& predictions, const std::string& labels, const F& loss) {
  CAPTURE(name);
  const Tensor prediction = golden::parameter(file, predictions);
  const Tensor value = loss(prediction, Samples(file.ids(labels)));
  CHECK(golden::differs(value.value(), file.array(name), t) == "");
  sum(value).backward();
  CHECK(golden::differs(prediction.grad(), file.array("d_" + name), t) == "");
}

const SparseCategoricalCrossentropy from_logits{.from_logits = true}, from_probabilities{};

}  // namespace

TEST_CASE("cross-entropy from logits, summed and averaged, is Keras'") {
  const NumpyArchive file = golden::open("keras_losses");
  const Tensor weight = file.array("sample_weight");
  check(file, "sparse_logits", "logits", "labels", [](const Tensor& p, const Samples& y) { return mean(from_logits(p, y)); });
  check(file, "sparse_logits_sum", "logits", "labels", [](const Tensor& p, const Samples& y) { return sum(from_logits(p, y)); });
  check(file, "sparse_logits_each", "logits", "labels", [](const Tensor& p, const Samples& y) { return from_logits(p, y); });
  check(file, "sparse_logits_weighted", "logits", "labels", [&](const Tensor& p, const Samples& y) { return mean(from_logits(p, y) * weight); });
  check(file, "sparse_logits_weighted_mean", "logits", "labels", [&](const Tensor& p, const Samples& y) { return sum(from_logits(p, y) * weight) / sum(weight); });
  check(file, "sparse_sequence", "sequence_logits", "sequence_labels", [](const Tensor& p, const Samples& y) { return mean(from_logits(p, y)); });
}

TEST_CASE("a mask divides by the kept positions, a sample weight of zero by all, as in Keras") {
  const NumpyArchive file = golden::open("keras_losses");
  const Tensor keep = file.array("sequence_mask");
  check(file, "sparse_sequence_masked", "sequence_logits", "sequence_labels", [&](const Tensor& p, const Samples& y) { return sum(from_logits(p, y) * keep) / sum(keep); });
  check(file, "sparse_sequence_zero_weighted", "sequence_logits", "sequence_labels", [&](const Tensor& p, const Samples& y) { return mean(from_logits(p, y) * keep); });
}

TEST_CASE("cross-entropy from probabilities clips and then renormalises, as Keras does on TensorFlow") {
  const NumpyArchive file = golden::open("keras_losses");
  const auto average = [](const Tensor& p, const Samples& y) { return mean(from_probabilities(p, y)); };
  check(file, "sparse_probabilities", "probabilities", "labels", average);
  check(file, "sparse_unnormalised", "unnormalised", "labels", average);
  check(file, "sparse_extreme", "extreme", "labels", average);
  check(file, "sparse_extreme_each", "extreme", "labels", [](const Tensor& p, const Samples& y) { return from_probabilities(p, y); });
}

TEST_CASE("a softmax that is part of the model is not clipped, one by hand is, as in Keras") {
  const NumpyArchive file = golden::open("keras_losses");
  check(file, "sparse_softmax_layer_big", "big_logits", "labels", [](const Tensor& z, const Samples& y) { return mean(from_probabilities.of_logits(z, y)); });
  check(file, "sparse_softmax_by_hand_big", "big_logits", "labels", [](const Tensor& z, const Samples& y) { return mean(from_probabilities(softmax(z), y)); });
}

TEST_CASE("cross-entropy from logits is PyTorch's") {
  const NumpyArchive file = golden::open("torch_losses");
  const auto average = [](const Tensor& p, const Samples& y) { return mean(from_logits(p, y)); };
  check(file, "ce", "logits", "labels", average);
  check(file, "ce_sum", "logits", "labels", [](const Tensor& p, const Samples& y) { return sum(from_logits(p, y)); });
  check(file, "ce_each", "logits", "labels", [](const Tensor& p, const Samples& y) { return from_logits(p, y); });
  check(file, "ce_sequence", "sequence_logits", "sequence_labels", average);
}
