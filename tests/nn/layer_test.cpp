// Modules: their list of parameters, and the interface by which containers hold modules of any
// type.
#include "fovea/nn/layer.hpp"
#include "fovea/nn/dense.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "fovea/base/error.hpp"
#include "fovea/nn/attention_layer.hpp"
#include "fovea/nn/chain.hpp"
#include "fovea/nn/dropout.hpp"
#include "fovea/nn/embedding.hpp"
#include "fovea/nn/norm.hpp"
#include "fovea/nn/pooling.hpp"
#include "fovea/nn/type_name.hpp"
#include "fovea/ops/ops.hpp"
#include "support/approx.hpp"

using namespace fovea;
using support::bits_differ;

namespace {

struct Twice {  // a module of one's own, as small as they come
  Tensor operator()(const Tensor& x, const Context& = {}) const { return x + x; }
};

struct Block {  // modules inside a module
  Dense first{3}, second{2};
  Tensor scale = {};

  Shape build(const Shape& sample, const Rng& random) {
    scale = Tensor::parameter(Array::full(Shape{1}, 2));
    return second.build(first.build(sample, random.split("first")), random.split("second"));
  }
  Tensor operator()(const Tensor& x, const Context& = {}) const { return second(first(x)) * scale; }
  static void parameters(auto& self, auto&& visit) {
    visit("first", self.first);
    visit("scale", self.scale);
    visit("second", self.second);
  }
};

Block built_block() {
  Block block;
  block.build(Shape{4}, Rng(1));
  return block;
}

}  // namespace

TEST_CASE(
    "parameters are listed in the order in which a module names them, with paths through modules "
    "inside") {
  std::vector<std::string> paths;
  const Block block = built_block();
  for (const NamedParameter& parameter : parameters_of(block)) paths.push_back(parameter.path);
  CHECK(paths == std::vector<std::string>{"first/kernel", "first/bias", "scale", "second/kernel",
                                          "second/bias"});
  CHECK(parameter_count(block) == 4 * 3 + 3 + 1 + 3 * 2 + 2);
  CHECK(parameters_of(Block{}).empty());
  CHECK(parameters_of(Twice{}).empty());
}

TEST_CASE("a copy of a module shares its numbers and gradients") {
  const Block block = built_block();
  const Block copy = block;
  copy.first.bias.gradient().add(Array::full(Shape{3}, 5));
  CHECK(bits_differ(block.first.bias.grad(), Array::full(Shape{3}, 5)) == "");
  Tensor(copy.first.bias).assign(Array::full(Shape{3}, 7));
  CHECK(bits_differ(block.first.bias.value(), Array::full(Shape{3}, 7)) == "");
  zero_grad(copy);
  CHECK(block.first.bias.gradient().empty());
}

TEST_CASE("a frozen module gathers no gradients, the others do, and it can learn again") {
  Block block = built_block();
  set_trainable(block.first, false);
  const Tensor x(Array::full(Shape{2, 4}, 1));
  sum(block(x)).backward();
  CHECK(!block.first.kernel.requires_grad());
  CHECK_THROWS_AS(block.first.kernel.grad(), StateError);
  CHECK(!block.second.kernel.gradient().empty());
  set_trainable(block.first, true);
  sum(block(x)).backward();
  CHECK(!block.first.kernel.gradient().empty());
}

TEST_CASE("a layer goes by its module's type, without namespaces and arguments of templates") {
  CHECK(Layer(Dense{2}).type() == "Dense");
  CHECK(Layer(AttentionLayer{2}).type() == "AttentionLayer");
  CHECK(Layer(Twice{}).type() == "Twice");
}

TEST_CASE("a layer without a name of its own is called as Keras calls it") {
  constexpr std::pair<const char*, const char*> names[] = {
      {"Dense", "dense"},
      {"Embedding", "embedding"},
      {"LSTM", "lstm"},
      {"Conv2D", "conv2d"},
      {"Conv2DTranspose", "conv2d_transpose"},
      {"Layer2Norm", "layer2_norm"},
      {"MaxPooling1D", "max_pooling1d"},
      {"AveragePooling2D", "average_pooling2d"},
      {"GlobalAveragePooling1D", "global_average_pooling1d"},
      {"LayerNormalization", "layer_normalization"},
      {"RMSNormalization", "rms_normalization"},
      {"MultiHeadAttention", "multi_head_attention"},
      {"AttentionLayer", "attention_layer"}};
  for (const auto& [type, name] : names) CHECK(snake_case(type) == name);
  Chain chain("model");
  chain.add(Layer(MaxPooling1D{}));
  chain.add(Layer(LayerNormalization{}));
  chain.add(Layer(RMSNormalization{}));
  chain.add(Layer(MaxPooling1D{}));
  chain.add(Layer(GlobalAveragePooling1D{}));
  CHECK(chain.names() == std::vector<std::string>{"max_pooling1d", "layer_normalization",
                                                  "rms_normalization", "max_pooling1d_1",
                                                  "global_average_pooling1d"});
}

TEST_CASE("a layer gives back the module it holds, to those who know its type") {
  const Layer layer(Dense{2});
  REQUIRE(layer.as<Dense>());
  CHECK(layer.as<Dense>()->units == 2);
  CHECK(!layer.as<Twice>());
}

TEST_CASE("a layer says what it takes when it is given the other") {
  const Context context;
  CHECK_THROWS_WITH_AS(
      Layer(Dense{2}).call({Ids(Shape{2, 3}, {0, 0, 0, 0, 0, 0}), {}}, context),
      "Dense expected real numbers, got ids of shape (2, 3); put an Embedding before it",
      ValueError);
  CHECK_THROWS_WITH_AS(
      Layer(Embedding{2, 3}).call({Tensor(Array::zeros(Shape{2, 3})), {}}, context),
      "Embedding expected ids, got real numbers of shape (2, 3); give Ids", ValueError);
}

TEST_CASE(
    "a mask goes on through layers that keep positions, ends where it is used, and may not be "
    "lost") {
  const Mask mask(Shape{1, 3}, {1, 1, 0});
  for (const Layer& keeps : {Layer(Dense{2}), Layer(Dropout{0}),
                             Layer(AttentionLayer{.units = 2, .reading = Reading::per_position})}) {
    REQUIRE(keeps.mask(mask, nullptr));
    CHECK(std::ranges::equal(keeps.mask(mask, nullptr)->keep(), mask.keep()));
    CHECK(!keeps.mask(std::nullopt, nullptr));
  }
  CHECK(!Layer(AttentionLayer{2}).mask(mask, nullptr));
  CHECK(!Layer(DropMask{}).mask(mask, nullptr));
  CHECK(!Layer(Twice{}).mask(std::nullopt, nullptr));
  CHECK_THROWS_WITH_AS(Layer(Twice{}).mask(mask, nullptr),
                       "Twice got a mask, which it would lose; put a DropMask before it if padding "
                       "is to count from here on, or have the module declare a mask_flow",
                       StateError);
}

TEST_CASE("only a layer that ends in a softmax leaves it out when asked for logits") {
  Dense soft{2, Activation::softmax}, plain{2};
  const Signal x{Tensor(Array::full(Shape{3, 4}, 1)), {}};
  soft.build(Shape{4}, Rng(1));
  plain.build(Shape{4}, Rng(1));
  const auto value = [](const Signal& signal) { return std::get<Tensor>(signal.value).value(); };
  CHECK(Layer(soft).last_activation() == Activation::softmax);
  CHECK(Layer(plain).last_activation() == Activation::linear);
  CHECK(Layer(Twice{}).last_activation() == std::nullopt);
  CHECK(bits_differ(value(Layer(soft).call_for_logits(x, {})), value(Layer(plain).call(x, {}))) ==
        "");
  CHECK(bits_differ(value(Layer(soft).call(x, {})),
                    softmax(value(Layer(plain).call(x, {}))).value()) == "");
  CHECK(bits_differ(value(Layer(Twice{}).call_for_logits(x, {})), Array::full(Shape{3, 4}, 2)) ==
        "");
}

namespace {

Tensor doubled(const Tensor& x, const Context&) { return x * 2; }

template <class T>
Layer of_a_local_class(T) {
  struct Local {
    Tensor operator()(const Tensor& x, const Context& = {}) const { return x; }
  };
  return Layer(Local{});
}

template <class A, class B>
struct Pairwise {
  Tensor operator()(const Tensor& x, const Context& = {}) const { return x; }
};

}  // namespace

TEST_CASE(
    "every layer has a readable name: a lambda is a lambda wherever it stands, a function a "
    "function, a class its last name") {
  const auto lambda = [](const Tensor& x, const Context&) { return x; };
  const auto capturing = [n = std::vector<std::pair<int, Shape>>(1)](const Tensor& x,
                                                                     const Context&) {
    return x * static_cast<real>(n.size());
  };
  struct {
    Tensor operator()(const Tensor& x, const Context& = {}) const { return x; }
  } unnamed;
  CHECK(Layer(lambda).type() == "lambda");
  CHECK(Layer(capturing).type() == "lambda");
  CHECK(Layer([](const Ids& ids, const Context&) { return one_hot(ids, 3); }).type() == "lambda");
  CHECK(Layer(doubled).type() == "function");
  CHECK(Layer(&doubled).type() == "function");
  CHECK((Layer(unnamed).type() == "module" ||
         Layer(unnamed).type() == "lambda"));  // some compilers write both alike
  CHECK(of_a_local_class(std::vector<std::pair<int, Shape>>()).type() == "Local");
  CHECK(Layer(Pairwise<Twice, Pairwise<Dense, Block>>()).type() == "Pairwise");
  CHECK(Layer(Twice()).type() == "Twice");
  CHECK(Layer(Dense{2}).type() == "Dense");
  CHECK(Layer(lambda).name().empty());
}

TEST_CASE("a layer may be given a name, which must not be empty and holds no slash") {
  const Layer up = named("up", [](const Tensor& x, const Context&) { return x * 2; });
  CHECK(up.name() == "up");
  CHECK(up.type() == "lambda");
  CHECK(named("again", up).name() == "again");
  CHECK(up.name() == "up");
  for (const char* name : {"", "a/b", "/"}) CHECK_THROWS_AS(named(name, Dense{2}), ValueError);
  CHECK_THROWS_WITH_AS(named("a/b", Dense{2}),
                       "named: the name of a layer is \"a/b\"; give one that is not empty and has "
                       "no \"/\", which stands between the names of a path",
                       ValueError);
}
