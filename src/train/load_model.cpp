// The closed table of layer types and the registered ones; layers from and to JSON.
#include "fovea/train/load_model.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <mutex>
#include <set>

#include "fovea/base/error.hpp"
#include "fovea/io/error.hpp"
#include "io/safetensors_header.hpp"
#include "io/shown.hpp"
#include "train/json_part.hpp"
#include "train/layer_types.hpp"
#include "train/model_state.hpp"
#include "train/structure.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

using train::Json, train::JsonPart, train::layer_types, train::LayerType, train::Source;

namespace {

constexpr const char* chain_type = "Sequential";

struct Registered {
  std::type_index type;
  saving::ModuleType module;
};

// Types of users, of the whole process.
std::mutex registry_lock;
std::map<std::string, Registered, std::less<>>& registry() {
  static std::map<std::string, Registered, std::less<>> types;
  return types;
}

std::map<std::string, Registered, std::less<>> registered_types() {
  const std::lock_guard lock(registry_lock);
  return registry();
}

const LayerType* own_type(std::string_view name) {
  const auto found = std::ranges::find(layer_types(), name, &LayerType::name);
  return found == layer_types().end() ? nullptr : &*found;
}

Json json_of(const OptionValue& value) {
  return std::visit([](const auto& each) { return Json(each); }, value);
}

Json json_of(const std::string& place, const std::string& type, const ModuleOptions& options) {
  Json::Members json;
  for (const auto& [name, value] : options) {
    if (const double* const number = std::get_if<double>(&value); number && !std::isfinite(*number))
      throw ValueError(
          fmt::format("{}: option \"{}\" is {}; files hold finite numbers", place, name, *number));
    json[name] = json_of(value);
  }
  return Json::Members{{"type", type}, {"options", std::move(json)}};
}

Json json_of(const std::string& path, const std::vector<Layer>& layers,
             const std::vector<std::string>& names, std::set<const void*>& seen);

Json json_of(const std::string& path, const Layer& layer, std::set<const void*>& seen) {
  const Sequential* const inner = layer.as<Sequential>();
  const Chain* const chain = layer.as<Chain>();
  if (inner || chain) {
    std::vector<std::string> names;
    if (chain) names = chain->names();
    if (inner) names = inner->names();
    return Json::Members{
        {"type", chain_type},
        {"layers", json_of(path, inner ? inner->layers() : chain->layers(), names, seen)}};
  }
  bool shared = false;
  layer.for_each([&](const ParameterPath&, Tensor& tensor) {
    shared = shared || (tensor.node() && !seen.insert(tensor.node().get()).second);
  });
  if (shared)
    throw ValueError(
        fmt::format("{}: it shares weights with another layer, which a file cannot tell", path));
  for (const LayerType& type : layer_types())
    if (const auto options = type.module.to(layer)) return json_of(path, type.name, *options);
  for (const auto& [name, type] : registered_types())
    if (const auto options = type.module.to(layer)) return json_of(path, name, *options);
  throw ValueError(fmt::format(
      "{}: a layer of type {} cannot be made from a file; register it by register_module", path,
      layer.type()));
}

Json json_of(const std::string& path, const std::vector<Layer>& layers,
             const std::vector<std::string>& names, std::set<const void*>& seen) {
  Json::List list;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const std::string place = path + "/" + names[i];
    Json json = json_of(place, layers[i], seen);
    std::get<Json::Members>(json.value)["name"] = names[i];
    list.push_back(std::move(json));
  }
  return list;
}

OptionValue value_of(const JsonPart& part) {
  const auto& value = part.value().value;
  if (std::holds_alternative<bool>(value)) return part.flag();
  if (std::holds_alternative<std::string>(value)) return part.text();
  if (std::holds_alternative<double>(value)) return part.number();
  if (!std::holds_alternative<Json::List>(value)) return part.whole(INT64_MIN);
  std::vector<std::int64_t> list;
  for (const JsonPart& each : part.items(64)) list.push_back(each.whole(INT64_MIN));
  return list;
}

// Reads layers of one file.
class Reader {
 public:
  explicit Reader(const Source& source) : source_(source) {
    for (const std::string& name : source.file.names())
      for (const Index size : source.file.shape(name).sizes()) largest_ = std::max(largest_, size);
  }

  // Errors of modules and of users' functions come from the file.
  template <class Body>
  void located(const JsonPart& part, const Body& body) const {
    try {
      body();
    } catch (const FormatError&) {
      throw;
    } catch (const std::exception& error) {
      throw FormatError(source_.path, io::safetensors_length_bytes,
                        fmt::format("{}: {}", part.place(), error.what()));
    }
  }

  void add_layers(Sequential& to, const JsonPart& layers) const {
    for (const JsonPart& part : layers.items()) {
      const std::string name = part["name"].text();
      // A name is part of a path.
      located(part, [&] { to.add(named(name, layer(part))); });
    }
  }

 private:
  Layer layer(const JsonPart& part) const {
    const std::string type = part["type"].text();
    if (type == chain_type) {
      part.allow_only({"name", "type", "layers"});
      Sequential inner;
      add_layers(inner, part["layers"]);
      return Layer(std::move(inner));
    }
    part.allow_only({"name", "type", "options"});
    const JsonPart given = part["options"];
    ModuleOptions options;
    for (const std::string& name : given.members()) options.emplace(name, value_of(given[name]));
    if (const LayerType* const own = own_type(type)) {
      check_sizes(given, options);
      return own->module.from(options);
    }
    const auto registered = registered_types();
    const auto found = registered.find(type);
    if (found != registered.end()) return found->second.module.from(options);
    std::vector<std::string> known = {chain_type};
    for (const LayerType& each : layer_types()) known.emplace_back(each.name);
    for (const auto& [name, each] : registered) known.push_back(name);
    throw ValueError(
        fmt::format("there is no type \"{}\"; there are: {}; register others by "
                    "register_module before",
                    io::shown(type), fmt::join(known, ", ")));
  }

  // No parameter is larger than what the file has for it.
  void check_sizes(const JsonPart& part, const ModuleOptions& options) const {
    for (const char* name :
         {"units", "filters", "input_dim", "output_dim", "kernel_size", "num_heads", "key_dim",
          "value_dim", "num_key_value_heads", "value_features", "key_features"})
      if (const auto found = options.find(name); found != options.end())
        if (const auto* const size = std::get_if<std::int64_t>(&found->second);
            size && (*size < 0 || *size > largest_))
          part[name].refuse(fmt::format("0 to {}, the largest axis in the file", largest_));
    check_heads(part, options);
  }

  // Heads stand side by side in an axis: no more of them than fit there, whatever their width.
  void check_heads(const JsonPart& part, const ModuleOptions& options) const {
    const auto size = [&](const char* name) {
      const auto found = options.find(name);
      const auto* const given =
          found == options.end() ? nullptr : std::get_if<std::int64_t>(&found->second);
      return given ? *given : 0;
    };
    for (const char* width : {"key_dim", "value_dim"})
      for (const char* heads : {"num_heads", "num_key_value_heads"})
        if (size(heads) > 0 && size(width) > largest_ / size(heads))
          part[width].refuse(fmt::format("at most {} for {} heads, the largest axis in the file",
                                         largest_ / size(heads), size(heads)));
  }

  const Source& source_;
  Index largest_ = 0;
};

// Gives the layers their weights, so that build makes none.
void set_weights(const Source& source, Sequential& model, const std::set<std::string>& frozen) {
  Model::parameters(model, [&](const std::string& path, Tensor& tensor) {
    if (!source.file.contains(path)) return;  // load lists what is missing
    tensor = Tensor::parameter(source.file.array(path));
    if (frozen.contains(path)) tensor.set_requires_grad(false);
  });
}

void check_shapes(const Source& source, const std::string& path, const std::vector<Layer>& layers,
                  const std::vector<std::string>& names, Shape sample,
                  const std::vector<Shape>& outputs) {
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const std::string place = path + names[i] + "/";
    if (const Sequential* const inner = layers[i].as<Sequential>())
      check_shapes(source, place, inner->layers(), inner->names(), sample, inner->outputs());
    for (const LayerType& type : layer_types()) {
      if (!type.module.to(layers[i])) continue;
      for (const auto& [name, shape] : type.shapes(layers[i], sample))
        if (source.file.contains(place + name) && source.file.shape(place + name) != shape)
          throw FormatError(
              source.path, 0,
              fmt::format("tensor \"{}\" is of shape {}; its layer needs {}",
                          io::shown(place + name, 200), to_string(source.file.shape(place + name)),
                          to_string(shape)));
    }
    sample = outputs[i];
  }
}

}  // namespace

namespace saving {

void register_type(const std::string& name, std::type_index type, ModuleType module) {
  if (name.empty() || name == chain_type || own_type(name))
    throw ValueError(fmt::format("register_module: the name \"{}\" is {}; choose another one", name,
                                 name.empty() ? "empty" : "a type of this library"));
  const std::lock_guard lock(registry_lock);
  const auto found = registry().find(name);
  if (found != registry().end() && found->second.type != type)
    throw ValueError(fmt::format(
        "register_module: another type is registered as \"{}\"; choose another name", name));
  registry().insert_or_assign(name, Registered{type, std::move(module)});
}

}  // namespace saving

namespace train {

std::string structure_of(const Chain& chain) {
  std::set<const void*> seen;
  Json::List frozen;
  for_each_parameter(chain, [&](const std::string& path, const Tensor& tensor) {
    if (!tensor.requires_grad()) frozen.push_back(path);
  });
  return Json(Json::Members{{"name", chain.path()},
                            {"layers", json_of(chain.path(), chain.layers(), chain.names(), seen)},
                            {"frozen", std::move(frozen)}})
      .dump();
}

std::string no_structure(const std::string& reason) {
  return Json(Json::Members{{"none", io::shown(reason, 1000)}}).dump();
}

}  // namespace train

Sequential load_model(const std::string& path, const ModelLoadOptions& options) {
  const SafetensorsFile file(path);
  const Source source{"load_model", path, file};
  train::check_version(source);
  const auto found = file.metadata().find(train::structure_name);
  if (found == file.metadata().end())
    throw ValueError(fmt::format(
        "load_model: {} does not say which layers it has; make the model in the program, and call "
        "load or load_weights",
        path));
  const Json json = train::parsed(path, train::structure_name, found->second);
  const JsonPart part(path, train::structure_name, json);
  if (const auto reason = part.find("none"))
    throw ValueError(fmt::format(
        "load_model: {}: the model cannot be made from the file alone: {}; make it in the program, "
        "and call load",
        path, io::shown(reason->text(), 400)));
  part.allow_only({"name", "layers", "frozen"});
  Sequential model;
  const Reader reader(source);
  reader.add_layers(model, part["layers"]);
  const std::string name = part["name"].text();
  reader.located(part["name"], [&] { model.set_name(name); });
  std::set<std::string> frozen;
  for (const JsonPart& each : part["frozen"].items()) frozen.insert(each.text());
  set_weights(source, model, frozen);
  const train::ModelState state = read_state(source);
  if (state.inputs.size() != 1) part.refuse("a model of one input");
  reader.located(part["layers"], [&] { model.load(path, options); });
  check_shapes(source, "", model.layers(), model.names(), state.inputs[0].sample, model.outputs());
  return model;
}

}}  // namespace fovea
