// Functions of one element, as Keras and PyTorch compute them: values, derivatives, and what
// infinities become.
//
// Left out: relu6, selu, hard_sigmoid and mish of both files, which the library does not have
// (relu6 and hard_sigmoid are clips, whose slope at the bounds is 1 here and 0 there); log_sigmoid
// and softsign are taken as what one would write for them.
#include <doctest/doctest.h>

#include <functional>
#include <limits>
#include <span>
#include <string>

#include "fovea/ops/ops.hpp"
#include "golden/golden.hpp"

using namespace fovea;

namespace {

struct Case {
  const char* name;
  std::function<Tensor(const Tensor&)> function;
};

const Case both[] = {{"tanh", [](const Tensor& x) { return fovea::tanh(x); }},
                     {"sigmoid", [](const Tensor& x) { return sigmoid(x); }},
                     {"log_sigmoid", [](const Tensor& x) { return -softplus(-x); }},
                     {"relu", [](const Tensor& x) { return relu(x); }},
                     {"softplus", [](const Tensor& x) { return softplus(x); }},
                     {"silu", [](const Tensor& x) { return silu(x); }},
                     {"elu", [](const Tensor& x) { return elu(x); }},
                     {"softsign", [](const Tensor& x) { return x / (fovea::abs(x) + real(1)); }},
                     {"exponential", [](const Tensor& x) { return fovea::exp(x); }},
                     {"gelu", [](const Tensor& x) { return gelu(x); }},
                     {"gelu_tanh", [](const Tensor& x) { return gelu_tanh(x); }},
                     {"erf", [](const Tensor& x) { return fovea::erf(x); }}};
const Case of_keras[] = {{"leaky_relu", [](const Tensor& x) { return leaky_relu(x); }}};
const Case of_torch[] = {{"leaky_relu", [](const Tensor& x) { return leaky_relu(x, real(0.01)); }},
                         {"expm1", [](const Tensor& x) { return fovea::expm1(x); }},
                         {"sin", [](const Tensor& x) { return fovea::sin(x); }},
                         {"cos", [](const Tensor& x) { return fovea::cos(x); }},
                         {"abs", [](const Tensor& x) { return fovea::abs(x); }},
                         {"sign", [](const Tensor& x) { return fovea::sign(x); }}};
const Case of_positive[] = {{"log", [](const Tensor& x) { return fovea::log(x); }},
                            {"log1p", [](const Tensor& x) { return fovea::log1p(x); }},
                            {"sqrt", [](const Tensor& x) { return fovea::sqrt(x); }},
                            {"rsqrt", [](const Tensor& x) { return rsqrt(x); }}};

// Calls check(file, case) for each framework's functions.
void for_each_case(const std::function<void(const std::string& framework, const NumpyArchive&,
                                            const Case&)>& check) {
  for (const std::string framework : {"keras", "torch"}) {
    const NumpyArchive file = golden::open(framework + "_activations");
    const auto visit = [&](std::span<const Case> cases) {
      for (const Case& row : cases) {
        CAPTURE(framework);
        CAPTURE(row.name);
        check(framework, file, row);
      }
    };
    visit(both);
    visit(framework == "keras" ? std::span<const Case>(of_keras) : std::span<const Case>(of_torch));
  }
}

// What float32 cannot hold is an infinity in the files, and may be a number in double.
Array rounded_to_float(const Array& array) {
  Array result(array.shape());
  for (Index i = 0; i < array.count(); ++i)
    result.mutable_data()[i] =
        std::abs(array.data()[i]) > static_cast<real>(std::numeric_limits<float>::max())
            ? std::copysign(std::numeric_limits<real>::infinity(), array.data()[i])
            : array.data()[i];
  return result;
}

}  // namespace

TEST_CASE("activations and their derivatives are those of Keras and PyTorch") {
  for_each_case([](const std::string&, const NumpyArchive& file, const Case& row) {
    const Tensor x = golden::parameter(file, "x");
    const Tensor y = row.function(x);
    CHECK(golden::differs(rounded_to_float(y.value()), file.array(row.name), 2e-6) == "");
    sum(y).backward();
    CHECK(golden::differs(rounded_to_float(x.grad()), file.array(std::string("d_") + row.name),
                          5e-6) == "");
  });
}

TEST_CASE(
    "functions of positive numbers, from 1e-30 to 1e30, and their derivatives are those of "
    "PyTorch") {
  const NumpyArchive file = golden::open("torch_activations");
  for (const Case& row : of_positive) {
    CAPTURE(row.name);
    const Tensor x = golden::parameter(file, "x_positive");
    const Tensor y = row.function(x);
    CHECK(golden::differs(y.value(), file.array(row.name), 2e-6) == "");
    sum(y).backward();
    CHECK(golden::differs(rounded_to_float(x.grad()), file.array(std::string("d_") + row.name),
                          5e-6) == "");
  }
}

// Where the frameworks have NaN at an infinity, ours is the limit (gelu, silu, log_sigmoid); at NaN
// all agree but PyTorch's sign, which is 0. PyTorch's gelu of 3e38 is infinite: Keras' is checked.
TEST_CASE(
    "activations of infinities, NaN, huge numbers and both zeros are those of Keras and PyTorch") {
  for_each_case([](const std::string& framework, const NumpyArchive& file, const Case& row) {
    const std::string name = row.name;
    if (name == "softsign" || (framework == "torch" && name == "gelu")) return;
    const Array x = file.array("x_special"), theirs = file.array("special_" + name);
    Array ours = rounded_to_float(row.function(x).value());
    for (Index i = 0; i < x.count(); ++i)
      if (std::isinf(x.data()[i]) && std::isnan(theirs.data()[i]) && !std::isnan(ours.data()[i])) {
        CHECK(ours.data()[i] == 0);
        ours.mutable_data()[i] = theirs.data()[i];
      } else if (std::isnan(x.data()[i])) {
        CHECK(std::isnan(ours.data()[i]));
        ours.mutable_data()[i] = theirs.data()[i];
      }
    CHECK(golden::differs(ours, theirs, 2e-6) == "");
  });
}
