// A model's layers and their parameters as a table of text, laid out as Keras' summary().
// The model makes the rows.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace train {

struct SummaryRow {
  std::string name;          // "dense_1"
  std::string type;          // "Dense"
  std::string output_shape;  // "(None, 10)"
  Index parameters = 0;
};

struct SummaryTotals {
  Index trainable = 0;
  Index non_trainable = 0;
  Index optimizer = 0;  // the elements that the optimiser keeps; no line if there are none
  Index bytes_per_parameter = sizeof(real);
};

/// Returns the model's name, the table, and the totals; each line ends in a newline. Every line of
/// the table has `width` code points, whatever the names. Text that does not fit is wrapped at
/// blanks. A word that is too long is cut, with an ellipsis. Throws ValueError if `width` is below
/// 16.
std::string summary_table(std::string_view model, std::span<const SummaryRow> rows,
                          const SummaryTotals& totals, Index width = 88);

/// Returns 1297867 as "1,297,867".
std::string with_commas(Index number);

/// Returns 5191468 as "4.95 MB", in the largest unit that leaves at least 1. A unit is 1024 of the
/// one before.
std::string memory_size(double bytes);

}}}  // namespace fovea::train
