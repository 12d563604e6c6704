#include "onnx/model_file.hpp"

#include <cmath>
#include <cstring>
#include <limits>

namespace onnx {

namespace {

// Field by field through a message: a key, which is the field's number and how it is written, and
// its content.
struct Field {
  std::uint64_t number = 0;
  bool packed = false;      // what follows is bytes: a text, a message, or several numbers
  std::uint64_t value = 0;  // otherwise: a whole number,
  Bytes bytes;              // or the 4 or 8 bytes of a real one
};

Bytes take(Bytes& rest, std::uint64_t count) {
  if (count > rest.size()) throw Damaged("the bytes end inside a field");
  const Bytes taken = rest.first(static_cast<std::size_t>(count));
  rest = rest.subspan(taken.size());
  return taken;
}

std::uint64_t varint(Bytes& rest) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    const std::uint8_t byte = take(rest, 1)[0];
    value |= (byte & std::uint64_t{0x7f}) << shift;
    if (byte < 0x80) return value;
  }
  throw Damaged("a whole number goes on for more than ten bytes");
}

template <class Visit>
void each_field(Bytes message, const Visit& visit) {
  while (!message.empty()) {
    const std::uint64_t key = varint(message);
    Field field{.number = key >> 3};
    switch (key & 7) {
      case 0:
        field.value = varint(message);
        break;
      case 1:
        field.bytes = take(message, 8);
        break;
      case 2:
        field.packed = true, field.bytes = take(message, varint(message));
        break;
      case 5:
        field.bytes = take(message, 4);
        break;
      default:
        throw Damaged("a field is written in a way that protobuf does not have");
    }
    visit(field);
  }
}

std::string text(const Field& field) { return {field.bytes.begin(), field.bytes.end()}; }

void append_integers(const Field& field, std::vector<std::int64_t>& list) {
  if (!field.packed) return list.push_back(static_cast<std::int64_t>(field.value));
  for (Bytes rest = field.bytes; !rest.empty();)
    list.push_back(static_cast<std::int64_t>(varint(rest)));
}

struct Half {
  std::uint16_t bits;

  explicit operator double() const {
    const int exponent = bits >> 10 & 31, mantissa = bits & 1023;
    const double size = exponent == 31 ? (mantissa ? std::nan("") : HUGE_VAL)
                                       : std::ldexp(mantissa + (exponent ? 1024 : 0),
                                                    (exponent ? exponent : 1) - 25);
    return bits >> 15 ? -size : size;
  }
};

template <class T>
void append(Bytes bytes, std::vector<double>& values) {
  if (bytes.size() % sizeof(T) != 0) throw Damaged("the bytes end inside a number");
  for (std::size_t i = 0; i < bytes.size(); i += sizeof(T)) {
    T value;
    std::memcpy(&value, bytes.data() + i, sizeof(T));
    values.push_back(static_cast<double>(value));
  }
}

void append_raw(Type type, Bytes raw, std::vector<double>& values) {
  switch (type) {
    case Type::float32:
      return append<float>(raw, values);
    case Type::float64:
      return append<double>(raw, values);
    case Type::float16:
      return append<Half>(raw, values);
    case Type::boolean:
    case Type::uint8:
      return append<std::uint8_t>(raw, values);
    case Type::int8:
      return append<std::int8_t>(raw, values);
    case Type::uint16:
      return append<std::uint16_t>(raw, values);
    case Type::int16:
      return append<std::int16_t>(raw, values);
    case Type::uint32:
      return append<std::uint32_t>(raw, values);
    case Type::int32:
      return append<std::int32_t>(raw, values);
    case Type::uint64:
      return append<std::uint64_t>(raw, values);
    case Type::int64:
      return append<std::int64_t>(raw, values);
  }
  throw LeftOut("numbers of other types");
}

// Throws unless there is a value for each element.
void check(const Numbers& tensor) {
  std::uint64_t count = 1;
  for (const std::int64_t size : tensor.sizes) {
    if (size < 0 || (size > 0 && count > std::numeric_limits<std::uint32_t>::max() /
                                             static_cast<std::uint64_t>(size)))
      throw Damaged("a tensor's size is below 0 or beyond all memory");
    count *= static_cast<std::uint64_t>(size);
  }
  if (count != tensor.values.size())
    throw Damaged("a tensor has another number of values than its sizes say");
  for (const double value : tensor.values)
    if (is_whole(tensor.type) && std::abs(value) >= 0x1p53)
      throw Damaged("a whole number of 2^53 or beyond");
}

Attribute read_attribute(Bytes bytes, std::string& name) {
  Attribute attribute;
  each_field(bytes, [&](const Field& field) {
    std::vector<double> number;
    switch (field.number) {
      case 1:
        name = text(field);
        break;
      case 2:
        append<float>(field.bytes, number);
        if (number.size() != 1) throw Damaged("an attribute is not one number");
        attribute.number = number[0];
        break;
      case 3:
        attribute.integer = static_cast<std::int64_t>(field.value);
        break;
      case 4:
        attribute.text = text(field);
        break;
      case 5:
        try {
          attribute.tensor = read_tensor(field.bytes);
        } catch (const LeftOut&) {  // of an operator that may have no row anyway
        }
        break;
      case 8:
        append_integers(field, attribute.integers);
        break;
    }
  });
  return attribute;
}

Node read_node(Bytes bytes) {
  Node node;
  each_field(bytes, [&](const Field& field) {
    std::string name;
    switch (field.number) {
      case 1:
        node.inputs.push_back(text(field));
        break;
      case 2:
        node.outputs.push_back(text(field));
        break;
      case 4:
        node.op = text(field);
        break;
      case 5: {
        const Attribute attribute = read_attribute(field.bytes, name);
        node.attributes[name] = attribute;
        break;
      }
    }
  });
  return node;
}

// A ValueInfoProto: its name; whether it is a tensor is told by the first field of its TypeProto.
std::string read_value_info(Bytes bytes, bool& only_tensors) {
  std::string name;
  each_field(bytes, [&](const Field& field) {
    if (field.number == 1) name = text(field);
    if (field.number == 2)
      each_field(field.bytes,
                 [&](const Field& type) { only_tensors = only_tensors && type.number == 1; });
  });
  return name;
}

void read_graph(Bytes bytes, Model& model) {
  each_field(bytes, [&](const Field& field) {
    switch (field.number) {
      case 1:
        model.nodes.push_back(read_node(field.bytes));
        break;
      case 11:
        model.inputs.push_back(read_value_info(field.bytes, model.only_tensors));
        break;
      case 12:
        model.outputs.push_back(read_value_info(field.bytes, model.only_tensors));
        break;
    }
  });
}

}  // namespace

Numbers read_tensor(Bytes bytes) {
  Numbers tensor;
  std::vector<std::int64_t> integers;
  Bytes raw;
  each_field(bytes, [&](const Field& field) {
    switch (field.number) {
      case 1:
        append_integers(field, tensor.sizes);
        break;
      case 2:
        tensor.type = static_cast<Type>(field.value);
        break;
      case 4:
        append<float>(field.bytes, tensor.values);
        break;
      case 5:
      case 7:
      case 11:
        append_integers(field, integers);
        break;
      case 9:
        raw = field.bytes;
        break;
      case 10:
        append<double>(field.bytes, tensor.values);
        break;
    }
  });
  if (!integers.empty() && !is_whole(tensor.type))
    throw Damaged("real numbers are written as whole ones");
  tensor.values.insert(tensor.values.end(), integers.begin(), integers.end());
  append_raw(tensor.type, raw, tensor.values);
  check(tensor);
  return tensor;
}

Model read_model(Bytes bytes) {
  Model model;
  each_field(bytes, [&](const Field& field) {
    if (field.number == 7) read_graph(field.bytes, model);
    if (field.number == 8)
      each_field(field.bytes, [&](const Field& opset) {
        model.opset = opset.number == 2 ? static_cast<std::int64_t>(opset.value) : model.opset;
      });
  });
  if (model.nodes.empty()) throw Damaged("a model without nodes");
  return model;
}

}  // namespace onnx
