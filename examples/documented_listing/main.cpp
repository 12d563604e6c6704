// The documented program, line for line: compile, fit, evaluate, with nothing added.
// docs/the_listing.md tells how it relates to the Keras listing that it follows;
// examples/documented_loop trains the same model with a validation set, baselines and pictures.
#include <iostream>

#include "fovea/fovea.hpp"
#include "support/options.hpp"
#include "support/wordnet.hpp"

using namespace fovea;

int main(int argc, char** argv) {
  return examples::run([&] {
    Index epochs = 10;
    std::string wordnet = examples::debian_wordnet;
    examples::Options(
        "documented_listing",
        "The documented attention model on definitions of WordNet: compile, fit, evaluate.")
        .integer("--epochs", epochs, 1, 100'000, "epochs to train")
        .text("--wordnet", wordnet, "WordNet's data.noun")
        .parse(argc, argv);
    const examples::WordNet data = examples::read_wordnet(wordnet);

    Sequential model{Embedding{10000, 128}, AttentionLayer{64}, Dense{10, Activation::softmax}};
    model.compile(
        {.optimizer = Adam{}, .loss = SparseCategoricalCrossentropy{}, .metrics = {Accuracy{}}});
    model.fit(data.train.x, data.train.y, {.epochs = epochs});
    const Logs result = model.evaluate(data.test.x, data.test.y);

    std::cout << "test: loss " << result.at("loss") << ", accuracy " << result.at("accuracy")
              << '\n';
  });
}
