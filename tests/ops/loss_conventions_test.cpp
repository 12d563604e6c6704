// Losses at the ends of their ranges, and what their options leave out.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "fovea/ops/ops.hpp"
#include "support/approx.hpp"
#include "support/generate.hpp"

using namespace fovea;
using support::bits_differ;

namespace {

const real missing = std::numeric_limits<real>::quiet_NaN();

template <class F>
Array slope(const F& f, const Array& x) {
  const Tensor leaf = Tensor::parameter(x);
  sum(f(leaf)).backward();
  return leaf.grad();
}

}  // namespace

TEST_CASE(
    "logits of an ignored label are not looked at: NaN there reaches neither losses nor "
    "gradients") {
  const Array z({3, 2}, {1, 2, missing, missing, 3, 1});
  const Ids labels({3}, {0, -100, 1});
  for (const SparseCrossentropyOptions& options :
       {SparseCrossentropyOptions{.ignored_label = -100},
        {.label_smoothing = real(0.1), .ignored_label = -100}}) {
    const auto loss = [&](const Tensor& t) {
      return sparse_categorical_crossentropy(t, labels, options);
    };
    const Array y = loss(z).value(), d = slope(loss, z);
    CHECK(y.at(0) > 0);
    CHECK(y.at(1) == 0);
    for (const Index i : {2, 3}) CHECK(d.at(i) == 0);
    for (const Index i : {0, 1, 4, 5}) CHECK(std::abs(d.at(i)) > 0);
  }
}

TEST_CASE(
    "a row whose label is ignored or has weight 0 takes no part, forward and backward, from logits "
    "and from probabilities") {
  for (const auto loss :
       {sparse_categorical_crossentropy, sparse_categorical_crossentropy_from_probabilities})
    for (const real value :
         {missing, std::numeric_limits<real>::infinity(), -std::numeric_limits<real>::infinity()})
      for (Index trial = 0; trial < 40; ++trial) {
        support::Generate g("rows without part", trial);
        const Index rows = g.integer(1, 9), classes = g.integer(2, 40);
        const Ids labels = g.ids({rows}, classes);
        Array weights = g.array({classes}, {real(0.5), 2}),
              x = g.array({rows, classes}, {real(0.1), real(0.9)});
        const bool by_weight = g.chance(0.5);
        const Index out = labels.data()[g.integer(0, rows - 1)];
        if (by_weight) weights.mutable_data()[out] = 0;
        SparseCrossentropyOptions options{.class_weights = Tensor(weights)};
        if (!by_weight) options.ignored_label = out;
        const auto of = [&](const Tensor& t) { return loss(t, labels, options); };
        const Array expected = of(x).value(), expected_slope = slope(of, x);
        for (Index i = 0; i < x.count(); ++i)
          if (labels.data()[i / classes] == out) x.mutable_data()[i] = value;
        CHECK(bits_differ(of(x).value(), expected) == "");
        const Array d = slope(of, x);
        for (Index i = 0; i < x.count(); ++i)
          CHECK(d.at(i) == (labels.data()[i / classes] == out ? real(0) : expected_slope.at(i)));
      }
}

TEST_CASE("dense and sparse cross-entropy are the same of one class, smoothed or not") {
  const Array z({3, 4}, {1, 2, -1, 0, 3, 1, 1, 2, 0, 0, 0, 5}),
      one_of_each({3, 4}, {0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1});
  const Ids labels({3}, {1, 0, 3});
  for (const real smoothing : {real(0), real(0.2)}) {
    const Array sparse =
        sparse_categorical_crossentropy(z, labels, {.label_smoothing = smoothing}).value();
    const Array dense =
        categorical_crossentropy(z, one_of_each, {.label_smoothing = smoothing}).value();
    for (Index i = 0; i < 3; ++i) CHECK(sparse.at(i) == doctest::Approx(dense.at(i)).epsilon(1e-6));
  }
}

TEST_CASE(
    "binary cross-entropy from logits as large as 1e4 is finite: 0 where right, |z| where wrong, "
    "and log 2 at 0") {
  const Array z({3, 2}, {10000, -10000, 10000, -10000, 0, 0}), t({3, 2}, {1, 0, 0, 1, 0, 1});
  const Array loss = binary_crossentropy(z, t).value();
  CHECK(loss.at(0) == 0);
  CHECK(loss.at(1) == 10000);
  CHECK(loss.at(2) == doctest::Approx(std::log(2.0)));
  const Array d = slope([&](const Tensor& x) { return binary_crossentropy(x, t); }, z);
  CHECK(bits_differ(d, Array({3, 2}, {0, 0, 0.5, -0.5, 0.25, -0.25})) ==
        "");  // (sigmoid(z) - t) / 2
}

TEST_CASE("losses from probabilities stay finite at 0 and 1, where their slopes are 0") {
  const Array p({2, 2}, {1, 0, 1, 0}), t({2, 2}, {1, 0, 0, 1});
  const auto check = [&](const char* name,
                         Tensor (*op)(const Tensor&, const Tensor&, CrossentropyOptions)) {
    INFO(std::string(name));
    const Array loss = op(p, t, {}).value();
    CHECK(loss.at(0) ==
          doctest::Approx(1e-7).epsilon(0.25));  // 1 - 1e-7 is rounded to 1 - 1.19e-7 in float
    CHECK(loss.at(1) == doctest::Approx(16.118).epsilon(0.02));  // -log 1e-7
    const Array d = slope([&](const Tensor& x) { return op(x, t, {}); }, p);
    for (const real value : d.values()) CHECK(value == 0);
  };
  check("categorical_crossentropy_from_probabilities", categorical_crossentropy_from_probabilities);
  check("binary_crossentropy_from_probabilities", binary_crossentropy_from_probabilities);
}

TEST_CASE(
    "huber is the square at delta and a line of slope delta beyond, mean_absolute_error has slope "
    "0 where both are equal") {
  const Array p({5, 1}, {0, real(0.5), 2, -2, -5}), zero = Array::zeros({5, 1});
  CHECK(bits_differ(huber(p, zero, 2).value(), Array({5}, {0, 0.125, 2, 2, 8})) == "");
  CHECK(bits_differ(slope([&](const Tensor& x) { return huber(x, zero, 2); }, p),
                    Array({5, 1}, {0, 0.5, 2, -2, -2})) == "");
  CHECK(bits_differ(slope([&](const Tensor& x) { return mean_absolute_error(x, zero); }, p),
                    Array({5, 1}, {0, 1, 1, -1, -1})) == "");
}

TEST_CASE("the divergence of a distribution from itself is 0, also with zeros in it") {
  const Array p({2, 3}, {1, 0, 0, real(0.5), real(0.25), real(0.25)});
  CHECK(bits_differ(kl_divergence(p, p).value(), Array::zeros({2})) == "");
}

TEST_CASE(
    "0 times -infinity is 0 in losses: a logit of -infinity whose target is 0 leaves the other "
    "terms") {
  const real inf = std::numeric_limits<real>::infinity();
  const Array z({2, 3}, {1, -inf, 2, -inf, 0, real(0.5)}),
      t({2, 3}, {real(0.25), 0, real(0.75), 0, 1, 0});
  const auto log_sum = [](double a, double b) { return std::log(std::exp(a) + std::exp(b)); };
  const Array loss = categorical_crossentropy(z, t).value();
  CHECK(loss.at(0) == doctest::Approx(log_sum(1, 2) - 0.25 * 1 - 0.75 * 2));
  CHECK(loss.at(1) == doctest::Approx(log_sum(0, 0.5)));
  const Array d = slope([&](const Tensor& x) { return categorical_crossentropy(x, t); }, z);
  for (const real value : d.values()) CHECK(std::isfinite(value));
  CHECK(d.at(1) == 0);
  CHECK(d.at(3) == 0);
  CHECK(d.at(0) == doctest::Approx(1 / (1 + std::exp(1)) - 0.25));
}

TEST_CASE(
    "0 times -infinity is 0 in the product for it: sum(multiply_no_nan(log_softmax(z, mask), t))") {
  const Tensor z = Tensor::parameter(Array({4}, {1, 5, 2, 0}));
  const Tensor loss = -sum(multiply_no_nan(log_softmax(z, -1, Mask({4}, {1, 0, 1, 0})),
                                           Array({4}, {real(0.25), 0, real(0.75), 0})));
  CHECK(loss.item() == doctest::Approx(std::log(std::exp(1) + std::exp(2)) - 0.25 - 1.5));
  loss.backward();
  CHECK(z.grad().at(1) == 0);
  CHECK(z.grad().at(3) == 0);
  CHECK(z.grad().at(0) == doctest::Approx(1 / (1 + std::exp(1)) - 0.25));
  const real nan = std::numeric_limits<real>::quiet_NaN();
  CHECK(
      bits_differ(multiply_no_nan(Array({3}, {nan, 2, 3}), Array({3}, {0, real(-0.0), 2})).value(),
                  Array({3}, {0, 0, 6})) == "");
  const real inf = std::numeric_limits<real>::infinity();
  const Tensor a = Tensor::parameter(Array({4}, {nan, -inf, 2, 3})),
               b = Tensor::parameter(Array({4}, {0, 0, 0, 5}));
  multiply_no_nan(a, b).backward(Array({4}, {0, 0, inf, 1}));
  CHECK(bits_differ(a.grad(), Array({4}, {0, 0, 0, 5})) == "");
  CHECK(bits_differ(b.grad(), Array({4}, {0, 0, inf, 3})) == "");
}

TEST_CASE(
    "0 times -infinity is 0 under label smoothing too: a class of weight 0 adds nothing, whatever "
    "its logit") {
  const real inf = std::numeric_limits<real>::infinity();
  const Array z({2, 3}, {1, -inf, 2, 1, -inf, 2});
  const Tensor weights(Array({3}, {1, 0, 2}));
  const Array loss =
      sparse_categorical_crossentropy(z, Ids({2}, {0, 1}),
                                      {.label_smoothing = real(0.3), .class_weights = weights})
          .value();
  const double log_sum = std::log(std::exp(1) + std::exp(2)),
               spread = 0.1 * ((log_sum - 1) + 2 * (log_sum - 2));
  CHECK(loss.at(0) == doctest::Approx(0.7 * (log_sum - 1) + spread));
  CHECK(loss.at(1) == doctest::Approx(spread));
  const Array d = slope(
      [&](const Tensor& x) {
        return sparse_categorical_crossentropy(
            x, Ids({2}, {0, 1}), {.label_smoothing = real(0.3), .class_weights = weights});
      },
      z);
  for (const real value : d.values()) CHECK(std::isfinite(value));
}

TEST_CASE(
    "0 times -infinity is 0 in binary cross-entropy: an infinite logit on the right side costs "
    "nothing, on the wrong one infinity") {
  const real inf = std::numeric_limits<real>::infinity();
  const Array z({4, 1}, {inf, -inf, inf, -inf}), t({4, 1}, {1, 0, 0, 1});
  CHECK(bits_differ(binary_crossentropy(z, t).value(), Array({4}, {0, 0, inf, inf})) == "");
  CHECK(bits_differ(slope([&](const Tensor& x) { return binary_crossentropy(x, t); }, z),
                    Array({4, 1}, {0, 0, 1, -1})) == "");
}

TEST_CASE(
    "0 times -infinity does not arise in the divergence: both distributions are kept above 0") {
  const Array p({2, 3}, {0, 1, 0, 1, 0, 0}), t({2, 3}, {0, 1, 0, 0, 0, 1});
  const Array loss = kl_divergence(p, t).value();
  CHECK(std::abs(loss.at(0)) < real(1e-5));
  CHECK(loss.at(1) == doctest::Approx(std::log(1e7)).epsilon(0.01));
  for (const real value : slope([&](const Tensor& x) { return kl_divergence(x, t); }, p).values())
    CHECK(std::isfinite(value));
}
