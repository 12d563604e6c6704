// What attention is for: copying a sequence, reversing it, and recalling the digit that stood
// behind a letter. A mean and a recurrent state are one vector for the whole sequence, whatever is
// asked; attention looks up each answer where it stands. The three models have as many parameters,
// the same steps and the same fresh sequences, drawn for each step.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <string>
#include <vector>

#include "fovea/fovea.hpp"
#include "support/attention_picture.hpp"
#include "support/options.hpp"
#include "support/sequence_tasks.hpp"

using namespace fovea;
using examples::Answers;
using examples::SequenceTask;
using Kind = SequenceTask::Kind;

namespace {

constexpr Index epochs = 10, stated_steps = 2000;

struct Settings {
  Index steps = stated_steps, batch_size = 64, width = 64, threads = fovea::threads();
  std::uint64_t seed = 1;
  std::string task = "all", picture;
};

struct Trained {
  Model model;
  examples::Exactness exact;  // of sequences that it was not trained on
  double seconds;
};

Trained train(const SequenceTask& task, Answers::Way way, const SampleBatch& test,
              const Settings& settings) {
  Model model = examples::model_of(task, way, settings.width);
  model.compile({.optimizer = Adam{{.learning_rate = CosineDecay{.initial_learning_rate = 0.003,
                                                                 .decay_steps = settings.steps},
                                    .global_clipnorm = 1}},
                 .loss = SparseCategoricalCrossentropy{},
                 .metrics = {Accuracy{}},
                 .seed = settings.seed});
  fmt::print("\n{} by {}\n", task.name(), examples::name_of(way));
  const auto begin = std::chrono::steady_clock::now();
  model.fit(GeneratedBatches(
                [&](std::uint64_t, Rng random) { return task.draw(settings.batch_size, random); }),
            {.epochs = epochs, .steps_per_epoch = settings.steps / epochs});
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin;
  const examples::Exactness exact = examples::exactness(model, test);
  return {std::move(model), exact, time.count()};
}

// Where the model looked in the first test sequence, as a map of answers and symbols.
AttentionMap where_it_looked(const Trained& trained, const SequenceTask& task,
                             const SampleBatch& test) {
  const SampleSet first = test.x.rows(0, 1);
  const auto symbols = [&](const Ids& ids) {
    std::vector<std::string> names;
    for (const std::int32_t id : ids.values())
      if (id != 0) names.push_back(task.symbol(id));
    return names;
  };
  return attention_map(task.name(), trained.model.attention(first).begin()->second, 0,
                       symbols(task.kind == Kind::recall ? first[1].samples.ids()
                                                         : test.y.rows(0, 1)[0].samples.ids()),
                       symbols(first[0].samples.ids()));
}

// Trains the three models on a task. Returns a table of what came of it.
std::string compare(const SequenceTask& task, const Settings& settings,
                    std::vector<AttentionMap>& maps, std::string& result) {
  const SampleBatch test = task.draw(1000, Rng(settings.seed).split(task.name()));
  std::string table;
  for (const Answers::Way way :
       {Answers::Way::attention, Answers::Way::mean, Answers::Way::recurrent}) {
    const Trained trained = train(task, way, test, settings);
    table += fmt::format("{:<8} {:<10} {:>10} {:>8.0f} {:>14.4f} {:>15.3f}\n", task.name(),
                         examples::name_of(way), parameter_count(trained.model), trained.seconds,
                         trained.exact.answers, trained.exact.sequences);
    result += fmt::format("{} {} {:.3f}", way == Answers::Way::attention ? task.name() + ":" : ",",
                          examples::name_of(way), trained.exact.sequences);
    if (way == Answers::Way::attention) {
      maps.push_back(where_it_looked(trained, task, test));
      result += fmt::format(" ({:.2f} of the weight where the answer stands)",
                            examples::weight_on_answers(trained.model, task, test));
    }
    if (settings.steps == stated_steps)
      examples::require((trained.exact.sequences >= 0.99) == (way == Answers::Way::attention),
                        "attention is exact in 99% of the sequences, and the others are not");
  }
  result += "; ";
  return table;
}

void draw(const std::vector<AttentionMap>& maps, const std::string& path) {
  write_text(path, path.ends_with(".html")
                       ? attention_page(maps, {.title = "Where the models looked"})
                       : attention_heat_map_svg(maps.front(), 0));
  fmt::print("where it looked in one sequence: {}\n", path);
}

void program(int argc, char** argv) {
  Settings settings;
  examples::Options("12_sequence_tasks",
                    "Copies, reverses and recalls: attention, beside a mean and a recurrent state.")
      .text("--task", settings.task, "copy, reverse, recall, or all")
      .text("--picture", settings.picture, "file of where attention looked: .svg, or .html for all")
      .integer("--steps", settings.steps, epochs, 1'000'000, "batches that each model learns from")
      .integer("--batch-size", settings.batch_size, 1, 10'000, "sequences in a batch")
      .integer("--width", settings.width, 4, 4096, "width of the model with attention")
      .integer("--threads", settings.threads, 1, 1024, "threads; the result is the same")
      .seed("--seed", settings.seed, "seed of the sequences and the first weights")
      .parse(argc, argv);
  set_threads(settings.threads);
  if (!settings.picture.empty()) examples::check_writable(settings.picture);

  std::string table, result;
  std::vector<AttentionMap> maps;
  for (const Kind kind : {Kind::copy, Kind::reverse, Kind::recall}) {
    const SequenceTask task{.kind = kind};
    if (settings.task == "all" || settings.task == task.name())
      table += compare(task, settings, maps, result);
  }
  if (maps.empty())
    throw ValueError("--task is \"" + settings.task + "\"; use copy, reverse, recall or all");
  fmt::print("\n{:<8} {:<10} {:>10} {:>8} {:>14} {:>15}\n{}\n", "task", "model", "parameters",
             "seconds", "answers right", "sequences exact", table);
  if (!settings.picture.empty()) draw(maps, settings.picture);
  fmt::print("result: sequences exact: {}\n", result.substr(0, result.size() - 2));
}

}  // namespace

int main(int argc, char** argv) {
  return examples::run([&] { program(argc, argv); });
}
