// Tasks in which each answer is one symbol of a sequence, and the models that are compared on them:
// attention over the sequence, its mean, and a recurrent state. What a model has to find moves from
// sequence to sequence, so a summary of one width has to hold all of it; attention looks it up.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/fovea.hpp"

namespace examples {

/// Sequences that are drawn at random, questions about them, and answers.
struct SequenceTask {
  enum class Kind {
    copy,     ///< the first symbol, the second ... of letters
    reverse,  ///< the last symbol, the one before it ...
    recall,   ///< the digit behind each letter, of pairs such as "k 3 a 7", asked in another order
  };

  Kind kind = Kind::copy;
  fovea::Index letters = 26;
  fovea::Index shortest = 10, longest = 20;  ///< letters of a sequence; recall has half as many

  static constexpr fovea::Index digits = 10;

  /// Sequences with ids (samples, time), questions (samples, questions) and answers, 0 where a
  /// sequence has ended. Letters are ids from 1, digits follow them. A question is a place, from 1,
  /// or with recall a letter.
  fovea::SampleBatch draw(fovea::Index samples, fovea::Rng random) const;

  /// Returns where in a sequence the answer to a question stands.
  fovea::Index place_of(std::span<const std::int32_t> sequence, fovea::Index question) const;

  std::string name() const;
  fovea::Index ids() const { return letters + 1 + (kind == Kind::recall ? digits : 0); }
  fovea::Index questions() const { return (kind == Kind::recall ? letters : longest) + 1; }
  /// "a" to "z", then "0" to "9".
  std::string symbol(fovea::Index id) const;
};

/// A model of answers: one of three ways from a sequence to them, the rest being the same.
struct Answers {
  enum class Way { attention, mean, recurrent };
  static constexpr const char* input_names[] = {"sequence", "questions"};

  SequenceTask task;
  Way way = Way::attention;
  fovea::Index width = 64;
  fovea::Index units = width;  ///< the attention's, or the state's; with the mean the last layer's

  fovea::Embedding symbol{task.ids(), width, true}, question{task.questions(), width, true};
  /// A symbol knows how far it is from either end, and with recall which one stands before it.
  fovea::Embedding from_start{task.longest + 1, width}, from_end{task.longest + 1, width};
  fovea::Conv1D window{width,
                       task.kind == SequenceTask::Kind::recall ? 2 : 1,
                       {.padding = fovea::Padding::causal},
                       fovea::Activation::relu};

  fovea::AttentionLayer attention{.units = units, .reading = fovea::Reading::query};
  fovea::GlobalAveragePooling1D mean;
  fovea::GRU listener{.units = units}, speaker{.units = units, .return_sequences = true};

  fovea::Dense hidden{way == Way::mean ? units : width, fovea::Activation::relu};
  fovea::Dense answer{task.ids(), fovea::Activation::softmax};

  fovea::Signal operator()(const fovea::Ids& sequence, const fovea::Ids& questions,
                           const fovea::Context& context = {}) const;

  static void parameters(auto& self, auto&& visit) {
    visit("symbol", self.symbol);
    visit("question", self.question);
    visit("from_start", self.from_start);
    visit("from_end", self.from_end);
    visit("window", self.window);
    if (self.way == Way::attention) visit("attention", self.attention);
    if (self.way == Way::mean) visit("mean", self.mean);
    if (self.way == Way::recurrent) visit("listener", self.listener);
    if (self.way == Way::recurrent) visit("speaker", self.speaker);
    visit("hidden", self.hidden);
    visit("answer", self.answer);
  }
};

/// Returns the name of a way: "attention".
std::string_view name_of(Answers::Way way);

/// Returns a model of a task: with attention, of this width; in another way, with the fewest units,
/// a multiple of 4, that give at least as many parameters.
fovea::Model model_of(const SequenceTask& task, Answers::Way way, fovea::Index width);

/// The part of the answers that are right, and of the sequences whose answers are all right.
struct Exactness {
  double answers, sequences;
};
Exactness exactness(const fovea::Model& model, const fovea::SampleBatch& samples);

/// Returns how much of the weight, on average, lies where the answer stands.
double weight_on_answers(const fovea::Model& model, const SequenceTask& task,
                         const fovea::SampleBatch& samples);

}  // namespace examples
