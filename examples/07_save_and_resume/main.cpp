// A training that may be killed at any moment, by Ctrl-C, kill -9 or a power cut, and goes on when
// the program is started again: the documented model on WordNet, which ends in the same bits
// however often it was interrupted, and on whatever number of threads it went on.
#include <fmt/format.h>

#include <filesystem>
#include <iostream>
#include <utility>

#include "fovea/fovea.hpp"
#include "support/attention_picture.hpp"
#include "support/naive_bayes.hpp"
#include "support/options.hpp"
#include "support/wordnet.hpp"

using namespace fovea;

namespace {

struct Settings {
  Index epochs = 4, batch_size = 32, every = 50, threads = fovea::threads();
  std::uint64_t seed = 0;
  std::string folder = "run", wordnet = examples::debian_wordnet;

  std::string file(const std::string& name) const {
    return (std::filesystem::path(folder) / name).string();
  }
};

void draw(const History& history, const std::string& path) {
  const std::string svg =
      plot_svg({{"training", history["loss"]}, {"validation", history["val_loss"]}},
               {.title = "Loss", .x_label = "epoch"});
  examples::write_text(path, svg);
}

// Trains from the beginning, or from where a run before this one was ended.
History train(Sequential& model, const examples::WordNet& data, const Settings& settings) {
  BackupAndRestore backup({.backup_dir = settings.file("backup"), .save_freq = settings.every});
  ModelCheckpoint best({.filepath = settings.file("best.safetensors"),
                        .save_best_only = true,
                        .save_weights_only = true});
  CSVLogger log(settings.file("log.csv"));
  bool told = false;
  LambdaCallback tell({.on_train_batch_begin = [&](Model&, Index) {
    if (std::exchange(told, true)) return;
    fmt::print("{}\n", backup.restored_from().empty()
                           ? "a new training; kill it whenever you like, and start it again"
                           : "going on from " + backup.restored_from());
    std::cout.flush();
  }});
  StopOnSignal stop;
  const History history =
      model.fit(data.train.x, data.train.y,
                {.epochs = settings.epochs,
                 .batch_size = settings.batch_size,
                 .validation_data = Validation{data.validation.x, data.validation.y},
                 .callbacks = {&backup, &tell, &best, &log, &stop}});
  if (stop.requested()) {
    fmt::print("stopped and saved; start the program again to go on\n");
    throw examples::Leave{128 + stop.signal()};
  }
  return history;
}

void program(int argc, char** argv) {
  Settings settings;
  examples::Options("07_save_and_resume",
                    "Trains the documented model, and goes on where it was killed.")
      .text("--folder", settings.folder, "folder of backups, weights, log and picture")
      .integer("--epochs", settings.epochs, 1, 100'000, "epochs to train")
      .integer("--batch-size", settings.batch_size, 1, 10'000, "samples in a batch")
      .integer("--every", settings.every, 1, 1'000'000, "batches between two backups")
      .integer("--threads", settings.threads, 1, 1024,
               "threads; the result is the same bits for any number")
      .seed("--seed", settings.seed, "seed of initial weights and shuffling")
      .text("--wordnet", settings.wordnet, "WordNet's data.noun")
      .parse(argc, argv);
  set_threads(settings.threads);
  const examples::WordNet data = examples::read_wordnet(settings.wordnet);
  std::filesystem::create_directories(settings.folder);

  Sequential model{
      Embedding{.input_dim = examples::WordNet::vocabulary, .output_dim = 128, .mask_zero = true},
      AttentionLayer{64}, Dense{10, Activation::softmax}};
  model.compile({.optimizer = Adam{},
                 .loss = SparseCategoricalCrossentropy{},
                 .metrics = {Accuracy{}},
                 .seed = settings.seed});
  const History history = train(model, data, settings);
  draw(history, settings.file("loss.svg"));

  // The whole model, its structure and the words, in one file: what a program that predicts needs.
  std::string words;
  for (const std::string& word : data.words) words += word + '\n';
  model.save(settings.file("model.safetensors"), {.texts = {{"words", words}}, .standalone = true});
  Sequential again = load_model(settings.file("model.safetensors"));
  examples::require(again.predict(data.test.x).at(0) == model.predict(data.test.x).at(0),
                    "the model from the file predicts the same");

  const Logs last = model.evaluate(data.test.x, data.test.y);
  model.load_weights(settings.file("best.safetensors"));
  const Logs best = model.evaluate(data.test.x, data.test.y);
  const double bayes =
      examples::NaiveBayes(data.train, 10, examples::WordNet::vocabulary).accuracy(data.test);
  fmt::print("in {}: model.safetensors, best.safetensors, log.csv, loss.svg\n", settings.folder);
  fmt::print("result: test accuracy {:.4f}, at the best epoch {:.4f}; naive Bayes {:.4f}\n",
             last.at("accuracy"), best.at("accuracy"), bayes);
  again.save_weights(settings.file("weights.safetensors"));
  fmt::print("checksum of the last weights: {}\n",
             SafetensorsFile(settings.file("weights.safetensors")).checksum());
}

}  // namespace

int main(int argc, char** argv) {
  return examples::run([&] { program(argc, argv); });
}
