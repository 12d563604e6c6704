// Words shaded by their attention weights, for a terminal.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// One text and where a model looked in it.
struct ShadedText {
  std::string label;               ///< in front of the words, such as the predicted class
  std::vector<std::string> words;  ///< in order
  std::vector<real> weights;       ///< one for each word, at least 0; they need not sum to 1
};

/// Options of attention_text.
struct AttentionTextOptions {
  /// Whether to shade words by escape sequences of 256 colours. A program passes whether its output
  /// is a terminal that shows colours, and false where NO_COLOR is set (https://no-color.org).
  bool colour = true;
  Index width = 80;    ///< columns of the terminal; at least 20
  bool legend = true;  ///< whether to end with a line that explains the shades
};

/// Returns the texts for a terminal, in lines of at most `width` columns. Each label stands in
/// front of its words, or above them where it is longer than a third of a line. In colour the
/// background of a word is the stronger the larger its weight is beside the largest of its text.
/// Without colour the three largest weights, from 0.5 % on, follow their words in percent. Words
/// are UTF-8; wide characters take two columns. Characters that steer a terminal, and bytes that
/// are no UTF-8, are replaced, so that no text can do harm. Throws ValueError unless there is a
/// weight for each word, finite and at least 0, and for a width below 20.
std::string attention_text(std::span<const ShadedText> texts,
                           const AttentionTextOptions& options = {});

}}  // namespace fovea
