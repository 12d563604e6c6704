#include "train/weights.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <set>

#include "fovea/base/error.hpp"
#include "fovea/io/error.hpp"
#include "io/shown.hpp"
#include "optim/path_pattern.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

using train::Source;

constexpr std::size_t longest_shown = 200;

std::string shown(std::string_view name) { return io::shown(name, longest_shown); }

void check_exists(const char* call, const NamedParameter& parameter) {
  if (!parameter.tensor.defined())
    throw StateError(
        fmt::format("{}: the parameter \"{}\" does not exist yet; build the module first", call,
                    parameter.path));
}

// A parameter, the paths under which it stands and its names in the file. Several paths: tied.
struct Wanted {
  NamedParameter parameter;
  std::vector<std::string> names = {};
  bool transposed = false;
};

// Finds names of files for paths, and remembers which patterns were of use.
class Names {
 public:
  Names(const char* call, const LoadOptions& options) : call_(call), options_(options) {
    for (const auto& [path, name] : options.rename)
      if (std::ranges::count(path, '*') != std::ranges::count(name, '*'))
        throw ValueError(fmt::format("{}: rename: \"{}\" has {} \"*\", \"{}\" has {}; give as many",
                                     call, path, std::ranges::count(path, '*'), name,
                                     std::ranges::count(name, '*')));
  }

  std::string of(const std::string& path) {
    for (const auto& [pattern, name] : options_.rename)
      if (const auto texts = matched(pattern, path)) {
        used_.insert(&pattern);
        return separated(filled(name, *texts));
      }
    return separated(path);
  }

  bool transposed(const std::string& path) {
    bool any = false;
    for (const std::string& pattern : options_.transposed)
      if (matches(pattern, path)) {
        used_.insert(&pattern);
        any = true;
      }
    return any;
  }

  void check_used() const {
    const auto check = [&](const char* option, const std::string& pattern) {
      if (!used_.contains(&pattern))
        throw ValueError(
            fmt::format("{}: {}: the pattern \"{}\" decides about no parameter; leave it out, or "
                        "correct it",
                        call_, option, pattern));
    };
    for (const Renaming& renaming : options_.rename) check("rename", renaming.path);
    for (const std::string& pattern : options_.transposed) check("transposed", pattern);
  }

 private:
  static std::string filled(const std::string& name, const std::vector<std::string_view>& texts) {
    std::string result;
    std::size_t star = 0;
    for (const char c : name)
      if (c == '*')
        result += texts[star++];
      else
        result += c;
    return result;
  }
  std::string separated(const std::string& path) const {
    std::string result;
    for (const char c : path)
      if (c == '/')
        result += options_.separator;
      else
        result += c;
    return result;
  }

  const char* call_;
  const LoadOptions& options_;
  std::set<const std::string*> used_;
};

std::vector<Wanted> wanted_of(const char* call, const std::vector<NamedParameter>& parameters,
                              const LoadOptions& options) {
  Names names(call, options);
  std::vector<Wanted> list;
  std::map<const Node*, std::size_t> places;
  for (const NamedParameter& parameter : parameters) {
    check_exists(call, parameter);
    const Node* const node = parameter.tensor.node().get();
    const auto [place, fresh] = places.try_emplace(node, list.size());
    if (!node || fresh) {
      place->second = list.size();
      list.push_back({parameter});
    }
    Wanted& wanted = list[place->second];
    wanted.names.push_back(names.of(parameter.path));
    wanted.transposed = names.transposed(parameter.path) || wanted.transposed;
  }
  names.check_used();
  return list;
}

// (out, in, window...) of a parameter (window..., in, out).
Shape turned(const Shape& shape) {
  const int rank = shape.rank();
  std::vector<Index> sizes = {shape[rank - 1], shape[rank - 2]};
  for (int axis = 0; axis < rank - 2; ++axis) sizes.push_back(shape[axis]);
  return Shape(sizes);
}

// The array (out, in, window...) as (window..., in, out).
Array turned_back(const Array& from, const Shape& shape) {
  Array result(shape);
  const Index out = from.shape()[0], in = from.shape()[1],
              window = out * in > 0 ? from.count() / (out * in) : 0;
  real* const to = result.mutable_data();
  for (Index o = 0; o < out; ++o)
    for (Index i = 0; i < in; ++i)
      for (Index w = 0; w < window; ++w)
        to[(w * in + i) * out + o] = from.data()[(o * in + i) * window + w];
  return result;
}

// What does not fit, in one message.
struct Faults {
  std::vector<std::string> missing = {}, extra = {}, shapes = {};

  void refuse(const Source& source) const {
    if (missing.empty() && extra.empty() && shapes.empty()) return;
    std::string text =
        fmt::format("{}: {} does not fit, and nothing was loaded", source.call, source.path);
    const auto add = [&](const char* what, const std::vector<std::string>& names) {
      if (!names.empty()) text += fmt::format("; {}: {}", what, fmt::join(names, ", "));
    };
    add("missing", missing);
    add("not expected", extra);
    add("of another shape", shapes);
    throw ValueError(text +
                     "; rename or transpose, or allow what is missing or not expected, by the "
                     "options of load_weights");
  }
};

// Returns the only array that the file has for a parameter; nothing where it has none, or one of
// another shape.
std::optional<Array> read(const Source& source, const Wanted& wanted, const LoadOptions& options,
                          Faults& faults) {
  const Shape& shape = wanted.parameter.tensor.shape();
  if (wanted.transposed && shape.rank() < 2)
    throw ValueError(fmt::format("{}: transposed: {} is of shape {}; layouts differ from 2 axes on",
                                 source.call, wanted.parameter.path, to_string(shape)));
  const Shape expected = wanted.transposed ? turned(shape) : shape;
  std::optional<Array> found;
  const std::string* first = nullptr;
  bool any = false;
  for (const std::string& name : wanted.names) {
    if (!source.file.contains(name)) continue;
    any = true;
    if (const Shape given = source.file.shape(name); given != expected) {
      faults.shapes.push_back(fmt::format("\"{}\": expected {}, got {}", shown(name),
                                          to_string(expected), to_string(given)));
      continue;
    }
    Array array = source.file.array(name);
    if (found && !std::ranges::equal(std::as_bytes(found->values()), std::as_bytes(array.values())))
      throw ValueError(
          fmt::format("{}: {}: \"{}\" and \"{}\" are one parameter here, and differ in the file",
                      source.call, source.path, shown(*first), shown(name)));
    if (!first) first = &name;
    found = std::move(array);
  }
  if (!any && options.missing == Unmatched::refuse)
    faults.missing.push_back(
        fmt::format("\"{}\" {}", shown(wanted.names.front()), to_string(expected)));
  if (found && wanted.transposed) return turned_back(*found, shape);
  return found;
}

}  // namespace

namespace train {

void check_version(const Source& source) {
  const auto found = source.file.metadata().find(version_name);
  if (found == source.file.metadata().end()) return;  // another program's
  int version = 0;
  const std::string& text = found->second;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version);
  if (error != std::errc() || end != text.data() + text.size() || version < 1)
    throw FormatError(
        source.path, 0,
        fmt::format("{} is \"{}\"; it must be a number from 1 on", version_name, io::shown(text)));
  if (version > file_version)
    throw FormatError(
        source.path, 0,
        fmt::format("{} is {}; this library reads files up to version {}; use a newer one",
                    version_name, version, file_version));
}

std::vector<SafetensorsTensor> weight_tensors(const char* call,
                                              const std::vector<NamedParameter>& parameters) {
  std::vector<SafetensorsTensor> tensors;
  std::set<const Node*> written;
  for (const NamedParameter& parameter : parameters) {
    check_exists(call, parameter);
    if (parameter.path.starts_with(own_prefix))
      throw ValueError(
          fmt::format("{}: the name \"{}\" begins with \"{}\", as what is no weight does; choose "
                      "another one",
                      call, parameter.path, own_prefix));
    const Node* const node = parameter.tensor.node().get();
    if (node && !written.insert(node).second) continue;
    tensors.push_back({parameter.path, parameter.tensor.value()});
  }
  return tensors;
}

NewWeights::NewWeights(const Source& source, const std::vector<NamedParameter>& parameters,
                       const LoadOptions& options) {
  std::vector<Wanted> list = wanted_of(source.call, parameters, options);
  Faults faults;
  std::set<std::string_view> known;
  for (const Wanted& wanted : list) {
    known.insert(wanted.names.begin(), wanted.names.end());
    if (std::optional<Array> array = read(source, wanted, options, faults))
      values_.emplace_back(wanted.parameter.tensor, std::move(*array));
  }
  if (options.extra == Unmatched::refuse)
    for (const std::string& name : source.file.names())
      if (!known.contains(name) && !name.starts_with(own_prefix))
        faults.extra.push_back(
            fmt::format("\"{}\" {}", shown(name), to_string(source.file.shape(name))));
  faults.refuse(source);
  if (values_.empty() && !list.empty())
    throw ValueError(
        fmt::format("{}: {} has no tensor of the name of a parameter, such as \"{}\"; rename",
                    source.call, source.path, shown(list[0].names[0])));
}

void NewWeights::prepare() {
  places_.clear();
  for (auto& [tensor, value] : values_) places_.push_back(tensor.mutable_value().mutable_data());
}

void NewWeights::assign() noexcept {
  for (std::size_t i = 0; i < values_.size(); ++i)
    std::ranges::copy(std::as_const(values_[i].second).values(), places_[i]);
}

}  // namespace train

void train::write_weights(const std::string& path, const std::vector<SafetensorsTensor>& tensors) {
  write_safetensors(path, tensors, {{version_name, fmt::to_string(file_version)}});
}

void save_weights(const std::vector<NamedParameter>& parameters, const std::string& path) {
  train::write_weights(path, train::weight_tensors("save_weights", parameters));
}

void load_weights(const std::vector<NamedParameter>& parameters, const std::string& path,
                  const LoadOptions& options) {
  const SafetensorsFile file(path);
  const Source source{"load_weights", path, file};
  train::check_version(source);
  train::NewWeights weights(source, parameters, options);
  weights.prepare();
  weights.assign();
}

}}  // namespace fovea
