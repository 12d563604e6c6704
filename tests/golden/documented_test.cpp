// The documented model against Keras: 20 steps of Adam, by Sequential and by a loop of one's own.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <vector>

#include "fovea/fovea.hpp"
#include "golden/golden.hpp"

using namespace fovea;

namespace {

// Our paths, and how the files call the parameters.
const std::map<std::string, std::string> file_names = {{"embedding/embeddings", "embedding"},
                                                       {"attention_layer/W1/kernel", "W1_kernel"},
                                                       {"attention_layer/W1/bias", "W1_bias"},
                                                       {"attention_layer/W2/kernel", "W2_kernel"},
                                                       {"attention_layer/W2/bias", "W2_bias"},
                                                       {"attention_layer/V/kernel", "V_kernel"},
                                                       {"attention_layer/V/bias", "V_bias"},
                                                       {"dense/kernel", "dense_kernel"},
                                                       {"dense/bias", "dense_bias"}};

struct Run {
  NumpyArchive file;
  bool masked;
  Ids ids = file.ids("ids"), labels = file.ids("labels");  // (steps, batch, time), (steps, batch)
  Index steps = ids.shape()[0], batch = ids.shape()[1], time = ids.shape()[2];
  Shape table = file.shape("initial_embedding"), head = file.shape("initial_dense_kernel");

  Ids ids_of(Index step) const { return ids.rows(step, step + 1).reshaped(Shape{batch, time}); }
  Ids labels_of(Index step) const { return labels.rows(step, step + 1).reshaped(Shape{batch}); }

  Embedding embedding() const {
    return {.input_dim = table[0], .output_dim = table[1], .mask_zero = masked};
  }
  AttentionLayer attention_layer() const { return {.units = file.shape("initial_V_kernel")[0]}; }
  Dense dense() const { return {.units = head[1], .activation = Activation::softmax}; }

  void set_initial(const std::vector<NamedParameter>& parameters) const {
    REQUIRE(parameters.size() == file_names.size());
    for (NamedParameter parameter : parameters)
      parameter.tensor.assign(file.array("initial_" + file_names.at(parameter.path)));
  }

  void check_losses(const std::vector<double>& losses) const {
    Array ours(Shape{steps});
    std::ranges::transform(losses, ours.mutable_data(),
                           [](double loss) { return static_cast<real>(loss); });
    CHECK(golden::differs(ours, file.array("losses"), 2e-6) == "");
  }

  void check_accuracies(const std::vector<double>& accuracies) const {
    for (Index step = 0; step < steps; ++step)
      CHECK(accuracies[static_cast<std::size_t>(step)] ==
            doctest::Approx(static_cast<double>(file.array("accuracy").at(step))).epsilon(1e-6));
  }

  void check_final(const Adam& adam) const {
    CHECK(adam.slots().size() == file_names.size());
    CHECK(adam.steps() == steps);
    for (const Adam::Slot& slot : adam.slots()) {
      const std::string name = file_names.at(slot.path);
      CAPTURE(name);
      CHECK(golden::differs(slot.parameter.value(), file.array("final_" + name),
                            name == "V_bias" ? 1e-3 : 1e-5) == "");
      CHECK(golden::differs(slot["mean"], file.array("final_m_" + name), 1e-6) == "");
      CHECK(golden::differs(slot["variance"], file.array("final_v_" + name), 1e-6) == "");
    }
  }
};

Run open_run(bool masked) {
  return {golden::open(masked ? "documented_pool_masked" : "documented_pool"), masked};
}

// The model of a loop of one's own.
struct Documented {
  Embedding embedding;
  AttentionLayer attention_layer;
  Dense dense;

  static void parameters(auto& self, auto&& visit) {
    visit("embedding", self.embedding);
    visit("attention_layer", self.attention_layer);
    visit("dense", self.dense);
  }
};

Documented built_model(const Run& run) {
  Documented model{run.embedding(), run.attention_layer(), run.dense()};
  const Rng random(1);
  model.dense.build(
      model.attention_layer.build(model.embedding.build(Shape{run.time}, random), random), random);
  run.set_initial(parameters_of(model));
  return model;
}

Sequential built_sequential(const Run& run) {
  Sequential model{run.embedding(), run.attention_layer(), run.dense()};
  model.compile(
      {.optimizer = Adam{}, .loss = SparseCategoricalCrossentropy{}, .metrics = {Accuracy{}}});
  model.build(Shape{run.time});
  run.set_initial(parameters_of(model));
  return model;
}

// Running means after each batch, undone: the batches are of one size.
struct EachBatch : Callback {
  std::vector<double> losses, accuracies;
  double loss = 0, accuracy = 0;  // sums
  void on_train_batch_end(Model&, Index batch, const Logs& logs) override {
    const double count = static_cast<double>(batch + 1);
    losses.push_back(logs.at("loss") * count - loss);
    accuracies.push_back(logs.at("accuracy") * count - accuracy);
    loss += losses.back();
    accuracy += accuracies.back();
  }
};

}  // namespace

TEST_CASE(
    "twenty steps of the documented model in a loop of one's own are Keras', with padding and "
    "without") {
  for (const bool masked : {false, true}) {
    CAPTURE(masked);
    const Run run = open_run(masked);
    const Documented model = built_model(run);
    Adam adam;
    adam.attach(model);
    std::vector<double> losses, accuracies;
    for (Index step = 0; step < run.steps; ++step) {
      const Ids ids = run.ids_of(step), labels = run.labels_of(step);
      const Attended attention = model.attention_layer.attend(
          model.embedding(ids), {.mask = {.keep = model.embedding.mask(ids)}, .weights = true});
      const Tensor probabilities = model.dense(attention.context);
      const Tensor loss = mean(SparseCategoricalCrossentropy{}(probabilities, labels));
      adam.zero_grad();
      loss.backward();
      losses.push_back(static_cast<double>(loss.item()));
      accuracies.push_back(
          static_cast<double>(mean(Tensor(Accuracy{}(probabilities.value(), labels))).item()));
      if (step == 0) {
        CHECK(golden::differs(attention.weights().value(), run.file.array("step1_weights"), 2e-6) ==
              "");
        CHECK(golden::differs(attention.context.value(), run.file.array("step1_context"), 2e-6) ==
              "");
        CHECK(golden::differs(probabilities.value(), run.file.array("step1_probabilities"), 2e-6) ==
              "");
        for (const NamedParameter& parameter : parameters_of(model)) {
          CAPTURE(parameter.path);
          CHECK(golden::differs(parameter.tensor.grad(),
                                run.file.array("step1_d_" + file_names.at(parameter.path)),
                                1e-6) == "");
        }
      }
      adam.step();
    }
    run.check_losses(losses);
    run.check_accuracies(accuracies);
    run.check_final(adam);
  }
}

TEST_CASE("twenty steps of the documented model by fit are Keras', with padding and without") {
  for (const bool masked : {false, true}) {
    CAPTURE(masked);
    const Run run = open_run(masked);
    Sequential model = built_sequential(run);
    EachBatch each;
    const Index samples = run.steps * run.batch;
    model.fit(run.ids.reshaped(Shape{samples, run.time}), run.labels.reshaped(Shape{samples}),
              {.batch_size = run.batch, .shuffle = false, .callbacks = {&each}, .verbose = 0});
    run.check_losses(each.losses);
    run.check_accuracies(each.accuracies);
    run.check_final(*model.optimizer().as<Adam>());
  }
}

TEST_CASE("twenty calls of train_on_batch are Keras', with padding and without") {
  for (const bool masked : {false, true}) {
    CAPTURE(masked);
    const Run run = open_run(masked);
    Sequential model = built_sequential(run);
    std::vector<double> losses, accuracies;
    for (Index step = 0; step < run.steps; ++step) {
      const Logs logs = model.train_on_batch(run.ids_of(step), run.labels_of(step));
      losses.push_back(logs.at("loss"));
      accuracies.push_back(logs.at("accuracy"));
    }
    run.check_losses(losses);
    run.check_accuracies(accuracies);
    run.check_final(*model.optimizer().as<Adam>());
  }
}

TEST_CASE(
    "what the documented model shows before its first step is Keras': weights, probabilities, "
    "loss") {
  for (const bool masked : {false, true}) {
    CAPTURE(masked);
    const Run run = open_run(masked);
    const Sequential model = built_sequential(run);
    CHECK(golden::differs(model.attention(run.ids_of(0)).at("sequential/attention_layer"),
                          run.file.array("step1_weights"), 2e-6) == "");
    CHECK(golden::differs(model.predict(run.ids_of(0)), run.file.array("step1_probabilities"),
                          2e-6) == "");
    CHECK(model.evaluate(run.ids_of(0), run.labels_of(0)).at("loss") ==
          doctest::Approx(static_cast<double>(run.file.array("losses").at(0))).epsilon(2e-6));
  }
}
