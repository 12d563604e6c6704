// The reader of models and tensors on bytes written here, whole and damaged.
#include "onnx/model_file.hpp"

#include <doctest/doctest.h>

#include <cmath>

namespace {

using onnx::Bytes;

// A field that is a text, a message or packed numbers; all lengths here fit one byte.
std::string field(int number, const std::string& content) {
  return std::string{static_cast<char>(number << 3 | 2), static_cast<char>(content.size())} +
         content;
}

std::string field(int number, char value) { return {static_cast<char>(number << 3), value}; }

Bytes bytes(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// (2, 3) of int16: 1 -2 3 4 5 6.
const std::string tensor = field(1, char{2}) + field(1, char{3}) + field(2, char{5}) +
                           field(9, std::string("\1\0\xfe\xff\3\0\4\0\5\0\6\0", 12));

// y = Concat(x, <none>) along axis 1, opset 13. An optional value goes in.
const std::string attribute = field(1, "axis") + field(3, char{1});
const std::string node =
    field(1, "x") + field(1, "") + field(2, "y") + field(4, "Concat") + field(5, attribute);
const std::string graph = field(1, node) + field(11, field(1, "x") + field(2, field(9, ""))) +
                          field(12, field(1, "y") + field(2, field(1, "")));
const std::string model = field(7, graph) + field(8, field(2, char{13}));

}  // namespace

TEST_CASE("a tensor and a model are read as they were written") {
  const onnx::Numbers numbers = onnx::read_tensor(bytes(tensor));
  CHECK(numbers.type == onnx::Type::int16);
  CHECK(numbers.sizes == std::vector<std::int64_t>{2, 3});
  CHECK(numbers.values == std::vector<double>{1, -2, 3, 4, 5, 6});

  const onnx::Model read = onnx::read_model(bytes(model));
  CHECK(read.opset == 13);
  CHECK_FALSE(read.only_tensors);
  CHECK(read.inputs == std::vector<std::string>{"x"});
  CHECK(read.outputs == std::vector<std::string>{"y"});
  REQUIRE(read.nodes.size() == 1);
  CHECK(read.nodes[0].op == "Concat");
  CHECK(read.nodes[0].inputs == std::vector<std::string>{"x", ""});
  CHECK(read.nodes[0].attributes.at("axis").integer == 1);
}

TEST_CASE("numbers of half precision are read exactly") {
  const auto half = [](const char* raw) {
    return onnx::read_tensor(bytes(field(2, char{10}) + field(9, std::string(raw, 2))))
        .values.at(0);
  };
  CHECK(half("\x00\x3c") == 1);
  CHECK(half("\x00\xc1") == -2.5);
  CHECK(half("\xff\x7b") == 65504);
  CHECK(half("\x01\x00") == 0x1p-24);
  CHECK(half("\x00\xfc") == -HUGE_VAL);
}

TEST_CASE(
    "a tensor that ends early is refused wherever it ends, a model unless whole fields are "
    "missing") {
  for (std::size_t size = 0; size < tensor.size(); ++size)
    CHECK_THROWS_AS(onnx::read_tensor(bytes(tensor.substr(0, size))), onnx::Damaged);
  for (std::size_t size = 0; size < model.size(); ++size) {
    const std::string cut = model.substr(0, size);
    if (size == field(7, graph).size())
      CHECK(onnx::read_model(bytes(cut)).opset == 0);
    else
      CHECK_THROWS_AS(onnx::read_model(bytes(cut)), onnx::Damaged);
  }
}

TEST_CASE("whatever a byte is changed to, a tensor and a model are read or refused") {
  for (const bool of_model : {false, true})
    for (std::size_t i = 0; i < (of_model ? model : tensor).size(); ++i)
      for (int value = 0; value < 256; ++value) {
        std::string damaged = of_model ? model : tensor;
        damaged[i] = static_cast<char>(value);
        try {
          if (of_model)
            onnx::read_model(bytes(damaged));
          else
            onnx::read_tensor(bytes(damaged));
        } catch (const onnx::Damaged&) {
        } catch (const onnx::LeftOut&) {
        }
      }
}

TEST_CASE(
    "a tensor of a type that is not read is left out, and a model that has one as an attribute is "
    "read without it") {
  for (const int type : {8, 14, 16, 17, 22}) {  // texts, complex numbers, bfloat16, 8 bits, 4 bits
    const std::string other =
        field(1, char{1}) + field(2, static_cast<char>(type)) + field(8, "text");
    CHECK_THROWS_AS(onnx::read_tensor(bytes(other)), onnx::LeftOut);
    const std::string labels =
        field(1, field(4, "LabelEncoder") + field(5, field(1, "keys") + field(5, other)));
    const onnx::Node read = onnx::read_model(bytes(field(7, labels))).nodes.at(0);
    CHECK(read.op == "LabelEncoder");
    CHECK_FALSE(read.attributes.at("keys").tensor);
  }
}
