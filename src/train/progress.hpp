// The text that shows how an epoch goes, as Keras prints it: on a terminal a bar that redraws
// itself, elsewhere one line. What the numbers are, and when they are taken, is the training
// loop's.
#pragma once

#include <functional>
#include <iosfwd>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace train {

/// Seconds since some fixed moment.
using Clock = std::function<double()>;

/// A clock that never goes back.
double steady_seconds();

/// Whether text written to `out` appears on a terminal that understands colours: `out` is std::cout
/// or std::cerr, the process's stream of that number is a terminal, NO_COLOR is unset or empty, and
/// TERM is not "dumb".
bool is_terminal(const std::ostream& out);

/// A number to show: a loss or a metric.
struct ProgressValue {
  std::string name;
  double value = 0;
};

struct ProgressOptions {
  bool terminal = false;  // a bar that redraws itself; otherwise one line at the end
  Index epoch = 1;        // the first is 1
  Index epochs = 1;
  Index steps = 1;
  Clock clock = steady_seconds;
};

/// One epoch's text. The clock starts with the object.
class Progress {
 public:
  /// Writes `Epoch 1/10` if there is more than one epoch. Throws ValueError if `steps` is below
  /// one.
  Progress(std::ostream& out, ProgressOptions options);

  /// After `step` steps: draws the bar, unless it was drawn less than 0.05 seconds ago. Without a
  /// terminal it writes nothing.
  void update(Index step, std::span<const ProgressValue> values);

  /// After the epoch and its validation: the last bar, or the one line, and a newline. `step`: how
  /// many steps were made, where the epoch was cut short.
  void finish(std::span<const ProgressValue> values, std::optional<Index> step = {});

 private:
  double seconds_per_step(Index step, double now);
  void draw(const std::string& line, std::string_view end);
  void write(const std::string& text);

  std::ostream& out_;
  ProgressOptions options_;
  double start_;
  std::optional<double> first_step_;  // when it was done
  std::optional<double> drawn_;       // when the bar was last drawn
  Index drawn_width_ = 0;
};

}}}  // namespace fovea::train
