#include "documented_loop/report.hpp"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <iostream>
#include <numeric>

#include "support/attention_picture.hpp"
#include "support/naive_bayes.hpp"

namespace examples {

using namespace fovea;

double report_data(const WordNet& data) {
  fmt::print("data: {} bytes, sha256 {}{}\n", data.bytes, data.sha256,
             data.published ? " (WordNet 3.0, as Debian's wordnet-base has it)"
                            : " (not the published file: the documented figures do not apply)");
  const auto print_split = [](const char* name, const Split& split) {
    fmt::print("{:>12}: {} definitions, ids {:016x}, classes {:016x}\n", name, split.y.count(),
               fnv1a(split.x), fnv1a(split.y));
  };
  print_split("train", data.train);
  print_split("validation", data.validation);
  print_split("test", data.test);
  const Index majority = largest_class(data.train);
  const double naive_bayes =
      NaiveBayes(data.train, static_cast<Index>(WordNet::classes.size()), WordNet::vocabulary)
          .accuracy(data.test);
  fmt::print("baselines on test: always {} {:.4f}, naive Bayes {:.4f}\n",
             WordNet::classes[static_cast<std::size_t>(majority)],
             share_of_class(data.test, majority), naive_bayes);
  std::cout.flush();
  return naive_bayes;
}

std::string weights_hash(const Sequential& model) {
  XXH3_state_t* state = XXH3_createState();
  XXH3_64bits_reset(state);
  for (const NamedParameter& parameter : parameters_of(model))
    XXH3_64bits_update(state, parameter.tensor.value().data(),
                       static_cast<std::size_t>(parameter.tensor.shape().count()) * sizeof(real));
  const std::uint64_t hash = XXH3_64bits_digest(state);
  XXH3_freeState(state);
  return fmt::format("{:016x}", hash);
}

void report_curve(const History& history) {
  const std::vector<double>& losses = history["val_loss"];
  const auto best = static_cast<std::size_t>(std::ranges::min_element(losses) - losses.begin());
  fmt::print("\nThe validation loss is lowest in epoch {}: {:.4f}, accuracy {:.4f}.", best + 1,
             losses[best], history["val_accuracy"][best]);
  if (best + 1 < losses.size() && history["loss"].back() < history["loss"][best])
    fmt::print(
        " From epoch {} on the model overfits: the training loss still falls, to {:.4f}, and the "
        "validation loss rises to {:.4f}.",
        best + 2, history["loss"].back(), losses.back());
  fmt::print("\n\n");
}

// The first test definition of each class that is long enough to be worth looking at.
void show_attention(const Sequential& model, const WordNet& data, const std::string& svg) {
  std::vector<Index> chosen;
  for (Index label = 0; label < static_cast<Index>(WordNet::classes.size()); ++label)
    for (Index i = 0; i < data.test.y.count(); ++i)
      if (data.test.y.at(i) == label &&
          words_of(data.test.texts[static_cast<std::size_t>(i)]).size() >= 8) {
        chosen.push_back(i);
        break;
      }
  if (chosen.empty()) return;
  const Ids ids = data.test.x.rows(chosen);
  const AttentionWeights attention = model.attention(ids);
  const Array& weights = attention.begin()->second;
  const Array probabilities = model.predict(ids);
  std::vector<AttentionSample> samples;
  for (std::size_t row = 0; row < chosen.size(); ++row) {
    const auto words = words_of(data.test.texts[static_cast<std::size_t>(chosen[row])]);
    const std::span<const real> row_weights =
        weights.values().subspan(row * WordNet::time, words.size());
    const std::span<const real> p =
        probabilities.values().subspan(row * WordNet::classes.size(), WordNet::classes.size());
    const auto predicted = static_cast<std::size_t>(std::ranges::max_element(p) - p.begin());
    samples.push_back(
        {{words.begin(), words.end()},
         {row_weights.begin(), row_weights.end()},
         std::string(WordNet::classes[predicted]),
         std::string(WordNet::classes[static_cast<std::size_t>(data.test.y.at(chosen[row]))])});
  }
  std::cout << "Where the model looked, at its best epoch:\n"
            << attention_text(shaded_texts(samples), {.colour = colours()}) << '\n';
  if (!svg.empty()) {
    write_text(svg, attention_svg(samples, "Where the documented model looked"));
    fmt::print("the same as a picture: {}\n\n", svg);
  }
}

}  // namespace examples
