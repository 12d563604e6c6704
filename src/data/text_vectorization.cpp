#include "fovea/data/text_vectorization.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "data/text_vocabulary.hpp"
#include "data/tokens.hpp"
#include "fovea/base/error.hpp"
#include "fovea/data/utf8.hpp"
#include "parallel/parallel.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

[[noreturn]] void refuse(const std::string& reason) {
  throw ValueError("TextVectorization: " + reason);
}

void check_functions(const TextVectorizationOptions& options) {
  const auto* const standardize = std::get_if<StandardizeFunction>(&options.standardize);
  const auto* const split = std::get_if<SplitFunction>(&options.split);
  if (standardize && !*standardize)
    refuse(
        "standardize: expected a function, got an empty one; TextStandardize::none leaves texts");
  if (split && !*split)
    refuse("split: expected a function, got an empty one; TextSplit::none leaves texts whole");
}

// A text is padded to its length: from a file, a longer one would cost gigabytes for each.
constexpr Index longest_sequence = Index(1) << 24;

void check_ngrams(const TextVectorizationOptions& options) {
  for (const Index width : options.ngrams.widths)
    if (width < 1 || width > 1000)
      refuse(fmt::format("ngrams: expected widths from 1 to 1000, got {}", width));
  const TextSplit* const split = std::get_if<TextSplit>(&options.split);
  if (!options.ngrams.widths.empty() && split && *split == TextSplit::none)
    refuse("ngrams: with TextSplit::none each text is one token; leave ngrams out, or split");
}

void check_options(const TextVectorizationOptions& options, Index specials) {
  check_functions(options);
  check_ngrams(options);
  const bool ids = options.output_mode == TextOutput::ids;
  if (options.max_tokens && (*options.max_tokens <= specials ||
                             *options.max_tokens > std::numeric_limits<std::int32_t>::max()))
    refuse(
        fmt::format("max_tokens: expected more than the {} special token{}, and fewer than "
                    "2^31, got {}",
                    specials, specials == 1 ? "" : "s", *options.max_tokens));
  if (options.output_sequence_length &&
      (*options.output_sequence_length < 1 || *options.output_sequence_length > longest_sequence))
    refuse(fmt::format("output_sequence_length: expected 1 to {}, got {}", longest_sequence,
                       *options.output_sequence_length));
  if (options.output_sequence_length && !ids)
    refuse(
        "output_sequence_length: only ids are a sequence; leave it out, or take "
        "TextOutput::ids");
  if (options.pad_to_max_tokens && (ids || !options.max_tokens))
    refuse(
        "pad_to_max_tokens: expected max_tokens and an output_mode of rows; set them, or leave "
        "it out");
  const bool weights = !options.idf_weights.empty();
  if (weights && options.output_mode != TextOutput::tf_idf)
    refuse("idf_weights: only TextOutput::tf_idf weighs tokens; leave them out");
  if (weights && options.vocabulary.empty())
    refuse("idf_weights: expected a vocabulary that they belong to; give both");
  if (!weights && !options.vocabulary.empty() && options.output_mode == TextOutput::tf_idf)
    refuse(
        "idf_weights: expected a weight for each token of the vocabulary, got none; give them, "
        "or let adapt find both");
}

void check_token(const std::string& token, std::size_t position) {
  if (token.empty() || token == unknown_token)
    refuse(
        fmt::format("vocabulary: token \"{}\" at position {} is a special one; leave the special "
                    "tokens out, or put all of this output_mode in front",
                    token, position));
  if (find_invalid_utf8(token))
    refuse(
        fmt::format("vocabulary: the token at position {} is no valid UTF-8; convert it, or "
                    "call replace_invalid_utf8",
                    position));
}

void check_unique(const TextVocabulary& vocabulary) {
  for (std::size_t i = 0; i < vocabulary.tokens.size(); ++i)
    if (vocabulary.find(vocabulary.tokens[i]) !=
        static_cast<std::int32_t>(i) + vocabulary.unknown + 1)
      refuse(fmt::format("vocabulary: the token \"{}\" stands twice; leave one out",
                         vocabulary.tokens[i]));
}

void check_weights(const std::vector<double>& weights, std::size_t tokens) {
  if (weights.size() != tokens)
    refuse(fmt::format("idf_weights: expected {}, one for each token of the vocabulary, got {}",
                       tokens, weights.size()));
  for (const double weight : weights)
    if (!(std::abs(weight) <= static_cast<double>(std::numeric_limits<real>::max())))
      refuse(fmt::format("idf_weights: expected finite numbers, got {}", weight));
}

double mean(std::span<const double> values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

// Pieces of texts that are worth a task each; the cut depends on the number of texts alone.
template <class Body>
void for_texts(std::size_t count, const Body& body) {
  parallel::for_range(static_cast<Index>(count),
                      std::max<Index>(16, static_cast<Index>(count) / 64),
                      [&](Index begin, Index end) {
                        body(static_cast<std::size_t>(begin), static_cast<std::size_t>(end));
                      });
}

}  // namespace

Ngrams::Ngrams(Index widest) {
  if (widest < 1 || widest > 1000)
    refuse(fmt::format("ngrams: expected widths from 1 to 1000, got {}", widest));
  for (Index width = 1; width <= widest; ++width) widths.push_back(width);
}

TextVectorization::TextVectorization(TextVectorizationOptions options)
    : options_(std::move(options)) {
  check_options(options_, special_tokens());
  if (options_.vocabulary.empty()) return;
  set_vocabulary(std::exchange(options_.vocabulary, {}), std::exchange(options_.idf_weights, {}));
}

void TextVectorization::set_vocabulary(std::vector<std::string> tokens,
                                       std::vector<double> weights) {
  const Index specials = special_tokens();
  if (options_.output_mode == TextOutput::tf_idf) check_weights(weights, tokens.size());
  std::vector<std::string> front(static_cast<std::size_t>(specials));
  front.back() = unknown_token;
  if (std::ranges::equal(std::span(tokens).first(std::min(tokens.size(), front.size())), front))
    tokens.erase(tokens.begin(), tokens.begin() + specials);
  else if (!weights.empty())
    weights.insert(weights.begin(), front.size(), mean(weights));
  for (std::size_t i = 0; i < tokens.size(); ++i) check_token(tokens[i], i);
  const Index size = static_cast<Index>(tokens.size()) + specials;
  if (size > options_.max_tokens.value_or(std::numeric_limits<std::int32_t>::max()))
    refuse(fmt::format("vocabulary: expected at most max_tokens, {}, with {} special, got {}",
                       *options_.max_tokens, specials, size));
  vocabulary_ =
      std::make_shared<const TextVocabulary>(std::move(tokens), specials, std::move(weights));
  check_unique(*vocabulary_);
  given_ = true;
}

void TextVectorization::adapt(std::span<const std::string> texts) {
  if (given_)
    throw StateError(
        "TextVectorization: adapt: the vocabulary was given; make one without a vocabulary");
  const Index specials = special_tokens();
  const Index largest = std::numeric_limits<std::int32_t>::max();
  std::vector<CountedToken> found =
      most_frequent(texts, options_, options_.max_tokens.value_or(largest) - specials);
  if (found.empty())
    refuse(fmt::format("adapt: expected texts with tokens, got {} text{} without any", texts.size(),
                       texts.size() == 1 ? "" : "s"));
  std::vector<std::string> tokens;
  std::vector<double> weights;
  for (CountedToken& token : found) {
    if (options_.output_mode == TextOutput::tf_idf)
      weights.push_back(
          std::log(1 + static_cast<double>(texts.size()) / (1 + static_cast<double>(token.texts))));
    tokens.push_back(std::move(token.token));
  }
  if (!weights.empty())
    weights.insert(weights.begin(), static_cast<std::size_t>(specials), mean(weights));
  vocabulary_ =
      std::make_shared<const TextVocabulary>(std::move(tokens), specials, std::move(weights));
}

void TextVectorization::adapt(std::initializer_list<std::string> texts) {
  adapt(std::span(texts.begin(), texts.size()));
}

Samples TextVectorization::operator()(std::span<const std::string> texts) const {
  std::optional<Samples> result;
  with_first_error(texts, options_, [&] {
    result = options_.output_mode == TextOutput::ids ? Samples(ids(texts)) : Samples(counts(texts));
  });
  return *std::move(result);
}

Samples TextVectorization::operator()(std::initializer_list<std::string> texts) const {
  return (*this)(std::span(texts.begin(), texts.size()));
}

Ids TextVectorization::ids(std::span<const std::string> texts) const {
  const TextVocabulary& known = vocabulary();
  std::vector<std::vector<std::int32_t>> rows(texts.size());
  const auto most = static_cast<std::size_t>(
      options_.output_sequence_length.value_or(std::numeric_limits<Index>::max()));
  for_texts(texts.size(), [&](std::size_t begin, std::size_t end) {
    Tokens tokens(options_);
    for (std::size_t i = begin; i < end; ++i) {
      tokens.read(texts[i], i);
      tokens.each([&](std::string_view token) {
        if (rows[i].size() < most) rows[i].push_back(token.empty() ? 0 : known.find(token));
      });
    }
  });
  std::size_t longest = 0;
  for (const auto& row : rows) longest = std::max(longest, row.size());
  const auto length = static_cast<std::size_t>(
      options_.output_sequence_length.value_or(static_cast<Index>(longest)));
  Ids result(Shape{static_cast<Index>(texts.size()), static_cast<Index>(length)});
  std::int32_t* out = result.mutable_data();
  for (const auto& row : rows)
    out = std::fill_n(std::ranges::copy(row, out).out, length - row.size(), 0);
  return result;
}

Array TextVectorization::counts(std::span<const std::string> texts) const {
  const TextVocabulary& known = vocabulary();
  const Index columns = options_.pad_to_max_tokens ? *options_.max_tokens : vocabulary_size();
  Array result = Array::zeros(Shape{static_cast<Index>(texts.size()), columns});
  real* const out = result.mutable_data();
  const bool weighted = options_.output_mode == TextOutput::tf_idf;
  for_texts(texts.size(), [&](std::size_t begin, std::size_t end) {
    Tokens tokens(options_);
    for (std::size_t i = begin; i < end; ++i) {
      real* const row = out + static_cast<Index>(i) * columns;
      tokens.read(texts[i], i);
      tokens.each([&](std::string_view token) {
        if (token.empty()) return;
        real& cell = row[known.find(token)];
        cell = options_.output_mode == TextOutput::multi_hot ? 1 : cell + 1;
      });
      for (std::size_t k = 0; weighted && k < known.weights.size(); ++k)
        row[k] *= static_cast<real>(known.weights[k]);
    }
  });
  return result;
}

std::vector<std::string> TextVectorization::get_vocabulary(bool include_special_tokens) const {
  if (!vocabulary_) return {};
  std::vector<std::string> result;
  if (include_special_tokens) {
    result.resize(static_cast<std::size_t>(special_tokens()));
    result.back() = unknown_token;
  }
  result.insert(result.end(), vocabulary_->tokens.begin(), vocabulary_->tokens.end());
  return result;
}

Index TextVectorization::vocabulary_size() const {
  return vocabulary_ ? static_cast<Index>(vocabulary_->tokens.size()) + special_tokens() : 0;
}

std::vector<double> TextVectorization::idf_weights() const {
  return vocabulary_ ? vocabulary_->weights : std::vector<double>();
}

const TextVocabulary& TextVectorization::vocabulary() const& {
  if (vocabulary_) return *vocabulary_;
  throw StateError(
      "TextVectorization: there is no vocabulary yet; call adapt with the training texts, or give "
      "one");
}

}}  // namespace fovea
