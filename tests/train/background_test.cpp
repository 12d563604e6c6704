// Files that callbacks write while training goes on, and where a training goes on that was stopped.
#include <doctest/doctest.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <thread>

#include "fovea/io/error.hpp"
#include "io/atomic_file.hpp"
#include "train/background_writer.hpp"
#include "train/training.hpp"

using namespace fovea;
using namespace training;
using support::Folder;
using support::refusal;

namespace {

// A disk that brings nothing down until it is opened, or for ten seconds.
std::atomic<bool> gate_is_open = true;
std::atomic<int> gate_waits = 0, flushes = 0, fails_at = 0;

int slow_fsync(int) {
  for (int wait = 0; wait < 10'000 && !gate_is_open; ++wait) {
    ++gate_waits;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  if (++flushes != fails_at) return 0;
  errno = EIO;
  return -1;
}

struct SlowDisk {
  io::FileCalls calls = io::system_calls();
  SlowDisk() {
    gate_is_open = true;
    gate_waits = flushes = fails_at = 0;
    calls.fsync = slow_fsync;
    io::use_file_calls(&calls);
  }
  ~SlowDisk() { io::use_file_calls(nullptr); }
};

// Calls a function after each batch. At the end of an epoch the gate is open.
struct EachBatch : Callback {
  std::function<void(Model&, Index)> call;
  int place;
  explicit EachBatch(std::function<void(Model&, Index)> what, int turn = 0)
      : call(std::move(what)), place(turn) {}
  void on_train_batch_end(Model& model, Index batch, const Logs&) override { call(model, batch); }
  void on_epoch_end(Model&, Index, const Logs&) override { gate_is_open = true; }
  int turn() const override { return place; }
};

void wait_until(const auto& holds) {
  for (int wait = 0; wait < 10'000 && !holds(); ++wait)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

// Shuts the gate of a disk after each second batch, before what is saved there. Opens it after the
// next one, once somebody waits at it, until that is written: a file and its folder.
void open_at_even(Index batch) {
  if (batch % 2 != 0) {
    gate_is_open = false;
    gate_waits = 0;
  } else if (batch > 0) {
    wait_until([] { return gate_waits > 0; });
    gate_is_open = true;
    wait_until([&] { return flushes >= batch; });
  }
}

std::vector<Array> copies(const Model& model) {
  std::vector<Array> result;
  for (const NamedParameter& parameter : parameters_of(model))
    result.push_back(parameter.tensor.value().clone());
  return result;
}

// A metric whose State cannot be written down.
struct Unsaved {
  static constexpr const char* name = "unsaved";
  struct State {
    double sum = 0;
    State& operator+=(const State& other) {
      sum += other.sum;
      return *this;
    }
  };
  void update(State& state, const Array&, const Samples&, const CountedPositions&) const {
    ++state.sum;
  }
  double result(const State& state) const { return state.sum; }
};

}  // namespace

TEST_CASE("a file has the model as it was when it was saved, though it is written batches later") {
  const Folder folder;
  Sequential model = training::model();
  std::vector<std::vector<Array>> weights;
  ModelCheckpoint checkpoint({.filepath = folder / "m-{epoch}-{batch}", .save_freq = 2});
  EachBatch gate(
      [&](Model& trained, Index batch) {
        weights.push_back(copies(trained));
        open_at_even(batch);
      },
      0);
  {
    const SlowDisk disk;
    fit(model, {&gate, &checkpoint}, 1);
  }
  CHECK(gate_waits > 0);
  for (Index batch = 2; batch <= 4; batch += 2) {
    Sequential saved = training::model();
    saved.load(folder / ("m-1-" + std::to_string(batch)));
    CHECK(toy::bits_differ(copies(saved), weights[static_cast<std::size_t>(batch - 1)]) == "");
    CHECK(toy::bits_differ(copies(saved), copies(model)) != "");
  }
}

TEST_CASE("what writing throws arrives at the next save or at the end of fit, with the path") {
  for (const int failing : {1, 3, 5}) {
    CAPTURE(failing);
    const Folder folder;
    const SlowDisk disk;
    fails_at = failing;
    Sequential model = training::model();
    ModelCheckpoint checkpoint({.filepath = folder / "m-{epoch}"});
    const std::string message = refusal<IoError>([&] { fit(model, {&checkpoint}, 3); });
    CHECK(message.find(folder / ("m-" + std::to_string((failing + 1) / 2))) != std::string::npos);
    // What was there before is whole, and nothing else is.
    CHECK(std::ssize(folder.names()) == (failing - 1) / 2);
    fails_at = 0;
    CHECK(fit(model, {&checkpoint}, 1).epoch == std::vector<Index>{0});
  }
}

TEST_CASE("what writing throws names the callback that wrote, wherever it arrives") {
  for (const bool second : {false, true}) {
    CAPTURE(second);
    const Folder folder;
    const SlowDisk disk;
    fails_at = second ? 3 : 1;  // a file is flushed, and then its folder
    Sequential model = training::model();
    ModelCheckpoint checkpoint({.filepath = folder / "m-{epoch}"});
    BackupAndRestore backup({.backup_dir = folder / "b"});
    const std::string message = refusal<IoError>([&] { fit(model, {&checkpoint, &backup}, 3); });
    CHECK(message.find(second ? "sequential: fit: BackupAndRestore: " + folder / "b/backup-1"
                              : "sequential: fit: ModelCheckpoint: " + folder / "m-1") == 0);
  }
}

TEST_CASE("saved() tells of the files that are there, and of no other") {
  for (const Index kept : {0, 1}) {
    const Folder folder;
    Sequential model = training::model();
    ModelCheckpoint checkpoint(
        {.filepath = folder / "m-{batch}", .save_freq = 2, .keep_last = kept});
    using Names = std::vector<std::string>;
    std::vector<Names> seen;
    EachBatch shut([](Model&, Index batch) { open_at_even(batch); });
    EachBatch look([&](Model&, Index) { seen.push_back(checkpoint.saved()); }, 3);
    {
      const SlowDisk disk;
      fit(model, {&shut, &checkpoint, &look}, 1);
    }
    const Names one = {folder / "m-2"}, two = {folder / "m-4"},
                both = {folder / "m-2", folder / "m-4"};
    REQUIRE(seen.size() == static_cast<std::size_t>(batches));
    CHECK(seen[0].empty());
    CHECK(seen[1].empty());  // it is being written
    CHECK(seen[3] == one);   // the second one is being written
    CHECK(checkpoint.saved() == (kept == 1 ? two : both));
    // One that an exception leaves unwritten is not named either.
    const SlowDisk disk;
    fails_at = 3;
    CHECK_THROWS_AS(fit(model, {&checkpoint}, 1), IoError);
    CHECK(checkpoint.saved() == one);
  }
}

TEST_CASE("a fit that an exception ends has written its files when it is left") {
  const Folder folder;
  const SlowDisk disk;
  Sequential model = training::model();
  ModelCheckpoint checkpoint({.filepath = folder / "m-{batch}", .save_freq = 2});
  EachBatch crash(
      [](Model&, Index batch) {
        if (batch == 3) throw Crash::Happened();
      },
      3);
  CHECK_THROWS_AS(fit(model, {&checkpoint, &crash}, 1), Crash::Happened);
  CHECK(folder.names() == std::vector<std::string>{"m-2", "m-4"});
}

TEST_CASE("jobs are done in order, one of an owner at a time, and none behind one that throws") {
  std::vector<int> done;
  const int a = 0, b = 0;
  std::atomic<bool> open = false;
  {
    BackgroundWriter writer;
    writer.add(&a, [&] {
      while (!open) std::this_thread::yield();
      done.push_back(1);
    });
    writer.add(&b, [&] { done.push_back(2); });
    open = true;
    writer.add(&a, [&] { done.push_back(3); });
    writer.finish();
    CHECK(done == std::vector<int>{1, 2, 3});
    open = false;
    writer.add(&a, [&] {
      while (!open) std::this_thread::yield();
      throw 7;
    });
    writer.add(&b, [&] { done.push_back(4); });
    open = true;
    CHECK_THROWS_AS(writer.finish(), int);
    writer.finish();
    writer.add(&b, [&] { done.push_back(5); });
  }
  CHECK(done == std::vector<int>{1, 2, 3, 5});
}

TEST_CASE("a metric whose State cannot be saved is refused before a fit that would save it") {
  const Folder folder;
  Sequential model = training::model();
  model.compile({.optimizer = training::adam(),
                 .loss = SparseCategoricalCrossentropy{},
                 .metrics = {Accuracy{}, Unsaved{}},
                 .seed = 5});
  const toy::Data data = toy::data(samples);
  const auto fitted = [&](Callback& callback) {
    return model.fit(data.x, data.y, {.batch_size = 5, .callbacks = {&callback}, .verbose = 0});
  };
  BackupAndRestore backup({.backup_dir = folder / "b"});
  ModelCheckpoint often({.filepath = folder / "m", .save_freq = 2});
  for (Callback* each : {static_cast<Callback*>(&backup), static_cast<Callback*>(&often)}) {
    const std::string message = refusal<StateError>([&] { fitted(*each); });
    CHECK(message.find(each->state_name() + " saves within an epoch, and the State of the metric "
                                            "unsaved cannot be saved") != std::string::npos);
  }
  CHECK(folder.names().empty());
  ModelCheckpoint weights({.filepath = folder / "w", .save_weights_only = true, .save_freq = 2}),
      epochs({.filepath = folder / "e"});
  fitted(weights);
  fitted(epochs);
  CHECK(folder.names() == std::vector<std::string>{"e", "w"});
  // Nor is one that is stopped within an epoch.
  EachBatch stop([](Model& trained, Index batch) {
    if (batch == 1) trained.stop_training();
  });
  fitted(stop);
}

TEST_CASE("a file of an epoch that was cut short goes on at the next batch, not the next epoch") {
  const Result expected = whole();
  for (const bool best : {false, true})
    for (Index epoch = 0; epoch < epochs; ++epoch) {
      CAPTURE(epoch);
      const Folder folder;
      Sequential first = training::model(), second = training::model();
      Witness before, after;
      Index seen = 0;
      EachBatch stop([&](Model& model, Index) {
        if (++seen == epoch * batches + 3) model.stop_training();
      });
      ModelCheckpoint checkpoint({.filepath = folder / "m-{epoch}",
                                  .monitor = "loss",
                                  .mode = MonitorMode::min,
                                  .save_best_only = best,
                                  .keep_last = 1});
      fit(first, {&before, &stop, &checkpoint});
      second.load(checkpoint.saved().back());
      const std::vector<std::string> saved = checkpoint.saved();
      const History history = fit(second, {&after, &checkpoint});
      CHECK(differ(result(second, history, after), expected) == "");
      CHECK(folder.names().size() == 1);
    }
}

TEST_CASE("a stop is seen by all who save, whoever asks for it and when") {
  const Result expected = whole();
  const auto resumed = [&](const std::string& folder) {
    Sequential model = training::model();
    Witness witness;
    BackupAndRestore backup({.backup_dir = folder, .save_freq = 100});
    const History history = fit(model, {&witness, &backup});
    return differ(result(model, history, witness), expected);
  };
  {  // behind the callback that saves
    const Folder folder;
    Sequential model = training::model();
    Witness witness;
    BackupAndRestore backup({.backup_dir = folder / "b", .save_freq = 100});
    EachBatch stop(
        [](Model& trained, Index batch) {
          if (batch == 1) trained.stop_training();
        },
        3);
    fit(model, {&witness, &stop, &backup});
    CHECK(folder.names() == std::vector<std::string>{"b"});
    CHECK(resumed(folder / "b") == "");
  }
  Index stopped = 0;
  for (int trial = 0; trial < 40; ++trial) {  // from another thread
    CAPTURE(trial);
    const Folder folder;
    Sequential model = training::model();
    Witness witness;
    BackupAndRestore backup({.backup_dir = folder / "b", .save_freq = 100});
    std::atomic<bool> begun = false;
    EachBatch begin([&](Model&, Index) {
      begun = true;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    });
    std::thread other([&] {
      while (!begun) std::this_thread::yield();
      std::this_thread::sleep_for(std::chrono::microseconds(500 * trial));
      model.stop_training();
    });
    const History history = fit(model, {&witness, &begin, &backup});
    other.join();
    const bool over = folder.names().empty();
    if (over)
      CHECK(differ(result(model, history, witness), expected) == "");
    else
      CHECK(resumed(folder / "b") == "");
    stopped += over ? 0 : 1;
  }
  CHECK(stopped > 0);
  std::printf("figure: fits stopped from another thread and resumed, equal = %d\n",
              static_cast<int>(stopped));
}
