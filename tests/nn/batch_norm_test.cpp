// BatchNormalization: statistics of whole batches, and those that move.
#include <doctest/doctest.h>

#include <limits>

#include "fovea/fovea.hpp"
#include "support/approx.hpp"
#include "support/folder.hpp"
#include "support/generate.hpp"
#include "support/gradcheck.hpp"
#include "support/refusal.hpp"

using namespace fovea;
using support::bits_differ;
using support::Generate;
using support::refusal;

namespace {

const Context trains{.training = true, .step = 0};

BatchNormalization built(const Shape& sample, real momentum = real(0.9)) {
  BatchNormalization layer{.momentum = momentum};
  layer.build(sample, Rng(1));
  return layer;
}

Sequential trained(Index threads_used, const Array& x, const Ids& y) {
  const Index before = threads();
  set_threads(threads_used);
  Sequential model{Dense{.units = 8, .activation = Activation::tanh},
                   BatchNormalization{.momentum = real(0.8)},
                   Dense{.units = 2, .activation = Activation::softmax}};
  model.set_name("normal");
  model.compile({.loss = SparseCategoricalCrossentropy{}, .seed = 4});
  model.fit(x, y, {.epochs = 3, .batch_size = 1500, .verbose = 0});
  set_threads(before);
  return model;
}

}  // namespace

TEST_CASE(
    "the gradient of BatchNormalization goes through the statistics, also of kept positions") {
  if (sizeof(real) == 4) return;  // differences are sharp in double
  for (Index trial = 0; trial < 12; ++trial) {
    Generate g("batch norm", trial);
    const Index batch = g.integer(2, 5), time = g.integer(1, 4), features = g.integer(1, 3);
    std::optional<Mask> mask;
    if (g.chance(0.6)) mask = g.mask(Shape{batch, time}, 0.7);
    const std::vector<Array> at = {g.array(Shape{batch, time, features}, {-1, 1}),
                                   g.array(Shape{features}, {0.5, 1.5})};
    const BatchNormalization layer = built(Shape{time, features});
    // A gamma that is a constant would be a frozen layer's: it is put behind.
    const auto f = [&](support::Inputs tensors) {
      return layer(tensors[0], mask, trains) * tensors[1];
    };
    Index comparisons = 0;
    CAPTURE(trial);
    CHECK(gradcheck(f, at, g, comparisons) == "");
  }
}

TEST_CASE("moving statistics move by a call that trains and records, and by nothing else") {
  const BatchNormalization layer = built(Shape{1}, real(0.5));
  const Tensor x(Array(Shape{2, 1}, {1, 5}));
  layer(x);
  {
    const NoGrad no_grad;
    layer(x, trains);
  }
  CHECK(layer.moving_mean.item() == 0);
  CHECK(layer.moving_variance.item() == 1);
  const Tensor y = layer(x, trains);
  CHECK(y.value().at(0) == doctest::Approx(-2 / std::sqrt(4.001)));
  CHECK(layer.moving_mean.item() == 1.5);
  CHECK(layer.moving_variance.item() == 2.5);
  BatchNormalization frozen = layer;
  set_trainable(frozen, false);
  CHECK(frozen(x, trains).value().at(0) == doctest::Approx((1 - 1.5) / std::sqrt(2.501)));
  CHECK(frozen.moving_mean.item() == 1.5);
  set_trainable(frozen, true);
  layer(x, trains);
  CHECK_FALSE(frozen.moving_mean.requires_grad());
  frozen.moving_mean = frozen.moving_mean.clone();
  set_trainable(frozen, true);
  CHECK_FALSE(frozen.moving_mean.requires_grad());
}

TEST_CASE("masked positions take no part, and a batch of nothing else is normalised as it was") {
  const real missing = std::numeric_limits<real>::quiet_NaN();
  const BatchNormalization layer = built(Shape{3, 1}, 0);
  const Tensor x = Tensor::parameter(Array(Shape{2, 3, 1}, {1, missing, missing, 5, 3, missing}));
  const Tensor y = layer(x, Mask(Shape{2, 3}, {1, 0, 0, 1, 1, 0}), trains);
  CHECK(layer.moving_mean.item() == 3);
  CHECK(layer.moving_variance.item() == doctest::Approx(8.0 / 3));
  sum(slice(y, 1, 0, 1)).backward();
  for (const real d : layer.gamma.grad().values()) CHECK(std::isfinite(d));
  for (const Index i : {1, 2, 5}) CHECK(x.grad().at(i) == 0);
  CHECK(std::isfinite(
      layer(Array::full(Shape{1, 3, 1}, 7), Mask(Shape{1, 3}, {0, 0, 0}), trains).value().at(0)));
  CHECK(layer.moving_mean.item() == 3);
}

TEST_CASE("a model with BatchNormalization trains to the same bits on 1 and 3 threads") {
  Generate g("threads", 0);
  const Array x = g.array(Shape{2000, 6}, {-3, 5});
  const Ids y = g.ids(Shape{2000}, 2);
  const Sequential one = trained(1, x, y), three = trained(3, x, y);
  const auto a = parameters_of(one), b = parameters_of(three);
  REQUIRE(a.size() == 8);
  for (std::size_t i = 0; i < a.size(); ++i) {
    INFO(a[i].path);
    CHECK(bits_differ(a[i].tensor.value(), b[i].tensor.value()) == "");
  }
  // Two batches of 1500 and 500 in each of 3 epochs: 6 moves from 0.
  CHECK(a[3].tensor.value().at(0) != 0);
  CHECK(bits_differ(one.predict(x), three.predict(x)) == "");
}

TEST_CASE("moving statistics are saved, loaded and stay frozen, and training goes on from them") {
  Generate g("saved", 0);
  const Array x = g.array(Shape{40, 6}, {-3, 5});
  const Ids y = g.ids(Shape{40}, 2);
  Sequential model = trained(1, x, y);
  const support::Folder folder;
  model.save(folder / "m", {.standalone = true});
  Sequential other = load_model(folder / "m");
  CHECK(bits_differ(other.predict(x), model.predict(x)) == "");
  for (Sequential* each : {&model, &other}) {
    if (each == &other) each->compile({.loss = SparseCategoricalCrossentropy{}, .seed = 4});
    for_each_parameter(*each, [](const std::string& path, Tensor& tensor) {
      CHECK(tensor.requires_grad() == (path.find("moving") == std::string::npos));
    });
    each->fit(x, y, {.epochs = 1, .verbose = 0});
  }
  CHECK(bits_differ(other.predict(x), model.predict(x)) == "");
  const auto before = parameters_of(model);
  Sequential fresh{Dense{.units = 8, .activation = Activation::tanh}, BatchNormalization{},
                   Dense{.units = 2, .activation = Activation::softmax}};
  fresh.set_name("normal");
  fresh.build(Shape{6});
  model.save_weights(folder / "w");
  fresh.load_weights(folder / "w");
  CHECK(bits_differ(fresh.predict(x), model.predict(x)) == "");
}

TEST_CASE(
    "a model that is thawed as a whole trains, and no optimiser decays its moving statistics") {
  Generate g("thawed", 0);
  const Array x = g.array(Shape{40, 6}, {-3, 5});
  const Ids y = g.ids(Shape{40}, 2);
  Sequential model = trained(1, x, y);
  set_trainable(model, false);
  set_trainable(model, true);
  model.compile({.optimizer = AdamW{{.learning_rate = 0, .weight_decay = 0.5}},
                 .loss = SparseCategoricalCrossentropy{}});
  const auto moving = [&] { return parameters_of(model)[4].tensor.value().clone(); };
  BatchNormalization expected{.momentum = real(0.8)};
  expected.build(Shape{8}, Rng(1));
  expected.moving_mean.assign(moving());
  const Array hidden = model.layers()[0].call({Tensor(x)}, {}).tensor().value();
  expected(hidden, trains);
  model.fit(x, y, {.batch_size = 40, .shuffle = false, .verbose = 0});
  CHECK(parameters_of(model)[4].path == "batch_normalization/moving_mean");
  CHECK(bits_differ(moving(), expected.moving_mean.value()) == "");
}

TEST_CASE("BatchNormalization refuses options, masks and surroundings that it cannot use") {
  CHECK(refusal<ValueError>([] { built(Shape{2}, 2); }) ==
        "BatchNormalization: momentum is 2; it must be 0 to 1");
  const BatchNormalization layer = built(Shape{2, 1});
  const Tensor x = Tensor::parameter(Array::full(Shape{3, 2, 1}, 1));
  CHECK(refusal<ShapeError>([&] {
          layer(x, Mask(Shape{3, 1}, {1, 1, 1}));
        }) ==
        "BatchNormalization: the mask has shape (3, 1), x is (3, 2, 1); its axes must be the first "
        "of x, without the features");
  CHECK(refusal<StateError>([&] {
          recompute([&](const std::vector<Tensor>& in) { return layer(in[0], trains); }, {x});
        }).starts_with("BatchNormalization: it trains inside recompute"));
}
