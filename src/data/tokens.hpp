// How a text becomes tokens: standardise, split, join n-grams.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fovea/base/error.hpp"
#include "fovea/data/text_vectorization.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// The tokens of a text, joined by single blanks, so that an n-gram is a piece of the whole.
class Tokens {
 public:
  /// Takes the options of a TextVectorization, which must outlive the object.
  explicit Tokens(const TextVectorizationOptions& options);

  /// Replaces the tokens by those of a text. `number` stands for the text in messages. Throws
  /// ValueError where the text, or what a function made of it, is no UTF-8.
  void read(std::string_view text, std::size_t number);

  /// Calls use(token) for each n-gram of each width.
  template <class Use>
  void each(const Use& use) const {
    const std::string_view all = joined_;
    for (const std::size_t width : widths_)
      for (std::size_t i = 0; i + width <= places_.size(); ++i)
        use(all.substr(places_[i].first, places_[i + width - 1].second - places_[i].first));
  }

 private:
  void split_at_blanks(std::string_view text);
  void split_at_characters(std::string_view text);
  void append(std::string_view token);

  const TextVectorizationOptions& options_;
  std::vector<std::size_t> widths_;
  char mapped_[256];  // what becomes of a byte when standardised
  bool kept_[256];    // whether it stays
  std::string standardized_;
  std::string joined_;
  std::vector<std::pair<std::size_t, std::size_t>> places_;  // begin and end of each token
};

/// Runs a body that reads texts in parallel. Where it throws ValueError for some of them, throws
/// that of the first, so that the message is the same for any number of threads.
template <class Body>
void with_first_error(std::span<const std::string> texts, const TextVectorizationOptions& options,
                      const Body& body) {
  try {
    body();
  } catch (const ValueError&) {
    Tokens tokens(options);
    for (std::size_t i = 0; i < texts.size(); ++i) tokens.read(texts[i], i);
    throw;
  }
}

}}  // namespace fovea
