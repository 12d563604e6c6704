// The documented model on real text: Embedding(10000, 128) -> AttentionLayer(64) -> Dense(10,
// softmax) learns to tell from a dictionary definition which of ten kinds of thing a noun is. It
// trains the documented number of epochs, says what the learning curve shows, goes back to the best
// epoch, and shows which words the model looked at.
#include <fmt/format.h>

#include <iostream>

#include "documented_loop/report.hpp"
#include "support/attention_picture.hpp"
#include "support/options.hpp"

using namespace fovea;

namespace {

struct Settings {
  Index epochs = 10, batch_size = 32, threads = fovea::threads();
  std::uint64_t seed = 0;
  std::string wordnet = examples::debian_wordnet, attention_svg;
};

void program(int argc, char** argv) {
  Settings settings;
  examples::Options(
      "documented_loop",
      "Trains the documented attention model on definitions of WordNet and shows where it looked.")
      .integer("--epochs", settings.epochs, 1, 100'000, "epochs to train")
      .integer("--batch-size", settings.batch_size, 1, 10'000, "samples in a batch")
      .integer("--threads", settings.threads, 1, 1024,
               "threads; the result is the same bits for any number")
      .seed("--seed", settings.seed, "seed of initial weights and shuffling")
      .text("--wordnet", settings.wordnet, "WordNet's data.noun")
      .text("--attention-svg", settings.attention_svg, "file to write the attention picture to")
      .parse(argc, argv);
  set_threads(settings.threads);

  const examples::WordNet data = examples::read_wordnet(settings.wordnet);
  if (!settings.attention_svg.empty()) examples::check_writable(settings.attention_svg);
  fmt::print("{}\n", to_string(runtime_info()));
  const double naive_bayes = examples::report_data(data);
  fmt::print("seed {}, batches of {}\n\n", settings.seed, settings.batch_size);

  Sequential model{Embedding{.input_dim = 10000, .output_dim = 128, .mask_zero = true},
                   AttentionLayer{64}, Dense{10, Activation::softmax}};
  model.compile({.optimizer = Adam{},
                 .loss = SparseCategoricalCrossentropy{},
                 .metrics = {Accuracy{}},
                 .seed = settings.seed});
  model.build({examples::WordNet::time});
  std::cout << model.summary() << '\n';

  examples::RememberBest best;
  const History history =
      model.fit(data.train.x, data.train.y,
                {.epochs = settings.epochs,
                 .batch_size = settings.batch_size,
                 .validation_data = Validation{data.validation.x, data.validation.y},
                 .callbacks = {&best}});
  const std::string weights = examples::weights_hash(model);
  const Logs last = model.evaluate(data.test.x, data.test.y);
  best.restore(model);
  const Logs at_best = model.evaluate(data.test.x, data.test.y);

  examples::report_curve(history);
  examples::show_attention(model, data, settings.attention_svg);
  fmt::print("test after {} epochs: loss {:.4f} accuracy {:.4f}\n", settings.epochs,
             last.at("loss"), last.at("accuracy"));
  fmt::print("test at the best epoch ({}): loss {:.4f} accuracy {:.4f}\n", best.best_epoch() + 1,
             at_best.at("loss"), at_best.at("accuracy"));
  fmt::print("naive Bayes: {:.4f}\n", naive_bayes);
  fmt::print("weights xxh3: {}\n", weights);
}

}  // namespace

int main(int argc, char** argv) {
  return examples::run([&] { program(argc, argv); });
}
