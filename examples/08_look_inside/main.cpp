// Looking inside a model: its table, the graph of one step as a picture, who needs the memory, the
// curves of a run, and where a NaN comes from.
#include <fmt/format.h>

#include <cmath>
#include <fstream>

#include "fovea/fovea.hpp"
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
  std::ofstream file(path);
  file << text;
  if (!file.flush()) throw IoError(path, "write", errno);
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
                      "look_inside_graph.dot and look_inside_loss.svg.")
        .seed("--seed", seed, "seed of data and weights")
        .text("--folder", folder, "where the two files go")
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

    const std::string spoilt = show_anomaly(train);
    examples::require(spoilt == "sequential/embedding", "the infinity is found where it is");
    const double accuracy = history["val_accuracy"].back();
    examples::require(accuracy > 0.9, "the model learns which words matter");
    fmt::print(
        "\nresult: validation accuracy {:.3f}, where {:.3f} is chance; the infinity was in {}\n",
        accuracy, 1.0 / classes, spoilt);
  });
}
