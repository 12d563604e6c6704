// Layers that change shapes, pool whole samples, run both ways, or map each position.
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

const Rng seed(3);
const real missing = std::numeric_limits<real>::quiet_NaN();

// Checks the gradient of a built module by x and its parameters, against differences.
template <class Module>
void check_gradient(const char* name, Generate& g, Module module, const Shape& sample,
                    const std::optional<Mask>& mask = {}) {
  CAPTURE(name);
  CAPTURE(g.trial());
  const Shape result = module.build(sample, seed);
  CHECK(result == module(Tensor(Array::zeros(sample.inserted(0, 2)))).shape().without(0));
  std::vector<Array> at;
  for (const NamedParameter& parameter : parameters_of(module))
    at.push_back(g.array(parameter.tensor.shape(), {-1, 1}));
  at.push_back(g.array(sample.inserted(0, mask ? mask->shape()[0] : 2), {-1, 1, {}, 0, true}));
  const auto f = [&](support::Inputs tensors) {
    Module own = module;
    std::size_t next = 0;
    for_each_parameter(own, [&](const std::string&, Tensor& tensor) { tensor = tensors[next++]; });
    const Module& called = own;
    if constexpr (requires { called(tensors.back(), mask, Context{}); })
      return called(tensors.back(), mask);
    else
      return called(tensors.back());
  };
  Index comparisons = 0;
  CHECK(gradcheck(f, at, g, comparisons) == "");
}

std::string reload_differs(Sequential& model, const Array& x) {
  const support::Folder folder;
  model.save(folder / "m", {.standalone = true});
  const Sequential other = load_model(folder / "m");
  CHECK(other.summary() == model.summary());
  return bits_differ(other.predict(x), model.predict(x));
}

}  // namespace

TEST_CASE("gradients of the layers are differences") {
  if (sizeof(real) == 4) return;  // differences are sharp in double
  for (Index trial = 0; trial < 12; ++trial) {
    Generate g("shaping layers", trial);
    const Index time = g.integer(2, 5), width = g.integer(1, 3), rows = g.integer(1, 3);
    const Shape sequence{time, width}, picture{rows, time, width};
    const bool whole = g.chance(0.5);
    const auto merge = static_cast<Merge>(trial % 4);
    std::optional<Mask> mask;
    if (g.chance(0.6)) mask = g.mask(Shape{2, time}, 0.6);
    check_gradient("Flatten", g, Flatten{}, picture);
    check_gradient("Reshape", g, Reshape{{-1, rows}}, picture);
    check_gradient("Permute", g, Permute{{3, 1, 2}}, picture);
    check_gradient("ActivationLayer", g, ActivationLayer{Activation::tanh}, picture);
    check_gradient("Lambda", g, Lambda{[](const Tensor& x) { return sum(square(x), 1); }}, picture);
    check_gradient("GlobalAveragePooling2D", g, GlobalAveragePooling2D{}, picture);
    check_gradient("GlobalMaxPooling1D", g, GlobalMaxPooling1D{}, sequence, mask);
    check_gradient("GlobalMaxPooling2D", g, GlobalMaxPooling2D{}, picture);
    check_gradient("Bidirectional GRU", g,
                   Bidirectional{GRU{.units = 2, .return_sequences = whole}, merge}, sequence,
                   mask);
    check_gradient("Bidirectional LSTM", g,
                   Bidirectional{LSTM{.units = 2, .return_sequences = whole}, merge}, sequence,
                   mask);
    check_gradient("TimeDistributed", g, TimeDistributed{Dense{.units = 2}}, picture);
  }
}

TEST_CASE(
    "Flatten, Reshape and Permute move the elements of each sample, and count axes as Keras") {
  const Array x = Generate("moves", 0).array(Shape{2, 3, 4}, {-1, 1});
  CHECK(Flatten{}.build(Shape{3, 4}, seed) == Shape{12});
  CHECK(Flatten{}.build(Shape{}, seed) == Shape{1});
  CHECK(bits_differ(Flatten{}(x).value(), x.reshaped(Shape{2, 12})) == "");
  CHECK(Flatten{}(Array::zeros(Shape{0, 3, 4})).shape() == Shape{0, 12});
  CHECK(Reshape{{2, -1}}.build(Shape{3, 4}, seed) == Shape{2, 6});
  CHECK(bits_differ(Reshape{{2, -1}}(x).value(), x.reshaped(Shape{2, 2, 6})) == "");
  CHECK(Reshape{{}}.build(Shape{1}, seed) == Shape{});
  CHECK(Permute{{2, 1}}.build(Shape{3, 4}, seed) == Shape{4, 3});
  CHECK(bits_differ(Permute{{2, 1}}(x).value(), transpose(x).value()) == "");
  for (const std::vector<Index>& sizes : {std::vector<Index>{5, -1},
                                          {-1, -1},
                                          {3, 5},
                                          {-2, -6},
                                          {0, -1},
                                          {Index(1) << 62, Index(1) << 62}})
    CHECK_THROWS_AS(Reshape{sizes}.build(Shape{3, 4}, seed), ShapeError);
  CHECK_THROWS_AS((Reshape{{-1, 0}}.build(Shape{0, 4}, seed)), ShapeError);
  CHECK(refusal<ShapeError>([] {
          Reshape{{5, -1}}.build(Shape{3, 4}, seed);
        }) ==
        "Reshape: a sample is (3, 4), of 12 elements; target_shape is (5, -1), which must have as "
        "many, with at most one -1");
  CHECK(refusal<ShapeError>([] {
          Permute{{0, 1}}.build(Shape{3, 4}, seed);
        }) ==
        "Permute: dims is (0, 1), a sample (3, 4); dims must name each of the axes 1 to 2 once");
  CHECK(refusal<ShapeError>([] { Flatten{}(scalar(1)); }) ==
        "Flatten: x is a scalar; it must be (batch, sample...)");
}

TEST_CASE("a Lambda says its shape by a sample of zeros, and may not lose the batch") {
  const auto second = Lambda{[](const Tensor& x) { return slice(x, 1, 1, 2); }};
  CHECK(second.build(Shape{4, 2}, seed) == Shape{1, 2});
  CHECK(refusal<ShapeError>([] {
          Lambda{[](const Tensor& x) { return sum(x); }}.build(Shape{4, 2}, seed);
        }) ==
        "Lambda: of one sample (1, 4, 2) the function makes (); it must keep the first axis, the "
        "batch: (1, ...)");
  CHECK(refusal<ValueError>([] { Lambda{}.build(Shape{4}, seed); }) ==
        "Lambda: there is no function; give one");
  Sequential model{named("second", second), Flatten{}, Dense{1}};
  model.build(Shape{4, 3});
  CHECK(model.names()[0] == "second");
  CHECK(model.outputs()[0] == Shape{1, 3});
  const support::Folder folder;
  CHECK(refusal<ValueError>([&] {
          model.save(folder / "m", {.standalone = true});
        }).find("a layer of type Lambda cannot be made from a file") != std::string::npos);
}

TEST_CASE("the loss of a model that ends in an ActivationLayer is computed from its logits") {
  Sequential one{Dense{3}, ActivationLayer{Activation::softmax}},
      other{Dense{.units = 3, .activation = Activation::softmax}};
  const Array x(Shape{2, 2}, {1, 2, 3000, -4000});
  const Ids y(Shape{2}, {0, 1});
  std::vector<double> losses;
  for (Sequential* model : {&one, &other}) {
    model->set_name("same");
    model->compile({.loss = SparseCategoricalCrossentropy{}});
    model->fit(x, y, {.epochs = 2, .verbose = 0});
    losses.push_back(model->evaluate(x, y).at("loss"));
  }
  CHECK(losses[0] > 20);  // beyond what clipped probabilities give
  CHECK(losses[0] == losses[1]);
  CHECK(refusal<ValueError>([] {
          ActivationLayer{Activation::softmax}.build(Shape{1}, seed);
        }).find("a softmax over one unit") != std::string::npos);
}

TEST_CASE("GlobalMaxPooling1D never looks at masked positions, and gives 0 where none is kept") {
  const Tensor x =
      Tensor::parameter(Array(Shape{2, 3, 1}, {-1, -3, missing, missing, missing, missing}));
  const Tensor y = GlobalMaxPooling1D{}(x, Mask(Shape{2, 3}, {1, 1, 0, 0, 0, 0}));
  CHECK(bits_differ(y.value(), Array(Shape{2, 1}, {-1, 0})) == "");
  sum(y).backward();
  CHECK(bits_differ(x.grad(), Array(Shape{2, 3, 1}, {1, 0, 0, 0, 0, 0})) == "");
  CHECK(std::isnan(GlobalMaxPooling1D{}(x).value().at(0)));
  CHECK(refusal<ShapeError>([&] {
          GlobalMaxPooling1D{}(x, Mask(Shape{2}, {1, 1}));
        }) == "GlobalMaxPooling1D: the mask has shape (2,); it must be (2, 3)");
  CHECK(refusal<ShapeError>([&] { GlobalMaxPooling2D{}(x); }) ==
        "GlobalMaxPooling2D: x is (2, 3, 1); it must be (batch, rows, columns, channels)");
}

TEST_CASE("pooling keeps what any byte but 0 keeps") {
  const Array x = Generate("bytes of a mask", 0).array(Shape{1, 4, 3}, {-1, 1});
  const Mask ones(Shape{1, 4}, {1, 0, 1, 0});
  Mask others = ones;
  others(0, 0) = 7;
  others(0, 2) = 2;
  CHECK(bits_differ(GlobalMaxPooling1D{}(x, others).value(),
                    GlobalMaxPooling1D{}(x, ones).value()) == "");
  CHECK(bits_differ(GlobalAveragePooling1D{}(x, others).value(),
                    GlobalAveragePooling1D{}(x, ones).value()) == "");
}

TEST_CASE("both directions have weights of their own, and dropped positions reach neither") {
  for (const GRU& other : {GRU{.units = 3}, GRU{.units = 2, .use_bias = false},
                           GRU{.units = 2, .go_backwards = true}}) {
    Bidirectional<GRU> uneven{.layer = GRU{.units = 2}, .backward = other};
    CHECK(refusal<ValueError>([&] {
            uneven.build(Shape{3, 4}, seed);
          }) == "Bidirectional: backward has other options than layer; leave it out");
  }
  Bidirectional both{GRU{.units = 3, .return_sequences = true}};
  CHECK(both.build(Shape{5, 2}, seed) == Shape{5, 6});
  CHECK(bits_differ(both.layer.kernel.value(), both.backward.kernel.value()) != "");
  Array x = Generate("both", 0).array(Shape{2, 5, 2}, {-1, 1});
  const Mask mask(Shape{2, 5}, {1, 1, 1, 0, 0, 0, 0, 1, 1, 1});
  const Array y = both(x, mask).value();
  for (Index i = 6; i < 14; ++i) x.mutable_data()[i] = missing;
  CHECK(bits_differ(both(x, mask).value(), y) == "");
  const Array first = both(x.rows(0, 1), mask.rows(0, 1)).value(),
              cut = both(slice(x.rows(0, 1), 1, 0, 3)).value();
  CHECK(bits_differ(slice(first, 1, 0, 3).value(), cut) == "");
  GRU built{.units = 3};
  built.build(Shape{5, 2}, seed);
  CHECK(refusal<ValueError>([&] {
          Bidirectional{built}.build(Shape{5, 2}, seed);
        }).starts_with("Bidirectional: the layer was built before"));
}

TEST_CASE(
    "TimeDistributed maps each position as a sample, draws dropout for each, keeps the mask") {
  TimeDistributed<Dense> dense{Dense{.units = 2}};
  CHECK(dense.build(Shape{3, 4, 5}, seed) == Shape{3, 4, 2});
  const Array x = Generate("positions", 0).array(Shape{2, 3, 4, 5}, {-1, 1});
  const Array y = dense(x).value();
  CHECK(bits_differ(slice(y, 1, 1, 2).value().reshaped(Shape{2, 4, 2}),
                    dense.layer(reshape(slice(x, 1, 1, 2), {2, 4, 5})).value()) == "");
  TimeDistributed<Dropout> dropout{Dropout{real(0.5)}};
  dropout.build(Shape{3, 40}, seed);
  const Array ones = Array::full(Shape{4, 3, 40}, 1);
  const auto part = [&](Index begin, Index end) {
    return dropout(ones.rows(begin, end),
                   Context{.training = true, .step = 1, .first_sample = begin})
        .value();
  };
  CHECK(bits_differ(part(0, 4).rows(2, 4), part(2, 4)) == "");
  CHECK(refusal<ShapeError>([&] { dense(Array::zeros(Shape{3})); }) ==
        "TimeDistributed: x is (3,); it must be (batch, time, ...)");
  Sequential model{Embedding{9, 4, true}, TimeDistributed{Dense{2}}, GlobalMaxPooling1D{}};
  model.build(Shape{6});
  CHECK(model.predict(Ids(Shape{1, 6}, {1, 2, 0, 0, 0, 0})).at(0) ==
        model.predict(Ids(Shape{1, 6}, {1, 2, 2, 0, 0, 0})).at(0));
}

TEST_CASE("models of these layers come back from their files alone") {
  Sequential pictures{TimeDistributed{Conv2D{.filters = 2, .kernel_size = {2, 2}}},
                      TimeDistributed{Flatten{}},
                      Bidirectional{GRU{.units = 3, .return_sequences = true}, Merge::mul},
                      Permute{{2, 1}},
                      Bidirectional{LSTM{.units = 2}},
                      Reshape{{2, -1, 1}},
                      GlobalMaxPooling2D{},
                      ActivationLayer{Activation::gelu}};
  pictures.build(Shape{3, 4, 4, 1});
  CHECK(reload_differs(pictures, Generate("files", 0).array(Shape{2, 3, 4, 4, 1}, {-1, 1})) == "");
  Sequential others{TimeDistributed{Dense{4}}, TimeDistributed{Conv1D{2, 2}},
                    GlobalAveragePooling2D{},  Reshape{{2, 1}},
                    GlobalMaxPooling1D{},      Flatten{}};
  others.build(Shape{3, 4, 2});
  CHECK(reload_differs(others, Generate("files", 1).array(Shape{2, 3, 4, 2}, {-1, 1})) == "");
}
