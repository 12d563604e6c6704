// The next letter from the one before it, on definitions of WordNet: an embedding and a softmax
// learn what counting pairs of letters finds out exactly. Letters that are followed by the same
// ones come to lie side by side.
#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include "fovea/fovea.hpp"
#include "support/options.hpp"
#include "support/wordnet.hpp"

using namespace fovea;

namespace {

struct Pairs {
  std::string letters;  // by id
  Ids first, second;    // (pairs,)
};

Pairs pairs_of(const std::vector<std::string>& texts, std::size_t count) {
  std::string text = " ", letters;
  for (std::size_t i = 0; i < std::min(count, texts.size()); ++i) text += texts[i] + ' ';
  std::vector<std::int32_t> ids;
  for (const char letter : text) {
    if (letters.find(letter) == std::string::npos) letters += letter;
    ids.push_back(static_cast<std::int32_t>(letters.find(letter)));
  }
  const std::span<const std::int32_t> all = ids;
  const Shape shape{static_cast<Index>(ids.size()) - 1};
  return {letters, Ids(shape, all.first(ids.size() - 1)), Ids(shape, all.last(ids.size() - 1))};
}

// -sum p ln p of frequencies p, in nats.
double entropy(const Tensor& counts) {
  const Tensor p = counts / sum(counts);
  return -sum(p * log(maximum(p, scalar(real(1e-30))))).item();
}

// By the cosine of the angle between rows of the table.
void print_neighbours(const Tensor& table, const std::string& letters) {
  const Tensor directions = table / norm(table, 1, true);
  const Ids nearest = top_k(matmul(directions, directions, {.transpose_b = true}), 4)
                          .ids;  // (letters, 4), itself first
  for (const char letter : std::string("aetmz")) {
    const std::size_t row = letters.find(letter);
    if (row == std::string::npos) continue;
    fmt::print("  nearest to {}:", letter);
    for (Index k = 1; k < 4; ++k)
      fmt::print(" '{}'",
                 letters[static_cast<std::size_t>(nearest.at(static_cast<Index>(row) * 4 + k))]);
    fmt::print("\n");
  }
}

void program(const std::string& wordnet, Index glosses, std::uint64_t seed) {
  const Pairs pairs =
      pairs_of(examples::read_wordnet(wordnet).train.texts, static_cast<std::size_t>(glosses));
  const auto letters = static_cast<Index>(pairs.letters.size());
  fmt::print("{} pairs of {} different letters\n", pairs.first.count(), letters);

  Sequential model{Embedding{letters, 12}, Dense{letters, Activation::softmax}};
  model.compile({.optimizer = Adam{{.learning_rate = 0.01}},
                 .loss = SparseCategoricalCrossentropy{},
                 .seed = seed});
  model.fit(pairs.first, pairs.second, {.epochs = 4, .batch_size = 256});
  const double loss = model.evaluate(pairs.first, pairs.second, 1024).at("loss");

  print_neighbours(model.layers()[0].as<Embedding>()->embeddings, pairs.letters);
  Array both = Array::zeros({letters, letters});  // how often each letter follows each
  for (Index i = 0; i < pairs.first.count(); ++i)
    both.mutable_data()[pairs.first.at(i) * letters + pairs.second.at(i)] += 1;
  const double by_letters = entropy(sum(both, 0)), by_pairs = entropy(both) - entropy(sum(both, 1));
  fmt::print("nats per letter: {:.4f} counting letters, {:.4f} counting pairs, {:.4f} the model\n",
             by_letters, by_pairs, loss);

  // No model that sees one letter can do better than to have counted the pairs of this very text.
  const double closed = (by_letters - loss) / (by_letters - by_pairs);
  examples::require(closed > 0.95 && closed < 1.001,
                    "the model goes 95% of the way from counting letters to counting pairs");
  fmt::print("result: the model goes {:.1f}% of the way from counting letters to counting pairs\n",
             100 * closed);
}

}  // namespace

int main(int argc, char** argv) {
  return examples::run([&] {
    Index glosses = 3000;
    std::uint64_t seed = 1;
    std::string wordnet = examples::debian_wordnet;
    examples::Options(
        "05_embedding_bigrams",
        "Predicts the next letter of definitions from the one before it, beside counting.")
        .integer("--glosses", glosses, 1000, 100'000, "definitions to read")
        .seed("--seed", seed, "seed of the first weights and of shuffling")
        .text("--wordnet", wordnet, "WordNet's data.noun")
        .parse(argc, argv);
    program(wordnet, glosses, seed);
  });
}
