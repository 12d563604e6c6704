// Weights in files: the parameters of a module, or of a model, as safetensors. docs/saving.md shows
// what else a model can save.
#pragma once

#include <string>
#include <vector>

#include "fovea/nn/module.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// What happens to a name that only one side has.
enum class Unmatched {
  refuse,  ///< an error that lists all of them
  allow,   ///< it is left out
};

/// How a file calls some parameters: {"encoder/*", "bert.encoder.*"}. Each "*" stands for any
/// characters, and the file's name has the same ones in its place.
struct Renaming {
  std::string path;  ///< a pattern of paths of the module
  std::string name;  ///< the names of these in the file, with as many "*"
};

/// The options of load_weights.
struct LoadOptions {
  /// Parameters that the file lacks: they keep their values where that is allowed.
  Unmatched missing = Unmatched::refuse;
  /// Tensors of the file that are no parameter.
  Unmatched extra = Unmatched::refuse;
  /// Names that are others in the file. The first pattern that matches a path counts.
  std::vector<Renaming> rename = {};
  /// What stands for each "/" of a path in the file: "." in PyTorch's.
  std::string separator = "/";
  /// Patterns of the paths whose tensors the file holds in PyTorch's layout, (out, in, window...):
  /// for a Dense kernel (units, inputs), for a convolution (filters, channels, rows, columns).
  /// Keras' layout is ours.
  std::vector<std::string> transposed = {};
};

/// Writes parameters under their paths, as F32 (F64 where `real` is double), with a checksum. One
/// that stands under several paths is written once, under the first. At every moment `path` names
/// the old file or the whole new one, on the terms of write_npy. Throws StateError for a parameter
/// that does not exist yet, and what write_safetensors throws.
void save_weights(const std::vector<NamedParameter>& parameters, const std::string& path);

/// Reads parameters by their paths. Tensors may be F64, F32, F16, BF16 or integers, and values are
/// rounded to nearest. Parts of a model file that are no weights are passed over.
///
/// Throws ValueError that lists every name that is missing, not expected, or of another shape;
/// ValueError for patterns that match no path, and where no tensor is taken at all; StateError for
/// a parameter that does not exist yet; FormatError and IoError. Then nothing was changed.
void load_weights(const std::vector<NamedParameter>& parameters, const std::string& path,
                  const LoadOptions& options = {});

namespace saving {

/// Returns all parameters of a module, those that do not exist yet as well.
template <class M>
std::vector<NamedParameter> all_of(const M& module) {
  std::vector<NamedParameter> list;
  for_each_parameter(module, [&](const std::string& path, const Tensor& tensor) {
    list.push_back({path, tensor});
  });
  return list;
}

}  // namespace saving

/// Writes the parameters of a module or a model.
template <class M>
void save_weights(const M& module, const std::string& path) {
  save_weights(saving::all_of(module), path);
}

/// Reads the parameters of a module or a model. They are handles: the module may be constant.
template <class M>
void load_weights(const M& module, const std::string& path, const LoadOptions& options = {}) {
  load_weights(saving::all_of(module), path, options);
}

}}  // namespace fovea
