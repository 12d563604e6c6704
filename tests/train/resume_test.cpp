// A training that stops anywhere and goes on from a file ends in the same bits.
#include <doctest/doctest.h>

#include <cstdio>

#include "fovea/io/error.hpp"
#include "fovea/io/safetensors.hpp"
#include "io/files.hpp"
#include "train/models.hpp"
#include "train/training.hpp"

using namespace fovea;
using namespace training;
using support::Folder;
using support::refusal;

namespace {

// Other threads in each of many trials.
struct Threads {
  const Index before = threads();
  ~Threads() { set_threads(before); }
};

}  // namespace

TEST_CASE("a model that was saved after any batch goes on in the same bits, on other threads") {
  const Folder folder;
  const Threads threads;
  const Result expected = whole();
  Index equal = 0;
  for (Index batch = 1; batch <= epochs * batches; ++batch) {
    CAPTURE(batch);
    set_threads(1 + batch % 3);
    {
      Sequential first = training::model();
      Witness witness;
      SaveAfter save(folder / "m", batch);
      Crash crash(batch);
      CHECK_THROWS_AS(fit(first, {&witness, &save, &crash}), Crash::Happened);
    }
    set_threads(1 + (batch + 1) % 3);
    Sequential second = training::model();
    if (batch % 2 == 0) second.build(Shape{toy::time});
    second.load(folder / "m");
    Witness witness;
    const History history = fit(second, {&witness});
    const std::string difference = differ(result(second, history, witness), expected);
    CHECK(difference == "");
    equal += difference.empty();
  }
  std::printf("figure: fits resumed after each batch, equal = %d\n", static_cast<int>(equal));
}

TEST_CASE("a model that was saved between two fits goes on as if it had not been") {
  const Folder folder;
  const auto optimizers = [] {
    return std::vector<Optimizer>{
        Adam{},
        AdamW{},
        SGD{{.momentum = 0.9}},
        RMSprop{},
        Adagrad{},
        Lion{},
        Adam{{.groups = {{"*/bias", {.learning_rate_factor = 0.5}}}, .use_ema = true}}};
  };
  for (std::size_t i = 0; i < optimizers().size(); ++i) {
    CAPTURE(i);
    Witness witness;
    Sequential one = training::model(optimizers()[i]);
    fit(one, {}, 2);
    one.save(folder / "m");
    Sequential other = training::model(optimizers()[i]);
    other.load(folder / "m");
    CHECK(other.history().history == one.history().history);
    const History history = fit(one, {&witness}, 2);
    Witness second;
    const History resumed = fit(other, {&second}, 2);
    CHECK(differ(result(other, resumed, second), result(one, history, witness)) == "");
  }
}

TEST_CASE("a file is loaded before compile, too, which then takes up the optimiser") {
  const Folder folder;
  Sequential one = training::model();
  fit(one, {}, 1);
  one.save(folder / "m");
  Sequential compiled = training::model();
  Sequential other{Embedding{.input_dim = toy::vocabulary, .output_dim = 5, .mask_zero = true},
                   AttentionLayer{.units = 4, .dropout = real(0.25)}, Dropout{real(0.25)},
                   Dense{toy::classes, Activation::softmax}};
  other.load(folder / "m");
  CHECK(toy::bits_differ(toy::weights(other), toy::weights(one)) == "");
  other.save(folder / "again");
  const CompileOptions options{.optimizer = adam(),
                               .loss = SparseCategoricalCrossentropy{},
                               .metrics = {Accuracy{}},
                               .seed = 5};
  CompileOptions wrong = options;
  wrong.seed = 6;
  CHECK(refusal<StateError>([&] { other.compile(wrong); }) ==
        "sequential: compile: the seed is 6, that of the file is 5; compile with .seed = 5, or "
        "take the weights alone by load_weights");
  wrong = options;
  wrong.optimizer = SGD{};
  CHECK(refusal<StateError>([&] {
          other.compile(wrong);
        }).find("expected the state of SGD, got that of Adam") != std::string::npos);
  other.compile(options);
  Sequential third = training::model();
  third.load(folder / "again");
  Witness a, b, c;
  const History expected = fit(one, {&a}, 1), second = fit(other, {&b}, 1),
                last = fit(third, {&c}, 1);
  CHECK(differ(result(other, second, b), result(one, expected, a)) == "");
  CHECK(differ(result(third, last, c), result(one, expected, a)) == "");
}

TEST_CASE("another optimiser, seed or structure is refused by name, and nothing is changed") {
  const Folder folder;
  Sequential one = training::model();
  fit(one, {}, 1);
  one.save(folder / "m");
  const auto told = [&](Sequential& model) {
    model.build(Shape{toy::time});
    const std::vector<Array> before = toy::weights(model);
    const std::string message = refusal<Error>([&] { model.load(folder / "m"); });
    CHECK(toy::bits_differ(toy::weights(model), before) == "");
    return message;
  };
  Sequential optimizer = training::model(SGD{});
  CHECK(told(optimizer).find("SGD: load_state: expected the state of SGD, got that of Adam") !=
        std::string::npos);
  Sequential seed = training::model(Adam{}, 6);
  CHECK(told(seed).find("sequential: load: the seed is 6, that of the file is 5") !=
        std::string::npos);
  Sequential built{Embedding{12, 5, true}, AttentionLayer{4}, Dense{3}};
  built.build(Shape{toy::time});
  CHECK(told(built).find("it was built with seed 0, the model of the file with 5") !=
        std::string::npos);
  Sequential wide{Embedding{12, 5, true}, AttentionLayer{4}, Dense{4}};
  wide.compile({.loss = SparseCategoricalCrossentropy{}, .seed = 5});
  CHECK(told(wide).find("\"dense/kernel\": expected (5, 4), got (5, 3)") != std::string::npos);
  save_weights(one, folder / "m");
  Sequential same = training::model();
  CHECK(told(same).find("holds no state of a model; load_weights reads weights alone") !=
        std::string::npos);
}

TEST_CASE("a fit of other samples does not go on in the middle of the one that was saved") {
  const Folder folder;
  Sequential one = training::model();
  SaveAfter save(folder / "m", 7);
  fit(one, {&save});
  const toy::Data data = toy::data(samples + 1);
  Sequential other = training::model();
  other.load(folder / "m");
  CHECK(refusal<StateError>([&] { other.fit(data.x, data.y, toy::quiet(2, batch_size)); }) ==
        "sequential: fit: the file that was loaded was saved in a fit of 23 samples with "
        "batch_size 5, shuffle true and gradient_accumulation_steps 1, ShuffleAll; this one has "
        "24, 5, true and gradient_accumulation_steps 1, ShuffleAll; give the same, or load with "
        ".resume = false to begin anew");
  other.load(folder / "m", {.resume = false});
  CHECK(other.fit(data.x, data.y, toy::quiet(2, batch_size)).epoch == std::vector<Index>{0, 1});
}

TEST_CASE(
    "callbacks are told of the epoch within which a training goes on, and that others begin") {
  struct Epochs : Callback {
    std::vector<Index> begun, resumed;
    void on_epoch_begin(Model&, Index epoch) override { begun.push_back(epoch); }
    void on_epoch_resumed(Model&, Index epoch) override { resumed.push_back(epoch); }
  };
  const Folder folder;
  Sequential one = training::model();
  SaveAfter save(folder / "m", 7);  // of three epochs of five batches
  fit(one, {&save});
  Sequential model = training::model();
  model.load(folder / "m");
  Epochs told;
  JsonLinesLogger log(folder / "log.jsonl", {.every_batches = 1});
  fit(model, {&told, &log});
  CHECK(told.resumed == std::vector<Index>{1});
  CHECK(told.begun == std::vector<Index>{2});
  const std::string lines = test_files::read_bytes(folder / "log.jsonl");
  CHECK(lines.starts_with("{\"epoch\":1,\"batch\":2,"));
}

TEST_CASE("a fit goes on with the order of batches that it was saved with, and no other") {
  const Folder folder;
  Sequential one = training::model();
  SaveAfter save(folder / "m", 7);
  fit(one, {&save});
  const toy::Data data = toy::data(samples);
  for (const int other : {0, 1, 2}) {
    Sequential model = training::model();
    model.load(folder / "m");
    FitOptions options = toy::quiet(2, batch_size);
    if (other == 0) options.gradient_accumulation_steps = 2;
    if (other == 1) options.order = ShuffleInBlocks{.block_size = 4};
    if (other == 2) options.order = BucketByLength{};
    CHECK_THROWS_AS(model.fit(data.x, data.y, options), StateError);
  }
}

TEST_CASE("texts of the user come back, in any letters") {
  const Folder folder;
  Sequential model = toy::model();
  const SavedTexts texts = {{"vocabulary", "ein\nzwei\ndrei"}, {"ä", ""}};
  model.save(folder / "m", {.texts = texts});
  CHECK(saved_texts(folder / "m") == texts);
  model.save(folder / "n");
  CHECK(saved_texts(folder / "n").empty());
}

TEST_CASE("weights alone are read from a model's file, and numbers keep their bits") {
  const Folder folder;
  Sequential one = training::model();
  fit(one, {}, 2);
  one.save(folder / "m");
  Sequential other = training::model(SGD{}, 9);
  other.build(Shape{toy::time});
  other.load_weights(folder / "m");
  CHECK(toy::bits_differ(toy::weights(other), toy::weights(one)) == "");
}

TEST_CASE("a struct of two inputs is built from its file, and goes on in the same bits") {
  const Folder folder;
  const models::Sentences data = models::sentences(12, 4, 7);
  const auto model = [] {
    Model result{models::Translator{.words = 7}};
    result.compile({.loss = SparseCategoricalCrossentropy{}, .metrics = {Accuracy{}}, .seed = 4});
    return result;
  };
  const auto fit = [&](Model& one, Index count) {
    return one.fit({{"source", data.source}, {"target", data.told}}, data.target,
                   toy::quiet(count, 4));
  };
  Model one = model();
  fit(one, 1);
  one.save(folder / "m");
  Model other = model();
  other.load(folder / "m");
  CHECK(other.built());
  CHECK(fit(other, 2).history == fit(one, 2).history);
  CHECK(toy::bits_differ(toy::weights(other), toy::weights(one)) == "");

  // Numbers beside ids.
  support::Generate g("measures", 0);
  const Array measures = g.array({23, 2}, {-1, 1}), prices = g.array({23, 1}, {-1, 1});
  Model appraiser{models::Appraiser{}};
  appraiser.compile({.loss = MeanSquaredError{}});
  appraiser.fit({{"text", toy::data(23).x}, {"measures", measures}}, prices, toy::quiet(1, 8));
  appraiser.save(folder / "a");
  Model second{models::Appraiser{}};
  second.load(folder / "a");
  CHECK(toy::bits_differ(toy::weights(second), toy::weights(appraiser)) == "");
  CHECK(refusal<ValueError>([&] {
          load_model(folder / "a");
        }).find("appraiser: it is a module of one's own, Appraiser") != std::string::npos);
}

TEST_CASE("a model whose averages are in place is not saved as if they were its weights") {
  const Folder folder;
  Sequential model = training::model(Adam{{.use_ema = true}});
  fit(model, {}, 1);
  const AveragedWeights averages(*model.optimizer().as<Adam>());
  CHECK(refusal<StateError>([&] { model.save(folder / "m"); }).find("averages") !=
        std::string::npos);
  CHECK(folder.names().empty());
}

TEST_CASE("datasets in any order, generated and accumulated batches go on in the same bits") {
  const toy::Data data = toy::data(samples), other = toy::data(7, 1);
  const ArrayDataset dataset(data.x, data.y);
  const GeneratedBatches generated([](std::uint64_t number, Rng) {
    const toy::Data batch = toy::data(4, static_cast<Index>(number % 50));
    return SampleBatch{batch.x, batch.y};
  });
  const auto options = [&](BatchOrder order, Index accumulated) {
    FitOptions how = toy::quiet(2, 4);
    how.order = std::move(order);
    how.gradient_accumulation_steps = accumulated;
    how.validation_data = Validation{other.x, other.y};
    return how;
  };
  FitOptions endless = options(ShuffleAll{}, 1);
  endless.steps_per_epoch = 5;
  using Fit = std::function<History(Model&, std::vector<Callback*>)>;
  const auto of_dataset = [&](FitOptions how) -> Fit {
    return [&, how](Model& model, std::vector<Callback*> callbacks) {
      FitOptions own = how;
      own.callbacks = std::move(callbacks);
      return model.fit(dataset, own);
    };
  };
  const std::vector<Fit> fits = {
      of_dataset(options(ShuffleAll{}, 1)), of_dataset(options(ShuffleAll{}, 2)),
      of_dataset(options(ShuffleInBlocks{.block_size = 3, .blocks_together = 2}, 1)),
      of_dataset(options(BucketByLength{.boundaries = {2, 3, 4}}, 1)),
      [&](Model& model, std::vector<Callback*> callbacks) {
        FitOptions own = endless;
        own.callbacks = std::move(callbacks);
        return model.fit(generated, own);
      }};
  const Folder folder;
  Index resumed = 0;
  for (std::size_t which = 0; which < fits.size(); ++which) {
    Sequential never = training::model();
    Witness seen;
    const History history = fits[which](never, {&seen});
    const Result expected = result(never, history, seen);
    for (Index batch = 1;; ++batch) {
      CAPTURE(which);
      CAPTURE(batch);
      Sequential first = training::model();
      Witness before, after;
      SaveAfter save(folder / "m", batch);
      Crash crash(batch);
      try {
        fits[which](first, {&before, &save, &crash});
        break;  // there are no more batches
      } catch (const Crash::Happened&) {
      }
      Sequential second = training::model();
      second.load(folder / "m");
      const History again = fits[which](second, {&after});
      CHECK(differ(result(second, again, after), expected) == "");
      ++resumed;
    }
  }
  CHECK(resumed > 40);
  std::printf("figure: resumes in the middle of datasets = %d\n", static_cast<int>(resumed));
}
