// A model from its file alone.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <typeindex>
#include <variant>
#include <vector>

#include "fovea/train/sequential.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// The value of an option in a file.
using OptionValue =
    std::variant<bool, std::int64_t, double, std::string, std::vector<std::int64_t>>;
/// The options of a module by name.
using ModuleOptions = std::map<std::string, OptionValue, std::less<>>;

/// Makes a Sequential from a file of Model::save: its layers, weights and all that `load` takes up.
/// compile then takes up optimiser and counts; predict needs no compile. Keras' load_model compiles
/// as well; here options may be code, and fit says what the file's model was compiled with. The
/// layers are of this library (a closed table) and of types that were registered: nothing in a file
/// is code.
///
/// Throws FormatError for a type, an option or a value that is not known, by name, and for a file
/// that violates the format; ValueError for a file without layers, with the reason; IoError. Memory
/// is in proportion to the file, as long as registered modules keep to that.
Sequential load_model(const std::string& path, const ModelLoadOptions& options = {});

namespace saving {

/// How the layers of one type are written and read.
struct ModuleType {
  /// Returns the options of a layer of this type, and nothing for another layer.
  std::function<std::optional<ModuleOptions>(const Layer& layer)> to;
  /// Makes a layer of options.
  std::function<Layer(const ModuleOptions& options)> from;
};

/// Registers a type; see register_module.
void register_type(const std::string& name, std::type_index type, ModuleType module);

}  // namespace saving

/// Registers a type of module of one's own for save and load_model, under a name that stays the
/// same from program to program. `to(module)` returns its options, and `from(options)` a module of
/// these, before build; from throws for options that it does not know. May be called from any
/// thread. Throws ValueError for a name that is empty, of this library, or of another type.
///
///     register_module<Scale>(
///         "Scale", [](const Scale& s) { return ModuleOptions{{"by", s.by}}; },
///         [](const ModuleOptions& o) { return Scale{option_value<double>(o, "by")}; });
template <class M, class To, class From>
void register_module(const std::string& name, To to, From from) {
  saving::register_type(name, typeid(M),
                        {[to](const Layer& layer) -> std::optional<ModuleOptions> {
                           if (const M* const module = layer.as<M>()) return to(*module);
                           return std::nullopt;
                         },
                         [from](const ModuleOptions& options) { return Layer(M(from(options))); }});
}

/// Returns an option. Throws ValueError where it is missing or not of this type.
template <class T>
const T& option_value(const ModuleOptions& options, const std::string& name) {
  const auto found = options.find(name);
  const T* const value = found == options.end() ? nullptr : std::get_if<T>(&found->second);
  if (!value)
    throw ValueError("option \"" + name + "\": " +
                     (found == options.end() ? "missing" : "of another type than expected"));
  return *value;
}

}}  // namespace fovea
