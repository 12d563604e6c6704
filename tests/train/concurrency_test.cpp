// Reading shared objects from several threads at once, as the headers allow it: each thread gets
// the bits that it would get alone.
#include <doctest/doctest.h>

#include <latch>
#include <thread>

#include "train/toy.hpp"

using namespace fovea;

namespace {

// Runs work(number) on several threads that start together.
template <class Work>
void together(const Work& work) {
  constexpr int count = 4;
  std::latch start(count);
  std::vector<std::jthread> threads;
  for (int number = 0; number < count; ++number)
    threads.emplace_back([&, number] {
      start.arrive_and_wait();
      work(number);
    });
}

struct Answers {
  Array prediction, attention;
  Logs evaluation;
  std::string summary;
  std::vector<Array> gradients;
};

Answers ask(const Sequential& model, const toy::Data& data) {
  std::vector<Tensor> parameters;
  for (const NamedParameter& parameter : parameters_of(model))
    parameters.push_back(parameter.tensor);
  const Tensor loss =
      mean(sparse_categorical_crossentropy_from_probabilities(model(data.x), data.y));
  return {model.predict(data.x, 7), model.attention(data.x).begin()->second,
          model.evaluate(data.x, data.y, 9), model.summary(),
          grad(loss, parameters, {.allow_unused = true})};
}

}  // namespace

TEST_CASE("one model answers several threads at once, also while rows of its table lag behind") {
  const toy::Data data = toy::data(40);
  Sequential model = toy::model();
  model.fit(data.x, data.y, toy::quiet(1, 8));
  Sequential same = toy::model();
  same.fit(data.x, data.y, toy::quiet(1, 8));
  const Answers alone = ask(same, data);
  std::vector<Answers> answers(4);
  together([&](int number) { answers[static_cast<std::size_t>(number)] = ask(model, data); });
  for (const Answers& answer : answers) {
    CHECK(support::bits_differ(answer.prediction, alone.prediction) == "");
    CHECK(support::bits_differ(answer.attention, alone.attention) == "");
    CHECK(answer.evaluation == alone.evaluation);
    CHECK(answer.summary == alone.summary);
    CHECK(toy::bits_differ(answer.gradients, alone.gradients) == "");
  }
}

TEST_CASE(
    "models of their own train on several threads at once, to the bits that they reach alone") {
  const toy::Data data = toy::data(400);
  Sequential alone = toy::model({.dropout = real(0.2)});
  alone.fit(data.x, data.y, toy::quiet(2, 200));
  const std::vector<Array> expected = toy::weights(alone);
  std::vector<std::string> differences(4, "not run");
  together([&](int number) {
    Sequential model = toy::model({.dropout = real(0.2)});
    model.fit(data.x, data.y, toy::quiet(2, 200));
    differences[static_cast<std::size_t>(number)] = toy::bits_differ(toy::weights(model), expected);
  });
  for (const std::string& difference : differences) CHECK(difference == "");
}

TEST_CASE("whether operations are recorded, and who watches, is each thread's own") {
  const Tensor x = Tensor::parameter(Array(Shape{2}, {-1, 1}));
  std::vector<int> recorded(4), noticed(4);
  together([&](int number) {
    const auto thread = static_cast<std::size_t>(number);
    for (int repeat = 0; repeat < 200; ++repeat) {
      std::optional<NoGrad> no_grad;
      std::optional<DetectAnomaly> anomaly;
      if (number == 1) no_grad.emplace();
      if (number == 2) anomaly.emplace();
      try {
        recorded[thread] += log(x).requires_grad();
      } catch (const NonFiniteError&) {
        ++noticed[thread];
      }
    }
  });
  CHECK(recorded == std::vector<int>{200, 0, 0, 200});
  CHECK(noticed == std::vector<int>{0, 0, 200, 0});
}
