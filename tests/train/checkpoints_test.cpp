// ModelCheckpoint and BackupAndRestore.
#include "fovea/train/checkpoints.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <limits>

#include "fovea/io/error.hpp"
#include "train/training.hpp"

using namespace fovea;
using namespace training;
using support::Folder;
using support::refusal;

namespace {

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("ModelCheckpoint fills in epochs and values as Keras does, and keeps the last files") {
  const Folder folder;
  Sequential model = training::model();
  ModelCheckpoint checkpoint({.filepath = folder / "sub/m-{epoch:02d}-{batch}.st", .keep_last = 2});
  fit(model, {&checkpoint});
  CHECK(checkpoint.saved() == Names{folder / "sub/m-02-1.st", folder / "sub/m-03-1.st"});
  CHECK(std::filesystem::exists(folder / "sub/m-03-1.st"));
  CHECK(!std::filesystem::exists(folder / "sub/m-01-1.st"));

  // One name for all epochs is one file, and no old one.
  Sequential again = training::model();
  ModelCheckpoint one({.filepath = folder / "one", .keep_last = 1});
  fit(again, {&one});
  CHECK(one.saved() == Names{folder / "one"});
  CHECK(std::filesystem::exists(folder / "one"));

  Sequential other = training::model();
  ModelCheckpoint batchwise({.filepath = folder / "b-{epoch}-{batch}-{loss:.1f}", .save_freq = 4});
  fit(other, {&batchwise}, 2);
  Names begins;
  for (const std::string& path : batchwise.saved())
    begins.push_back(path.substr((folder / "").size(), 5));
  CHECK(begins == Names{"b-1-4", "b-2-3"});
}

TEST_CASE("ModelCheckpoint saves the best only, and its file has the weights of that epoch") {
  const Folder folder;
  Sequential model = training::model();
  std::vector<std::vector<Array>> weights;
  struct Remember : Callback {
    std::vector<std::vector<Array>>& list;
    explicit Remember(std::vector<std::vector<Array>>& weights) : list(weights) {}
    void on_epoch_end(Model& model, Index, const Logs&) override {
      list.push_back(toy::weights(model));
    }
  } remember(weights);
  ModelCheckpoint best({.filepath = folder / "best",
                        .monitor = "val_loss",
                        .mode = MonitorMode::max,
                        .save_best_only = true,
                        .save_weights_only = true});
  const History history = fit(model, {&best, &remember}, 4);
  const std::vector<double>& values = history["val_loss"];
  const auto top = static_cast<std::size_t>(std::ranges::max_element(values) - values.begin());
  Sequential other = training::model();
  other.build(Shape{toy::time});
  other.load_weights(folder / "best");
  CHECK(toy::bits_differ(toy::weights(other), weights[top]) == "");
  ModelCheckpoint none({.filepath = folder / "none",
                        .mode = MonitorMode::min,
                        .save_best_only = true,
                        .initial_value_threshold = -1});
  fit(model, {&none}, 1);
  CHECK(none.saved().empty());
}

TEST_CASE("ModelCheckpoint refuses options, patterns and values that mean nothing") {
  const Folder folder;
  CHECK(refusal<ValueError>([] { ModelCheckpoint({.filepath = ""}); }) ==
        "ModelCheckpoint: there is no filepath; give one");
  CHECK(refusal<ValueError>([] { ModelCheckpoint({.filepath = "m", .save_freq = -1}); }) ==
        "ModelCheckpoint: save_freq is -1; it must be at least 0");
  const auto told = [&](ModelCheckpointOptions options) {
    options.filepath = folder / options.filepath;
    Sequential model = training::model();
    ModelCheckpoint checkpoint(options);
    const std::string message = refusal<ValueError>([&] { fit(model, {&checkpoint}); });
    CHECK(folder.names().empty());
    return message;
  };
  CHECK(told({.filepath = "{val_acc}"})
            .find("its names are: epoch, batch, accuracy, loss, "
                  "val_accuracy, val_loss;") != std::string::npos);
  CHECK(told({.filepath = "{val_loss}", .save_freq = 2}).find("batch, accuracy, loss; ") !=
        std::string::npos);
  CHECK(told({.filepath = "{"}).find("cannot be filled in") != std::string::npos);
  CHECK(told({.filepath = "{epoch:.2f}"}).find("cannot be filled in") != std::string::npos);
  CHECK(told({.filepath = "m", .monitor = "val_acc", .save_best_only = true})
            .find("ModelCheckpoint") != std::string::npos);
  CHECK(told({.filepath = "m", .save_best_only = true, .save_freq = 2}).find("val_loss") !=
        std::string::npos);
}

TEST_CASE("BackupAndRestore goes on by itself after a crash at any batch, in the same bits") {
  const Result expected = whole();
  for (Index save_freq = 0; save_freq <= 3; ++save_freq)
    for (Index batch = 1; batch < epochs * batches; batch += 2) {
      CAPTURE(save_freq);
      CAPTURE(batch);
      const Folder folder;
      const BackupAndRestoreOptions options{.backup_dir = folder / "b", .save_freq = save_freq};
      {
        Sequential first = training::model();
        Witness witness;
        BackupAndRestore backup(options);
        Crash crash(batch);
        CHECK_THROWS_AS(fit(first, {&backup, &witness, &crash}), Crash::Happened);
      }
      Sequential second = training::model();
      Witness witness;
      BackupAndRestore backup(options);
      const History history = fit(second, {&backup, &witness});
      const Index first_save = save_freq == 0 ? batches + 1 : save_freq;
      CHECK(backup.restored_from().empty() == (batch < first_save));
      CHECK(differ(result(second, history, witness), expected) == "");
      CHECK(folder.names().empty());  // a training that is complete needs none
    }
}

TEST_CASE("a damaged newest backup is reported, and the one before is used") {
  const Folder folder;
  const Result expected = whole();
  std::string warning;
  const BackupAndRestoreOptions options{.backup_dir = folder / "b",
                                        .save_freq = 1,
                                        .on_warning = [&](const std::string& w) { warning = w; }};
  {
    Sequential first = training::model();
    Witness witness;
    BackupAndRestore backup(options);
    Crash crash(8);
    CHECK_THROWS_AS(fit(first, {&backup, &witness, &crash}), Crash::Happened);
  }
  CHECK(std::filesystem::exists(folder / "b/backup-7.safetensors"));
  CHECK(!std::filesystem::exists(folder / "b/backup-6.safetensors"));
  std::ofstream(folder / "b/notes.txt") << "mine";
  std::filesystem::resize_file(folder / "b/backup-8.safetensors", 3000);
  Sequential second = training::model();
  Witness witness;
  BackupAndRestore backup(options);
  bool both_good = false;  // behind the first backup of this training
  LambdaCallback look({.on_train_batch_begin = [&](Model&, Index) {
    both_good = both_good || (std::filesystem::exists(folder / "b/backup-9.safetensors") &&
                              std::filesystem::exists(folder / "b/backup-7.safetensors"));
  }});
  const History history = fit(second, {&backup, &witness, &look});
  CHECK(both_good);
  CHECK(warning.find("backup-8.safetensors cannot be read; the backup before is used: ") !=
        std::string::npos);
  CHECK(backup.restored_from() == folder / "b/backup-7.safetensors");
  CHECK(differ(result(second, history, witness), expected) == "");
  CHECK(std::filesystem::exists(folder / "b/notes.txt"));
}

TEST_CASE("backups none of which can be read end fit, and are not overwritten") {
  const Folder folder;
  std::filesystem::create_directory(folder / "b");
  std::ofstream(folder / "b/backup-3.safetensors") << "no file";
  Sequential model = training::model();
  BackupAndRestore backup({.backup_dir = folder / "b"});
  CHECK(refusal<StateError>([&] { fit(model, {&backup}); })
            .find("none of the backups in " + folder / "b" +
                  " can be read; remove them to begin "
                  "anew") != std::string::npos);
  CHECK(std::filesystem::exists(folder / "b/backup-3.safetensors"));
}

TEST_CASE("a training that is stopped within any epoch is saved there and goes on later") {
  const Result expected = whole();
  struct Stop : Callback {
    Index last, epoch = 0;
    explicit Stop(Index epoch_of_stop) : last(epoch_of_stop) {}
    void on_epoch_begin(Model&, Index number) override { epoch = number; }
    void on_train_batch_end(Model& model, Index batch, const Logs&) override {
      if (epoch == last && batch == 2) model.stop_training();
    }
  };
  for (Index epoch = 0; epoch < epochs; ++epoch) {
    CAPTURE(epoch);
    const Folder folder;
    const BackupAndRestoreOptions options{.backup_dir = folder / "b"};
    {
      Sequential first = training::model();
      Witness witness;
      Stop stop(epoch);
      BackupAndRestore backup(options);
      fit(first, {&witness, &stop, &backup});
    }
    Sequential second = training::model();
    Witness witness;
    BackupAndRestore backup(options);
    const History history = fit(second, {&witness, &backup});
    CHECK(!backup.restored_from().empty());
    CHECK(differ(result(second, history, witness), expected) == "");
  }
}

TEST_CASE("a state that names files which are not ModelCheckpoint's own lets none be removed") {
  const Folder folder;
  std::ofstream(folder / "thesis") << "years of work";
  ModelCheckpoint checkpoint({.filepath = folder / "m-{epoch}.st", .keep_last = 1});
  const double nan = std::numeric_limits<double>::quiet_NaN();
  checkpoint.load_state({{{"file " + (folder / "thesis"), 0},
                          {"file " + (folder / "m-1.st.old"), 1},
                          {"file " + (folder / "m-a/b.st"), 2},
                          {"file " + (folder / "m-...st"), 3},
                          {"file " + (folder / "m-8.st"), nan},
                          {"file " + (folder / "m-7.st"), 5}},
                         {}});
  CHECK(checkpoint.saved() == Names{folder / "m-7.st"});
  Sequential model = training::model();
  fit(model, {&checkpoint});
  CHECK(std::filesystem::exists(folder / "thesis"));
}

TEST_CASE("BackupAndRestore refuses options that mean nothing") {
  CHECK(refusal<ValueError>([] { BackupAndRestore({.backup_dir = ""}); }) ==
        "BackupAndRestore: there is no backup_dir; give a folder");
  CHECK(refusal<ValueError>([] { BackupAndRestore({.backup_dir = "b", .save_freq = -2}); }) ==
        "BackupAndRestore: save_freq is -2; it must be at least 0");
  CHECK(refusal<ValueError>([] { BackupAndRestore({.backup_dir = "b", .keep = 0}); }) ==
        "BackupAndRestore: keep is 0; it must be at least 1");
}

TEST_CASE(
    "a training that is stopped at the end of an epoch goes on later, one that is over does not") {
  const Result expected = whole();
  struct Stop : Callback {
    void on_epoch_end(Model& model, Index epoch, const Logs&) override {
      if (epoch == 0) model.stop_training();
    }
  } stop;
  for (Index save_freq = 0; save_freq <= 2; save_freq += 2) {
    const Folder folder;
    const BackupAndRestoreOptions options{.backup_dir = folder / "b", .save_freq = save_freq};
    Sequential first = training::model(), second = training::model();
    Witness before, witness;
    BackupAndRestore backup(options), restore(options);
    fit(first, {&before, &stop, &backup});
    const History history = fit(second, {&witness, &restore});
    CHECK(restore.restored_from() != "");
    CHECK(differ(result(second, history, witness), expected) == "");
  }
  // Killed behind the last epoch, before on_train_end.
  struct Killed : Callback {
    void on_epoch_end(Model&, Index epoch, const Logs&) override {
      if (epoch == 1) throw Crash::Happened();
    }
    int turn() const override { return 3; }
  } killed;
  const auto early = [] {
    return EarlyStopping{
        {.monitor = "loss", .mode = MonitorMode::max, .patience = 1, .restore_best_weights = true}};
  };
  Sequential never = training::model();
  EarlyStopping ends = early();
  const History one = fit(never, {&ends}, 5);
  REQUIRE(one.epoch.size() == 2);
  const Folder folder;
  const BackupAndRestoreOptions options{.backup_dir = folder / "b"};
  Sequential first = training::model(), second = training::model();
  EarlyStopping before = early(), after = early();
  BackupAndRestore backup(options), restore(options);
  CHECK_THROWS_AS(fit(first, {&before, &backup, &killed}, 5), Crash::Happened);
  const History resumed = fit(second, {&after, &restore}, 5);
  CHECK(resumed.history == one.history);
  CHECK(toy::bits_differ(toy::weights(second), toy::weights(never)) == "");
  CHECK(after.stopped_epoch() == ends.stopped_epoch());
  CHECK(folder.names().empty());
}
