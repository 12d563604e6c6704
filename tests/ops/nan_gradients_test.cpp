// A NaN in the data reaches the gradient: of every op whose gradient depends on its inputs.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdio>
#include <limits>
#include <map>

#include "fovea/nn/dense.hpp"
#include "support/approx.hpp"
#include "support/op_run.hpp"

using namespace support;

namespace {

const real missing = std::numeric_limits<real>::quiet_NaN();

bool holds_nan(const Array& x) {
  return std::ranges::any_of(x.values(), [](real v) { return std::isnan(v); });
}

bool weighs_nan(const Array& y, const Array& weights) {
  for (Index i = 0; i < y.count(); ++i)
    if (std::isnan(y.at(i)) && weights.at(i) != 0) return true;
  return false;
}

bool same_gradients(const Outcome& a, const Outcome& b) {
  for (std::size_t i = 0; i < a.gradients.size(); ++i)
    if (!bits_differ(a.gradients[i], b.gradients[i]).empty()) return false;
  return true;
}

// The gradient of the sum of f(x) at x.
template <class F>
Array slope(const F& f, const Array& x) {
  const Tensor leaf = Tensor::parameter(x);
  fovea::sum(f(leaf)).backward();
  return leaf.grad();
}

}  // namespace

TEST_CASE(
    "a NaN in the data reaches the gradient, of every op of the table whose gradient depends on "
    "its data: where it stands, if it is the only input") {
  std::map<std::string, Index> checked;
  Index total = 0;
  for (const OpCase& op : op_cases())
    for (Index trial = 0; trial < 60; ++trial) {
      const DrawnCase drawn(op, trial, Scale::small);
      Generate g(op.name, 3000 + trial);
      DrawnCase other = drawn, with_nan = drawn;
      if (drawn.leaves.empty()) continue;
      const auto chosen =
          static_cast<std::size_t>(g.integer(0, static_cast<Index>(drawn.leaves.size()) - 1));
      Array& leaf = with_nan.leaves[chosen];
      if (leaf.count() == 0) continue;
      other.leaves[chosen] = g.array(leaf.shape(), op.range);
      if (same_gradients(run(drawn), run(other))) continue;  // linear in it
      if (std::string(op.name).starts_with("conv") && chosen == 1)
        continue;  // it may meet nothing but padding, whose gradient nobody gets
      const bool is_recurrent = op.name == std::string("gru") || op.name == std::string("lstm");
      if (is_recurrent && chosen >= 4)
        continue;  // a state of a sample without a kept position is handed on as it is
      leaf = leaf.clone();
      const Index place = g.integer(0, leaf.count() - 1);
      leaf.mutable_data()[place] = missing;
      const Outcome outcome = run(with_nan);
      if (!weighs_nan(outcome.y, drawn.weights)) continue;  // masked, or a power of 0
      INFO(fmt::format("trial {}, NaN at {}: {}", trial, place, with_nan.text()));
      if (drawn.shapes.size() == 1 &&
          !std::string(op.name).ends_with("prod"))  // there it is the product of the others
        CHECK(std::isnan(outcome.gradients[0].at(place)));
      else
        CHECK(std::ranges::any_of(outcome.gradients, holds_nan));
      ++checked[op.name];
      ++total;
    }
  for (const char* name : {"max",
                           "min",
                           "maximum",
                           "minimum",
                           "relu",
                           "clip",
                           "abs",
                           "leaky_relu",
                           "elu",
                           "gelu",
                           "silu",
                           "softplus",
                           "max_pool1d",
                           "max_pool2d",
                           "top_k",
                           "norm",
                           "var",
                           "std",
                           "softmax",
                           "logsumexp",
                           "layer_norm",
                           "rms_norm",
                           "linear",
                           "huber",
                           "mean_absolute_error",
                           "kl_divergence",
                           "binary_crossentropy_from_probabilities",
                           "sparse_categorical_crossentropy_from_probabilities"}) {
    INFO(std::string(name));
    CHECK(checked[name] >= 3);
  }
  std::printf("figure: gradients of a NaN checked = %lld\n", static_cast<long long>(total));
}

TEST_CASE(
    "the gradient of max, min, maximum, minimum, relu, clip, sign and top_k is NaN where the data "
    "is, and stays what it was elsewhere") {
  const Array x({4}, {-2, missing, 1, 3}), rows({2, 2}, {1, missing, 1, 3});
  const auto check = [](const Array& d, std::initializer_list<real> expected) {
    Index i = 0;
    for (const real value : expected) {
      INFO("element ", i, " is ", d.at(i));
      CHECK((std::isnan(value) ? std::isnan(d.at(i)) : d.at(i) == value));
      ++i;
    }
  };
  check(slope(fovea::relu, x), {0, missing, 1, 1});
  check(slope(fovea::sign, x), {0, missing, 0, 0});
  check(slope([](const Tensor& t) { return fovea::leaky_relu(t, real(0.5)); }, x),
        {0.5, missing, 1, 1});
  check(slope([](const Tensor& t) { return fovea::clip(t, -1, 2); }, x), {0, missing, 1, 0});
  check(slope([](const Tensor& t) { return fovea::maximum(t, fovea::scalar(0)); }, x),
        {0, missing, 1, 1});
  check(slope([](const Tensor& t) { return fovea::minimum(fovea::scalar(0), t); }, x),
        {1, missing, 0, 0});
  check(slope([](const Tensor& t) { return fovea::max(t, 1); }, rows), {missing, missing, 0, 1});
  check(slope([](const Tensor& t) { return fovea::min(t, 0); }, rows),
        {0.5, missing, 0.5, missing});
  check(slope([](const Tensor& t) { return fovea::top_k(t, 1).values; }, rows), {0, missing, 0, 1});
  check(slope(
            [](const Tensor& t) {
              return fovea::max_pool1d(fovea::reshape(t, {1, 4, 1}), {.pool_size = 2});
            },
            x),
        {0, missing, 0, 1});
  check(slope(
            [](const Tensor& t) {
              return fovea::max_pool2d(fovea::reshape(t, {1, 2, 2, 1}),
                                       {.pool_size = {2, 1}, .strides = {1, 1}});
            },
            x),
        {0, missing, 1, 0});
}

TEST_CASE(
    "of several NaN top_k and max pooling hand the gradient on to those that they gave, as NaN") {
  const Array x({1, 4, 1}, {2, missing, missing, 3});
  const auto places = [](const Array& d) {
    std::string text;
    for (const real value : d.values()) text += std::isnan(value) ? 'N' : value == 0 ? '0' : '1';
    return text;
  };
  CHECK(places(slope([](const Tensor& t) { return fovea::max_pool1d(t, {.pool_size = 4}); }, x)) ==
        "0N00");
  CHECK(places(slope(
            [](const Tensor& t) { return fovea::max_pool1d(t, {.pool_size = 2, .strides = 1}); },
            x)) == "0NN0");
  CHECK(places(slope([](const Tensor& t) { return fovea::top_k(fovea::reshape(t, {4}), 1).values; },
                     x)) == "0N00");
  CHECK(places(slope([](const Tensor& t) { return fovea::top_k(fovea::reshape(t, {4}), 3).values; },
                     x)) == "0NN1");
}

TEST_CASE("a NaN reaches the gradients through the relu of a linear map and of Dense") {
  fovea::Dense dense{3, fovea::Activation::relu};
  dense.build(Shape{2}, fovea::Rng(1));
  const Tensor x = Tensor::parameter(Array({2, 2}, {1, missing, 1, 2}));
  fovea::sum(dense(x)).backward();
  CHECK((std::isnan(x.grad().at(0)) && std::isnan(x.grad().at(1))));
  CHECK((!std::isnan(x.grad().at(2)) && !std::isnan(x.grad().at(3))));
  for (Index i = 0; i < 3; ++i) CHECK(std::isnan(dense.bias.grad().at(i)));
  for (Index i = 0; i < 6; ++i) CHECK(std::isnan(dense.kernel.grad().at(i)));
}
