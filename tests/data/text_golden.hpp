// Keras' results on texts, and options as its configuration names them.
#pragma once

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "fovea/data/text_vectorization.hpp"

namespace text_golden {

using namespace fovea;
using Json = nlohmann::json;

inline Json read(const std::string& name) {
  std::ifstream file(std::string(FOVEA_GOLDEN_DIR) + "/text/" + name);
  if (!file) throw std::runtime_error("no file " + name);
  return Json::parse(file);
}

inline TextVectorizationOptions options(const Json& config) {
  const std::map<std::string, TextStandardize> standardize = {
      {"lower", TextStandardize::lower}, {"strip_punctuation", TextStandardize::strip_punctuation}};
  const std::map<std::string, TextOutput> modes = {{"multi_hot", TextOutput::multi_hot},
                                                   {"count", TextOutput::count},
                                                   {"tf_idf", TextOutput::tf_idf}};
  TextVectorizationOptions o;
  for (const auto& [name, value] : config.items()) {
    if (name == "max_tokens") o.max_tokens = value.get<Index>();
    if (name == "output_sequence_length") o.output_sequence_length = value.get<Index>();
    if (name == "standardize")
      o.standardize = value.is_null() ? TextStandardize::none : standardize.at(value);
    if (name == "split") o.split = value.is_null() ? TextSplit::none : TextSplit::character;
    if (name == "ngrams")
      o.ngrams = value.is_array() ? Ngrams(value.get<std::vector<Index>>()) : value.get<Index>();
    if (name == "output_mode") o.output_mode = modes.at(value);
    if (name == "pad_to_max_tokens") o.pad_to_max_tokens = value;
    if (name == "vocabulary") o.vocabulary = value.get<std::vector<std::string>>();
    if (name == "idf_weights") o.idf_weights = value.get<std::vector<double>>();
  }
  return o;
}

inline std::vector<double> numbers(const Samples& samples) {
  if (!samples.is_ids()) return {samples.array().values().begin(), samples.array().values().end()};
  return {samples.ids().values().begin(), samples.ids().values().end()};
}

}  // namespace text_golden
