// Learning that needs attention, on short sequences. The example 12_sequence_tasks has long ones.
#include "support/sequence_tasks.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <set>

#include "support/generate.hpp"
#include "support/seed.hpp"

namespace {

using namespace fovea;
using examples::Answers;
using examples::SequenceTask;
using Kind = SequenceTask::Kind;

constexpr Kind kinds[] = {Kind::copy, Kind::reverse, Kind::recall};

std::vector<std::int32_t> row(const SampleSet& samples, std::size_t input, Index i) {
  const Ids one = samples[input].samples.ids().rows(i, i + 1);
  return {one.values().begin(), one.values().end()};
}

Model trained(const SequenceTask& task, Answers::Way way) {
  Model model = examples::model_of(task, way, 32);
  model.compile({.optimizer = Adam{{.learning_rate = 0.005, .global_clipnorm = 1}},
                 .loss = SparseCategoricalCrossentropy{},
                 .seed = support::seed()});
  const GeneratedBatches batches([&](std::uint64_t, Rng random) { return task.draw(32, random); });
  model.fit(batches, {.epochs = 1, .steps_per_epoch = 600, .verbose = 0});
  return model;
}

}  // namespace

TEST_CASE("each answer of a task stands in the sequence where the task says") {
  for (const Kind kind : kinds)
    for (Index trial = 0; trial < 40; ++trial) {
      support::Generate g("sequence tasks", trial);
      const Index shortest = g.integer(2, 10);
      const SequenceTask task{.kind = kind,
                              .letters = g.integer(shortest, 26),
                              .shortest = shortest,
                              .longest = shortest + g.integer(0, shortest)};
      const SampleBatch samples = task.draw(5, Rng(g.bits()));
      for (Index i = 0; i < 5; ++i) {
        const std::vector<std::int32_t> sequence = row(samples.x, 0, i),
                                        questions = row(samples.x, 1, i),
                                        answers = row(samples.y, 0, i);
        REQUIRE(questions.size() == answers.size());
        const auto length = std::ranges::find(sequence, 0) - sequence.begin();
        const auto asked = std::ranges::find(questions, 0) - questions.begin();
        REQUIRE(asked == (kind == Kind::recall ? length / 2 : length));
        REQUIRE(length >= shortest / 2 * 2);
        std::set<Index> places;
        for (std::size_t t = 0; t < questions.size(); ++t) {
          REQUIRE((questions[t] == 0) == (answers[t] == 0));
          if (questions[t] == 0) continue;
          const Index place = task.place_of(sequence, questions[t]);
          REQUIRE(place < length);
          REQUIRE(sequence[static_cast<std::size_t>(place)] == answers[t]);
          REQUIRE((answers[t] > task.letters) == (kind == Kind::recall));
          places.insert(place);
        }
        REQUIRE(std::ssize(places) == asked);
        if (kind == Kind::reverse)
          REQUIRE(answers[0] == sequence[static_cast<std::size_t>(length - 1)]);
        if (kind == Kind::copy) REQUIRE(answers[0] == sequence[0]);
      }
    }
}

TEST_CASE("the models of a task have as many parameters, those without attention a few more") {
  for (const Kind kind : kinds) {
    const SequenceTask task{.kind = kind};
    const SampleBatch sample = task.draw(1, Rng(1));
    const auto parameters = [&](Answers::Way way) {
      Model model = examples::model_of(task, way, 32);
      model.build(sample.x);
      return parameter_count(model);
    };
    const Index attention = parameters(Answers::Way::attention);
    for (const auto way : {Answers::Way::mean, Answers::Way::recurrent}) {
      CHECK(parameters(way) >= attention);
      CHECK(parameters(way) <= attention + attention / 8);
    }
  }
}

TEST_CASE("exactness counts answers, and sequences all of whose answers are right") {
  const SequenceTask task{.letters = 5, .shortest = 2, .longest = 4};
  SampleBatch samples = task.draw(50, Rng(2));
  Model model = examples::model_of(task, Answers::Way::mean, 8);
  model.compile({.loss = SparseCategoricalCrossentropy{}});
  model.fit(samples.x, samples.y, {.epochs = 30, .verbose = 0});  // padding is no answer
  // What the model says counts as right, where something is asked.
  const Ids said = argmax(Array(model.predict(samples.x)));
  Ids right = samples.y[0].samples.ids();
  Index asked = 0;
  for (Index i = 0; i < right.count(); ++i) {
    if (right.at(i) == 0) continue;
    REQUIRE(said.at(i) != 0);
    right.mutable_data()[i] = said.at(i);
    ++asked;
  }
  samples.y = right;
  CHECK(examples::exactness(model, samples).answers == 1);
  CHECK(examples::exactness(model, samples).sequences == 1);
  right.mutable_data()[0] = right.at(0) % 5 + 1;
  samples.y = right;
  CHECK(examples::exactness(model, samples).answers ==
        doctest::Approx(1 - 1 / static_cast<double>(asked)));
  CHECK(examples::exactness(model, samples).sequences == doctest::Approx(0.98));
}

TEST_CASE("attention copies, reverses and recalls; a mean and a recurrent state do not") {
  for (const Kind kind : kinds) {
    const SequenceTask task{.kind = kind, .letters = 12, .shortest = 8, .longest = 12};
    const SampleBatch test = task.draw(300, Rng(support::seed()).split("test"));
    for (const auto way : {Answers::Way::attention, Answers::Way::mean, Answers::Way::recurrent}) {
      const Model model = trained(task, way);
      const examples::Exactness exact = examples::exactness(model, test);
      std::printf("figure: %s exact, %s = %.3f\n", task.name().c_str(),
                  std::string(examples::name_of(way)).c_str(), exact.sequences);
      if (way == Answers::Way::attention) {
        CHECK(exact.sequences >= 0.99);
        const double weight = examples::weight_on_answers(model, task, test);
        std::printf("figure: %s, weight where the answer stands = %.3f\n", task.name().c_str(),
                    weight);
        CHECK(weight > 0.8);
      } else {
        CHECK(exact.sequences < 0.5);
      }
    }
  }
}
