// chrF, ROUGE and error rates.
#include "fovea/train/metrics/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "fovea/base/error.hpp"
#include "train/metrics/text_units.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

void check_references(const char* metric, const std::vector<std::string>& references) {
  if (references.empty())
    throw ValueError(fmt::format("{}: there are no references; give at least one", metric));
}

// Returns the words of a text, with the punctuation of ASCII cut off at the end, or else at the
// beginning, as chrF++ does.
std::vector<std::u32string> words_of_chrf(std::u32string_view text) {
  const auto is_punctuation = [](char32_t c) {
    return (c > U' ' && c < U'0') || (c > U'9' && c < U'A') || (c > U'Z' && c < U'a') ||
           (c > U'z' && c < 0x7f);
  };
  std::vector<std::u32string> result;
  for (const std::u32string& word : metrics::words(text)) {
    const bool behind = word.size() > 1 && is_punctuation(word.back());
    const bool before = word.size() > 1 && !behind && is_punctuation(word.front());
    const std::size_t cut = behind ? word.size() - 1 : before ? 1 : word.size();
    result.push_back(word.substr(0, cut));
    if (cut < word.size()) result.push_back(word.substr(cut));
  }
  return result;
}

}  // namespace

ChrF::ChrF(const ChrFOptions& options) : options_(options) {
  if (options.char_order < 1 || options.char_order > 16)
    throw ValueError(fmt::format("ChrF: char_order is {}; it must be 1 to 16", options.char_order));
  if (options.word_order < 0 || options.word_order > 16)
    throw ValueError(fmt::format("ChrF: word_order is {}; it must be 0 to 16", options.word_order));
  if (!(options.beta > 0 && std::isfinite(options.beta * options.beta)))
    throw ValueError(fmt::format("ChrF: beta is {}; it must be finite and above 0", options.beta));
  counts_.resize(static_cast<std::size_t>(options.char_order + options.word_order));
}

std::vector<ChrF::Counts> ChrF::compare(std::string_view hypothesis,
                                        std::string_view reference) const {
  metrics::Numbering numbers;
  const auto sequences = [&](std::string_view text) {
    std::u32string points = metrics::code_points(text);
    if (options_.lowercase) points = metrics::lowered(std::move(points));
    std::u32string by_word = options_.word_order > 0 ? numbers(words_of_chrf(points)) : U"";
    std::erase_if(points, metrics::is_space);
    return std::pair(std::move(points), std::move(by_word));
  };
  const auto own = sequences(hypothesis), other = sequences(reference);
  std::vector<Counts> result;
  const auto count = [&](std::u32string_view a, std::u32string_view b, Index orders) {
    for (Index order = 1; order <= orders; ++order) {
      const Index there = metrics::count_of(b, order);
      // n-grams that are longer than the reference do not count.
      result.push_back({there > 0 ? metrics::count_of(a, order) : 0, there,
                        metrics::common(metrics::ngrams(a, order), metrics::ngrams(b, order))});
    }
  };
  count(own.first, other.first, options_.char_order);
  count(own.second, other.second, options_.word_order);
  return result;
}

double ChrF::score(const std::vector<Counts>& counts) const {
  double precision = 0, recall = 0, orders = 0;
  for (const Counts& each : counts) {
    if (each.hypothesis == 0 || each.reference == 0) continue;
    precision += static_cast<double>(each.right) / static_cast<double>(each.hypothesis);
    recall += static_cast<double>(each.right) / static_cast<double>(each.reference);
    ++orders;
  }
  if (precision + recall == 0) return 0;
  precision /= orders;
  recall /= orders;
  const double square = options_.beta * options_.beta;
  return 100 * (1 + square) * precision * recall / (square * precision + recall);
}

void ChrF::add(std::string_view hypothesis, const std::vector<std::string>& references) {
  check_references("ChrF", references);
  std::vector<Counts> best = compare(hypothesis, references[0]);
  for (std::size_t i = 1; i < references.size(); ++i) {
    std::vector<Counts> other = compare(hypothesis, references[i]);
    if (score(other) > score(best)) best = std::move(other);
  }
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    counts_[i].hypothesis += best[i].hypothesis;
    counts_[i].reference += best[i].reference;
    counts_[i].right += best[i].right;
  }
}

ChrF& ChrF::operator+=(const ChrF& other) {
  if (options_.char_order != other.options_.char_order ||
      options_.word_order != other.options_.word_order)
    throw ValueError(fmt::format(
        "ChrF: counts with char_order {} and word_order {} are added to those with {} and {}",
        other.options_.char_order, other.options_.word_order, options_.char_order,
        options_.word_order));
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    counts_[i].hypothesis += other.counts_[i].hypothesis;
    counts_[i].reference += other.counts_[i].reference;
    counts_[i].right += other.counts_[i].right;
  }
  return *this;
}

double ChrF::result() const { return score(counts_); }

namespace {

RougeScore rouge_score(Index right, Index hypothesis, Index reference) {
  RougeScore score;
  if (right == 0) return score;
  score.precision = static_cast<double>(right) / static_cast<double>(hypothesis);
  score.recall = static_cast<double>(right) / static_cast<double>(reference);
  score.f1 = 2 * score.precision * score.recall / (score.precision + score.recall);
  return score;
}

RougeScores compare_rouge(std::string_view hypothesis, std::string_view reference) {
  metrics::Numbering numbers;
  const auto sequence = [&](std::string_view text) {
    return numbers(metrics::words_rouge(metrics::code_points(text)));
  };
  const std::u32string own = sequence(hypothesis), other = sequence(reference);
  const auto of_order = [&](Index order) {
    return rouge_score(metrics::common(metrics::ngrams(own, order), metrics::ngrams(other, order)),
                       metrics::count_of(own, order), metrics::count_of(other, order));
  };
  return {of_order(1), of_order(2),
          rouge_score(metrics::longest_common(own, other), static_cast<Index>(own.size()),
                      static_cast<Index>(other.size()))};
}

}  // namespace

void Rouge::add(std::string_view hypothesis, const std::vector<std::string>& references) {
  check_references("Rouge", references);
  RougeScores best = compare_rouge(hypothesis, references[0]);
  for (std::size_t i = 1; i < references.size(); ++i) {
    const RougeScores other = compare_rouge(hypothesis, references[i]);
    for (RougeScore RougeScores::*score :
         {&RougeScores::rouge1, &RougeScores::rouge2, &RougeScores::rouge_l})
      if ((other.*score).f1 > (best.*score).f1) best.*score = other.*score;
  }
  std::size_t i = 0;
  for (const RougeScore& score : {best.rouge1, best.rouge2, best.rouge_l})
    for (const double value : {score.precision, score.recall, score.f1}) sums_[i++] += value;
  ++count_;
}

Rouge& Rouge::operator+=(const Rouge& other) {
  for (std::size_t i = 0; i < sums_.size(); ++i) sums_[i] += other.sums_[i];
  count_ += other.count_;
  return *this;
}

RougeScores Rouge::result() const {
  const auto mean = [&](std::size_t i) {
    return count_ > 0 ? sums_[i].value() / static_cast<double>(count_) : 0;
  };
  const auto score = [&](std::size_t i) { return RougeScore{mean(i), mean(i + 1), mean(i + 2)}; };
  return {score(0), score(3), score(6)};
}

double EditRate::result() const {
  if (edits_ == 0) return 0;
  return length_ > 0 ? static_cast<double>(edits_) / static_cast<double>(length_)
                     : std::numeric_limits<double>::infinity();
}

void EditRate::add(std::u32string_view hypothesis, std::u32string_view reference) {
  edits_ += metrics::edit_distance(hypothesis, reference);
  length_ += static_cast<Index>(reference.size());
}

void EditRate::add(const EditRate& other) {
  edits_ += other.edits_;
  length_ += other.length_;
}

void WordErrorRate::add(std::string_view hypothesis, std::string_view reference) {
  metrics::Numbering numbers;
  const std::u32string own = numbers(metrics::words(metrics::code_points(hypothesis))),
                       other = numbers(metrics::words(metrics::code_points(reference)));
  EditRate::add(own, other);
}

WordErrorRate& WordErrorRate::operator+=(const WordErrorRate& other) {
  EditRate::add(other);
  return *this;
}

void CharacterErrorRate::add(std::string_view hypothesis, std::string_view reference) {
  EditRate::add(metrics::code_points(hypothesis), metrics::code_points(reference));
}

CharacterErrorRate& CharacterErrorRate::operator+=(const CharacterErrorRate& other) {
  EditRate::add(other);
  return *this;
}

}}  // namespace fovea
