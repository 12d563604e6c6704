// Padding on its way through a model.
#include <doctest/doctest.h>

#include <cmath>

#include "support/refusal.hpp"
#include "train/toy.hpp"

using namespace fovea;

namespace {

constexpr double t = sizeof(real) == sizeof(double) ? 1e-12 : 2e-5;

struct Twice {  // knows nothing of masks
  Tensor operator()(const Tensor& x, const Context& = {}) const { return x + x; }
};

struct Mean {  // over time, of all positions
  Shape build(const Shape& sample, const Rng&) const { return sample.without(0); }
  Tensor operator()(const Tensor& x, const Context& = {}) const { return mean(x, 1); }
};

// Words, a module that keeps their positions, and attention that is given their mask or not.
struct Reader {
  enum class Given { nothing, mask, none };
  bool padding = true;
  Given given = Given::nothing;
  Embedding embedding{toy::vocabulary, 5, padding};
  LayerNormalization norm;
  AttentionLayer attention{4};

  Tensor operator()(const Ids& ids, const Context& context = {}) const {
    const Caller call(*this, context);
    const Tensor words = call(norm, call(embedding, ids));
    if (given == Given::nothing) return call(attention, words);
    return call(attention, words,
                given == Given::mask ? embedding.mask(ids) : std::optional<Mask>());
  }
  static void parameters(auto& self, auto&& visit) {
    visit("embedding", self.embedding);
    visit("norm", self.norm);
    visit("attention", self.attention);
  }
};

Embedding masked() { return {.input_dim = toy::vocabulary, .output_dim = 5, .mask_zero = true}; }

void compile(Sequential& model) {
  model.compile({.optimizer = Adam{{.learning_rate = 0.02}},
                 .loss = SparseCategoricalCrossentropy{},
                 .metrics = {Accuracy{}},
                 .seed = 1});
}

// The same samples with more padding behind.
Ids padded(const Ids& x, Index time) {
  std::vector<std::int32_t> values(static_cast<std::size_t>(x.shape()[0] * time), 0);
  for (Index i = 0; i < x.count(); ++i)
    values[static_cast<std::size_t>(i / x.shape()[1] * time + i % x.shape()[1])] =
        x.values()[static_cast<std::size_t>(i)];
  return Ids(Shape{x.shape()[0], time}, values);
}

}  // namespace

TEST_CASE("a mask that a struct forgets is an error before anything is built") {
  using Given = Reader::Given;
  const Ids ids = toy::data(3).x;
  Model forgetful{Reader{}};
  CHECK(support::refusal<StateError>([&] { forgetful.build(ids); }) ==
        "reader/attention: its input comes from an Embedding with mask_zero, and its mask was "
        "forgotten; pass embedding.mask(ids) behind the input, or std::optional<Mask>() to look at "
        "padding as well");
  CHECK(!forgetful.built());
  Sequential outer{Reader{}, Dense{.units = 2}};
  CHECK_THROWS_AS(outer.build(ids.shape().without(0)), StateError);
  for (const Given given : {Given::mask, Given::none}) {
    Model model{Reader{.given = given}};
    CHECK_NOTHROW(model.build(ids));
    CHECK(model.predict(ids)[0].shape() == Shape{3, 5});
  }
  Model without{Reader{.padding = false}};
  CHECK_NOTHROW(without.build(ids));
}

TEST_CASE("mask_zero reaches attention: padding weighs nothing, and the rest sums to one") {
  const auto [x, y] = toy::data(20);
  const Array weights = toy::model().attention(x).at("sequential/attention_layer");
  for (Index i = 0; i < 20; ++i) {
    double total = 0;
    for (Index k = 0; k < toy::time; ++k) {
      const double weight = static_cast<double>(weights.at(i * toy::time + k));
      CHECK((weight == 0) == (x.at(i * toy::time + k) == 0));
      total += weight;
    }
    CHECK(total == doctest::Approx(1).epsilon(1e-6));
  }
}

TEST_CASE("more padding changes no prediction and no step of training") {
  const auto [x, y] = toy::data(400);
  Sequential close = toy::model(),
             far{masked(), AttentionLayer{4}, Dropout{0}, Dense{toy::classes, Activation::softmax}};
  compile(far);
  far.build(Shape{toy::time + 5});
  const Ids wide = padded(x, toy::time + 5);
  CHECK(toy::far({far.predict(wide)}, {close.predict(x)}, static_cast<real>(t)) == "");
  close.fit(x, y, toy::quiet(2, 350));
  far.fit(wide, y, toy::quiet(2, 350));
  CHECK(toy::far(toy::weights(far), toy::weights(close), static_cast<real>(10 * t)) == "");
}

TEST_CASE("the row of id 0 never learns where it is padding") {
  const auto [x, y] = toy::data(400);
  Sequential model = toy::model();
  const Array before = toy::weights(model)[0].rows(0, 1).clone();
  model.fit(x, y, toy::quiet(3, 350));
  CHECK(support::bits_differ(toy::weights(model)[0].rows(0, 1), before) == "");
}

TEST_CASE(
    "a sample of nothing but padding gives context 0, so its prediction is the bias alone, and "
    "training goes on with finite numbers") {
  const auto [data, y] = toy::data(8);
  std::vector<std::int32_t> ids(data.values().begin(), data.values().end());
  std::fill_n(ids.begin() + 2 * toy::time, toy::time, 0);
  const Ids x(data.shape(), ids);
  Sequential model = toy::model();
  model.fit(x, y, toy::quiet(5, 8));
  for (const Array& array : toy::weights(model))
    for (const real number : array.values()) CHECK(std::isfinite(number));
  const Array expected =
      softmax(model.layers()[3].as<Dense>()->bias).value().reshaped(Shape{1, toy::classes});
  CHECK(toy::far({model.predict(x).rows(2, 3)}, {expected}, static_cast<real>(t)) == "");
  CHECK(support::bits_differ(model.attention(x).begin()->second.rows(2, 3),
                             Array::zeros(Shape{1, toy::time})) == "");
}

TEST_CASE(
    "a mask that would be lost is an error that names the layer, unless a DropMask says that it is "
    "meant") {
  const auto [x, y] = toy::data(10);
  Sequential lost{masked(), Twice{}, AttentionLayer{4}, Dense{toy::classes, Activation::softmax}};
  compile(lost);
  CHECK_THROWS_WITH_AS(
      lost.fit(x, y, toy::quiet(1, 4)),
      "sequential/twice: Twice got a mask, which it would lose; put a DropMask before it if "
      "padding is to count from here on, or have the module declare a mask_flow",
      StateError);
  Sequential dropped{masked(), DropMask{}, Twice{}, AttentionLayer{4},
                     Dense{toy::classes, Activation::softmax}};
  compile(dropped);
  dropped.fit(x, y, toy::quiet(1, 4));
  for (const real weight : dropped.attention(x).begin()->second.values()) CHECK(weight > 0);
  Sequential without{Embedding{toy::vocabulary, 5}, Twice{}, AttentionLayer{4},
                     Dense{toy::classes, Activation::softmax}};
  compile(without);
  without.fit(x, y, toy::quiet(1, 4));
}

TEST_CASE(
    "with a label for each position, loss and accuracy are means over the kept positions of each "
    "batch, as in Keras") {
  const auto [x, unused] = toy::data(200);
  const Ids y = support::Generate("labels", 0).ids(x.shape(), toy::classes);
  Sequential model{masked(), AttentionLayer{.units = 4, .reading = Reading::per_position},
                   Dense{toy::classes, Activation::softmax}};
  compile(model);
  model.build(Shape{toy::time});
  const Array p = model.predict(x);
  double loss = 0, right = 0, kept = 0;
  for (Index i = 0; i < x.count(); ++i) {
    if (x.at(i) == 0) continue;
    const real* const row = p.data() + i * toy::classes;
    loss -= std::log(static_cast<double>(row[y.at(i)]));
    right += std::max_element(row, row + toy::classes) - row == y.at(i);
    ++kept;
  }
  const Logs logs = model.evaluate(x, y, 200);
  CHECK(logs.at("loss") == doctest::Approx(loss / kept).epsilon(t));
  CHECK(logs.at("accuracy") == doctest::Approx(right / kept).epsilon(t));
}

TEST_CASE("a loss that gives one value a sample does not go with a mask of positions") {
  const auto [x, y] = toy::data(10);
  Sequential model{masked(), AttentionLayer{.units = 4, .reading = Reading::per_position},
                   DropMask{}, Mean{}, Dense{toy::classes, Activation::softmax}};
  compile(model);
  model.fit(x, y, toy::quiet(1, 4));
  Sequential wrong{masked(), AttentionLayer{.units = 4, .reading = Reading::per_position}, Mean{},
                   Dense{toy::classes, Activation::softmax}};
  compile(wrong);
  CHECK_THROWS_AS(wrong.fit(x, y, toy::quiet(1, 4)), StateError);
}
