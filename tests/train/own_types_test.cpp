// Modules, losses, metrics and optimisers of a user's own.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "optim/momentum.hpp"
#include "train/toy.hpp"

using namespace fovea;

namespace {

// y = x * gain + shift: a module with nothing but what the header asks for.
struct Affine {
  Tensor gain = {}, shift = {};

  Shape build(const Shape& sample, const Rng&) {
    if (!gain.defined())
      gain = Tensor::parameter(Array::zeros(Shape{sample[-1]})),
      shift = Tensor::parameter(Array::zeros(Shape{sample[-1]}));
    return sample;
  }
  Tensor operator()(const Tensor& x, const Context& = {}) const { return x * gain + shift; }
  static void parameters(auto& self, auto&& visit) {
    visit("gain", self.gain);
    visit("shift", self.shift);
  }
};

struct SquaredError {
  static constexpr const char* name = "squared_error";
  Tensor operator()(const Tensor& prediction, const Samples& target) const {
    const Tensor difference = prediction - Tensor(target.array());
    return difference * difference;
  }
};

struct AbsoluteError {
  static constexpr const char* name = "absolute_error";
  Array operator()(const Array& prediction, const Samples& target) const {
    Array result(prediction.shape());
    for (Index i = 0; i < result.count(); ++i)
      result.mutable_data()[i] = std::abs(prediction.at(i) - target.array().at(i));
    return result;
  }
};

struct GradientDescent {
  double rate = 0.5;
  std::vector<NamedParameter> list = {};

  void attach(std::vector<NamedParameter> parameters) { list = std::move(parameters); }
  void step() {
    for (NamedParameter& parameter : list) {
      const Array gradient = parameter.tensor.grad();
      Array& value = parameter.tensor.mutable_value();
      for (Index i = 0; i < gradient.count(); ++i)
        value.mutable_data()[i] -= static_cast<real>(rate) * gradient.at(i);
    }
  }
  double learning_rate() const { return rate; }
  void set_learning_rate(double r) { rate = r; }
};

// Each number less the batch's mean: samples act on each other, so the batch must not be cut.
struct Centre {
  static constexpr bool mixes_samples = true;
  Tensor operator()(const Tensor& x, const Context& = {}) const { return x - mean(x, 0, true); }
};

struct MeanLoss {  // a mistake: averages by itself
  Tensor operator()(const Tensor& prediction, const Samples&) const { return mean(prediction); }
};

struct OneRow {  // a mistake: one value, whatever the number of samples
  Tensor operator()(const Tensor& prediction, const Samples&) const {
    return reshape(sum(prediction), {1});
  }
};

// Types whose names hold an I, which a Turkish locale does not lower to an i.
struct IIRFilter : Affine {};
struct RowIndexInput : Affine {};

// y = 3 x - 2 for 24 numbers.
struct Line {
  Array x = support::Generate("line", 0).array(Shape{24, 1}, {-1, 1}),
        y = (Tensor(x) * 3 - 2).value();
};

}  // namespace

TEST_CASE("a module, a loss, a metric and an optimiser of one's own fit a line") {
  const Line line;
  Sequential model{Affine{}};
  model.compile(
      {.optimizer = GradientDescent{}, .loss = SquaredError{}, .metrics = {AbsoluteError{}}});
  const History history = model.fit(line.x, line.y, toy::quiet(60, 6));
  CHECK(model.layers()[0].as<Affine>()->gain.item() == doctest::Approx(3).epsilon(1e-4));
  CHECK(model.layers()[0].as<Affine>()->shift.item() == doctest::Approx(-2).epsilon(1e-4));
  CHECK(history["loss"].back() < 1e-8);
  CHECK(history["absolute_error"].back() < 1e-3);
  CHECK(model.optimizer().learning_rate() == 0.5);
  model.optimizer().set_learning_rate(0.1);
  CHECK(model.optimizer().as<GradientDescent>()->rate == 0.1);
  CHECK(!model.optimizer().as<Adam>());
  CHECK(parameters_of(model)[0].path == "affine/gain");
}

TEST_CASE("the mean of a loss with several values a sample is over all of them") {
  const Line line;
  const Array x = line.x.reshaped(Shape{6, 4}), y = line.y.reshaped(Shape{6, 4});
  Sequential model{Affine{}};
  model.compile({.loss = SquaredError{}});
  model.build(Shape{4});
  double total = 0;
  for (const real number : y.values()) total += static_cast<double>(number * number);
  CHECK(model.evaluate(x, y, 4).at("loss") == doctest::Approx(total / 24).epsilon(1e-5));
}

TEST_CASE("a module in which samples act on each other is given the whole batch") {
  const Line line;
  Sequential model{Centre{}, Affine{}};
  model.compile({.optimizer = GradientDescent{}, .loss = SquaredError{}});
  model.fit(line.x, line.y, toy::quiet(80, 24));
  const Array centred = (Tensor(line.x) - mean(Tensor(line.x))).value();
  const Array p = model.predict(line.x, 24);
  CHECK(toy::far({p},
                 {(Tensor(centred) * model.layers()[1].as<Affine>()->gain.item() +
                   model.layers()[1].as<Affine>()->shift.item())
                      .value()},
                 real(1e-5)) == "");
  CHECK(model.layers()[1].as<Affine>()->gain.item() == doctest::Approx(3).epsilon(1e-3));
}

TEST_CASE(
    "a loss that gives not one value for each sample is refused with what it gave, before any "
    "weight changes") {
  const Line line;
  Sequential averaged{Dense{1}}, single{Dense{1}};
  averaged.compile({.loss = MeanLoss{}});
  single.compile({.loss = OneRow{}});
  averaged.build(Shape{1});
  const std::vector<Array> before = toy::weights(averaged);
  CHECK_THROWS_WITH_AS(averaged.fit(line.x, line.y, toy::quiet(1, 24)),
                       "sequential: the loss gives values of shape (); it must give one for each "
                       "sample or position, and fit takes their mean",
                       ShapeError);
  CHECK(toy::bits_differ(toy::weights(averaged), before) == "");
  CHECK_THROWS_AS(averaged.evaluate(line.x, line.y), ShapeError);
  CHECK_THROWS_AS(single.fit(line.x, line.y, toy::quiet(1, 24)), ShapeError);
}

TEST_CASE(
    "layers that share one module train as in a loop of one's own: a gradient is counted once for "
    "each use") {
  const Line line;
  const auto pair = [](Dense& dense) {
    dense.build(Shape{1}, Rng(4));
    return Sequential{dense, dense};
  };
  Dense by_fit{1, Activation::tanh}, by_hand{1, Activation::tanh};
  Sequential model = pair(by_fit), own = pair(by_hand);
  model.compile({.optimizer = Adam{{.learning_rate = 0.05}}, .loss = SquaredError{}});
  own.build(Shape{1});
  FitOptions options = toy::quiet(10, 24);
  options.shuffle = false;
  model.fit(line.x, line.y, options);
  Adam adam{{.learning_rate = 0.05}};
  adam.attach(own);
  for (int step = 0; step < 10; ++step) {
    adam.zero_grad();
    mean(SquaredError{}(own(line.x), line.y)).backward();
    adam.step();
  }
  CHECK(toy::far(toy::weights(model), toy::weights(own),
                 sizeof(real) == sizeof(double) ? real(1e-12) : real(1e-5)) == "");
}

TEST_CASE(
    "a frozen layer stands still in fit, the others learn, and it may learn again after the next "
    "compile") {
  const auto [x, y] = toy::data(20);
  Sequential model = toy::model();
  set_trainable(*model.layers()[0].as<Embedding>(), false);
  const std::vector<Array> before = toy::weights(model);
  model.fit(x, y, toy::quiet(2, 8));
  CHECK(support::bits_differ(toy::weights(model)[0], before[0]) == "");
  CHECK(support::bits_differ(toy::weights(model)[1], before[1]) != "");
  set_trainable(*model.layers()[0].as<Embedding>(), true);
  set_trainable(*model.layers()[3].as<Dense>(), false);
  model.compile({.loss = SparseCategoricalCrossentropy{}});
  const std::vector<Array> middle = toy::weights(model);
  model.fit(x, y, toy::quiet(2, 8));
  CHECK(support::bits_differ(toy::weights(model)[0], middle[0]) != "");
  CHECK(support::bits_differ(toy::weights(model)[7], middle[7]) == "");
}

TEST_CASE(
    "freezing and thawing between fits, many times over, never confuses gradients of different "
    "shapes") {
  const auto [x, y] = toy::data(20);
  Sequential model = toy::model(), plain = toy::model();
  for (int round = 0; round < 20; ++round) {
    for (const Layer& layer : model.layers()) {
      const auto set = [&](bool on) {
        layer.for_each([&](const std::string&, Tensor& tensor) { tensor.set_requires_grad(on); });
      };
      set(false);
      set(true);
    }
    for (Sequential* each : {&model, &plain}) {
      each->compile({.loss = SparseCategoricalCrossentropy{}, .seed = 1});
      each->fit(x, y, toy::quiet(1, 8));
    }
  }
  CHECK(toy::bits_differ(toy::weights(model), toy::weights(plain)) == "");
}

TEST_CASE(
    "layer names, and with them initial weights, are the same in every locale: I is lowered to i") {
  Sequential model{IIRFilter{}, RowIndexInput{}, Conv1D{2, 1}, RMSNormalization{},
                   AttentionLayer{.units = 2}};
  std::vector<std::string> names;
  model.build(Shape{3, 2});
  for (const NamedParameter& parameter : parameters_of(model))
    names.push_back(parameter.path.substr(0, parameter.path.find('/')));
  names.erase(std::unique(names.begin(), names.end()), names.end());
  CHECK(names == std::vector<std::string>{"iir_filter", "row_index_input", "conv1d",
                                          "rms_normalization", "attention_layer"});
}

TEST_CASE(
    "a model that is trained by an optimiser of one's own counts its slots, and is resumed from "
    "its state before the first step") {
  for (const bool attached_before : {false, true}) {
    const toy::Data data = toy::data(60);
    const auto made = [] {
      Sequential model = toy::model();
      model.compile({.optimizer = toy::Momentum{{.learning_rate = 0.05}},
                     .loss = SparseCategoricalCrossentropy{},
                     .seed = 1});
      return model;
    };
    Sequential whole = made(), first = made(), second = made();
    const auto train = [&](Sequential& model, int begin, int end) {
      for (int i = begin; i < end; ++i)
        model.train_on_batch(data.x.rows(i, i + 20), data.y.rows(i, i + 20));
    };
    train(whole, 0, 30);
    train(first, 0, 12);
    CHECK(whole.summary().find("Optimizer params: " + std::to_string(parameter_count(whole))) !=
          std::string::npos);
    if (attached_before) train(second, 0, 1);
    const std::vector<NamedParameter> from = parameters_of(first), to = parameters_of(second);
    for (std::size_t i = 0; i < from.size(); ++i) {
      Tensor parameter = to[i].tensor;
      parameter.assign(from[i].tensor.value());
    }
    second.optimizer().load_state(first.optimizer().state());
    train(second, 12, 30);
    CHECK(toy::bits_differ(toy::weights(second), toy::weights(whole)) == "");
  }
}
