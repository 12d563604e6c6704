// What a user of Keras or pandas would write about data, and what is said.
#include "errors/wrong_programs.hpp"

using namespace wrong_programs;

namespace {

CsvFile table() { return CsvFile::from_text("area,price\n1.5,2\n2,NA\n", {}, "houses.csv"); }

}  // namespace

TEST_CASE("a wrong vectorization of texts is named with its values and what to write") {
  check({
      {"calls it before adapt", [] { TextVectorization()({"a text"}); },
       "StateError: TextVectorization: there is no vocabulary yet; call adapt with the training "
       "texts, or give one"},
      {"adapts to texts without a word",
       [] {
         TextVectorization().adapt({"", "..."});
       },
       "ValueError: TextVectorization: adapt: expected texts with tokens, got 2 texts without any"},
      {"adapts one that was given its vocabulary",
       [] { TextVectorization{{.vocabulary = {"word"}}}.adapt({"other"}); },
       "StateError: TextVectorization: adapt: the vocabulary was given; make one without a "
       "vocabulary"},
      {"leaves no room for tokens", [] { TextVectorization{{.max_tokens = 2}}; },
       "ValueError: TextVectorization: max_tokens: expected more than the 2 special tokens, and "
       "fewer than 2^31, got 2"},
      {"asks for a sequence of counts",
       [] { TextVectorization{{.output_mode = TextOutput::count, .output_sequence_length = 9}}; },
       "ValueError: TextVectorization: output_sequence_length: only ids are a sequence; leave it "
       "out, or take TextOutput::ids"},
      {"wants sequences of no length", [] { TextVectorization{{.output_sequence_length = 0}}; },
       "ValueError: TextVectorization: output_sequence_length: expected 1 to 16777216, got 0"},
      {"wants sequences that no memory holds",
       [] { TextVectorization{{.output_sequence_length = Index(1) << 40}}; },
       "ValueError: TextVectorization: output_sequence_length: expected 1 to 16777216, got "
       "1099511627776"},
      {"pads columns without max_tokens",
       [] { TextVectorization{{.output_mode = TextOutput::count, .pad_to_max_tokens = true}}; },
       "ValueError: TextVectorization: pad_to_max_tokens: expected max_tokens and an output_mode "
       "of "
       "rows; set them, or leave it out"},
      {"gives a vocabulary for tf_idf without weights",
       [] { TextVectorization{{.output_mode = TextOutput::tf_idf, .vocabulary = {"word"}}}; },
       "ValueError: TextVectorization: idf_weights: expected a weight for each token of the "
       "vocabulary, got none; give them, or let adapt find both"},
      {"gives too few weights",
       [] {
         TextVectorization{
             {.output_mode = TextOutput::tf_idf, .vocabulary = {"one", "two"}, .idf_weights = {1}}};
       },
       "ValueError: TextVectorization: idf_weights: expected 2, one for each token of the "
       "vocabulary, got 1"},
      {"weighs ids", [] { TextVectorization{{.vocabulary = {"one"}, .idf_weights = {1}}}; },
       "ValueError: TextVectorization: idf_weights: only TextOutput::tf_idf weighs tokens; leave "
       "them out"},
      {"repeats a token",
       [] {
         TextVectorization{{.vocabulary = {"one", "two", "one"}}};
       },
       "ValueError: TextVectorization: vocabulary: the token \"one\" stands twice; leave one out"},
      {"gives one of two special tokens",
       [] {
         TextVectorization{{.vocabulary = {"[UNK]", "one"}}};
       },
       "ValueError: TextVectorization: vocabulary: token \"[UNK]\" at position 0 is a special one; "
       "leave the special tokens out, or put all of this output_mode in front"},
      {"gives more tokens than max_tokens",
       [] {
         TextVectorization{{.max_tokens = 3, .vocabulary = {"one", "two"}}};
       },
       "ValueError: TextVectorization: vocabulary: expected at most max_tokens, 3, with 2 special, "
       "got 4"},
      {"joins tokens of texts that are not split",
       [] { TextVectorization{{.split = TextSplit::none, .ngrams = 2}}; },
       "ValueError: TextVectorization: ngrams: with TextSplit::none each text is one token; leave "
       "ngrams out, or split"},
      {"asks for n-grams of nothing", [] { TextVectorization{{.ngrams = 0}}; },
       "ValueError: TextVectorization: ngrams: expected widths from 1 to 1000, got 0"},
      {"passes a function that is none",
       [] { TextVectorization{{.standardize = StandardizeFunction()}}; },
       "ValueError: TextVectorization: standardize: expected a function, got an empty one; "
       "TextStandardize::none leaves texts"},
  });
}

TEST_CASE("a wrong use of a table or a split is named with its place") {
  check({
      {"mistypes a column", [] { table().numbers("prize"); },
       "IndexError: houses.csv: expected the name of a column, got \"prize\"; the columns are "
       "area, "
       "price"},
      {"forgets that a price is missing",
       [] {
         table().numbers({"area", "price"});
       },
       "FormatError: houses.csv: at byte 19: line 3, column \"price\": expected a number (set "
       "missing_numbers to MissingNumbers::nan to have NaN), got \"NA\""},
      {"takes real numbers for labels", [] { table().integers("area"); },
       "FormatError: houses.csv: at byte 11: line 2, column \"area\": expected a whole number of "
       "32 "
       "bits, got \"1.5\""},
      {"reads a file that is not there", [] { CsvFile("no/such.csv"); },
       "IoError: no/such.csv: cannot open: No such file or directory"},
      {"passes a percentage", [] { train_test_split(100, 20); },
       "ValueError: train_test_split: fraction: expected above 0 and below 1, got 20"},
      {"splits two samples", [] { train_test_split(2, 0.1); },
       "ValueError: train_test_split: expected samples for both parts, got 0 for the test of 2 "
       "samples; change the fraction, or give more samples"},
      {"pads to no length",
       [] {
         pad_sequences({{1, 2}}, {.maxlen = 0});
       },
       "ValueError: pad_sequences: maxlen: expected at least 1, got 0"},
  });
}
