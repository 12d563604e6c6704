// LayerNormalization, RMSNormalization, Conv, pooling, GRU, LSTM, Residual: how they start, the
// shapes they make, what they refuse, and masks.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "fovea/fovea.hpp"
#include "fovea/nn/init.hpp"
#include "support/approx.hpp"
#include "support/generate.hpp"

using namespace fovea;
using support::bits_differ;
using support::Generate;

namespace {

const Rng seed(1);

template <class Module>
std::vector<std::string> paths_of(const Module& module) {
  std::vector<std::string> paths;
  for (const NamedParameter& parameter : parameters_of(module))
    paths.push_back(parameter.path + " " + to_string(parameter.tensor.shape()));
  return paths;
}

using Paths = std::vector<std::string>;

}  // namespace

TEST_CASE("norms start at gamma 1 and beta 0, keep shapes and refuse other features") {
  LayerNormalization layer;
  RMSNormalization rms;
  CHECK(layer.build(Shape{5, 3}, seed) == Shape{5, 3});
  CHECK(rms.build(Shape{3}, seed) == Shape{3});
  CHECK(paths_of(layer) == Paths{"gamma (3,)", "beta (3,)"});
  CHECK(paths_of(rms) == Paths{"gamma (3,)"});
  CHECK(bits_differ(layer.gamma.value(), Array::full(Shape{3}, 1)) == "");
  CHECK(bits_differ(layer.beta.value(), Array::zeros(Shape{3})) == "");
  CHECK_THROWS_WITH_AS(layer.build(Shape{4}, seed),
                       "LayerNormalization: built for 3 features; now a sample is (4,)",
                       ShapeError);
  CHECK_THROWS_WITH_AS(rms.build(Shape{}, seed),
                       "RMSNormalization: a sample is a scalar; it must be (..., features)",
                       ShapeError);
}

TEST_CASE("convolutions start within Keras' limits, and say the shape that they give") {
  Conv1D one{.filters = 6, .kernel_size = 3, .options = {.strides = 2, .padding = Padding::same}};
  Conv2D two{.filters = 5, .kernel_size = {3, 2}, .activation = Activation::relu};
  CHECK(one.build(Shape{9, 4}, seed) == Shape{5, 6});
  CHECK(two.build(Shape{9, 8, 3}, seed) == Shape{7, 7, 5});
  CHECK(paths_of(one) == Paths{"kernel (3, 4, 6)", "bias (6,)"});
  CHECK(paths_of(two) == Paths{"kernel (3, 2, 3, 5)", "bias (5,)"});
  const double limit = std::sqrt(6.0 / (3 * 4 + 3 * 6));
  double largest = 0;
  for (const real weight : one.kernel.value().values())
    largest = std::max(largest, std::abs(static_cast<double>(weight)));
  CHECK(largest <= limit * 1.0000001);
  CHECK(largest > limit * 0.9);
  for (const real number :
       two(Generate("conv", 0).array(Shape{2, 9, 8, 3}, {-1, 1})).value().values())
    CHECK(number >= 0);
  CHECK_THROWS_WITH_AS(
      one.build(Shape{9, 5}, seed),
      "Conv1D: built for a kernel (3, 4, 6); the sample and the options ask for (3, 5, 6)",
      ShapeError);
  CHECK_THROWS_WITH_AS(one.build(Shape{9}, seed),
                       "Conv1D: a sample is (9,); it must be (time, channels)", ShapeError);
  CHECK_THROWS_WITH_AS(two.build(Shape{9, 8}, seed),
                       "Conv2D: a sample is (9, 8); it must be (rows, columns, channels)",
                       ShapeError);
  Conv1D none{.filters = 0, .kernel_size = 3}, empty{.filters = 2, .kernel_size = 0};
  CHECK_THROWS_WITH_AS(none.build(Shape{9, 4}, seed), "Conv1D: filters is 0; it must be at least 1",
                       ValueError);
  CHECK_THROWS_WITH_AS(empty.build(Shape{9, 4}, seed),
                       "Conv1D: a window size is 0; it must be at least 1", ValueError);
}

TEST_CASE("pooling says the shape that it gives") {
  CHECK(MaxPooling1D{{.pool_size = 3, .strides = 2}}.build(Shape{9, 4}, seed) == Shape{4, 4});
  CHECK(AveragePooling1D{}.build(Shape{9, 4}, seed) == Shape{4, 4});
  CHECK(MaxPooling2D{}.build(Shape{9, 8, 3}, seed) == Shape{4, 4, 3});
  CHECK(AveragePooling2D{{.padding = Padding::same}}.build(Shape{9, 8, 3}, seed) == Shape{5, 4, 3});
  CHECK(GlobalAveragePooling1D{}.build(Shape{9, 4}, seed) == Shape{4});
  CHECK_THROWS_WITH_AS(GlobalAveragePooling1D{}.build(Shape{9}, seed),
                       "GlobalAveragePooling1D: a sample is (9,); it must be (time, features)",
                       ShapeError);
}

TEST_CASE(
    "GlobalAveragePooling1D takes the mean of what is kept, 0 where nothing is, and never looks at "
    "the rest") {
  const real nan = std::numeric_limits<real>::quiet_NaN();
  const Tensor x = Tensor::parameter(Array(Shape{2, 3, 1}, {1, 3, nan, nan, nan, nan}));
  const Tensor y = GlobalAveragePooling1D{}(x, Mask(Shape{2, 3}, {1, 1, 0, 0, 0, 0}));
  CHECK(bits_differ(y.value(), Array(Shape{2, 1}, {2, 0})) == "");
  sum(y).backward();
  CHECK(bits_differ(x.grad(), Array(Shape{2, 3, 1}, {0.5, 0.5, 0, 0, 0, 0})) == "");
  CHECK(bits_differ(GlobalAveragePooling1D{}(Array(Shape{1, 2, 1}, {1, 3})).value(),
                    Array(Shape{1, 1}, {2})) == "");
  CHECK_THROWS_WITH_AS(GlobalAveragePooling1D{}(x, Mask(Shape{2}, {1, 1})),
                       "GlobalAveragePooling1D: the mask has shape (2,); it must be (2, 3)",
                       ShapeError);
}

TEST_CASE(
    "recurrent layers start as Keras', say the shape that they give, and refuse what they cannot "
    "be") {
  GRU gru{.units = 5}, before{.units = 5, .return_sequences = true, .reset_after = false};
  LSTM lstm{.units = 5, .return_sequences = true};
  CHECK(gru.build(Shape{7, 4}, seed) == Shape{5});
  CHECK(before.build(Shape{7, 4}, seed) == Shape{7, 5});
  CHECK(lstm.build(Shape{7, 4}, seed) == Shape{7, 5});
  CHECK(paths_of(gru) == Paths{"kernel (4, 15)", "recurrent_kernel (5, 15)", "bias (2, 15)"});
  CHECK(paths_of(before) == Paths{"kernel (4, 15)", "recurrent_kernel (5, 15)", "bias (15,)"});
  CHECK(paths_of(lstm) == Paths{"kernel (4, 20)", "recurrent_kernel (5, 20)", "bias (20,)"});
  for (Index i = 0; i < 20; ++i) CHECK(lstm.bias.value().at(i) == (i >= 5 && i < 10 ? 1 : 0));
  GRU none{.units = 0};
  CHECK_THROWS_WITH_AS(none.build(Shape{7, 4}, seed), "GRU: units is 0; it must be 1 to 2^40",
                       ValueError);
  CHECK_THROWS_WITH_AS(lstm.build(Shape{7}, seed),
                       "LSTM: a sample is (7,); it must be (time, features)", ShapeError);
  CHECK_THROWS_WITH_AS(
      lstm.build(Shape{7, 3}, seed),
      "LSTM: built for 4 features and 5 units; now a sample is (7, 3) and units is 5", ShapeError);
  const Tensor x = Array::zeros(Shape{2, 7, 4});
  CHECK_THROWS_WITH_AS(gru(Array::zeros(Shape{7, 4})),
                       "GRU: x is (7, 4); it must be (batch, time, features)", ShapeError);
  CHECK_THROWS_WITH_AS(gru(Array::zeros(Shape{2, 0, 4})),
                       "GRU: a sequence of length 0 has no last position", ValueError);
  CHECK_THROWS_WITH_AS(gru(x, Mask(Shape{7}, {1, 1, 1, 1, 1, 1, 1})),
                       "GRU: the mask has shape (7,); it must be (2, 7)", ShapeError);
  CHECK_THROWS_WITH_AS(lstm.unroll(x, {.states = {x}}),
                       "LSTM: 1 states are given; it has 2; give h and c", ValueError);
  CHECK_THROWS_WITH_AS(gru.unroll(x, {.states = {x}}),
                       "GRU: a state is (2, 7, 4); it must be (2, 5)", ShapeError);
}

TEST_CASE(
    "a recurrent layer never looks at what is masked, and its last output is that of the last "
    "position kept") {
  const real nan = std::numeric_limits<real>::quiet_NaN();
  LSTM lstm{.units = 3};
  lstm.build(Shape{2, 1}, seed);
  const Tensor padded = Tensor::parameter(Array(Shape{1, 3, 1}, {1, nan, 2}));
  const Tensor y = lstm(padded, Mask(Shape{1, 3}, {1, 0, 1})),
               dense = lstm(Array(Shape{1, 2, 1}, {1, 2}));
  CHECK(bits_differ(y.value(), dense.value()) == "");
  sum(y).backward();
  CHECK(padded.grad().at(1) == 0);
  CHECK(std::isfinite(padded.grad().at(0)));
}

TEST_CASE("orthogonal weights have rows, or columns, of length 1 at right angles") {
  for (const Shape& shape : {Shape{5, 15}, Shape{15, 5}, Shape{6, 6}, Shape{1, 1}}) {
    const Tensor q = init::orthogonal(shape, seed);
    const Array product = shape[0] <= shape[1] ? matmul(q, q, {.transpose_b = true}).value()
                                               : matmul(q, q, {.transpose_a = true}).value();
    const Index count = product.shape()[0];
    for (Index i = 0; i < count * count; ++i)
      CHECK(static_cast<double>(product.at(i)) ==
            doctest::Approx(i / count == i % count ? 1 : 0).scale(1).epsilon(1e-6));
  }
  CHECK(bits_differ(init::orthogonal(Shape{3, 4}, Rng(5)), init::orthogonal(Shape{3, 4}, Rng(6))) !=
        "");
  CHECK_THROWS_WITH_AS(init::orthogonal(Shape{3}, seed),
                       "orthogonal: the shape is (3,); it must be (rows, columns)", ShapeError);
}

TEST_CASE("Residual adds what its module makes of x, and hands masks on") {
  Residual dense{Dense{.units = 3}};
  CHECK(dense.build(Shape{3}, seed) == Shape{3});
  CHECK(paths_of(dense) == Paths{"module/kernel (3, 3)", "module/bias (3,)"});
  const Tensor x = Generate("residual", 0).array(Shape{2, 3}, {-1, 1});
  CHECK(bits_differ(dense(x).value(), (x + dense.module(x)).value()) == "");
  CHECK(dense.mask_flow() == MaskFlow::keeps);
  Residual<Dense> wider{Dense{.units = 4}};
  CHECK_THROWS_WITH_AS(
      wider.build(Shape{3}, seed),
      "Residual: the module makes (4,) of a sample (3,); the two are added and must be equal",
      ShapeError);

  Residual gru{GRU{.units = 3, .return_sequences = true}};
  gru.build(Shape{2, 3}, seed);
  const Tensor sequence = Generate("residual", 1).array(Shape{1, 2, 3}, {-1, 1});
  const Mask mask(Shape{1, 2}, {1, 0});
  CHECK(bits_differ(gru(sequence, mask).value(), (sequence + gru.module(sequence, mask)).value()) ==
        "");
}

TEST_CASE("behind a recurrent layer that goes backwards, the mask is in the order of its steps") {
  Generate g("backwards", 0);
  const Mask mask(Shape{2, 4}, {1, 1, 0, 0, 0, 1, 1, 1}),
      turned(Shape{2, 4}, {0, 0, 1, 1, 1, 1, 1, 0});
  const auto check = [&](auto module) {
    module.build(Shape{4, 3}, seed);
    const Tensor x = g.array(Shape{2, 4, 3}, {-1, 1});
    auto forwards = module;
    forwards.go_backwards = false;
    CHECK(bits_differ(module(x, mask).value(), forwards(flip(x, 1), turned).value()) == "");
    CHECK(bits_differ(module.unroll(x, {.mask = mask}).states[0].value(),
                      forwards.unroll(x, {.mask = mask, .go_backwards = true}).states[0].value()) ==
          "");
    const Layer layer(module);
    CHECK(layer.mask(mask, nullptr)->keep()[0] == turned.keep()[0]);
    const Signal y = layer.call({x, mask}, {});
    CHECK(std::ranges::equal(y.mask->keep(), turned.keep()));
    module.return_sequences = false;
    CHECK(!Layer(module).mask(mask, nullptr));
  };
  check(GRU{.units = 3, .return_sequences = true, .go_backwards = true});
  check(LSTM{.units = 3, .return_sequences = true, .go_backwards = true});
  // A sum with what stands at other positions has no mask.
  const Layer sum(Residual{GRU{.units = 3, .return_sequences = true, .go_backwards = true}});
  CHECK_THROWS_AS(sum.mask(mask, nullptr), StateError);
}

TEST_CASE("a Sequential of these modules trains, and none of them needs one") {
  Sequential model{Embedding{.input_dim = 9, .output_dim = 4, .mask_zero = true},
                   LayerNormalization{},
                   Residual<GRU>{GRU{.units = 4, .return_sequences = true}},
                   LSTM{.units = 4, .return_sequences = true},
                   GlobalAveragePooling1D{},
                   RMSNormalization{},
                   Dense{.units = 2, .activation = Activation::softmax}};
  model.compile({.optimizer = Adam{{.learning_rate = 0.02}},
                 .loss = SparseCategoricalCrossentropy{},
                 .metrics = {Accuracy{}}});
  const Ids ids(Shape{4, 5}, {1, 2, 3, 0, 0, 4, 5, 6, 7, 8, 2, 2, 0, 0, 0, 8, 7, 5, 5, 0}),
      labels(Shape{4}, {0, 1, 0, 1});
  double first = 0, last = 0;
  for (int step = 0; step < 40; ++step) {
    last = model.train_on_batch(ids, labels).at("loss");
    if (step == 0) first = last;
  }
  CHECK(last < first / 4);
}
