// CSVLogger and JsonLinesLogger: what stands in their files, also after a kill and a resume.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <sstream>

#include "io/files.hpp"
#include "support/refusal.hpp"
#include "train/models.hpp"
#include "train/toy.hpp"

using namespace fovea;
using support::refusal;
using test_files::Folder;
using test_files::read_bytes;
using test_files::write_bytes;

namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN(),
                 infinity = std::numeric_limits<double>::infinity();

Sequential& any_model() {
  static Sequential model = toy::model();
  return model;
}

FitOptions with(std::vector<Callback*> callbacks, Index epochs = 3) {
  FitOptions options = toy::quiet(epochs, 4);
  options.validation_data = Validation{toy::data(6, 3).x, toy::data(6, 3).y};
  options.callbacks = std::move(callbacks);
  return options;
}

std::vector<std::string> lines_of(const std::string& path) {
  std::istringstream stream(read_bytes(path));
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// An exception that is none of the library's.
struct Bang {};

}  // namespace

TEST_CASE("CSVLogger writes Keras' columns, and numbers that read back as the same bits") {
  const Folder folder;
  CSVLogger logger(folder / "history.csv");
  Sequential model = toy::model();
  const History history = model.fit(toy::data(10).x, toy::data(10).y, with({&logger}));
  const std::vector<std::string> lines = lines_of(folder / "history.csv");
  REQUIRE(lines.size() == 4);
  CHECK(lines[0] == "epoch,accuracy,loss,val_accuracy,val_loss");
  for (std::size_t epoch = 0; epoch < 3; ++epoch) {
    std::istringstream cells(lines[epoch + 1]);
    std::string cell;
    std::getline(cells, cell, ',');
    CHECK(cell == std::to_string(epoch));
    for (const char* name : {"accuracy", "loss", "val_accuracy", "val_loss"}) {
      std::getline(cells, cell, ',');
      double value = 0;  // read in any locale
      std::from_chars(cell.data(), cell.data() + cell.size(), value);
      CHECK(value == history[name][epoch]);
    }
  }
}

TEST_CASE("columns are those of the first epoch, and names that would break a line are in quotes") {
  const Folder folder;
  CSVLogger logger(folder / "log", {.separator = ';'});
  logger.on_train_begin(any_model());
  logger.on_epoch_end(any_model(), 0,
                      {{"a;b", 1e-7}, {"say \"x\"\n", -not_a_number}, {"loss", 0.1}});
  logger.on_epoch_end(any_model(), 1, {{"loss", infinity}});
  CHECK(read_bytes(folder / "log") ==
        "epoch;\"a;b\";loss;\"say \"\"x\"\"\n\"\n0;1e-07;0.1;nan\n1;NA;inf;NA\n");
  CHECK(refusal<ValueError>([&] {
          logger.on_epoch_end(any_model(), 2, {{"new", 1}});
        }) == "sequential: fit: CSVLogger: \"new\" of epoch 2 is no column of " + folder / "log" +
                  "; the first epoch decides which there are");
}

TEST_CASE("JsonLinesLogger writes an object an epoch, and batches where they are asked for") {
  const Folder folder;
  JsonLinesLogger epochs(folder / "epochs"), batches(folder / "batches", {.every_batches = 2});
  for (JsonLinesLogger* logger : {&epochs, &batches}) {
    logger->on_train_begin(any_model());
    logger->on_epoch_begin(any_model(), 1);
    for (const Index batch : {0, 1, 2, 3, 4})
      logger->on_train_batch_end(any_model(), batch, {{"loss", 0.1}});
    logger->on_epoch_end(any_model(), 1,
                         {{"\"<\n\xff", not_a_number}, {"loss", 1e300}, {"z", -infinity}});
  }
  const std::string epoch =
      "{\"epoch\":1,\"\\\"<\\n\xEF\xBF\xBD\":null,\"loss\":1e+300,\"z\":null}\n";
  CHECK(read_bytes(folder / "epochs") == epoch);
  CHECK(read_bytes(folder / "batches") ==
        "{\"epoch\":1,\"batch\":1,\"loss\":0.1}\n{\"epoch\":1,\"batch\":3,\"loss\":0.1}\n" + epoch);
}

TEST_CASE("a new training replaces the file, and with append continues it") {
  const Folder folder;
  for (const bool append : {false, true}) {
    CSVLogger csv(folder / "csv", {.append = append});
    JsonLinesLogger json(folder / "json", {.append = append});
    write_bytes(folder / "csv", "epoch,accuracy,loss,val_accuracy,val_loss\n0,1,1,1,1\n1,2");
    write_bytes(folder / "json", "{\"epoch\":0,\"loss\":1}\n{\"epo");
    Sequential model = toy::model();
    model.fit(toy::data(10).x, toy::data(10).y, with({&csv, &json}, 1));
    CHECK(lines_of(folder / "csv").size() == (append ? 3 : 2));
    CHECK(lines_of(folder / "csv")[0].starts_with("epoch,"));
    CHECK(lines_of(folder / "csv")[1].starts_with(append ? "0,1,1,1,1" : "0,"));
    CHECK(lines_of(folder / "json").size() == (append ? 2 : 1));
    model.fit(toy::data(10).x, toy::data(10).y, with({&csv, &json}, 2));
    CHECK(lines_of(folder / "csv").size() == (append ? 5 : 3));
    CHECK(lines_of(folder / "json").size() == (append ? 4 : 2));
  }
}

TEST_CASE("what is there stays until the first line of a new training") {
  const Folder folder;
  CSVLogger logger(folder / "csv");
  write_bytes(folder / "csv", "old\n");
  logger.on_train_begin(any_model());
  CHECK(read_bytes(folder / "csv") == "old\n");
  logger.on_epoch_end(any_model(), 0, {{"loss", 1}});
  CHECK(read_bytes(folder / "csv") == "epoch,loss\n0,1\n");
}

TEST_CASE("a resume at any batch has each line once, whatever the killed training still wrote") {
  const Folder folder;
  support::Generate g("resumed logs", 0);
  constexpr Index epochs = 4, batches = 5;
  // Writes from one position to another, as fit does.
  const auto play = [](CSVLogger& csv, JsonLinesLogger& json, Index from, Index to) {
    for (Index at = from; at < to; ++at) {
      const Index epoch = at / batches, batch = at % batches;
      if (batch == 0 || at == from) json.on_epoch_begin(any_model(), epoch);
      json.on_train_batch_end(any_model(), batch, {{"loss", at}});
      if (batch + 1 < batches) continue;
      for (Callback* each : {static_cast<Callback*>(&csv), static_cast<Callback*>(&json)})
        each->on_epoch_end(any_model(), epoch, {{"loss", at}});
    }
  };
  for (const bool append : {false, true})
    for (Index trial = 0; trial < 40; ++trial) {
      const std::string c = folder / "csv", j = folder / "json", before = "epoch,loss\n9,9\n";
      const auto begin = [&](CSVLogger& csv, JsonLinesLogger& json) {
        csv.on_train_begin(any_model());
        json.on_train_begin(any_model());
      };
      CSVLogger csv(c, {.append = append});
      JsonLinesLogger json(j, {.append = append, .every_batches = 2});
      const auto reset = [&] {
        write_bytes(c, before);
        write_bytes(j, "{\"epoch\":9,\"loss\":9}\n");
      };
      reset();
      begin(csv, json);
      play(csv, json, 0, epochs * batches);
      const std::string whole_csv = read_bytes(c), whole_json = read_bytes(j);
      reset();
      begin(csv, json);
      const Index saved = g.integer(0, epochs * batches - 1),
                  killed = g.integer(saved, epochs * batches);
      play(csv, json, 0, saved);
      const CallbackState csv_state = csv.state(), json_state = json.state();
      play(csv, json, saved, killed);
      if (g.chance(0.5)) write_bytes(j, read_bytes(j) + "{\"epoch\":1,\"lo");
      if (g.chance(0.5)) write_bytes(c, read_bytes(c) + "2");
      CSVLogger new_csv(c, {.append = append});
      JsonLinesLogger new_json(j, {.append = append, .every_batches = 2});
      begin(new_csv, new_json);
      new_csv.load_state(csv_state);
      new_json.load_state(json_state);
      play(new_csv, new_json, saved, epochs * batches);
      CAPTURE(saved);
      CAPTURE(killed);
      // Without append a training that is resumed before its first line keeps the file before it.
      if (append || saved >= batches || killed >= batches) {
        CHECK(read_bytes(c) == whole_csv);
        CHECK(read_bytes(j) == whole_json);
      }
    }
}

TEST_CASE("a resume without its file says so, and one from the beginning makes it anew") {
  const Folder folder;
  CSVLogger logger(folder / "csv");
  CHECK(logger.state_name() == "CSVLogger/" + folder / "csv");
  logger.load_state({.numbers = {{"begin", 100}}, .arrays = {}});
  CHECK(
      refusal<StateError>([&] {
        logger.on_epoch_end(any_model(), 3, {{"loss", 1}});
      }) ==
      "CSVLogger: " + folder / "csv" +
          ": expected the file of the training that is resumed, of at least 100 bytes, got 0; put "
          "it back, or begin a new training");
  logger.load_state({.numbers = {{"begin", 0}}, .arrays = {}});
  logger.on_epoch_end(any_model(), 3, {{"loss", 1}});
  CHECK(read_bytes(folder / "csv") == "epoch,loss\n3,1\n");
  CHECK_THROWS_AS(logger.load_state({}), StateError);
}

TEST_CASE("an exception in the middle leaves whole lines of the epochs before") {
  const Folder folder;
  CSVLogger csv(folder / "csv");
  JsonLinesLogger json(folder / "json", {.every_batches = 1});
  LambdaCallback bang({.on_epoch_end = [](Model&, Index epoch, const Logs&) {
    if (epoch == 1) throw Bang();
  }});
  Sequential model = toy::model();
  CHECK_THROWS_AS(model.fit(toy::data(10).x, toy::data(10).y, with({&csv, &bang, &json})), Bang);
  CHECK(lines_of(folder / "csv").size() == 3);
  CHECK(lines_of(folder / "json").size() == 3 + 1 + 3);
  CHECK(read_bytes(folder / "json").ends_with("}\n"));
}

TEST_CASE("loggers write the values of models with several outputs") {
  const Folder folder;
  CSVLogger csv(folder / "csv");
  Sequential model = any_model().built() ? toy::model() : toy::model();
  csv.on_train_begin(model);
  csv.on_epoch_end(model, 0, {{"loss", 3}, {"title_loss", 1}, {"title_accuracy", 0.5}});
  CHECK(read_bytes(folder / "csv") == "epoch,loss,title_accuracy,title_loss\n0,3,0.5,1\n");
}

TEST_CASE("loggers say before training what they cannot write, and where") {
  const Folder folder;
  CHECK(refusal<ValueError>([] { CSVLogger(""); }) == "CSVLogger: the path is empty");
  CHECK(refusal<ValueError>([] { JsonLinesLogger("x", {.every_batches = -1}); }) ==
        "JsonLinesLogger: every_batches is -1; it must be at least 0");
  for (const char separator : {'"', '\n', '5', '.', 'e', '-', '\0'})
    CHECK_THROWS_AS(CSVLogger("x", {.separator = separator}), ValueError);
  Sequential model = toy::model();
  CSVLogger lost(folder / "none/csv");
  CHECK(refusal<IoError>([&] { model.fit(toy::data(10).x, toy::data(10).y, with({&lost})); }) ==
        folder / "none/csv" + ": cannot open for appending: No such file or directory");
  CHECK(model.optimizer().as<Adam>()->steps() == 0);
  write_bytes(folder / "csv", "epoch,loss\n0,1\n");
  CSVLogger other(folder / "csv", {.append = true});
  CHECK(refusal<ValueError>([&] { model.fit(toy::data(10).x, toy::data(10).y, with({&other})); }) ==
        "CSVLogger: " + folder / "csv" +
            ": expected a file that begins with "
            "\"epoch,accuracy,loss,val_accuracy,val_los...\", got \"epoch,loss\"; continue a "
            "file of the same losses and metrics, or name a new one");
  CHECK(read_bytes(folder / "csv") == "epoch,loss\n0,1\n");
  JsonLinesLogger json(folder / "json");
  CHECK(refusal<ValueError>([&] {
          json.check_names(model, {{"batch", 0}});
        }) ==
        "JsonLinesLogger: " + folder / "json" +
            ": a metric is called \"batch\", as a column of the logger's own is; give it another "
            "name");
}
