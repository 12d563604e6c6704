// What a model of any module refuses, by name, before it learns anything.
#include <doctest/doctest.h>

#include "train/models.hpp"

using namespace fovea;
using models::first_class;
using models::measures;
using models::prices;
using support::Generate;
using support::refusal;

namespace {

// A Dense that a module has and does not list, or calls a copy of.
struct Forgetful {
  bool copies = false;
  Dense listed{2}, forgotten{2};
  Tensor operator()(const Tensor& x, const Context& context = {}) const {
    const Caller call(*this, context);
    const Dense copy = listed;
    return copies ? call(copy, x) : call(forgotten, call(listed, x));
  }
  static void parameters(auto& self, auto&& visit) { visit("listed", self.listed); }
};

// A tensor that learns, which no list names.
struct Unlisted {
  Tensor hidden = Tensor::parameter(Array::full(Shape{2}, 1));
  Dense listed{2};
  Tensor operator()(const Tensor& x, const Context& context = {}) const {
    const Caller call(*this, context);
    return call(listed, x) * hidden;
  }
  static void parameters(auto& self, auto&& visit) { visit("listed", self.listed); }
};

// A list of blocks, and a tensor that nothing makes.
struct Unmade {
  std::vector<Dense> blocks = {Dense{3}, Dense{2}};
  Tensor scale = {};
  Tensor operator()(const Tensor& x, const Context& context = {}) const {
    const Caller call(*this, context);
    return call(blocks[1], call(blocks[0], x));
  }
  static void parameters(auto& self, auto&& visit) {
    visit("blocks", self.blocks);
    visit("scale", self.scale);
  }
};

// Its output is a single number.
struct Scalar {
  Dense dense{2};
  Tensor operator()(const Tensor& x, const Context& context = {}) const {
    const Caller call(*this, context);
    return sum(call(dense, x));
  }
  static void parameters(auto& self, auto&& visit) { visit("dense", self.dense); }
};

}  // namespace

TEST_CASE("a module written wrong is an error by name before it learns anything") {
  const Array x = measures(4), y = Generate("y", 0).array(Shape{4, 2}, {-1, 1});
  Model forgetful{Forgetful{}}, copying{Forgetful{true}}, unlisted{Unlisted{}}, unmade{Unmade{}};
  CHECK(refusal<StateError>([&] { forgetful.build(x); }) ==
        "forgetful: a module of type Dense is called that has no name; list it in `parameters`, "
        "visit(\"its name\", self.member), and call the member itself, not a copy");
  CHECK(refusal<StateError>([&] { copying.build(x); }).starts_with("forgetful: a module of type"));
  CHECK(!forgetful.built());
  CHECK(parameters_of(forgetful).empty());
  CHECK(refusal<StateError>([&] { unmade.build(x); }) ==
        "unmade: scale: it is listed in `parameters`, and was never built; call its module by a "
        "Caller, or give the module that lists it a build");
  CHECK(parameters_of(unmade).empty());
  unlisted.compile({.loss = MeanSquaredError{}});
  CHECK(refusal<StateError>([&] { unlisted.fit(x, y, toy::quiet(1, 4)); }) ==
        "unlisted: a tensor that requires gradients took part in the loss, and no module lists it "
        "in `parameters`: it would not learn; list it, or call set_requires_grad(false)");
  CHECK(unlisted.optimizer().as<Adam>()->steps() == 0);
}

TEST_CASE("another number, kind, shape or name of inputs and targets is refused by name") {
  const toy::Data text = toy::data(10);
  const Array numbers = measures(10), y = prices(text, numbers);
  Model model{models::Appraiser{}};
  model.compile({.loss = MeanSquaredError{}});
  const auto fit = [&](const SampleSet& x, const SampleSet& target) {
    return refusal<Error>([&] { model.fit(x, target, toy::quiet(1, 4)); });
  };
  CHECK(fit(text.x, y) == "appraiser: fit: x: expected samples for 2 (text, measures), got 1");
  CHECK(fit({numbers, text.x}, y) ==
        "appraiser: fit: text: expected ids, got real numbers of shape (10, 3); give Ids");
  CHECK(fit({text.x, text.x}, y) ==
        "appraiser: fit: measures: expected real numbers, got ids of shape (10, 6); give an Array");
  CHECK(fit({{"text", text.x}, {"numbers", numbers}}, y) ==
        "appraiser: fit: x: there are no samples named \"measures\"; expected: text, measures; "
        "got: text, numbers");
  CHECK(fit({text.x, measures(9)}, y) ==
        "appraiser: fit: x: text holds 10 samples, measures holds 9; the numbers must be equal");
  CHECK(fit({text.x, numbers}, {y, y}) ==
        "appraiser: fit: y: expected samples for 1 (output_1), got 2");
  CHECK(refusal<ValueError>([&] {
          SampleSet{{"text", text.x}, numbers};
        }) ==
        "SampleSet: some samples have a name and those at position 1 have none; name all or none");
  CHECK(refusal<ValueError>([&] {
          SampleSet{{"text", text.x}, {"text", numbers}};
        }) == "SampleSet: two are named \"text\"; give each a name of its own");
  CHECK(!model.built());
  model.fit({text.x, numbers}, y, toy::quiet(1, 4));
  CHECK(refusal<ShapeError>([&] {
          model.evaluate({text.x, Generate("wide", 0).array(Shape{10, 4}, {-1, 1})}, y);
        })
            .starts_with(
                "appraiser: evaluate: built for samples of shape (6,), (3,); these are (6,), "
                "(4,), which a layer does not accept: appraiser/hidden: "));
}

TEST_CASE("compile wants a loss for each output, by a name that the module has") {
  const auto compile = [](CompileOptions options) {
    Model model{models::TwoHeads{}};
    return refusal<ValueError>([&] { model.compile(std::move(options)); });
  };
  const OutputOptions topic{"topic", SparseCategoricalCrossentropy{}},
      urgent{"urgent", BinaryCrossentropy{}};
  CHECK(compile({.loss = MeanSquaredError{}}) ==
        "two_heads: compile: the module has 2 outputs; give .outputs, with a loss for each");
  CHECK(compile({.outputs = {topic}}) ==
        "two_heads: compile: expected options for 2 outputs, got 1");
  CHECK(compile({.outputs = {topic, topic}}) ==
        "two_heads: compile: two options for the output \"topic\"; give one");
  CHECK(compile({.outputs = {topic, {"price", MeanSquaredError{}}}}) ==
        "two_heads: compile: there is no output \"price\"; there are: topic, urgent");
  CHECK(compile({.outputs = {topic, {"urgent"}}}) ==
        "two_heads: compile: there is no loss for the output \"urgent\"; give one, such as .loss = "
        "SparseCategoricalCrossentropy{}");
  CHECK(compile({.outputs = {topic, {"urgent", BinaryCrossentropy{}, {}, -1}}}) ==
        "two_heads: compile: the weight of the output \"urgent\" is -1; it must be finite and at "
        "least 0");
  CHECK(compile({.loss = MeanSquaredError{}, .outputs = {topic, urgent}})
            .starts_with("two_heads: compile: both outputs and loss or metrics are given"));
  Model model{models::TwoHeads{}};
  model.compile({.outputs = {{.loss = SparseCategoricalCrossentropy{}},
                             {.loss = BinaryCrossentropy{}}}});  // by position
  const toy::Data data = toy::data(6);
  CHECK(model.train_on_batch(data.x, {data.y, first_class(data.y)}).size() == 3);
}

TEST_CASE("outputs that are single numbers and masks that fit nothing are refused") {
  const Array x = measures(10);
  Model scalar{Scalar{}};
  CHECK(refusal<ShapeError>([&] { scalar.build(x); }) ==
        "scalar: an output of the module is a scalar, or ids; expected a tensor whose first "
        "axis is the samples");
  const toy::Data text = toy::data(10);
  Model model{models::Appraiser{}};
  model.compile({.loss = MeanSquaredError{}});
  const Mask keep(Shape{10, toy::time}), wide(Shape{12, toy::time});
  const auto fit = [&](const Mask& mask) {
    return refusal<Error>([&] {
      model.fit({SampleColumn("text", text.x, mask), {"measures", x}}, prices(text, x),
                toy::quiet(1, 4));
    });
  };
  CHECK(
      fit(keep).starts_with("appraiser: fit: text: a mask is given, and the module's call takes"));
  CHECK(fit(wide) ==
        "appraiser: fit: x: text has shape (10, 6), and its mask (12, 6); expected a mask over its "
        "first axes");
}

TEST_CASE("ids out of range are found before any work in a Sequential inside a Sequential") {
  const toy::Data data = toy::data(10);
  Sequential model{Sequential{Embedding{toy::vocabulary, 4}, AttentionLayer{3}},
                   Dense{toy::classes, Activation::softmax}};
  model.compile({.loss = SparseCategoricalCrossentropy{}});
  model.fit(data.x, data.y, toy::quiet(1, 4));
  const std::vector<Array> before = toy::weights(model);
  Ids wrong(data.x.shape(), data.x.values());
  wrong.mutable_data()[wrong.count() - 1] = 99;
  FitOptions options = toy::quiet(1, 4);
  options.shuffle = false;
  CHECK_THROWS_AS(model.fit(wrong, data.y, options), IndexError);
  CHECK(toy::bits_differ(toy::weights(model), before) == "");
}
