// Texts as ids of tokens, or as rows of counts: Keras' TextVectorization.
#pragma once

#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "fovea/data/samples.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// What is done to a text before it is split. Letters and punctuation are those of ASCII, as in
/// Keras: "É" stays as it is.
enum class TextStandardize { lower_and_strip_punctuation, lower, strip_punctuation, none };

/// Where a text is split into tokens: at runs of ASCII's blanks, at each character (code point), or
/// nowhere: the text is one token.
enum class TextSplit { whitespace, character, none };

/// What texts become. `ids` is Keras' "int".
enum class TextOutput { ids, multi_hot, count, tf_idf };

/// A function of one's own that standardises a text. It is called from several threads at once.
using StandardizeFunction = std::function<std::string(std::string_view)>;

/// A function of one's own that splits a text. It is called from several threads at once.
using SplitFunction = std::function<std::vector<std::string>(std::string_view)>;

/// The widths of n-grams. `2` stands for single tokens and pairs, `{2}` for pairs alone.
struct Ngrams {
  Ngrams() = default;  ///< single tokens
  /// All widths from 1 to this one.
  Ngrams(Index widest);  // NOLINT: implicit on purpose
  /// These widths, in order.
  Ngrams(std::initializer_list<Index> list) : widths(list) {}
  /// The same, from a list.
  explicit Ngrams(std::vector<Index> list) : widths(std::move(list)) {}

  /// Empty: single tokens.
  std::vector<Index> widths = {};
};

/// The options of TextVectorization, with Keras' names and defaults.
struct TextVectorizationOptions {
  /// The largest size of the vocabulary, with its special tokens. The most frequent tokens stay.
  std::optional<Index> max_tokens = {};
  /// A TextStandardize, or a function.
  std::variant<TextStandardize, StandardizeFunction> standardize =
      TextStandardize::lower_and_strip_punctuation;
  /// A TextSplit, or a function.
  std::variant<TextSplit, SplitFunction> split = TextSplit::whitespace;
  /// Tokens that are joined by a blank, one width after the other.
  Ngrams ngrams = {};
  /// Ids, or a row of the vocabulary's size for each text.
  TextOutput output_mode = TextOutput::ids;
  /// The length to which ids are cut or padded by 0; none: that of the longest text of the call.
  /// At most 2^24; for ids only.
  std::optional<Index> output_sequence_length = {};
  /// Whether rows have max_tokens columns, also where the vocabulary is smaller. Not for ids.
  bool pad_to_max_tokens = false;
  /// The tokens, with or without the special ones in front; empty: those that `adapt` finds.
  std::vector<std::string> vocabulary = {};
  /// For tf_idf: a weight for each token of `vocabulary`. Without special tokens there, the unknown
  /// token weighs the mean.
  std::vector<double> idf_weights = {};
};

/// Functions for a TextVectorization that is read from JSON, which holds none.
struct TextFunctions {
  StandardizeFunction standardize = {};  ///< where "standardize" is "function"
  SplitFunction split = {};              ///< where "split" is "function"
};

struct TextVocabulary;

/// Turns texts in UTF-8 into Samples, as keras.layers.TextVectorization does: a value.
///
///     TextVectorization vectorize{{.max_tokens = 20000, .output_sequence_length = 200}};
///     vectorize.adapt(texts);
///     model.fit(vectorize(texts), labels);
///
/// Id 0 is padding (the token ""), and id 1 unknown tokens ("[UNK]"). Rows of counts have no
/// padding, so their unknown token is at column 0. Tokens follow from the most to the least
/// frequent; those that are equally frequent follow from the highest to the lowest bytes.
///
/// Results are the same for any number of threads. Where Keras differs: it passes bytes through
/// that are not UTF-8, and maps all to the unknown token before it has a vocabulary.
class TextVectorization {
 public:
  /// Throws ValueError for options out of range or that exclude each other.
  explicit TextVectorization(TextVectorizationOptions options = {});

  /// Learns the vocabulary, and for tf_idf the weights log(1 + texts / (1 + texts with the token)).
  /// It replaces one that was learned before. Throws StateError where the vocabulary was given, and
  /// ValueError for texts that are no UTF-8 or hold no token at all.
  void adapt(std::span<const std::string> texts);
  /// The same, from a list.
  void adapt(std::initializer_list<std::string> texts);

  /// Returns Ids of shape (texts, length), or an Array of shape (texts, columns). Throws StateError
  /// without a vocabulary, and ValueError for a text that is no UTF-8.
  Samples operator()(std::span<const std::string> texts) const;
  /// The same, from a list.
  Samples operator()(std::initializer_list<std::string> texts) const;

  /// Returns the tokens in the order of their ids. Empty before there is a vocabulary.
  std::vector<std::string> get_vocabulary(bool include_special_tokens = true) const;
  /// Returns the number of ids, the special ones included: the `input_dim` of an Embedding.
  Index vocabulary_size() const;
  /// Returns the weights of tf_idf, one for each id; empty in other modes.
  std::vector<double> idf_weights() const;
  /// Returns the options. `vocabulary` and `idf_weights` are empty there.
  const TextVectorizationOptions& options() const& { return options_; }
  /// The same, of a temporary.
  TextVectorizationOptions options() const&& { return options_; }

  /// Returns options and vocabulary as JSON. A function of one's own becomes the word "function".
  std::string to_json() const;
  /// Reads what `to_json` wrote; `name` stands for the text in messages. Throws FormatError with
  /// the byte where the text is not such JSON. Throws ValueError where a function is needed and not
  /// given, or given and not needed.
  static TextVectorization from_json(std::string_view text, const TextFunctions& functions = {},
                                     const std::string& name = "TextVectorization");

 private:
  Index special_tokens() const { return options_.output_mode == TextOutput::ids ? 2 : 1; }
  void set_vocabulary(std::vector<std::string> tokens, std::vector<double> weights);
  const TextVocabulary& vocabulary() const&;
  Ids ids(std::span<const std::string> texts) const;
  Array counts(std::span<const std::string> texts) const;

  TextVectorizationOptions options_;
  std::shared_ptr<const TextVocabulary> vocabulary_;
  bool given_ = false;
};

}}  // namespace fovea
