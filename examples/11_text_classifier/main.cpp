// Texts in folders in, a classifier in one file out: each folder of --data is a class, each file in
// it a text. The model and its vocabulary are saved together, and the same program then tells the
// class of any text from that file alone, with the words that it looked at.
//
//   11_text_classifier --data my_texts --model my.safetensors        trains
//   11_text_classifier --model my.safetensors --text "a small bird"  predicts
#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "fovea/fovea.hpp"
#include "support/attention_picture.hpp"
#include "support/naive_bayes.hpp"
#include "support/options.hpp"
#include "support/wordnet.hpp"

using namespace fovea;

namespace {

struct Settings {
  Index epochs = 20, words = 10'000, length = 64, threads = fovea::threads();
  std::uint64_t seed = 1;
  std::string data = "definitions", model = "texts.safetensors", text, file, picture,
              wordnet = examples::debian_wordnet;
};

// Where there is no folder of texts: 500 definitions of each of ten classes from WordNet.
void write_definitions(const Settings& settings) {
  const examples::WordNet wordnet = examples::read_wordnet(settings.wordnet);
  std::vector<int> written(examples::WordNet::classes.size(), 0);
  for (Index i = 0; i < wordnet.train.y.count(); ++i) {
    const auto label = static_cast<std::size_t>(wordnet.train.y.at(i));
    if (written[label] == 500) continue;
    const auto folder =
        std::filesystem::path(settings.data) / std::string(examples::WordNet::classes[label]);
    std::filesystem::create_directories(folder);
    examples::write_text(folder / fmt::format("{:03d}.txt", written[label]++),
                         wordnet.train.texts[static_cast<std::size_t>(i)] + "\n");
  }
  fmt::print("there is no folder {}; it was filled with definitions of WordNet\n", settings.data);
}

std::vector<std::string> at(const std::vector<std::string>& texts, std::span<const Index> where) {
  std::vector<std::string> result;
  for (const Index i : where) result.push_back(texts[static_cast<std::size_t>(i)]);
  return result;
}

// What is in a model's file: all that is needed to tell the class of a text.
struct Classifier {
  Sequential model;
  TextVectorization vectorize;
  std::vector<std::string> classes;

  static Classifier load(const std::string& path) {
    const SavedTexts texts = saved_texts(path);
    if (!texts.contains("vectorization") || !texts.contains("classes"))
      throw Error(path + " was not written by this program: it has no vectorization and classes");
    std::vector<std::string> classes;
    std::istringstream lines(texts.at("classes"));
    for (std::string line; std::getline(lines, line);) classes.push_back(line);
    return {load_model(path),
            TextVectorization::from_json(texts.at("vectorization"), {}, path + ": vectorization"),
            classes};
  }

  void save(const std::string& path) const {
    std::string names;
    for (const std::string& name : classes) names += name + "\n";
    model.save(path, {.texts = {{"vectorization", vectorize.to_json()}, {"classes", names}},
                      .standalone = true});
  }

  // Returns what it tells of each text, and where it looked.
  std::vector<examples::AttentionSample> look(std::span<const std::string> texts) const {
    const Ids ids = vectorize(texts).ids();
    const Ids predicted = argmax(model.predict(ids));
    const Array weights = model.attention(ids).begin()->second;  // (texts, length)
    const std::vector<std::string> tokens = vectorize.get_vocabulary();
    std::vector<examples::AttentionSample> samples;
    for (Index row = 0; row < ids.shape()[0]; ++row) {
      const std::string& name = classes.at(static_cast<std::size_t>(predicted.at(row)));
      samples.push_back({{}, {}, name, name});
      for (Index i = row * ids.shape()[1]; i < (row + 1) * ids.shape()[1]; ++i) {
        if (ids.at(i) == 0) continue;
        samples.back().words.push_back(tokens[static_cast<std::size_t>(ids.at(i))]);
        samples.back().weights.push_back(weights.at(i));
      }
    }
    return samples;
  }
};

void show(const Classifier& classifier, const std::vector<std::string>& texts,
          const std::string& picture) {
  const std::vector<examples::AttentionSample> samples = classifier.look(texts);
  std::cout << attention_text(examples::shaded_texts(samples), {.colour = examples::colours()});
  if (picture.empty()) return;
  examples::write_text(picture, examples::attention_svg(samples, "Where the classifier looked"));
  fmt::print("the same as a picture: {}\n", picture);
}

void train(const Settings& settings) {
  if (!std::filesystem::exists(settings.data)) write_definitions(settings);
  const TextFolder folder =
      text_dataset_from_directory(settings.data, {.seed = settings.seed, .replace_invalid = true});
  const auto [training, held_out] = split_by_hash(folder.texts, 0.2, settings.seed);
  const std::vector<std::string> texts = at(folder.texts, training),
                                 others = at(folder.texts, held_out);
  const auto classes = static_cast<Index>(folder.class_names.size());
  fmt::print("{} texts of {} classes in {}: {} to train on, {} to judge by\n", folder.texts.size(),
             classes, settings.data, texts.size(), others.size());

  TextVectorization vectorize(
      {.max_tokens = settings.words, .output_sequence_length = settings.length});
  vectorize.adapt(texts);
  const examples::Split train{vectorize(texts).ids(), folder.labels.rows(training), texts},
      test{vectorize(others).ids(), folder.labels.rows(held_out), others};

  Classifier classifier{
      Sequential{
          Embedding{.input_dim = vectorize.vocabulary_size(), .output_dim = 64, .mask_zero = true},
          Dropout{real(0.6)}, AttentionLayer{32}, Dropout{real(0.5)},
          Dense{classes, Activation::softmax}},
      vectorize, folder.class_names};
  Sequential& model = classifier.model;
  model.compile({.optimizer = Adam{{.learning_rate = 0.002}},
                 .loss = SparseCategoricalCrossentropy{},
                 .metrics = {Accuracy{}},
                 .seed = settings.seed});
  EarlyStopping stop({.monitor = "val_loss", .patience = 2, .restore_best_weights = true});
  model.fit(train.x, train.y,
            {.epochs = settings.epochs, .validation_split = 0.1, .callbacks = {&stop}});
  classifier.save(settings.model);

  const Classifier loaded = Classifier::load(settings.model);
  const double accuracy = model.evaluate(test.x, test.y).at("accuracy");
  fmt::print("\nFrom {} alone:\n", settings.model);
  show(loaded, {others.begin(), others.begin() + std::min<std::ptrdiff_t>(5, std::ssize(others))},
       settings.picture);
  examples::require(loaded.model.predict(test.x).at(0) == model.predict(test.x).at(0),
                    "the model from the file predicts the same");
  fmt::print(
      "result: accuracy {:.3f} on texts it has not seen; naive Bayes {:.3f}, always the "
      "largest class {:.3f}\n",
      accuracy, examples::NaiveBayes(train, classes, vectorize.vocabulary_size()).accuracy(test),
      examples::share_of_class(test, examples::largest_class(train)));
}

std::vector<std::string> lines_of(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  if (lines.empty()) throw Error(path + ": there are no lines, or it cannot be read");
  return lines;
}

void program(int argc, char** argv) {
  Settings settings;
  examples::Options("11_text_classifier",
                    "Learns classes from texts in folders, and tells those of other texts.")
      .text("--data", settings.data, "a folder with a folder of text files for each class")
      .text("--model", settings.model, "file of the model, its vocabulary and classes")
      .text("--text", settings.text, "a text whose class is told from the model's file")
      .text("--file", settings.file, "a file with such a text in each line")
      .text("--picture", settings.picture, "file (.svg) of where the model looked")
      .integer("--epochs", settings.epochs, 1, 100'000, "epochs at most")
      .integer("--words", settings.words, 3, 10'000'000, "size of the vocabulary at most")
      .integer("--length", settings.length, 1, 100'000, "words of a text that are read")
      .integer("--threads", settings.threads, 1, 1024, "threads; the result is the same")
      .seed("--seed", settings.seed, "seed of the split, the first weights and shuffling")
      .text("--wordnet", settings.wordnet, "WordNet's data.noun, where there is no --data")
      .parse(argc, argv);
  set_threads(settings.threads);
  if (settings.text.empty() && settings.file.empty()) return train(settings);
  show(Classifier::load(settings.model),
       settings.file.empty() ? std::vector<std::string>{settings.text} : lines_of(settings.file),
       settings.picture);
}

}  // namespace

int main(int argc, char** argv) {
  return examples::run([&] { program(argc, argv); });
}
