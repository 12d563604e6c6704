// The progress of an epoch as text, as Keras prints it: on a terminal a bar that is redrawn,
// elsewhere one line. The training loop computes the values.
#pragma once

#include <functional>
#include <iosfwd>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace train {

/// Seconds since some fixed moment.
using Clock = std::function<double()>;

/// Returns the time of a clock that never goes back.
double steady_seconds();

/// Returns whether `out` writes to a terminal that understands colours: `out` is std::cout or
/// std::cerr, the process's stream of that number is a terminal, NO_COLOR is unset or empty, and
/// TERM is not "dumb".
bool is_terminal(const std::ostream& out);

/// A value to show: a loss or a metric.
struct ProgressValue {
  std::string name;
  double value = 0;
};

/// Returns the value as the progress shows it, a NaN without its sign.
std::string number_text(double value);

struct ProgressOptions {
  bool terminal = false;  // a bar that is redrawn; otherwise one line at the end
  Index epoch = 1;        // the first is 1
  Index epochs = 1;
  Index steps = 1;
  Clock clock = steady_seconds;
};

/// One epoch's text. The clock starts with the object.
class Progress {
 public:
  /// Writes `Epoch 1/10` if there is more than one epoch. Throws ValueError if `steps` is below 1.
  Progress(std::ostream& out, ProgressOptions options);

  /// Draws the bar after `step` steps, unless the bar was drawn less than 0.05 seconds ago. Writes
  /// nothing without a terminal. The values are asked for when they are drawn.
  void update(Index step, const std::function<std::vector<ProgressValue>()>& values);

  /// Writes the last bar, or the one line, and a newline, after the epoch and its validation.
  /// `step` is the number of steps of an epoch that was cut short.
  void finish(std::span<const ProgressValue> values, std::optional<Index> step = {});

 private:
  double seconds_per_step(Index step, double now);
  void draw(const std::string& line, std::string_view end);
  void write(const std::string& text);

  std::ostream& out_;
  ProgressOptions options_;
  double start_;
  std::optional<double> first_step_;  // when the first step ended
  std::optional<double> drawn_;       // when the bar was last drawn
  Index drawn_width_ = 0;
};

}}}  // namespace fovea::train
