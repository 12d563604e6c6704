// Ops as Keras and PyTorch compute them: keras_ops.npz, and the functions of torch_layers.npz that
// are no layers.
#include <doctest/doctest.h>

#include <functional>

#include "fovea/base/error.hpp"
#include "nn/golden_case.hpp"
#include "support/approx.hpp"

using namespace fovea;
using golden::Case;
using support::bits_differ;

namespace {

struct Row {
  const char* name;
  std::function<Tensor(const Tensor&)> function;
};

void check_rows(const NumpyArchive& file, const std::vector<Row>& rows) {
  for (const auto& [name, function] : rows) {
    Case at(file, name);
    at.check(function(at.leaf("x")));
  }
}

// The two largest along axis 1, and where they are.
std::pair<Tensor, Ids> top2(const Tensor& x) {
  const TopK top = top_k(transpose(x, 1, 2), 2);
  const Shape shape = top.values.shape();
  std::vector<std::int32_t> ids;
  for (Index i = 0; i < shape[0]; ++i)
    for (Index k = 0; k < shape[2]; ++k)
      for (Index j = 0; j < shape[1]; ++j)
        ids.push_back(static_cast<std::int32_t>(top.ids.at((i * shape[1] + j) * shape[2] + k)));
  return {transpose(top.values, 1, 2), Ids(Shape{shape[0], shape[2], shape[1]}, ids)};
}

void check_ids(const Ids& ours, const Ids& expected) {
  CHECK(ours.shape() == expected.shape());
  CHECK(std::ranges::equal(ours.values(), expected.values()));
}

}  // namespace

TEST_CASE("reductions and softmax are Keras', value and gradient") {
  const NumpyArchive file = golden::open("keras_ops");
  check_rows(
      file, {{"logsumexp_axis1", [](const Tensor& x) { return logsumexp(x, 1); }},
             {"logsumexp_large_axis0", [](const Tensor& x) { return logsumexp(x * real(300), 0); }},
             {"cumsum_axis1", [](const Tensor& x) { return cumsum(x, 1); }},
             {"softmax_axis1", [](const Tensor& x) { return softmax(x, 1); }},
             {"log_softmax_last", [](const Tensor& x) { return log_softmax(x); }},
             {"var_axis_0_2",
              [](const Tensor& x) {
                return var(x, {0, 2});
              }},
             {"norm_axis1", [](const Tensor& x) { return norm(x, 1); }},
             {"max_axis1", [](const Tensor& x) { return fovea::max(x, 1); }},
             {"top_k_values", [](const Tensor& x) { return top_k(x, 3).values; }}});
  check_ids(argmax(file.array("max_axis1__x"), 1), file.ids("argmax_axis1__output"));
}

TEST_CASE("equal numbers are treated as Keras treats them") {
  const NumpyArchive file = golden::open("keras_ops");
  const Tensor x = golden::parameter(file, "ties__x");
  const TopK top = top_k(x, 4);
  CHECK(bits_differ(top.values.value(), file.array("ties__top4_values")) == "");
  check_ids(top.ids, file.ids("ties__top4_indices"));
  check_ids(argmax(x, 1), file.ids("ties__argmax"));
  check_ids(argmin(x, 1), file.ids("ties__argmin"));
  const Tensor largest = fovea::max(x, 1);
  CHECK(bits_differ(largest.value(), file.array("ties__max")) == "");
  sum(largest * Tensor(file.array("ties__cotangent"))).backward();
  CHECK(golden::differs(x.grad(), file.array("ties__d_x_of_max"), 1e-5) == "");
}

// Keras gives a row of zeros for an id outside; ours throws, so those are made 0 here and looked at
// by themselves.
TEST_CASE("one_hot is Keras' for ids that are classes, and PyTorch's") {
  const NumpyArchive keras = golden::open("keras_ops"), torch = golden::open("torch_layers");
  const Ids ids = keras.ids("one_hot__ids");
  const Array expected = keras.array("one_hot__output");
  const Index classes = expected.shape()[-1];
  std::vector<std::int32_t> inside(ids.values().begin(), ids.values().end());
  std::vector<std::uint8_t> known;
  for (std::int32_t& id : inside) {
    known.push_back(id >= 0 && id < classes);
    if (!known.back()) id = 0;
  }
  CHECK_THROWS_AS(one_hot(ids, classes), IndexError);
  const Mask mask(ids.shape().inserted(ids.shape().rank(), 1), known);
  CHECK(bits_differ(where(mask, one_hot(Ids(ids.shape(), inside), classes), scalar(0)).value(),
                    expected) == "");
  CHECK(bits_differ(one_hot(torch.ids("one_hot__ids"), torch.shape("one_hot__output")[-1]).value(),
                    torch.array("one_hot__output")) == "");
}

TEST_CASE("no case of keras_ops is left out") {
  golden::check_complete(golden::open("keras_ops"),
                         {"logsumexp_axis1", "logsumexp_large_axis0", "cumsum_axis1",
                          "softmax_axis1", "log_softmax_last", "var_axis_0_2", "norm_axis1",
                          "max_axis1", "top_k_values", "argmax_axis1", "ties", "one_hot"},
                         {});
}

TEST_CASE("reductions and what moves numbers are PyTorch's, value and gradient") {
  const NumpyArchive file = golden::open("torch_layers");
  check_rows(file, {{"logsumexp_axis1", [](const Tensor& x) { return logsumexp(x, 1); }},
                    {"cumsum_axis1", [](const Tensor& x) { return cumsum(x, 1); }},
                    {"norm_axis2", [](const Tensor& x) { return norm(x, 2); }},
                    {"var_axis2_biased", [](const Tensor& x) { return var(x, 2); }},
                    {"var_axis2_unbiased",
                     [](const Tensor& x) { return var(x, 2, false, {.unbiased = true}); }},
                    {"prod_axis0", [](const Tensor& x) { return prod(x, 0); }},
                    {"log_softmax_axis1", [](const Tensor& x) { return log_softmax(x, 1); }},
                    {"softmax_axis0", [](const Tensor& x) { return softmax(x, 0); }},
                    {"amax_axis1", [](const Tensor& x) { return fovea::max(x, 1); }},
                    {"tied_amax_axis1", [](const Tensor& x) { return fovea::max(x, 1); }},
                    {"min_axis2", [](const Tensor& x) { return fovea::min(x, 2); }},
                    {"tied_maximum_of_pairs",
                     [](const Tensor& x) {
                       return maximum(squeeze(slice(x, {{0, 1}}), 0), squeeze(slice(x, {{-1}}), 0));
                     }},
                    {"pad_flip_roll", [](const Tensor& x) {
                       return roll(flip(pad(x, {{}, {0, 1}, {1, 2}}), 1), 2, 2);
                     }}});
}

TEST_CASE("the largest along an axis and where they are, are PyTorch's") {
  const NumpyArchive file = golden::open("torch_layers");
  Case top(file, "top2_axis1"), largest(file, "max_axis1");
  const auto [values, ids] = top2(top.leaf("x"));
  check_ids(ids, top.ids("indices"));
  top.check(values);
  const Tensor x = largest.leaf("x");
  check_ids(argmax(x, 1), largest.ids("indices"));
  largest.check(fovea::max(x, 1));
}

TEST_CASE("products and picking are PyTorch's, value and gradient") {
  const NumpyArchive file = golden::open("torch_layers");
  Case einsum_case(file, "einsum_bij_jik_to_bk"), product(file, "matmul_broadcast"),
      picked(file, "take_along_axis1"), linear(file, "linear");
  einsum_case.check(einsum("bij,jik->bk", {einsum_case.leaf("a"), einsum_case.leaf("b")}));
  product.check(matmul(product.leaf("a"), product.leaf("b")));
  picked.check(take_along_axis(picked.leaf("x"), picked.ids("indices"), 1));
  linear.check(matmul(linear.leaf("x"), linear.leaf("weight"), {.transpose_b = true}) +
               linear.leaf("bias"));
}
