// A last activation and its loss, computed as one: nothing saturates, and what could never learn is
// refused.
#include <doctest/doctest.h>

#include <cmath>

#include "support/refusal.hpp"
#include "train/toy.hpp"

using namespace fovea;

namespace {

// A Dense of one input with weight 1 and bias 0: the logit is x.
Sequential unit(bool from_logits = false, bool behind = false) {
  Dense dense{1, from_logits ? Activation::linear : Activation::sigmoid};
  dense.build(Shape{1}, Rng(0));
  dense.kernel.assign(Array::full({1, 1}, 1));
  Sequential model{dense};
  if (behind) model.add(Layer(DropMask{}));
  model.compile({.optimizer = Adam{{.learning_rate = 0}},
                 .loss = BinaryCrossentropy{.from_logits = from_logits},
                 .metrics = {Accuracy{}}});
  model.build(Shape{1});
  return model;
}

Array bias_gradient(const Sequential& model) { return model.layers()[0].as<Dense>()->bias.grad(); }

struct Own {  // a layer of a user's own that says what its activation is
  Activation activation = Activation::sigmoid;
  Tensor shift = {};
  Shape build(const Shape& sample, const Rng&) {
    if (!shift.defined()) shift = Tensor::parameter(Array::zeros(Shape{1}));
    return sample;
  }
  Tensor linear(const Tensor& x) const { return x + shift; }
  Tensor operator()(const Tensor& x, const Context& = {}) const {
    return activate(linear(x), activation);
  }
  static void parameters(auto& self, auto&& visit) { visit("shift", self.shift); }
};

// A Dense with weight 1 and bias 0, so that the logit is x.
Dense plain(Activation activation) {
  Dense dense{1, activation};
  dense.build(Shape{1}, Rng(0));
  dense.kernel.assign(Array::full({1, 1}, 1));
  return dense;
}

// A module whose last part ends in the activation.
template <class Part>
struct Around {
  Part part;
  Tensor operator()(const Tensor& x, const Context& context = {}) const {
    return Caller(*this, context)(part, x);
  }
  static void parameters(auto& self, auto&& visit) { visit("part", self.part); }
};

// The losses of a logit of 100 on the wrong side in training and evaluation.
template <class M>
std::pair<double, double> losses(M model) {
  model.compile({.optimizer = Adam{{.learning_rate = 0}}, .loss = BinaryCrossentropy{}});
  const Array x({1, 1}, {100});
  const double trained = model.train_on_batch(x, Ids({1}, {0})).at("loss");
  return {trained, model.evaluate(x, Ids({1}, {0})).at("loss")};
}

}  // namespace

TEST_CASE("a sigmoid at the end of any container of modules meets its loss without saturating") {
  const std::pair<double, double> right = {100, 100};
  const Around<Dense> in_struct{plain(Activation::sigmoid)};
  CHECK(losses(Model{in_struct}) == right);
  CHECK(losses(Sequential{in_struct}) == right);
  CHECK(losses(Sequential{named("own", in_struct)}) == right);
  CHECK(losses(Sequential{in_struct, DropMask{}}) == right);
  CHECK(losses(Sequential{plain(Activation::linear), in_struct}) == right);
  CHECK(losses(Sequential{plain(Activation::sigmoid), Dropout{0}}) == right);
  const auto inner = [] {
    return Sequential{plain(Activation::linear), plain(Activation::sigmoid)};
  };
  CHECK(losses(Sequential{inner(), DropMask{}}) == right);
  CHECK(losses(Model{Around<Sequential>{inner()}}) == right);
  CHECK(losses(Sequential{Around<Sequential>{inner()}}) == right);
  CHECK(losses(Sequential{Around<Around<Dense>>{in_struct}}) == right);
}

TEST_CASE(
    "sigmoid followed by BinaryCrossentropy does not saturate: a logit of 100 on the wrong side "
    "has loss 100 and gradient 1") {
  for (const bool behind : {false, true}) {
    Sequential model = unit(false, behind);
    const Logs wrong = model.train_on_batch(Array({1, 1}, {100}), Ids({1}, {0}));
    CHECK(wrong.at("loss") == 100);
    CHECK(wrong.at("accuracy") == 0);
    CHECK(bias_gradient(model).at(0) == 1);
    CHECK(model.train_on_batch(Array({1, 1}, {-100}), Ids({1}, {1})).at("loss") == 100);
    CHECK(bias_gradient(model).at(0) == -1);
    const Logs right = model.train_on_batch(Array({1, 1}, {100}), Ids({1}, {1}));
    CHECK(right.at("loss") < 1e-30);
    CHECK(right.at("accuracy") == 1);
    CHECK(model.evaluate(Array({2, 1}, {100, -100}), Ids({2}, {0, 1})).at("loss") == 100);
    CHECK(model.predict(Array({1, 1}, {100})).at(0) == 1);
  }
}

TEST_CASE("sigmoid with BinaryCrossentropy is BinaryCrossentropy of logits, bit for bit") {
  for (Index trial = 0; trial < 20; ++trial) {
    support::Generate g("sigmoid and its loss", trial);
    const Index samples = g.integer(1, 30);
    const Array x = g.array({samples, 1}, {.low = -60, .high = 60}),
                y = g.array({samples, 1}, {.low = 0, .high = 1});
    Sequential fused = unit(false), logits = unit(true);
    CHECK(fused.train_on_batch(x, y).at("loss") == logits.train_on_batch(x, y).at("loss"));
    CHECK(support::bits_differ(bias_gradient(fused), bias_gradient(logits)) == "");
    CHECK(fused.evaluate(x, y, 7).at("loss") == logits.evaluate(x, y, 7).at("loss"));
  }
}

TEST_CASE(
    "convolutions and layers of one's own that end in sigmoid or softmax meet their loss without "
    "saturating as well") {
  Sequential convolution{Conv1D{.filters = 1, .kernel_size = 1, .activation = Activation::sigmoid}},
      own{Own{}};
  for (Sequential* model : {&convolution, &own})
    model->compile({.optimizer = Adam{{.learning_rate = 0}}, .loss = BinaryCrossentropy{}});
  convolution.build(Shape{2, 1});
  convolution.layers()[0].as<Conv1D>()->kernel.assign(Array::full({1, 1, 1}, 1));
  CHECK(convolution.train_on_batch(Array({1, 2, 1}, {100, 100}), Array::zeros({1, 2, 1}))
            .at("loss") == 100);
  CHECK(convolution.layers()[0].as<Conv1D>()->bias.grad().at(0) == 1);
  CHECK(own.train_on_batch(Array({1, 1}, {100}), Array::zeros({1, 1})).at("loss") == 100);

  Sequential image{Conv2D{.filters = 2, .kernel_size = {1, 1}, .activation = Activation::softmax}};
  image.compile({.optimizer = Adam{{.learning_rate = 0}}, .loss = SparseCategoricalCrossentropy{}});
  image.build(Shape{1, 1, 1});
  image.layers()[0].as<Conv2D>()->kernel.assign(Array({1, 1, 1, 2}, {100, 0}));
  CHECK(image.train_on_batch(Array({1, 1, 1, 1}, {1}), Ids({1, 1, 1}, {1})).at("loss") == 100);
}

TEST_CASE(
    "an activation is left out for its own loss alone: sigmoid with a squared error and softmax "
    "with a binary loss stay") {
  Sequential squared = unit();
  squared.compile({.loss = MeanSquaredError{}});
  CHECK(squared.evaluate(Array({1, 1}, {100}), Array({1, 1}, {0})).at("loss") == 1);
  Sequential soft{Dense{2, Activation::softmax}};
  soft.compile({.loss = BinaryCrossentropy{}});
  soft.build(Shape{1});
  soft.layers()[0].as<Dense>()->kernel.assign(Array({1, 2}, {100, 0}));
  CHECK(soft.evaluate(Array({1, 1}, {1}), Array({1, 2}, {0, 1})).at("loss") ==
        doctest::Approx(-std::log(1e-7)).epsilon(0.02));
}

TEST_CASE("a softmax over one unit is refused at compile, naming sigmoid") {
  const std::string rule =
      ": a softmax over one unit is always 1 and never learns; use Activation::sigmoid, with "
      "BinaryCrossentropy, or a unit for "
      "each class";
  const auto compiled = [](Sequential model) {
    return support::refusal<ValueError>([&] { model.compile({.loss = BinaryCrossentropy{}}); });
  };
  CHECK(compiled(Sequential{Dense{4}, Dense{1, Activation::softmax}}) ==
        "sequential/dense_1: Dense" + rule);
  CHECK(compiled(Sequential{Dense{1, Activation::softmax}, Dense{4}}) ==
        "sequential/dense: Dense" + rule);  // a constant in the middle, too
  CHECK(compiled(Sequential{
            Conv1D{.filters = 1, .kernel_size = 3, .activation = Activation::softmax}}) ==
        "sequential/conv1d: Conv1D" + rule);
  CHECK(compiled(Sequential{
            Conv2D{.filters = 1, .kernel_size = {3, 3}, .activation = Activation::softmax}}) ==
        "sequential/conv2d: Conv2D" + rule);
}

TEST_CASE(
    "a softmax over one unit is refused at build, also by a layer alone and where the width is "
    "known there only") {
  const std::string rule =
      ": a softmax over one unit is always 1 and never learns; use Activation::sigmoid, with "
      "BinaryCrossentropy, or a unit for "
      "each class";
  CHECK(support::refusal<ValueError>([] {
          Dense{1, Activation::softmax}.build(Shape{3}, Rng(0));
        }) == "Dense" + rule);
  CHECK(support::refusal<ValueError>([] {
          Conv1D{.filters = 1, .kernel_size = 1, .activation = Activation::softmax}.build(
              Shape{3, 1}, Rng(0));
        }) == "Conv1D" + rule);
  Sequential inside{Residual<Dense>{Dense{1, Activation::softmax}}}, own{Own{Activation::softmax}};
  CHECK(support::refusal<ValueError>([&] { inside.build(Shape{1}); }) ==
        "sequential/residual: Dense" + rule);
  CHECK(support::refusal<ValueError>([&] { own.build(Shape{1}); }) == "sequential/own: Own" + rule);
  CHECK(!own.built());
  own.build(Shape{2});
}
