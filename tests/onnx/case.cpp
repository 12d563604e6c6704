#include "onnx/case.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>

namespace onnx {

namespace {

std::vector<std::uint8_t> file(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) throw std::runtime_error("cannot read " + path.string());
  return {std::istreambuf_iterator<char>(stream), {}};
}

// The operator's tensors by the names under which the graph has them.
std::vector<std::optional<Numbers>> tensors(const std::vector<std::string>& wanted,
                                            const std::vector<std::string>& names,
                                            const std::string& prefix) {
  std::vector<std::optional<Numbers>> list;
  for (const std::string& name : wanted) {
    const auto position = std::ranges::find(names, name) - names.begin();
    list.emplace_back();
    if (!name.empty()) list.back() = read_tensor(file(prefix + std::to_string(position) + ".pb"));
  }
  return list;
}

Tensor as_real(const Numbers& from, const Shape& shape) {
  Array array(shape);
  std::ranges::transform(from.values, array.mutable_data(),
                         [](double value) { return static_cast<real>(value); });
  if (is_whole(from.type) && !std::ranges::equal(from.values, array.values()))
    throw LeftOut("whole numbers that a real does not hold exactly");
  return array;
}

Shape shape_of(const Numbers& numbers) {
  if (numbers.sizes.size() > Shape::max_rank) throw LeftOut("more than six axes");
  return Shape(numbers.sizes);
}

}  // namespace

Case::Case(const std::filesystem::path& folder)
    : folder_(folder), model_(read_model(file(folder / "model.onnx"))) {}

void Case::load() {
  if (!model_.only_tensors) throw LeftOut("sequences and optional values");
  if (model_.nodes.size() > 1) throw LeftOut("a model of several operators");
  inputs_ = tensors(model_.nodes.back().inputs, model_.inputs, folder_ / "test_data_set_0/input_");
  outputs_ =
      tensors(model_.nodes.back().outputs, model_.outputs, folder_ / "test_data_set_0/output_");
}

const Numbers& Case::plain(std::size_t input) const { return inputs_.at(input).value(); }

Tensor Case::tensor(std::size_t input) const { return tensor(input, shape_of(plain(input))); }

Tensor Case::tensor(std::size_t input, const Shape& shape) const {
  return as_real(plain(input), check_count("Tensor", shape, plain(input).values.size()));
}

Mask Case::mask(std::size_t input) const {
  const std::vector<std::uint8_t> keep(plain(input).values.begin(), plain(input).values.end());
  return Mask(shape_of(plain(input)), keep);
}

Ids Case::ids(std::size_t input, Index positions) const {
  std::vector<Index> list = this->list(input);
  for (Index& id : list) id += id < 0 ? positions : 0;
  return Ids(shape_of(plain(input)), list);
}

real Case::number(std::size_t input) const { return static_cast<real>(plain(input).values.at(0)); }

std::vector<Index> Case::list(std::size_t input) const {
  std::vector<Index> list;
  for (const double value : plain(input).values) list.push_back(static_cast<Index>(value));
  return list;
}

real Case::option(const std::string& name, double otherwise) const {
  return static_cast<real>(has_option(name) ? model_.nodes.back().attributes.at(name).number
                                            : otherwise);
}

Index Case::option(const std::string& name, int otherwise) const {
  return has_option(name) ? model_.nodes.back().attributes.at(name).integer : otherwise;
}

std::string Case::option(const std::string& name, const char* otherwise) const {
  return has_option(name) ? model_.nodes.back().attributes.at(name).text : otherwise;
}

std::vector<Index> Case::options(const std::string& name) const {
  return has_option(name) ? model_.nodes.back().attributes.at(name).integers : std::vector<Index>();
}

Tensor Case::tensor_option(const std::string& name) const {
  const std::optional<Numbers>& numbers = model_.nodes.back().attributes.at(name).tensor;
  if (!numbers) throw LeftOut("numbers of other types");
  return as_real(*numbers, shape_of(*numbers));
}

}  // namespace onnx
