// Event files of TensorBoard: records with checksums, each an Event message of Protocol Buffers.
// The format is that of TensorFlow's core/util/event.proto and core/framework/summary.proto.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace io {

/// Returns the CRC-32C (Castagnoli) of the bytes.
std::uint32_t crc32c(std::string_view bytes);

/// Counts of numbers: bucket i holds those above limits[i - 1], up to and including limits[i].
struct EventHistogram {
  double min = 0, max = 0, count = 0, sum = 0, sum_of_squares = 0;
  std::vector<double> limits, counts;
};

/// A scalar or a histogram under a name.
struct EventValue {
  std::string tag;
  double scalar = 0;
  std::optional<EventHistogram> histogram = {};
};

/// Returns the record with which a file begins. The time is in seconds since 1970.
std::string first_event_record(double time);
/// Returns the record of an event.
std::string event_record(double time, Index step, const std::vector<EventValue>& values);

/// Returns the position of the first record that does not stay, or that is torn or damaged; the
/// size of the file where there is none. `stays` is given the step and the first tag, which is
/// empty for the record that begins the file.
Index end_of_events(const std::string& path,
                    const std::function<bool(Index step, std::string_view tag)>& stays);

}}}  // namespace fovea::io
