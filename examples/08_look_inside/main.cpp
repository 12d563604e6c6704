// Looking inside a model: its table, the graph of one step as a picture, who needs the memory, the
// curves of a run, where it looks, and where a NaN comes from.
#include <fmt/format.h>

#include <cmath>

#include "fovea/fovea.hpp"
#include "support/attention_picture.hpp"
#include "support/options.hpp"

using namespace fovea;

namespace {

constexpr Index words = 50, length = 8, classes = 4;

struct Data {
  Ids x, y;
};

// Sentences of random words, one of which, from 1 to 4, names the class.
Data draw(Index samples, Rng random) {
  std::vector<std::int32_t> x, y;
  for (Index i = 0; i < samples; ++i) {
    const Index place = random.below(length), label = random.below(classes);
    for (Index t = 0; t < length; ++t)
      x.push_back(static_cast<std::int32_t>(t == place ? 1 + label : 5 + random.below(words - 5)));
    y.push_back(static_cast<std::int32_t>(label));
  }
  return {Ids({samples, length}, x), Ids({samples}, y)};
}

void write(const std::string& path, const std::string& text) {
  write_text(path, text);
  fmt::print("wrote {}\n", path);
}

// One step of the model, recorded and not yet released.
Tensor loss_of(const Sequential& model, const Data& data) {
  return mean(sparse_categorical_crossentropy_from_probabilities(model(data.x), data.y));
}

void show_memory(const Sequential& model, const Data& data) {
  fmt::print("\nBytes in use at most while a layer was at work, in one step of {} samples:\n",
             data.x.shape()[0]);
  const MemoryByLayer memory;
  loss_of(model, data).backward();
  for (const auto& [layer, bytes] : memory.peaks())
    fmt::print("  {:30} {:>9}\n", layer.empty() ? "(the loss)" : layer, bytes);
  zero_grad(model);
}

// The words of a sentence; those that name a class in capitals.
std::vector<std::string> words_of(const Data& data, Index sentence) {
  std::vector<std::string> result;
  for (Index t = 0; t < length; ++t) {
    const std::int32_t id = data.x.at(sentence * length + t);
    result.push_back(id <= classes ? fmt::format("CLASS{}", id - 1) : fmt::format("w{}", id));
  }
  return result;
}

// The weights of a few sentences, and as a second measure what each contributes to the loss.
std::vector<AttentionMap> maps_of(const Sequential& model, const Data& data) {
  const Tensor x = (*model.layers()[0].as<Embedding>())(data.x);
  const auto attended = model.layers()[1].as<AttentionLayer>()->attend(x, {.weights = true});
  const Tensor probabilities = (*model.layers()[2].as<Dense>())(attended.context);
  const Tensor loss =
      mean(sparse_categorical_crossentropy_from_probabilities(probabilities, data.y));
  const Array weights = attended.weights().value();  // (samples, time)
  const Array second = gradient_times_weight(grad(loss, {attended.context})[0], weights, x.value());
  std::vector<AttentionMap> maps;
  for (Index i = 0; i < data.y.count(); ++i) {
    const std::string name = fmt::format("sentence {}, class {}", i, data.y.at(i));
    maps.push_back(attention_map(name, weights, i, {"the sentence"}, words_of(data, i)));
    maps.back().gradient_times_weight = second.rows(i, i + 1).reshaped({1, 1, length});
  }
  return maps;
}

// Where the model looks, here and as a page for the browser. Returns how much of the attention is
// on the words that name a class.
double show_attention(const std::vector<AttentionMap>& maps, const std::string& folder) {
  std::vector<ShadedText> texts;
  double on_class = 0;
  for (const AttentionMap& map : maps) {
    const std::span<const real> weights = map.weights.values();
    texts.push_back({map.name, map.keys, {weights.begin(), weights.end()}});
    for (std::size_t t = 0; t < map.keys.size(); ++t)
      if (map.keys[t].starts_with("CLASS"))
        on_class += static_cast<double>(weights[t]) / static_cast<double>(maps.size());
  }
  fmt::print("\nWhere it looks:\n{}", attention_text(texts, {.colour = examples::colours()}));
  write(folder + "/look_inside_attention.html",
        attention_page(maps, {.title = "Where the model looks"}));
  write(folder + "/look_inside_attention.svg", attention_heat_map_svg(maps.front(), 0));
  return on_class;
}

// What DetectAnomaly says when a weight is spoilt.
std::string show_anomaly(const Data& data) {
  fmt::print("\nWith one infinite weight in the embedding, under DetectAnomaly:\n");
  Sequential model{Embedding{words, 16}, GlobalAveragePooling1D{}, Dense{classes}};
  model.compile({.loss = SparseCategoricalCrossentropy{.from_logits = true}});
  model.build({length});
  Tensor weight = model.layers()[0].as<Embedding>()->embeddings;
  Array spoilt = weight.value().clone();
  spoilt.mutable_data()[16] = INFINITY;
  weight.assign(spoilt);
  const DetectAnomaly anomaly;
  try {
    model.fit(data.x, data.y, {.verbose = 0});
  } catch (const NonFiniteError& error) {
    fmt::print("  {}\n", error.what());
    return error.path();
  }
  return "";
}

}  // namespace

int main(int argc, char** argv) {
  return examples::run([&] {
    std::uint64_t seed = 1;
    std::string folder = ".";
    examples::Options("08_look_inside",
                      "Shows a model's table, graph, memory and curves; writes "
                      "look_inside_graph.dot, look_inside_loss.svg, and "
                      "look_inside_attention.html and .svg.")
        .seed("--seed", seed, "seed of data and weights")
        .text("--folder", folder, "where the files go")
        .parse(argc, argv);
    const Data train = draw(600, Rng(seed).split("train")),
               validation = draw(200, Rng(seed).split("validation")), few = draw(4, Rng(seed));

    Sequential model{Embedding{words, 16}, AttentionLayer{8}, Dense{classes, Activation::softmax}};
    model.compile({.optimizer = Adam{{.learning_rate = 0.01}},
                   .loss = SparseCategoricalCrossentropy{},
                   .metrics = {Accuracy{}},
                   .seed = seed});
    model.build({length});
    fmt::print("{}\n", model.summary());

    write(folder + "/look_inside_graph.dot", graph_dot(loss_of(model, few)));
    fmt::print("  `dot -Tsvg look_inside_graph.dot -o graph.svg` draws it\n");
    show_memory(model, train);

    fmt::print("\nFive epochs:\n");
    const History history = model.fit(
        train.x, train.y,
        {.epochs = 5, .validation_data = Validation{validation.x, validation.y}, .verbose = 2});
    write(folder + "/look_inside_loss.svg",
          plot_svg({{"loss", history["loss"]}, {"val_loss", history["val_loss"]}},
                   {.title = "Loss by epoch", .x_label = "epoch"}));

    const double on_class = show_attention(maps_of(model, few), folder);

    const std::string spoilt = show_anomaly(train);
    examples::require(spoilt == "sequential/embedding", "the infinity is found where it is");
    const double accuracy = history["val_accuracy"].back();
    examples::require(accuracy > 0.9, "the model learns which words matter");
    examples::require(on_class > 0.5, "it looks at the word that names the class");
    fmt::print(
        "\nresult: validation accuracy {:.3f}, where {:.3f} is chance; the infinity was in {}\n",
        accuracy, 1.0 / classes, spoilt);
  });
}
