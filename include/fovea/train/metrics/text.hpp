// Metrics of texts, for use beside fit: what a model wrote against what it should have written.
// Each is a value that takes texts by `add`, others of its kind by `+=`, and says its `result`, the
// same bits for any order and any cut of the texts.
//
// Texts are UTF-8; a byte that is not counts as a character of its own. Words are what stands
// between spaces, those of Unicode included.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/base/real.hpp"
#include "fovea/train/metrics/exact_sum.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// The options of Bleu, with sacrebleu's defaults.
struct BleuOptions {
  /// What the words are.
  enum class Tokenizer {
    mteval_13a,  ///< sacrebleu's "13a": punctuation is cut off
    none         ///< words as they stand
  };
  /// What is done where no n-gram of some length is right.
  enum class Smoothing {
    none,   ///< nothing: the score is 0
    floor,  ///< smooth_value, 0.1 if there is none, stands for 0
    add_k,  ///< smooth_value, 1 if there is none, is added to counts of n-grams longer than words
    exp     ///< 1/2, 1/4, ... stand for 0
  };

  /// What the words are.
  Tokenizer tokenizer = Tokenizer::mteval_13a;
  /// Whether capital letters A to Z are the same as small ones. sacrebleu also lowers others.
  bool lowercase = false;
  /// What is done where no n-gram of some length is right.
  Smoothing smoothing = Smoothing::exp;
  /// For `floor` and `add_k`: finite, at least 0.
  std::optional<double> smooth_value = {};
  /// The longest n-grams: 1 to 16.
  Index max_order = 4;
  /// Whether lengths of which the hypotheses have no n-gram are left out: for single sentences.
  bool effective_order = false;
};

/// BLEU of all texts together (Papineni and others 2002), as sacrebleu 2.6 computes it: 0 to 100.
class Bleu {
 public:
  /// Counts of nothing. Throws ValueError for options out of range.
  explicit Bleu(const BleuOptions& options = {});

  /// Adds a text and what it should have been, in one or several wordings. Throws ValueError for
  /// none.
  void add(std::string_view hypothesis, const std::vector<std::string>& references);
  /// Adds the texts of another. Throws ValueError for one of another max_order.
  Bleu& operator+=(const Bleu& other);
  /// Returns the score, 0 to 100; 0 of nothing.
  double result() const;

  /// Returns e^(1 - reference words / hypothesis words) of shorter hypotheses, else 1.
  double brevity_penalty() const;
  /// Returns the number of words in the hypotheses.
  Index hypothesis_length() const { return hypothesis_length_; }
  /// Returns the number of words in the references that are closest in length.
  Index reference_length() const { return reference_length_; }

 private:
  BleuOptions options_;
  Index hypothesis_length_ = 0, reference_length_ = 0;
  std::vector<Index> right_, all_;  // of the hypotheses' n-grams, by length
};

/// Returns BLEU of one text, with effective_order, as sacrebleu's sentence_bleu. Throws ValueError
/// for no references and options out of range.
double sentence_bleu(std::string_view hypothesis, const std::vector<std::string>& references,
                     BleuOptions options = {});

/// The options of ChrF, with sacrebleu's defaults.
struct ChrFOptions {
  /// The longest n-grams of characters: 1 to 16.
  Index char_order = 6;
  /// The longest n-grams of words: 0 to 16. 2 gives chrF++.
  Index word_order = 0;
  /// How much recall counts against precision: finite, above 0.
  double beta = 2;
  /// Whether capital letters A to Z are the same as small ones. sacrebleu also lowers others.
  bool lowercase = false;
};

/// chrF of all texts together, the F-score of n-grams of characters without spaces (Popovic 2015),
/// as sacrebleu 2.6 computes it: 0 to 100.
class ChrF {
 public:
  /// Counts of nothing. Throws ValueError for options out of range.
  explicit ChrF(const ChrFOptions& options = {});

  /// Adds a text and what it should have been; of several wordings that with the highest score
  /// counts. Throws ValueError for none.
  void add(std::string_view hypothesis, const std::vector<std::string>& references);
  /// Adds the texts of another. Throws ValueError for one of other orders.
  ChrF& operator+=(const ChrF& other);
  /// Returns the score, 0 to 100; 0 of nothing.
  double result() const;

 private:
  struct Counts {
    Index hypothesis = 0, reference = 0, right = 0;
  };
  double score(const std::vector<Counts>& counts) const;
  std::vector<Counts> compare(std::string_view hypothesis, std::string_view reference) const;

  ChrFOptions options_;
  std::vector<Counts> counts_;  // by length, of characters, then of words
};

/// Precision, recall, and their harmonic mean.
struct RougeScore {
  double precision = 0;  ///< the part of the hypothesis that is in the reference
  double recall = 0;     ///< the part of the reference that is in the hypothesis
  double f1 = 0;         ///< their harmonic mean
};

/// The scores that Rouge gives.
struct RougeScores {
  RougeScore rouge1;   ///< of words
  RougeScore rouge2;   ///< of pairs of words
  RougeScore rouge_l;  ///< of the longest common subsequence of words
};

/// The means over texts of ROUGE-1, ROUGE-2 and ROUGE-L (Lin 2004), as rouge-score 0.1.2 computes
/// them without stemming: 0 to 1. Words are runs of a to z and 0 to 9, after capitals were lowered;
/// texts in other letters have none.
class Rouge {
 public:
  /// Adds a text and what it should have been; of several wordings that with the highest f1 counts,
  /// for each score on its own. Throws ValueError for none.
  void add(std::string_view hypothesis, const std::vector<std::string>& references);
  /// Adds the texts of another.
  Rouge& operator+=(const Rouge& other);
  /// Returns the means; 0 of nothing.
  RougeScores result() const;

 private:
  Index count_ = 0;
  std::array<ExactSum, 9> sums_;
};

/// Edits that make hypotheses to references, against the length of the references.
class EditRate {
 public:
  /// Returns edits / length: 0 where there are no edits, infinity where references are empty and
  /// hypotheses are not. May be above 1.
  double result() const;
  /// Returns the number of insertions, deletions and substitutions (Levenshtein's distances).
  Index edits() const { return edits_; }
  /// Returns the length of the references.
  Index length() const { return length_; }

 protected:
  EditRate() = default;
  /// Adds the edits of two sequences.
  void add(std::u32string_view hypothesis, std::u32string_view reference);
  /// Adds the edits of another.
  void add(const EditRate& other);

 private:
  Index edits_ = 0, length_ = 0;
};

/// The word error rate: edits of words by words of the references.
class WordErrorRate : public EditRate {
 public:
  /// Adds a text and what it should have been.
  void add(std::string_view hypothesis, std::string_view reference);
  /// Adds the texts of another.
  WordErrorRate& operator+=(const WordErrorRate& other);
};

/// The character error rate: edits of characters (code points, spaces among them) by characters of
/// the references.
class CharacterErrorRate : public EditRate {
 public:
  /// Adds a text and what it should have been.
  void add(std::string_view hypothesis, std::string_view reference);
  /// Adds the texts of another.
  CharacterErrorRate& operator+=(const CharacterErrorRate& other);
};

}}  // namespace fovea
