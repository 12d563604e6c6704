// tanh, sigmoid, relu and exp, as Keras and PyTorch compute them: values, derivatives, and what infinities become.
#include <doctest/doctest.h>

#include <functional>
#include <limits>

#include "fovea/ops/ops.hpp"
#include "golden/golden.hpp"

using namespace fovea;

namespace {

struct Case {
  const char* name;
  std::function<Tensor(const Tensor&)> function;
};

const Case cases[] = {{"tanh", [](const Tensor& x) { return fovea::tanh(x); }},
                      {"sigmoid", [](const Tensor& x) { return sigmoid(x); }},
                      {"relu", [](const Tensor& x) { return relu(x); }},
                      {"exponential", [](const Tensor& x) { return fovea::exp(x); }}};

// What float32 cannot hold is an infinity in the files, and may be a number in double.
Array rounded_to_float(const Array& array) {
  Array result(array.shape());
  for (Index i = 0; i < array.count(); ++i)
    result.mutable_data()[i] = std::abs(array.data()[i]) > static_cast<real>(std::numeric_limits<float>::max()) ? std::copysign(std::numeric_limits<real>::infinity(), array.data()[i]) : array.data()[i];
  return result;
}

}  // namespace

TEST_CASE("activations and their derivatives are those of Keras and PyTorch") {
  for (const char* framework : {"keras", "torch"})
    for (const Case& row : cases) {
      CAPTURE(framework);
      CAPTURE(row.name);
      const NumpyArchive file = golden::open(std::string(framework) + "_activations");
      const Tensor x = golden::parameter(file, "x");
      const Tensor y = row.function(x);
      CHECK(golden::differs(rounded_to_float(y.value()), file.array(row.name), 2e-6) == "");
      sum(y).backward();
      CHECK(golden::differs(rounded_to_float(x.grad()), file.array(std::string("d_") + row.name), 5e-6) == "");
    }
}

TEST_CASE("activations of infinities, NaN, huge numbers and both zeros are those of Keras and PyTorch") {
  for (const char* framework : {"keras", "torch"})
    for (const Case& row : cases) {
      CAPTURE(framework);
      CAPTURE(row.name);
      const NumpyArchive file = golden::open(std::string(framework) + "_activations");
      const Array y = row.function(file.array("x_special")).value();
      CHECK(golden::differs(rounded_to_float(y), file.array(std::string("special_") + row.name), 2e-6) == "");
    }
}
