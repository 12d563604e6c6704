// Reads what an ONNX node case consists of, a small model and tensors, from the bytes of their
// protobuf messages. Only the fields that the cases use are looked at. Every length is checked, and
// damage ends in an exception.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace onnx {

using Bytes = std::span<const std::uint8_t>;

/// Thrown for a case that there are no words for; the text is the reason.
struct LeftOut : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Bytes that are no such message.
struct Damaged : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// TensorProto.DataType, as far as it is read.
enum class Type {
  float32 = 1,
  uint8 = 2,
  int8 = 3,
  uint16 = 4,
  int16 = 5,
  int32 = 6,
  int64 = 7,
  boolean = 9,
  float16 = 10,
  float64 = 11,
  uint32 = 12,
  uint64 = 13
};

inline bool is_whole(Type type) {
  return type != Type::float32 && type != Type::float16 && type != Type::float64;
}

/// A TensorProto. A double holds every number exactly: integers of 2^53 and beyond are refused.
struct Numbers {
  Type type = Type::float32;
  std::vector<std::int64_t> sizes;
  std::vector<double> values;  // as many as the sizes say
};

/// An AttributeProto: the member that the operator's definition names is set.
struct Attribute {
  double number = 0;
  std::int64_t integer = 0;
  std::string text;
  std::vector<std::int64_t> integers;
  std::optional<Numbers> tensor;  // nothing where read_tensor leaves it out
};

/// A NodeProto. An empty name stands for an optional tensor that is left out.
struct Node {
  std::string op;
  std::vector<std::string> inputs, outputs;
  std::map<std::string, Attribute> attributes;
};

/// A ModelProto with its graph.
struct Model {
  std::int64_t opset = 0;
  std::vector<Node> nodes;                   // at least one
  std::vector<std::string> inputs, outputs;  // of the graph, in the order of the files
  bool only_tensors = true;                  // no sequences and no optional values go in or out
};

Numbers read_tensor(Bytes bytes);  ///< throws Damaged; LeftOut for other types than those above:
                                   ///< texts, bfloat16, 8 bits or 4
Model read_model(Bytes bytes);     ///< throws Damaged

}  // namespace onnx
