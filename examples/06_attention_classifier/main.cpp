// Attention has to find the one word that matters: a line of commands, of which the one behind
// "please" is meant. A mean over all words sees the same words and cannot tell which; attention
// can, and shows where it looked.
#include <fmt/format.h>

#include <array>
#include <iostream>
#include <string>
#include <vector>

#include "fovea/fovea.hpp"
#include "support/attention_picture.hpp"
#include "support/options.hpp"

using namespace fovea;

namespace {

constexpr std::array<const char*, 9> words = {"walk", "turn", "jump", "sit",   "sing",
                                              "wave", "bow",  "wait", "please"};
constexpr Index commands = 8, please = 8, time_steps = 10;

std::string word(Index id) { return words[static_cast<std::size_t>(id)]; }

struct Lines {
  Ids x, y;                    // (lines, time), (lines,): the command that is meant
  std::vector<Index> decides;  // its position
};

Lines draw(Index count, Rng random) {
  std::vector<std::int32_t> x, y;
  std::vector<Index> decides;
  for (Index line = 0; line < count; ++line) {
    const Index begin = static_cast<Index>(x.size()), marker = random.below(time_steps - 1);
    for (Index t = 0; t < time_steps; ++t)
      x.push_back(static_cast<std::int32_t>(t == marker ? please : random.below(commands)));
    decides.push_back(marker + 1);
    y.push_back(x[static_cast<std::size_t>(begin + marker + 1)]);
  }
  return {Ids({count, time_steps}, x), Ids({count}, y), decides};
}

// The convolution lets each position see the word before it, so that there is something to find:
// "please" stands before me.
template <class Pool>
Sequential build(Pool pool) {
  return Sequential{Embedding{commands + 1, 16}, Conv1D{32, 2, {.padding = Padding::causal}}, pool,
                    Dense{commands, Activation::softmax}};
}

double fit(Sequential& model, const Lines& training, const Lines& test, std::uint64_t seed) {
  model.compile({.optimizer = Adam{{.learning_rate = 0.005}},
                 .loss = SparseCategoricalCrossentropy{},
                 .metrics = {Accuracy{}},
                 .seed = seed});
  model.fit(training.x, training.y, {.epochs = 6});
  return model.evaluate(test.x, test.y).at("accuracy");
}

void program(std::uint64_t seed) {
  const Rng random(seed);
  const Lines training = draw(3000, random.split("training")),
              test = draw(500, random.split("test"));

  fmt::print("With a mean over the words:\n");
  Sequential without = build(GlobalAveragePooling1D{});
  const double baseline = fit(without, training, test, seed);
  fmt::print("\nWith attention:\n");
  Sequential model = build(AttentionLayer{16});
  const double accuracy = fit(model, training, test, seed);

  const Array weights = model.attention(test.x).at("sequential/attention_layer");  // (lines, time)
  const Ids predicted = argmax(model.predict(test.x));
  std::vector<examples::AttentionSample> shown;
  double on_decider = 0;
  for (Index line = 0; line < test.y.count(); ++line) {
    on_decider += weights.at(line * time_steps + test.decides[static_cast<std::size_t>(line)]) /
                  double(test.y.count());
    if (line >= 5) continue;
    examples::AttentionSample sample{{}, {}, word(predicted.at(line)), word(test.y.at(line))};
    for (Index t = 0; t < time_steps; ++t) {
      sample.words.push_back(word(test.x.at(line * time_steps + t)));
      sample.weights.push_back(weights.at(line * time_steps + t));
    }
    shown.push_back(sample);
  }
  std::cout << "\nWhere it looked in five lines that it was not trained on:\n"
            << attention_text(examples::shaded_texts(shown), {.colour = examples::colours()});

  examples::require(accuracy > 0.98 && accuracy > baseline + 0.3,
                    "attention is right in 98% of the lines, far more than a mean");
  examples::require(on_decider > 0.9, "nine tenths of the attention are on the word that decides");
  fmt::print(
      "result: accuracy {:.3f} with attention, {:.3f} with a mean; {:.3f} of the attention on the "
      "word that decides\n",
      accuracy, baseline, on_decider);
}

}  // namespace

int main(int argc, char** argv) {
  return examples::run([&] {
    std::uint64_t seed = 1;
    examples::Options("06_attention_classifier",
                      "Learns which word of a line matters, and shows where it looked.")
        .seed("--seed", seed, "seed of the lines, the first weights and shuffling")
        .parse(argc, argv);
    program(seed);
  });
}
