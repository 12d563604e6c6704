// Outputs of weight 0, and the names of outputs and metrics in the logs.
#include <doctest/doctest.h>

#include <cmath>

#include "train/models.hpp"

using namespace fovea;
using support::Generate;
using support::refusal;

namespace {

// A loss whose derivative is NaN.
struct Poison {
  static constexpr const char* name = "poison";
  Tensor operator()(const Tensor& prediction, const Samples&) const {
    return sum(sqrt(prediction - prediction), -1);
  }
};

// A metric of a name that the logs of validation have.
struct Taken {
  static constexpr const char* name = "val_loss";
  Array operator()(const Array&, const Samples& target) const {
    return Array::zeros(Shape{target.count()});
  }
};

}  // namespace

TEST_CASE("an output of weight 0 takes no part in what is learned, whatever its derivative") {
  Generate g("an output of weight 0", 0);
  const Array x = g.array({8, 3}, {-1, 1});
  const auto trained = [&](Loss loss) {
    Model model{models::Pair{}};
    model.compile(
        {.optimizer = Adam{}, .outputs = {{"first", MeanSquaredError{}}, {"second", loss, {}, 0}}});
    const Logs logs = model.train_on_batch(x, {x, x});
    CHECK(std::isfinite(logs.at("loss")));
    return toy::weights(model);
  };
  CHECK(toy::bits_differ(trained(Poison{}), trained(MeanSquaredError{})) == "");
}

TEST_CASE("names that the logs of validation have are refused for metrics") {
  Sequential model{Dense{1}};
  CHECK(refusal<ValueError>([&] {
          model.compile({.optimizer = Adam{}, .loss = MeanSquaredError{}, .metrics = {Taken{}}});
        }).find("\"val_loss\"") != std::string::npos);
}
