// Models that come back from their files alone, and files that lie about them.
#include "fovea/train/load_model.hpp"

#include <doctest/doctest.h>

#include "fovea/io/error.hpp"
#include "fovea/io/safetensors.hpp"
#include "train/training.hpp"

using namespace fovea;
using namespace training;
using support::Folder;
using support::refusal;

namespace {

struct Scale {
  double by = 1;
  Tensor offset = {};
  Shape build(const Shape& sample, const Rng&) {
    offset = Tensor::parameter(Array::full(sample, 2));
    return sample;
  }
  Tensor operator()(const Tensor& x, const Context& = {}) const {
    return x * static_cast<real>(by) + offset;
  }
  static void parameters(auto& self, auto&& visit) { visit("offset", self.offset); }
};

void register_scale() {
  register_module<Scale>(
      "Scale",
      [](const Scale& s) {
        return ModuleOptions{{"by", s.by}};
      },
      [](const ModuleOptions& o) { return Scale{option_value<double>(o, "by")}; });
}

// The same file with one text of its metadata changed.
void rewrite(const std::string& path, const std::string& name,
             const std::vector<std::pair<std::string, std::string>>& changes) {
  const SafetensorsFile file(path);
  SafetensorsMetadata metadata = file.metadata();
  std::string& text = metadata[name];
  for (const auto& change : changes) {
    const std::size_t at = text.find(change.first);
    REQUIRE_MESSAGE(at != std::string::npos, change.first, " in ", text);
    text.replace(at, change.first.size(), change.second);
  }
  std::vector<SafetensorsTensor> tensors;
  for (const std::string& tensor : file.names()) tensors.push_back({tensor, file.stored(tensor)});
  write_safetensors(path, tensors, metadata);
}

// Whether a model predicts the same bits after it was saved and made anew.
std::string predictions_differ(Sequential& model, const SampleSet& x) {
  const Folder folder;
  model.save(folder / "m", {.standalone = true});
  const Sequential other = load_model(folder / "m");
  CHECK(other.name() == model.name());
  CHECK(other.summary() == model.summary());
  return support::bits_differ(other.predict(x), model.predict(x));
}

Array numbers(const Shape& shape) { return support::Generate("load", 0).array(shape, {-1, 1}); }

}  // namespace

TEST_CASE("a Sequential of every layer comes back from its file alone") {
  register_scale();
  const Ids ids = support::Generate("load", 1).ids(Shape{3, 6}, 9);
  {
    Sequential model{
        Embedding{9, 4, true},
        LSTM{.units = 4, .return_sequences = true, .go_backwards = true, .unit_forget_bias = false},
        Residual{Dense{.units = 4, .activation = Activation::gelu}},
        Residual{AttentionLayer{.units = 3,
                                .reading = Reading::per_position,
                                .score = Score::scaled_dot,
                                .causal = true,
                                .dropout = real(0.5)}},
        GRU{.units = 5, .reset_after = false},
        LayerNormalization{.epsilon = real(0.1)},
        Dropout{real(0.3)},
        RMSNormalization{},
        Scale{.by = 0.1},
        Dense{.units = 3, .activation = Activation::softmax, .use_bias = false}};
    model.set_name("words");
    model.build(Shape{6});
    CHECK(predictions_differ(model, ids) == "");
  }
  {
    Sequential model{
        Embedding{9, 4},
        AttentionLayer{.units = 0,
                       .reading = Reading::per_position,
                       .score = Score::general,
                       .use_bias = false},
        Conv1D{.filters = 5,
               .kernel_size = 3,
               .options = {.strides = 2, .padding = Padding::causal},
               .activation = Activation::tanh},
        Residual{Conv1D{.filters = 5, .kernel_size = 3, .options = {.padding = Padding::same}}},
        MaxPooling1D{{.pool_size = 2, .strides = 1}},
        AveragePooling1D{{.padding = Padding::same}},
        DropMask{},
        GlobalAveragePooling1D{}};
    model.build(Shape{6});
    CHECK(predictions_differ(model, ids) == "");
  }
  {
    Sequential model{Embedding{9, 4, true},
                     MultiHeadAttention{.num_heads = 4,
                                        .key_dim = 3,
                                        .value_dim = 2,
                                        .use_bias = false,
                                        .dropout = real(0.2),
                                        .num_key_value_heads = 2,
                                        .causal = true,
                                        .window = 2,
                                        .soft_cap = real(0.001),
                                        .output_dim = 5},
                     Residual{MultiHeadAttention{.num_heads = 1, .key_dim = 2}},
                     Attention{.use_scale = true,
                               .score_mode = ScoreMode::concat,
                               .dropout = real(0.1),
                               .causal = true},
                     Residual{AdditiveAttention{.dropout = real(0.1), .causal = true}},
                     AdditiveAttention{.use_scale = false},
                     AttentionLayer{.units = 3, .reading = Reading::per_position, .window = 700},
                     DropMask{},
                     GlobalAveragePooling1D{}};
    model.build(Shape{6});
    CHECK(predictions_differ(model, ids) == "");
  }
  {
    Sequential inner{named("deep", Dense{4, Activation::relu})};
    Sequential model{Conv2D{.filters = 3, .kernel_size = {2, 3}, .options = {.strides = {2, 1}}},
                     MaxPooling2D{{.pool_size = {2, 1}}},
                     AveragePooling2D{{.pool_size = {1, 2}, .padding = Padding::same}},
                     named("inner", std::move(inner))};
    model.build(Shape{9, 8, 2});
    CHECK(predictions_differ(model, numbers({2, 9, 8, 2})) == "");
  }
}

TEST_CASE("a model that was made from its file goes on in the same bits once it is compiled") {
  const Folder folder;
  Sequential one = training::model();
  fit(one, {}, 2);
  one.save(folder / "m", {.standalone = true});
  Sequential other = load_model(folder / "m");
  CHECK(other.history().history == one.history().history);
  other.compile({.optimizer = adam(),
                 .loss = SparseCategoricalCrossentropy{},
                 .metrics = {Accuracy{}},
                 .seed = 5});
  Witness first, second;
  const History history = fit(one, {&first}, 2), resumed = fit(other, {&second}, 2);
  CHECK(differ(result(other, resumed, second), result(one, history, first)) == "");
}

TEST_CASE("a model from a file says what it was compiled with, and is compiled by the program") {
  const Folder folder;
  const toy::Data data = toy::data(20);
  const auto fit = [&](Model& model) { model.fit(data.x, data.y, toy::quiet(1, 5)); };
  Sequential one = toy::model({.seed = 4});
  const std::string begin =
                        "sequential: fit: it is not compiled; call compile with a loss first; that "
                        "of the file had the loss sparse_categorical_crossentropy and the metrics "
                        "accuracy",
                    end = ", the optimizer Adam, whose state compile takes up, and the seed 4";
  one.save(folder / "untrained");
  Sequential untrained = load_model(folder / "untrained");
  CHECK(refusal<StateError>([&] { fit(untrained); }) == begin);
  fit(one);
  one.save(folder / "m");
  load_model(folder / "m").save(folder / "again");
  for (const char* name : {"m", "again"}) {
    Sequential model = load_model(folder / name);
    CHECK(refusal<StateError>([&] { fit(model); }) == begin + end);
    CHECK(refusal<StateError>([&] { model.evaluate(data.x, data.y); }).find(end) !=
          std::string::npos);
    model.compile({.optimizer = Adam{}, .loss = SparseCategoricalCrossentropy{}, .seed = 4});
    fit(model);
  }
  Sequential other{Dense{1}};
  CHECK(refusal<StateError>([&] { fit(other); }) ==
        "sequential: fit: it is not compiled; call compile with a loss first");
}

TEST_CASE("frozen parameters come back frozen") {
  const Folder folder;
  Sequential model{Dense{2}, Dense{3}};
  model.build(Shape{2});
  set_trainable(*model.layers()[0].as<Dense>(), false);
  model.save(folder / "m");
  const Sequential other = load_model(folder / "m");
  for (const NamedParameter& parameter : parameters_of(other))
    CHECK(parameter.tensor.requires_grad() == parameter.path.starts_with("dense_1/"));
}

TEST_CASE("what a file cannot say is refused at save by its path, where it must suffice") {
  const Folder folder;
  Sequential model{Dense{2}, [](const Tensor& x, const Context&) { return x * 2; }};
  model.build(Shape{2});
  CHECK(refusal<ValueError>([&] { model.save(folder / "m", {.standalone = true}); }) ==
        "sequential: save: sequential/lambda: a layer of type lambda cannot be made from a file; "
        "register it by register_module");
  CHECK(folder.names().empty());
  model.save(folder / "m");
  CHECK(refusal<ValueError>([&] { load_model(folder / "m"); })
            .find("the model cannot be made from the file alone: sequential/lambda: a layer of "
                  "type lambda") != std::string::npos);
  const Layer shared(Dense{2});
  Sequential twice{shared, shared};
  twice.build(Shape{2});
  CHECK(refusal<ValueError>([&] {
          twice.save(folder / "s", {.standalone = true});
        }).find("sequential/dense_1: it shares weights") != std::string::npos);
  save_weights(model, folder / "w");
  CHECK(refusal<ValueError>([&] {
          load_model(folder / "w");
        }).find("does not say which layers it has") != std::string::npos);
}

TEST_CASE("an unknown type, option or value in a file is refused by name") {
  const Folder folder;
  Sequential model{Embedding{9, 4, true}, AttentionLayer{3}, Dense{2, Activation::tanh}};
  model.build(Shape{6});
  const auto told = [&](const std::string& from, const std::string& to) {
    model.save(folder / "m");
    rewrite(folder / "m", "fovea.structure", {{from, to}});
    return refusal<FormatError>([&] { load_model(folder / "m"); });
  };
  const auto holds = [](const std::string& text, const std::string& part) {
    CHECK_MESSAGE(text.find(part) != std::string::npos, text);
  };
  holds(told("\"Dense\"", "\"Danse\""), "there is no type \"Danse\"; there are: Sequential, ");
  holds(told("\"units\":2", "\"unit\":2"), "option \"units\": missing");
  holds(told("\"units\":2", "\"units\":2,\"more\":1"), "option \"more\" is not known; there are: ");
  holds(told("\"tanh\"", "\"tan\""), "option \"activation\": there is no \"tan\"");
  holds(told("\"units\":2", "\"units\":\"2\""), "option \"units\": of another type");
  holds(told("\"units\":2", "\"units\":1000000000000"), "the largest axis in the file");
  holds(told("\"units\":2", "\"units\":3"), "3");
  holds(told("\"units\":3", "\"units\":4"),
        "tensor \"attention_layer/W1/kernel\" is of shape (4, 3); its layer needs (4, 4)");
  holds(told("\"name\":\"dense\"", "\"name\":\"a/b\""), "a/b");
  holds(told("\"layers\"", "\"layer\""), "\"layer\" is not known");
  holds(told("\"dropout\":0.0", "\"dropout\":7.0"), "dropout");
  holds(told("{", "["), "the text must begin with {");
  holds(told("\"units\":2", "\"units\":-2"), "expected 0 to 9, the largest axis in the file");
}

TEST_CASE("heads in a file are as many as fit into an axis, before their widths are multiplied") {
  const Folder folder;
  Sequential model{Embedding{9, 4}, MultiHeadAttention{.num_heads = 2, .key_dim = 2}};
  model.build(Shape{6});
  for (const char* const width : {"key_dim", "value_dim"}) {
    model.save(folder / "m");
    const std::string name = std::string("\"") + width + "\":";
    rewrite(folder / "m", "fovea.structure",
            {{name + (width == std::string("key_dim") ? "2" : "0"), name + "5"}});
    const std::string told = refusal<FormatError>([&] { load_model(folder / "m"); });
    CHECK_MESSAGE(told.find("at most 4 for 2 heads") != std::string::npos, told);
  }
}

TEST_CASE("the state in a file is checked as a whole before anything is changed") {
  const Folder folder;
  Sequential model = training::model();
  fit(model, {}, 1);
  Sequential other = training::model();
  other.build(Shape{toy::time});
  const std::vector<Array> before = toy::weights(other);
  const auto told = [&](const std::string& from, const std::string& to) {
    model.save(folder / "m");
    rewrite(folder / "m", "fovea.state", {{from, to}});
    const std::string message = refusal<Error>([&] { other.load(folder / "m"); });
    CHECK(toy::bits_differ(toy::weights(other), before) == "");
    return message;
  };
  CHECK(told("\"seed\":5,", "\"seed\":-5,")
            .find("fovea.state/training/seed: expected a whole "
                  "number, at least 0, got -5") != std::string::npos);
  CHECK(told("\"history\"", "\"histories\"").find("\"histories\" is not known") !=
        std::string::npos);
  CHECK(told("\"shape\":[6]", "\"shape\":[-6]").find("expected a whole number") !=
        std::string::npos);
  CHECK(told("\"shape\":[6]", "\"shape\":[600000,600000]").find("at most 268435456 elements") !=
        std::string::npos);
  CHECK(told("\"history\":1", "\"history\":2")
            .find("fovea.state/history: expected 1, as many epochs as there are, got 2") !=
        std::string::npos);
  std::string many = "\"seeds\":[0";
  for (int i = 0; i < 300'000; ++i) many += ",0";
  CHECK(told("\"history\"", many + "],\"history\"").find("more than 262144 values") !=
        std::string::npos);
  CHECK(told("\"counters\":{", "\"counters\":{\"x\":1.5,").find("expected a whole number") !=
        std::string::npos);
  CHECK(told("\"counters\":{", "\"counters\":{\"x\":1,").find("expected no counter \"x\"") !=
        std::string::npos);
}

TEST_CASE("a file that was cut or changed anywhere is refused, and its JSON may be anything") {
  const Folder folder;
  Sequential model{Embedding{5, 2}, Dense{2}};
  model.compile({.loss = MeanSquaredError{}});
  model.build(Shape{2});
  model.fit(Ids(Shape{1, 2}, {1, 2}), numbers({1, 2, 2}), {.verbose = 0});
  model.save(folder / "m");
  const SafetensorsFile file(folder / "m");
  support::Generate g("damage", 0);
  Index refused = 0, trials = 400;
  for (Index trial = 0; trial < trials; ++trial) {
    SafetensorsMetadata metadata = file.metadata();
    std::string& text = metadata[trial % 2 == 0 ? "fovea.state" : "fovea.structure"];
    for (Index i = g.integer(1, 3); i > 0; --i) {
      const auto at = static_cast<std::size_t>(g.integer(0, static_cast<Index>(text.size()) - 1));
      if (g.integer(0, 2) == 0)
        text.erase(at, static_cast<std::size_t>(g.integer(1, 9)));
      else
        text[at] = "[]{}:,\"0123456789-.eatrufl"[g.integer(0, 25)];
    }
    std::vector<SafetensorsTensor> tensors;
    for (const std::string& name : file.names()) tensors.push_back({name, file.stored(name)});
    write_safetensors(folder / "d", tensors, metadata);
    try {
      load_model(folder / "d");
    } catch (const Error&) {
      ++refused;
    }
  }
  CHECK(refused > trials / 2);
  std::printf("figure: model files with damaged JSON = %d, refused = %d\n",
              static_cast<int>(trials), static_cast<int>(refused));
}

TEST_CASE("register_module refuses names that mean something else") {
  register_scale();
  register_scale();
  const auto taken = [](const std::string& name) {
    return refusal<ValueError>([&] {
      register_module<Dropout>(
          name, [](const Dropout&) { return ModuleOptions(); },
          [](const ModuleOptions&) { return Dropout{0}; });
    });
  };
  CHECK(taken("Scale") ==
        "register_module: another type is registered as \"Scale\"; choose another name");
  CHECK(taken("Dense") ==
        "register_module: the name \"Dense\" is a type of this library; choose another one");
  CHECK(taken("").find("is empty") != std::string::npos);
}
