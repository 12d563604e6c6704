// BLEU, chrF, ROUGE and edit distances that sacrebleu and rouge-score computed
// (tests/golden/README.md).
#include <doctest/doctest.h>

#include <cmath>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "fovea/io/npy.hpp"
#include "fovea/train/metrics/text.hpp"
#include "golden/golden.hpp"

using namespace fovea;
using nlohmann::json;

namespace {

struct Comparisons {
  Index agree = 0, all = 0;
  void close(const std::string& name, double ours, double theirs, double t) {
    CAPTURE(name);
    const bool is_close = std::abs(ours - theirs) <= t * (1 + std::abs(theirs));
    CHECK_MESSAGE(is_close, ours, " for ", theirs);
    agree += is_close;
    ++all;
  }
};

json golden_texts() {
  std::ifstream stream(std::string(FOVEA_GOLDEN_DIR) + "/text_metrics.json");
  return json::parse(stream);
}

void compare_rouge(Comparisons& to, const std::string& name, const RougeScore& ours,
                   const json& theirs) {
  to.close(name + " precision", ours.precision, theirs["precision"], 1e-9);
  to.close(name + " recall", ours.recall, theirs["recall"], 1e-9);
  to.close(name + " f1", ours.f1, theirs["f1"], 1e-9);
}

void compare_case(Comparisons& to, const json& golden) {
  const std::string hypothesis = golden["hypothesis"], reference = golden["reference"];
  CAPTURE(hypothesis);
  to.close("sentence bleu", sentence_bleu(hypothesis, {reference}),
           golden["sentence_bleu_13a_exp_effective_order"], 1e-6);
  Rouge rouge;
  rouge.add(hypothesis, {reference});
  compare_rouge(to, "rouge1", rouge.result().rouge1, golden["rouge1"]);
  compare_rouge(to, "rouge2", rouge.result().rouge2, golden["rouge2"]);
  compare_rouge(to, "rougeL", rouge.result().rouge_l, golden["rougeL"]);
  WordErrorRate words;
  words.add(hypothesis, reference);
  CharacterErrorRate characters;
  characters.add(hypothesis, reference);
  to.close("words", static_cast<double>(words.edits()), golden["edit_distance_words"], 0);
  to.close("characters", static_cast<double>(characters.edits()),
           golden["edit_distance_characters"], 0);
}

void compare_corpus(Comparisons& to, const json& golden, const std::string& name,
                    const BleuOptions& options, bool second = false) {
  Bleu bleu(options);
  for (std::size_t i = 0; i < golden["cases"].size(); ++i) {
    std::vector<std::string> references = {golden["cases"][i]["reference"]};
    if (second) references.push_back(golden["second_references"][i]);
    bleu.add(std::string(golden["cases"][i]["hypothesis"]), references);
  }
  const json& theirs = golden["corpus_bleu"][name];
  to.close(name, bleu.result(), theirs["score"], 1e-6);
  to.close(name, bleu.brevity_penalty(), theirs["brevity_penalty"], 1e-6);
  to.close(name, static_cast<double>(bleu.hypothesis_length()), theirs["hypothesis_length"], 0);
  to.close(name, static_cast<double>(bleu.reference_length()), theirs["reference_length"], 0);
}

// Ids as words; 0 ends a row.
std::string words_of_row(const Ids& rows, Index row) {
  const Index width = rows.shape()[-1];
  std::string text;
  for (Index i = row * width; i < (row + 1) * width && rows.at(i) != 0; ++i)
    text += std::to_string(rows.at(i)) + " ";
  return text;
}

void compare_sequences(Comparisons& to) {
  const NumpyArchive file = golden::open("metrics");
  const Ids truth = file.ids("sequences_true"), guess = file.ids("sequences_predicted"),
            edits = file.ids("edit_distances");
  WordErrorRate all;
  for (Index i = 0; i < edits.count(); ++i) {
    WordErrorRate one;
    one.add(words_of_row(guess, i), words_of_row(truth, i));
    to.close("edits", static_cast<double>(one.edits()), static_cast<double>(edits.at(i)), 0);
    all += one;
  }
  to.close("error rate", all.result(), static_cast<double>(file.array("error_rate").at(0)), 1e-6);
}

}  // namespace

TEST_CASE("metrics of texts are those of sacrebleu and rouge-score") {
  using Tokenizer = BleuOptions::Tokenizer;
  using Smoothing = BleuOptions::Smoothing;
  const json golden = golden_texts();
  Comparisons to;
  for (const json& each : golden["cases"]) compare_case(to, each);
  compare_corpus(to, golden, "default_13a_exp", {});
  compare_corpus(to, golden, "tokenize_none", {.tokenizer = Tokenizer::none});
  compare_corpus(to, golden, "lowercase", {.lowercase = true});
  compare_corpus(to, golden, "smooth_none", {.smoothing = Smoothing::none});
  compare_corpus(to, golden, "smooth_floor", {.smoothing = Smoothing::floor});
  compare_corpus(to, golden, "smooth_add_k", {.smoothing = Smoothing::add_k});
  compare_corpus(to, golden, "two_references", {}, true);
  ChrF chrf;
  for (const json& each : golden["cases"])
    chrf.add(std::string(each["hypothesis"]), {each["reference"]});
  to.close("chrf", chrf.result(), golden["corpus_chrf"], 1e-6);
  compare_sequences(to);
  std::printf("figure: metrics golden, of texts = %lld of %lld\n", static_cast<long long>(to.agree),
              static_cast<long long>(to.all));
}
