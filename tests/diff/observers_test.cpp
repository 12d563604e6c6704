// What watches: anomalies, memory by layer, observers in general, and the shards of fit.
#include <doctest/doctest.h>

#include <atomic>
#include <cmath>
#include <limits>
#include <thread>

#include "fovea/autograd/graph.hpp"
#include "fovea/fovea.hpp"
#include "support/approx.hpp"
#include "support/refusal.hpp"
#include "train/toy.hpp"

using namespace fovea;
using support::bits_differ, support::refusal;

namespace {

constexpr real infinity = std::numeric_limits<real>::infinity(),
               not_a_number = std::numeric_limits<real>::quiet_NaN();

struct Log final : Observer {
  std::vector<std::string> lines;
  void computed(const char* operation, const Array&) override { lines.push_back(operation); }
  void differentiated(Node& node, Sink&) override {
    lines.push_back(std::string("d ") + node.name);
  }
};

struct Poison {  // a layer whose results are right and whose gradients are not
  Tensor operator()(const Tensor& x, const Context& = {}) const {
    return record("poison", x.value(), wrt(x, [](const Array& dy, Gradient& dx) {
                    dx.add(Array::full(dy.shape(), not_a_number));
                  }));
  }
};

}  // namespace

TEST_CASE("observers see results and gradients in order while they live, all of those that live") {
  const Tensor x = Tensor::parameter(Array(Shape{2}, {1, 2}));
  Log outer;
  {
    Log inner;
    sum(exp(x)).backward();
    CHECK(inner.lines == std::vector<std::string>{"exp", "sum", "d sum", "d exp"});
  }
  const NoGrad no_grad;
  log(x);
  CHECK(outer.lines == std::vector<std::string>{"exp", "sum", "d sum", "d exp", "log"});
}

TEST_CASE("observers may end in any order, and what they compute themselves is not watched") {
  struct Computing final : Observer {
    int results = 0;
    void computed(const char*, const Array& value) override {
      results += mean(Tensor(value)).item() > 0;
    }
    void differentiated(Node&, Sink&) override {}
  };
  const Tensor x(Array(Shape{2}, {1, 2}));
  auto first = std::make_unique<Computing>(), second = std::make_unique<Computing>(),
       third = std::make_unique<Computing>();
  second.reset();
  exp(x);
  first.reset();
  exp(x);
  CHECK(third->results == 2);
  third.reset();
  std::optional<DetectAnomaly> late;
  {
    const NoGrad no_grad;
    late.emplace();
  }
  CHECK(grad_enabled());
  CHECK(refusal<NonFiniteError>([] { log(scalar(-1)); }) != "nothing was thrown");
  late.reset();
  CHECK(grad_enabled());
  log(scalar(-1));
}

TEST_CASE("other threads are not watched, and record whatever this one does") {
  const Tensor x = Tensor::parameter(Array(Shape{2}, {1, 2}));
  Log log;
  const NoGrad no_grad;
  bool recorded = false;
  std::thread([&] { recorded = exp(x).requires_grad(); }).join();
  CHECK(recorded);
  CHECK(log.lines.empty());
}

TEST_CASE("a result that is not finite is named: operation, number, position, shape") {
  const DetectAnomaly anomaly;
  const Tensor x(Array(Shape{2, 3}, {1, 2, 3, 4, -1, 0}));
  CHECK(refusal<NonFiniteError>([&] { log(x); }) ==
        "log: the result has nan at (1, 1) of its shape (2, 3)");
  CHECK(refusal<NonFiniteError>([&] { x / real(0); }) ==
        "divide: the result has inf at (0, 0) of its shape (2, 3)");
  CHECK(refusal<NonFiniteError>([&] { scalar(1) / scalar(0); }) ==
        "divide: the result has inf at () of its shape ()");
}

TEST_CASE("infinities may be let pass") {
  const DetectAnomaly anomaly{{.infinities = false}};
  const Mask mask(Shape{2}, {1, 0});
  CHECK(std::isinf(log_softmax(Tensor(Array(Shape{2}, {1, 2})), -1, mask).value().at(1)));
  CHECK(refusal<NonFiniteError>([] { log(scalar(-1)); }) ==
        "log: the result has nan at () of its shape ()");
}

TEST_CASE("a gradient that is not finite is named: operation, input, step") {
  DetectAnomaly anomaly;
  anomaly.at_step(7);
  const Tensor x = Tensor::parameter(Array(Shape{2}, {1, 0}));
  CHECK(refusal<NonFiniteError>([&] { sum(sqrt(x)).backward(); }) ==
        "backward of sqrt: the gradient of input 0, a parameter, has inf at (1) of its shape (2,), "
        "in step 7");
  CHECK(refusal<NonFiniteError>([&] { sum(Poison{}(exp(x))).backward(); }) ==
        "backward of poison: the gradient of input 0, the result of exp, has nan at (0) of its "
        "shape (2,), in step 7");
  const Tensor table = Tensor::parameter(Array::full(Shape{3, 2}, 1)),
               rows = gather_rows(table, Ids(Shape{1}, {2}));
  CHECK(refusal<NonFiniteError>([&] {
          rows.backward(Array::full(Shape{1, 2}, not_a_number));
        }) ==
        "backward of gather_rows: the rows of the gradient of input 0, a parameter, has nan at (0, "
        "0) of its shape (1, 2), in step 7");
}

TEST_CASE("in fit the layer's path and the step are named, forward and backward") {
  const toy::Data data = toy::data(8);
  Sequential forward = toy::model();
  forward.layers()[0].as<Embedding>()->embeddings.assign(
      Array::full(Shape{toy::vocabulary, 5}, infinity));
  Sequential backward{Embedding{toy::vocabulary, 4}, Poison{}, GlobalAveragePooling1D{}, Dense{3}};
  backward.compile({.loss = SparseCategoricalCrossentropy{.from_logits = true}});
  const DetectAnomaly anomaly;
  CHECK(refusal<NonFiniteError>([&] { forward.fit(data.x, data.y, toy::quiet(1, 4)); }) ==
        "sequential/embedding: gather_rows: the result has inf at (0, 0, 0) of its shape (4, 6, "
        "5), in step 0");
  CHECK(refusal<NonFiniteError>([&] { backward.fit(data.x, data.y, toy::quiet(1, 4)); }) ==
        "sequential/poison: backward of poison: the gradient of input 0, the result of "
        "gather_rows, has nan at (0, 0, 0) of its shape (4, 6, 4), in step 0");
}

TEST_CASE("watching changes no bit of a fit") {
  const toy::Data data = toy::data(600);
  Sequential watched = toy::model(), alone = toy::model();
  MemoryByLayer memory;
  {
    const DetectAnomaly anomaly;
    watched.fit(data.x, data.y, toy::quiet(2, 300));
  }
  alone.fit(data.x, data.y, toy::quiet(2, 300));
  CHECK(toy::bits_differ(toy::weights(watched), toy::weights(alone)) == "");
  CHECK(memory.peaks().contains("sequential/attention_layer"));
}

TEST_CASE("memory is told layer by layer, with what a layer needs in between") {
  Sequential model{Dense{1000}, Dense{1}};
  model.build(Shape{10});
  const Index before = memory::bytes_now(), wide = 200 * 1000 * static_cast<Index>(sizeof(real));
  MemoryByLayer by_layer;
  sum(model(Array::full(Shape{200, 10}, 1))).backward();
  const auto peaks = by_layer.peaks();
  CHECK(peaks.size() == 3);
  CHECK(peaks.at("sequential/dense") - before >= 2 * wide);  // x W and x W + b
  CHECK(peaks.at("sequential/dense") - before < 4 * wide);
  CHECK(peaks.at("sequential/dense_1") - before >= wide);
  CHECK(peaks.at("") - before >= 200 * static_cast<Index>(sizeof(real)));
}
