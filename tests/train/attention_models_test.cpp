// Models with each layer of attention learn, give the same bits on any number of threads, and go on
// from a file.
#include <doctest/doctest.h>

#include "fovea/train/load_model.hpp"
#include "support/folder.hpp"
#include "train/models.hpp"
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

// Words of one sequence, each told by the words before it and by attention over another sequence,
// of other features.
struct Attender {
  static constexpr const char* input_names[] = {"source", "target"};

  Index words;
  Embedding source{words, 6, true}, target{words, 10, true};
  MultiHeadAttention before{.num_heads = 2, .key_dim = 5, .causal = true},
      over{.num_heads = 2, .key_dim = 5, .dropout = real(0.05), .value_features = 6};
  Dense hidden{24, Activation::relu}, next{words, Activation::softmax};

  Signal operator()(const Ids& from, const Ids& to, const Context& context = {}) const {
    const Caller call(*this, context);
    const Tensor memory = call(source, from), told = call(target, to);
    const std::optional<Mask> mask = target.mask(to);
    const Tensor x = told + call(before, told, mask);
    const Tensor y = call.within(over, x, [&](const Context& inside) {
      return over.attend(x, {.value = memory, .mask = {.keep = source.mask(from)}}, inside).context;
    });
    return {call(next, call(hidden, concat({x, y}, -1))), mask};
  }

  static void parameters(auto& self, auto&& visit) {
    visit("source", self.source);
    visit("target", self.target);
    visit("before", self.before);
    visit("over", self.over);
    visit("hidden", self.hidden);
    visit("next", self.next);
  }
};

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

TEST_CASE("a decoder attends to an encoder of other features, in the same bits on any threads") {
  const Threads restore;
  const models::Sentences data = models::sentences(200, 5, 7);
  std::vector<Array> expected;
  for (const Index count : {1, 3}) {
    set_threads(count);
    Model model{Attender{7}};
    model.compile({.optimizer = Adam{{.learning_rate = 0.02}},
                   .loss = SparseCategoricalCrossentropy{},
                   .metrics = {Accuracy{}},
                   .seed = 2});
    const SampleSet x{data.source, data.told};
    const History history = model.fit(x, data.target, toy::quiet(8, 50));
    CHECK(history["loss"].back() < 0.8 * history["loss"].front());
    if (expected.empty()) expected = toy::weights(model);
    const std::vector<Array> weights = toy::weights(model);
    for (std::size_t k = 0; k < weights.size(); ++k)
      CHECK(support::bits_differ(weights[k], expected[k]) == "");
    const AttentionWeights seen =
        model.attention(x, {.layers = {"attender/over"}, .heads = {1}, .end_query = 2});
    REQUIRE(seen.size() == 1);
    const Shape& shape = seen["attender/over"].shape();
    CHECK(shape == Shape{200, 1, 2, data.source.shape()[1]});
  }
}
