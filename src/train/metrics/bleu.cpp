#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "fovea/base/error.hpp"
#include "fovea/train/metrics/text.hpp"
#include "train/metrics/text_units.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

using metrics::Ngrams;

Bleu::Bleu(const BleuOptions& options) : options_(options) {
  if (options.max_order < 1 || options.max_order > 16)
    throw ValueError(fmt::format("Bleu: max_order is {}; it must be 1 to 16", options.max_order));
  if (options.smooth_value && !(*options.smooth_value >= 0 && std::isfinite(*options.smooth_value)))
    throw ValueError(fmt::format("Bleu: smooth_value is {}; it must be finite and at least 0",
                                 *options.smooth_value));
  right_.resize(static_cast<std::size_t>(options.max_order));
  all_.resize(right_.size());
}

void Bleu::add(std::string_view hypothesis, const std::vector<std::string>& references) {
  if (references.empty()) throw ValueError("Bleu: there are no references; give at least one");
  metrics::Numbering numbers;
  const auto sequence = [&](std::string_view text) {
    std::u32string points = metrics::code_points(text);
    if (options_.lowercase) points = metrics::lowered(std::move(points));
    return numbers(options_.tokenizer == BleuOptions::Tokenizer::none ? metrics::words(points)
                                                                      : metrics::words_13a(points));
  };
  const std::u32string own = sequence(hypothesis);
  std::vector<std::u32string> others;
  for (const std::string& reference : references) others.push_back(sequence(reference));
  const auto length = [](const std::u32string& text) { return static_cast<Index>(text.size()); };
  Index closest = length(others[0]);
  for (const std::u32string& other : others) {
    const auto key = [&](Index words) { return std::pair(std::abs(length(own) - words), words); };
    closest = std::min(closest, length(other), [&](Index a, Index b) { return key(a) < key(b); });
  }
  for (std::size_t i = 0; i < right_.size(); ++i) {
    const auto order = static_cast<Index>(i + 1);
    Ngrams allowed;
    for (const std::u32string& other : others)
      for (const auto& [ngram, count] : metrics::ngrams(other, order))
        allowed[ngram] = std::max(allowed[ngram], count);
    right_[i] += metrics::common(metrics::ngrams(own, order), allowed);
    all_[i] += metrics::count_of(own, order);
  }
  hypothesis_length_ += length(own);
  reference_length_ += closest;
}

Bleu& Bleu::operator+=(const Bleu& other) {
  if (right_.size() != other.right_.size())
    throw ValueError(fmt::format("Bleu: counts with max_order {} are added to those with {}",
                                 other.right_.size(), right_.size()));
  for (std::size_t i = 0; i < right_.size(); ++i) {
    right_[i] += other.right_[i];
    all_[i] += other.all_[i];
  }
  hypothesis_length_ += other.hypothesis_length_;
  reference_length_ += other.reference_length_;
  return *this;
}

double Bleu::brevity_penalty() const {
  if (hypothesis_length_ >= reference_length_) return 1;
  return hypothesis_length_ > 0 ? std::exp(1 - static_cast<double>(reference_length_) /
                                                   static_cast<double>(hypothesis_length_))
                                : 0;
}

double Bleu::result() const {
  using Smoothing = BleuOptions::Smoothing;
  if (std::ranges::all_of(right_, [](Index count) { return count == 0; })) return 0;
  const bool adds = options_.smoothing == Smoothing::add_k;
  const double value = options_.smooth_value.value_or(adds ? 1 : 0.1);
  double logarithms = 0, halved = 1;
  auto orders = static_cast<double>(right_.size());
  for (std::size_t i = 0; i < right_.size(); ++i) {
    const double more = adds && i > 0 ? value : 0;
    double right = static_cast<double>(right_[i]) + more;
    const double all = static_cast<double>(all_[i]) + more;
    // Without effective_order, lengths of which there is no n-gram have precision 0.
    if (all == 0 && !options_.effective_order) return 0;
    if (all == 0) break;
    if (options_.effective_order) orders = static_cast<double>(i + 1);
    if (right == 0 && options_.smoothing == Smoothing::exp) right = 1 / (halved *= 2);
    if (right == 0 && options_.smoothing == Smoothing::floor) right = value;
    if (right == 0) return 0;
    logarithms += std::log(100 * right / all);
  }
  return brevity_penalty() * std::exp(logarithms / orders);
}

double sentence_bleu(std::string_view hypothesis, const std::vector<std::string>& references,
                     BleuOptions options) {
  options.effective_order = true;
  Bleu bleu(options);
  bleu.add(hypothesis, references);
  return bleu.result();
}

}}  // namespace fovea
