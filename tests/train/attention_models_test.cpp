// Models with each layer of attention learn, give the same bits on any number of threads, and go on
// from a file.
#include <doctest/doctest.h>

#include "fovea/train/load_model.hpp"
#include "support/folder.hpp"
#include "train/toy.hpp"

using namespace fovea;

namespace {

struct Threads {
  const Index before = threads();
  ~Threads() { set_threads(before); }
};

Embedding words() { return {.input_dim = toy::vocabulary, .output_dim = 6, .mask_zero = true}; }

// A model of words, an attention that keeps positions, and a pool.
template <class M>
Sequential with(M attention) {
  return Sequential{words(), std::move(attention), AttentionLayer{4},
                    Dense{toy::classes, Activation::softmax}};
}

std::vector<Sequential> models() {
  std::vector<Sequential> all;
  all.push_back(with(MultiHeadAttention{
      .num_heads = 4, .key_dim = 3, .dropout = real(0.1), .num_key_value_heads = 2}));
  all.push_back(with(Residual{MultiHeadAttention{.num_heads = 2, .key_dim = 3, .causal = true}}));
  all.push_back(with(Residual{Attention{.use_scale = true, .dropout = real(0.1)}}));
  all.push_back(with(Attention{.score_mode = ScoreMode::concat}));
  all.push_back(with(Residual{AdditiveAttention{.dropout = real(0.1)}}));
  all.push_back(with(AttentionLayer{
      .units = 4, .reading = Reading::per_position, .dropout = real(0.1), .window = 3}));
  return all;
}

constexpr std::size_t kinds = 6;

Sequential made(std::size_t kind) { return std::move(models()[kind]); }

void compile(Sequential& model) {
  model.compile({.optimizer = Adam{{.learning_rate = 0.02}},
                 .loss = SparseCategoricalCrossentropy{},
                 .metrics = {Accuracy{}},
                 .seed = 5});
}

}  // namespace

TEST_CASE("models with attention of every kind learn, the same bits on any number of threads") {
  const Threads restore;
  const auto [x, y] = toy::data(200);
  for (std::size_t i = 0; i < kinds; ++i) {
    CAPTURE(i);
    std::vector<Array> expected;
    for (const Index count : {1, 2, 3, 8}) {
      CAPTURE(count);
      set_threads(count);
      Sequential model = made(i);
      compile(model);
      const History history = model.fit(x, y, toy::quiet(count == 1 ? 25 : 2, 50));
      if (count == 1) {
        CHECK(history["accuracy"].back() > 0.85);
        Sequential again = made(i);
        compile(again);
        again.fit(x, y, toy::quiet(2, 50));
        expected = toy::weights(again);
      } else {
        const std::vector<Array> weights = toy::weights(model);
        REQUIRE(weights.size() == expected.size());
        for (std::size_t k = 0; k < weights.size(); ++k)
          CHECK(support::bits_differ(weights[k], expected[k]) == "");
      }
    }
  }
}

TEST_CASE("a training with attention goes on from a file, and a model comes back from it alone") {
  const support::Folder folder;
  const auto [x, y] = toy::data(60);
  for (std::size_t i = 0; i < kinds; ++i) {
    CAPTURE(i);
    Sequential first = made(i), second = made(i);
    for (Sequential* model : {&first, &second}) compile(*model);
    first.fit(x, y, toy::quiet(2, 20));
    first.save(folder / "m", {.standalone = true});
    second.load(folder / "m");
    const Sequential loaded = load_model(folder / "m");
    CHECK(support::bits_differ(loaded.predict(x), first.predict(x)) == "");
    for (Sequential* model : {&first, &second}) model->fit(x, y, toy::quiet(2, 20));
    CHECK(support::bits_differ(second.predict(x), first.predict(x)) == "");
  }
}

TEST_CASE("padding behind changes no prediction of a model with attention") {
  const auto [x, y] = toy::data(20);
  std::vector<std::int32_t> longer;
  for (Index i = 0; i < x.count(); ++i) {
    longer.push_back(x.values()[static_cast<std::size_t>(i)]);
    if (i % toy::time == toy::time - 1) longer.insert(longer.end(), 3, 0);
  }
  const Ids padded(Shape{20, toy::time + 3}, longer);
  for (std::size_t i = 0; i < kinds; ++i) {
    CAPTURE(i);
    Sequential model = made(i);
    compile(model);
    model.fit(x, y, toy::quiet(1, 10));
    const Array expected = model.predict(x), predicted = model.predict(padded);
    for (Index k = 0; k < expected.count(); ++k)
      CHECK(predicted.at(k) == doctest::Approx(expected.at(k)).epsilon(1e-4));
  }
}
