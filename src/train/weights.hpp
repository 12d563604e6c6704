// New values for parameters, from a file.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "fovea/io/safetensors.hpp"
#include "fovea/train/weights.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace train {

/// The version of the files that are written, and the newest that is read.
constexpr int file_version = 1;
/// The metadata that has the version of the file, and what the names of a model file begin with
/// that are no weights.
constexpr const char *version_name = "fovea.version", *own_prefix = "fovea.";

/// A file to read and the call that reads it, for messages.
struct Source {
  const char* call;
  const std::string& path;
  const SafetensorsFile& file;
};

/// Throws FormatError for a version that is no number or is newer than this library.
void check_version(const Source& source);

/// Returns the tensors of a file of these parameters. Throws on the terms of save_weights.
std::vector<SafetensorsTensor> weight_tensors(const char* call,
                                              const std::vector<NamedParameter>& parameters);

/// Writes such tensors as a file of weights. Throws on the terms of save_weights.
void write_weights(const std::string& path, const std::vector<SafetensorsTensor>& tensors);

/// Values that were read and fit.
class NewWeights {
 public:
  /// Reads. Throws on the terms of load_weights.
  NewWeights(const Source& source, const std::vector<NamedParameter>& parameters,
             const LoadOptions& options);

  /// Makes the parameters ready to be written to. Throws MemoryError; their values stay.
  void prepare();
  /// Writes the values, after `prepare`. Does not throw.
  void assign() noexcept;

 private:
  std::vector<std::pair<Tensor, Array>> values_;
  std::vector<real*> places_;
};

}}}  // namespace fovea::train
