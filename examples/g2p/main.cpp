// Spelling to sounds: how English words are spoken, learned from a dictionary by an encoder and a
// decoder with additive attention. The model is saved with all that it needs, and the same program
// then speaks any word.
//
//   g2p                                       learns from Debian's festlex-cmu, and is judged
//   g2p hello world --model g2p.safetensors   speaks words
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <iostream>
#include <sstream>

#include "fovea/fovea.hpp"
#include "g2p/judge.hpp"
#include "g2p/speller.hpp"
#include "support/attention_picture.hpp"
#include "support/options.hpp"

using namespace fovea;
using examples::Sounds;
using examples::Speller;
using examples::Word;

namespace {

constexpr Index most_units = 4096;

struct Settings {
  Index words = 1'000'000, epochs = 6, batch_size = 64, units = 128, beam = 1,
        threads = fovea::threads();
  std::uint64_t seed = 1;
  std::string dictionary = examples::debian_pronunciations, model = "g2p.safetensors", picture;
  std::vector<std::string> speak;
};

// What is in a model's file: all that is needed to speak.
struct Speaker {
  Model model;
  std::vector<std::string> phonemes;

  static Speaker make(std::vector<std::string> phonemes, Index units) {
    return {Model{Speller{.sounds = std::ssize(phonemes), .units = units}}, std::move(phonemes)};
  }

  static Speaker load(const std::string& path) {
    const SavedTexts texts = saved_texts(path);
    Index units = 0;
    if (const auto found = texts.find("units"); found != texts.end())
      std::from_chars(found->second.data(), found->second.data() + found->second.size(), units);
    if (!texts.contains("phonemes") || units < 1 || units > most_units)
      throw Error(path + " was not written by this program: it has no phonemes and units");
    std::vector<std::string> phonemes;
    std::istringstream lines(texts.at("phonemes"));
    for (std::string line; std::getline(lines, line);) phonemes.push_back(line);
    Speaker speaker = make(std::move(phonemes), units);
    speaker.model.load(path);
    return speaker;
  }

  void save(const std::string& path) const {
    std::string names;
    for (const std::string& phoneme : phonemes) names += phoneme + "\n";
    const Index units = model.module<Speller>()->units;
    model.save(path, {.texts = {{"phonemes", names}, {"units", fmt::format("{}", units)}}});
  }

  std::vector<Sounds> speak(std::span<const std::string> words, Index beam) const {
    constexpr std::size_t together = 256;
    std::vector<Sounds> all;
    for (std::size_t i = 0; i < words.size(); i += together)
      for (Sounds& sounds :
           examples::speak(*model.module<Speller>(),
                           words.subspan(i, std::min(together, words.size() - i)), beam))
        all.push_back(std::move(sounds));
    return all;
  }
};

std::vector<std::string> letters_of(std::span<const Word> words) {
  std::vector<std::string> letters;
  for (const Word& word : words) letters.push_back(word.letters);
  return letters;
}

// Keeps at most `count` words, at equal distances.
void thin(std::vector<Word>& words, std::size_t count) {
  if (words.size() <= count) return;
  std::vector<Word> kept;
  for (std::size_t i = 0; i < count; ++i) kept.push_back(words[i * words.size() / count]);
  words = std::move(kept);
}

examples::Pronunciations read(const Settings& settings) {
  examples::Pronunciations data = examples::read_pronunciations(settings.dictionary);
  fmt::print("{}: {} bytes, sha256 {}{}\n", settings.dictionary, data.bytes, data.sha256,
             data.published ? " (Debian's festlex-cmu 2.4)"
                            : " (not the published file: the documented figures do not apply)");
  for (std::vector<Word>* split : {&data.train, &data.validation, &data.test})
    thin(*split, static_cast<std::size_t>(settings.words));
  fmt::print("{} words to learn from, {} to watch, {} to be judged by; {} phonemes\n",
             data.train.size(), data.validation.size(), data.test.size(), data.phonemes.size());
  return data;
}

void fit(Model& model, const examples::Pronunciations& data, const Settings& settings) {
  const examples::Lesson training = examples::lesson(data.train),
                         validation = examples::lesson(data.validation);
  const Index batches = (std::ssize(data.train) + settings.batch_size - 1) / settings.batch_size;
  model.compile(
      {.optimizer = Adam{{.learning_rate = CosineDecay{.initial_learning_rate = 0.002,
                                                       .decay_steps = settings.epochs * batches},
                          .global_clipnorm = 1}},
       .loss = SparseCategoricalCrossentropy{},
       .metrics = {Accuracy{}},
       .seed = settings.seed});
  model.fit(
      {training.letters, training.told}, training.target,
      {.epochs = settings.epochs,
       .batch_size = settings.batch_size,
       .order = BucketByLength{.inputs = {0, 1}, .targets = {0}},
       .validation_data = Validation{{validation.letters, validation.told}, validation.target}});
}

// Returns where the model looked as it spoke words: a row for each sound and one for the end.
std::vector<AttentionMap> align(const Speaker& speaker, std::span<const std::string> words,
                                std::span<const Sounds> said) {
  std::vector<AttentionMap> maps;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::vector<Word> word = {{words[i], {said[i]}}};
    const examples::Lesson lesson = examples::lesson(word);
    std::vector<std::string> letters, sounds;
    for (const char letter : words[i]) letters.emplace_back(1, letter);
    for (const std::int32_t sound : said[i])
      sounds.push_back(speaker.phonemes.at(static_cast<std::size_t>(sound)));
    sounds.emplace_back("end");
    maps.push_back(attention_map(
        words[i], speaker.model.attention({lesson.letters, lesson.told}).begin()->second, 0,
        std::move(sounds), std::move(letters)));
  }
  return maps;
}

void draw(const std::vector<AttentionMap>& maps, const std::string& path) {
  write_text(path, path.ends_with(".html") ? attention_page(maps, {.title = "Letters and sounds"})
                                           : attention_heat_map_svg(maps.front(), 0));
  fmt::print("where it looked: {}\n", path);
}

void speak(const Settings& settings) {
  const Speaker speaker = Speaker::load(settings.model);
  std::vector<std::string> words = settings.speak;
  for (std::string& word : words)
    for (char& c : word)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  const std::vector<Sounds> said = speaker.speak(words, settings.beam);
  for (std::size_t i = 0; i < said.size(); ++i)
    fmt::print("{}: {}\n", words[i], examples::spoken(said[i], speaker.phonemes));
  if (!settings.picture.empty()) draw(align(speaker, words, said), settings.picture);
}

examples::Judgement by_letter(const examples::Pronunciations& data) {
  const examples::LetterByLetter baseline(data.train);
  std::vector<Sounds> said;
  for (const Word& word : data.test) said.push_back(baseline.speak(word.letters));
  return examples::judge(data.test, said, data.phonemes);
}

// Shows the longest word of each tenth of the alphabet, and draws where the model looked.
void show(const Speaker& speaker, const std::vector<std::string>& words,
          const std::vector<Sounds>& said, const Settings& settings) {
  std::vector<std::string> shown;
  std::vector<Sounds> sounds;
  fmt::print("\nFrom {} alone, words it has not seen:\n", settings.model);
  for (Index tenth = 0; tenth < 10; ++tenth) {
    const auto begin = words.begin() + std::ssize(words) * tenth / 10,
               end = words.begin() + std::ssize(words) * (tenth + 1) / 10,
               longest = std::max_element(
                   begin, end, [](const auto&a, const auto&b) { return a.size() < b.size(); });
    if (longest == end) continue;
    shown.push_back(*longest);
    sounds.push_back(said[static_cast<std::size_t>(longest - words.begin())]);
    fmt::print("  {:<18} {}\n", shown.back(), examples::spoken(sounds.back(), speaker.phonemes));
  }
  if (!settings.picture.empty()) draw(align(speaker, shown, sounds), settings.picture);
}

void train(const Settings& settings) {
  const examples::Pronunciations data = read(settings);
  Speaker speaker = Speaker::make(data.phonemes, settings.units);
  const auto begin = std::chrono::steady_clock::now();
  fit(speaker.model, data, settings);
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin;
  speaker.save(settings.model);

  const Speaker loaded = Speaker::load(settings.model);
  const std::vector<std::string> words = letters_of(data.test);
  const std::vector<Sounds> said = loaded.speak(words, settings.beam);
  show(loaded, words, said, settings);
  const examples::Judgement judged = examples::judge(data.test, said, data.phonemes),
                            simple = by_letter(data);
  const std::size_t looked_at = std::min<std::size_t>(words.size(), 500);
  const double on = examples::moving_on(align(loaded, std::span(words).first(looked_at), said));
  fmt::print(
      "result: phoneme error rate {:.4f} in {} words it has not seen, letter by letter {:.4f}; "
      "words with an error {:.4f}, letter by letter {:.4f}; from sound to sound attention moves on "
      "in {:.3f} of the steps; learned in {:.0f} s with {} threads\n",
      judged.phonemes, words.size(), simple.phonemes, judged.words, simple.words, on, time.count(),
      settings.threads);
}

void program(int argc, char** argv) {
  Settings settings;
  examples::Options("g2p", "Learns how words are spoken from a dictionary, and speaks words.")
      .list("WORD", settings.speak, "words that the model of --model speaks")
      .text("--model", settings.model, "file of the model")
      .text("--picture", settings.picture, "file of where the model looked: .svg, or .html")
      .integer("--beam", settings.beam, 1, 100, "beginnings of sounds that are followed")
      .text("--dictionary", settings.dictionary, "Festival's cmudict-0.4.out")
      .integer("--words", settings.words, 1, 1'000'000, "words of each split at most")
      .integer("--epochs", settings.epochs, 1, 1000, "times that the words are gone through")
      .integer("--batch-size", settings.batch_size, 1, 10'000, "words in a batch")
      .integer("--units", settings.units, 1, most_units, "width of each direction of the encoder")
      .integer("--threads", settings.threads, 1, 1024, "threads; the result is the same")
      .seed("--seed", settings.seed, "seed of the first weights, shuffling and dropout")
      .parse(argc, argv);
  set_threads(settings.threads);
  if (!settings.picture.empty()) examples::check_writable(settings.picture);
  if (settings.speak.empty())
    train(settings);
  else
    speak(settings);
}

}  // namespace

int main(int argc, char** argv) {
  return examples::run([&] { program(argc, argv); });
}
