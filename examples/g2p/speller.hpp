// The model that speaks words: letters in, sounds out, with additive attention over the letters.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "fovea/fovea.hpp"
#include "support/pronunciations.hpp"

namespace examples {

/// An encoder reads the letters in both directions. A decoder is told the sounds so far, and each
/// of its states is a query: attention weighs the letters, and the next sound follows from what it
/// found and the state. Bahdanau, Cho and Bengio (2014), with the decoder's new state as the query,
/// as Luong, Pham and Manning (2015) have it: all sounds of a word are then trained at once.
struct Speller {
  static constexpr const char* input_names[] = {"letters", "told"};
  static constexpr std::int32_t end = 1;       ///< the id that ends the sounds, and begins them
  static constexpr std::int32_t specials = 2;  ///< padding and the end stand before the sounds

  fovea::Index sounds;       ///< number of phonemes
  fovea::Index units = 128;  ///< of each direction
  fovea::Embedding letter{27, 64, true}, sound{sounds + specials, 64, true};
  fovea::GRU forward{.units = units, .return_sequences = true},
      backward{.units = units, .return_sequences = true};
  fovea::Dense start{2 * units, fovea::Activation::tanh};
  fovea::GRU decoder{.units = 2 * units, .return_sequences = true};
  fovea::AttentionLayer attention{.units = units, .reading = fovea::Reading::query};
  fovea::Dense hidden{2 * units, fovea::Activation::tanh};
  fovea::Dropout dropout{fovea::real(0.2)};
  fovea::Dense next{sounds + specials, fovea::Activation::softmax};

  /// What the encoder makes of a batch of words.
  struct Heard {
    fovea::Tensor letters;            // (batch, time, 2 units)
    std::optional<fovea::Mask> mask;  // (batch, time)
    fovea::Tensor state;              // (batch, 2 units): the first of the decoder
  };
  Heard hear(const fovea::Ids& letters, const fovea::Caller<Speller>& call) const;

  /// Probabilities of the next sounds, and the last state, of a decoder that is told some.
  struct Said {
    fovea::Tensor next;   // (batch, told, sounds + specials)
    fovea::Tensor state;  // (batch, 2 units)
  };
  Said say(const fovea::Ids& told, const Heard& heard, const fovea::Caller<Speller>& call) const;

  fovea::Signal operator()(const fovea::Ids& letters, const fovea::Ids& told,
                           const fovea::Context& context = {}) const;

  static void parameters(auto& self, auto&& visit) {
    visit("letter", self.letter);
    visit("sound", self.sound);
    visit("forward", self.forward);
    visit("backward", self.backward);
    visit("start", self.start);
    visit("decoder", self.decoder);
    visit("attention", self.attention);
    visit("hidden", self.hidden);
    visit("dropout", self.dropout);
    visit("next", self.next);
  }
};

/// Words as the model takes them, each with its first pronunciation, padded to one length.
struct Lesson {
  fovea::Ids letters, told, target;  // (words, time)
};
Lesson lesson(std::span<const Word> words);

/// Returns letters as ids, (words, longest). Throws ValueError for a word that is empty or has
/// other letters than a to z.
fovea::Ids letter_ids(std::span<const std::string> words);

/// Returns the likeliest sounds of each word. With a beam of 1 each next sound is the likeliest;
/// with more, as many beginnings are followed as the beam is wide.
std::vector<Sounds> speak(const Speller& speller, std::span<const std::string> words,
                          fovea::Index beam = 1);

}  // namespace examples
