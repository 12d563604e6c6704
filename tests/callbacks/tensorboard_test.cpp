// TensorBoard: event files, read by a reader of the test's own, and what a resume leaves in them.
#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <limits>
#include <map>

#include "io/event_file.hpp"
#include "io/files.hpp"
#include "support/refusal.hpp"
#include "train/toy.hpp"

using namespace fovea;
using support::refusal;
using test_files::Folder;
using test_files::read_bytes;
using test_files::write_bytes;

namespace {

template <class T>
T take(std::string_view& bytes) {
  T value;
  REQUIRE(bytes.size() >= sizeof(T));
  std::memcpy(&value, bytes.data(), sizeof(T));
  bytes.remove_prefix(sizeof(T));
  return value;
}

std::uint64_t take_varint(std::string_view& bytes) {
  std::uint64_t value = 0;
  for (int shift = 0;; shift += 7) {
    const auto byte = take<unsigned char>(bytes);
    value |= std::uint64_t(byte & 127) << shift;
    if (byte < 128) return value;
  }
}

std::string_view take_bytes(std::string_view& bytes) {
  const std::uint64_t size = take_varint(bytes);
  const std::string_view taken = bytes.substr(0, size);
  REQUIRE(taken.size() == size);
  bytes.remove_prefix(size);
  return taken;
}

// A reader of its own for the checksum: bit by bit.
std::uint32_t masked_crc(std::string_view bytes) {
  std::uint32_t crc = 0xffffffff;
  for (const char c : bytes)
    for (int bit = 0; bit < 8; ++bit) {
      const bool low = (crc ^ static_cast<unsigned char>(c) >> bit) & 1;
      crc = (crc >> 1) ^ (low ? 0x82f63b78U : 0);
    }
  crc = ~crc;
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8U;
}

struct Histogram {
  double min = 0, max = 0, count = 0, sum = 0, squares = 0;
  std::vector<double> limits, counts;
};

// The values of a run: tag, step, number; and histograms.
struct Events {
  int records = 0;
  std::string version;
  std::map<std::string, std::vector<std::pair<Index, float>>> scalars;
  std::map<std::string, std::vector<std::pair<Index, Histogram>>> histograms;
};

std::vector<double> doubles(std::string_view bytes) {
  std::vector<double> values;
  while (!bytes.empty()) values.push_back(take<double>(bytes));
  return values;
}

Histogram histogram(std::string_view bytes) {
  Histogram h;
  double* const plain[] = {&h.min, &h.max, &h.count, &h.sum, &h.squares};
  while (!bytes.empty()) {
    const std::uint64_t key = take_varint(bytes);
    if (key >> 3 <= 5)
      *plain[(key >> 3) - 1] = take<double>(bytes);
    else
      (key >> 3 == 6 ? h.limits : h.counts) = doubles(take_bytes(bytes));
  }
  return h;
}

void read_event(std::string_view event, Events& events) {
  Index step = 0;
  CHECK(take<unsigned char>(event) == 0x09);
  CHECK(take<double>(event) > 1.7e9);
  while (!event.empty()) {
    const auto key = take<unsigned char>(event);
    if (key == 0x10) {
      step = static_cast<Index>(take_varint(event));
    } else if (key == 0x1a) {
      events.version = take_bytes(event);
    } else {
      REQUIRE(key == 0x2a);
      std::string_view summary = take_bytes(event);
      while (!summary.empty()) {
        REQUIRE(take<unsigned char>(summary) == 0x0a);
        std::string_view value = take_bytes(summary);
        REQUIRE(take<unsigned char>(value) == 0x0a);
        const std::string tag(take_bytes(value));
        if (take<unsigned char>(value) == 0x15)
          events.scalars[tag].push_back({step, take<float>(value)});
        else
          events.histograms[tag].push_back({step, histogram(take_bytes(value))});
        CHECK(value.empty());
      }
    }
  }
}

// The only file of a run.
std::string file_of(const std::string& folder) {
  std::string path;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    CHECK(path.empty());
    path = entry.path().string();
  }
  return path;
}

Events events_of(const std::string& folder) {
  Events events;
  const std::string path = file_of(folder), text = read_bytes(path);
  CHECK(path.find("/events.out.tfevents.") != std::string::npos);
  for (std::string_view rest = text; !rest.empty(); ++events.records) {
    const std::string_view length = rest.substr(0, 8);
    const auto size = take<std::uint64_t>(rest);
    CHECK(take<std::uint32_t>(rest) == masked_crc(length));
    const std::string_view event = rest.substr(0, size);
    REQUIRE(event.size() == size);
    rest.remove_prefix(size);
    CHECK(take<std::uint32_t>(rest) == masked_crc(event));
    read_event(event, events);
  }
  return events;
}

FitOptions with(Callback& callback, Index epochs) {
  FitOptions options = toy::quiet(epochs, 4);
  options.validation_data = Validation{toy::data(6, 3).x, toy::data(6, 3).y};
  options.callbacks = {&callback};
  return options;
}

}  // namespace

TEST_CASE("the checksum is CRC-32C") {
  CHECK(io::crc32c("123456789") == 0xE3069283);
  CHECK(io::crc32c("") == 0);
  CHECK(io::crc32c(std::string(32, '\0')) == 0x8A9136AA);
}

TEST_CASE("epochs are scalars of the runs train and validation, with Keras' tags") {
  const Folder folder;
  TensorBoard board({.log_dir = folder / "logs/run"});
  Sequential model = toy::model({.learning_rate = 0.25});
  const History history = model.fit(toy::data(10).x, toy::data(10).y, with(board, 3));
  const Events train = events_of(folder / "logs/run/train"),
               validation = events_of(folder / "logs/run/validation");
  CHECK(train.version == "brain.Event:2");
  CHECK(validation.version == "brain.Event:2");
  CHECK(train.records == 4);
  CHECK(train.scalars.size() == 3);
  CHECK(validation.scalars.size() == 2);
  CHECK(train.histograms.empty());
  for (Index epoch = 0; epoch < 3; ++epoch) {
    const auto i = static_cast<std::size_t>(epoch);
    const auto is = [&](const Events& events, const char* tag, double value) {
      CHECK(events.scalars.at(tag)[i] == std::pair(epoch, static_cast<float>(value)));
    };
    is(train, "epoch_loss", history["loss"][i]);
    is(train, "epoch_accuracy", history["accuracy"][i]);
    is(train, "epoch_learning_rate", 0.25);
    is(validation, "epoch_loss", history["val_loss"][i]);
    is(validation, "epoch_accuracy", history["val_accuracy"][i]);
  }
}

TEST_CASE("batches are scalars by the number of the step, every so many") {
  const Folder folder;
  TensorBoard board({.log_dir = folder / "logs", .update_freq = 2});
  Sequential model = toy::model();
  model.fit(toy::data(10).x, toy::data(10).y, with(board, 2));  // three batches each
  const Events train = events_of(folder / "logs/train");
  REQUIRE(train.scalars.at("batch_loss").size() == 3);
  for (std::size_t i = 0; i < 3; ++i)
    CHECK(train.scalars.at("batch_loss")[i].first == static_cast<Index>(2 * i + 1));
  CHECK(train.scalars.at("batch_loss")[2].second == train.scalars.at("epoch_loss")[1].second);
}

TEST_CASE("histograms count every finite weight once, at the epochs asked for") {
  const Folder folder;
  TensorBoard board({.log_dir = folder / "logs", .histogram_freq = 2});
  Sequential model{Dense{40}};
  model.compile({.optimizer = SGD{{.learning_rate = 0.1}}, .loss = MeanSquaredError{}});
  model.build(Shape{25});
  NamedParameter kernel = parameters_of(model)[0], bias = parameters_of(model)[1];
  std::vector<real> bias_values(40, real(0.5));
  bias.tensor.assign(Array(Shape{40}, bias_values));
  Array values = kernel.tensor.value().clone();
  values.mutable_data()[7] = std::numeric_limits<real>::quiet_NaN();
  values.mutable_data()[8] = -std::numeric_limits<real>::infinity();
  kernel.tensor.assign(values);
  board.on_train_begin(model);
  for (const Index epoch : {0, 1, 2}) board.on_epoch_end(model, epoch, {{"loss", 1}});
  const Events train = events_of(folder / "logs/train");
  REQUIRE(train.histograms.size() == 2);
  REQUIRE(train.histograms.at("dense/kernel/histogram").size() == 2);
  CHECK(train.histograms.at("dense/kernel/histogram")[1].first == 2);
  const Histogram& h = train.histograms.at("dense/kernel/histogram")[0].second;
  double low = 1e9, high = -1e9, sum = 0, squares = 0;
  std::vector<double> counts(30);
  for (Index i = 0; i < values.count(); ++i) {
    const auto value = static_cast<double>(values.at(i));
    if (!std::isfinite(value)) continue;
    low = std::min(low, value);
    high = std::max(high, value);
    sum += value;
    squares += value * value;
    std::size_t bucket = 0;
    while (value > h.limits.at(bucket)) ++bucket;
    ++counts[bucket];
  }
  CHECK(h.min == low);
  CHECK(h.max == high);
  CHECK(h.count == 998);
  CHECK(h.sum == doctest::Approx(sum));
  CHECK(h.squares == doctest::Approx(squares));
  CHECK(h.limits.size() == 30);
  CHECK(h.limits.back() == high);
  CHECK(h.counts == counts);
  const Histogram& flat = train.histograms.at("dense/bias/histogram")[0].second;
  CHECK(flat.limits == std::vector<double>{0.5});
  CHECK(flat.counts == std::vector<double>{40});
}

TEST_CASE("a resume continues the files without an event twice, whatever was written since") {
  support::Generate g("resumed events", 0);
  constexpr Index epochs = 3, batches = 4;
  const auto play = [](TensorBoard& board, Sequential& model, Index from, Index to) {
    for (Index at = from; at < to; ++at) {
      if (at % batches == 0 || at == from) board.on_epoch_begin(model, at / batches);
      board.on_train_batch_end(model, at % batches, {{"loss", at}});
      if (at % batches == batches - 1)
        board.on_epoch_end(model, at / batches, {{"loss", at}, {"val_loss", at}});
    }
  };
  for (Index trial = 0; trial < 30; ++trial) {
    const Folder folder;
    Sequential model = toy::model();
    const TensorBoardOptions options{
        .log_dir = folder / "logs", .histogram_freq = 1, .update_freq = 1};
    TensorBoard before(options), after(options);
    before.on_train_begin(model);
    const Index saved = g.integer(1, epochs * batches - 1),
                killed = g.integer(saved, epochs * batches);
    play(before, model, 0, saved);
    const CallbackState state = before.state();
    play(before, model, saved, killed);
    const std::string path = file_of(folder / "logs/train");
    if (g.chance(0.5)) write_bytes(path, read_bytes(path) + read_bytes(path).substr(0, 20));
    after.on_train_begin(model);
    after.load_state(state);
    play(after, model, saved, epochs * batches);
    const Events train = events_of(folder / "logs/train"),
                 validation = events_of(folder / "logs/validation");
    CAPTURE(saved);
    CAPTURE(killed);
    const auto whole = [](const auto& events, Index count) {
      CHECK(std::ssize(events) == count);
      for (Index i = 0; i < std::min(count, std::ssize(events)); ++i)
        CHECK(events[static_cast<std::size_t>(i)].first == i);
    };
    whole(train.scalars.at("batch_loss"), epochs * batches);
    whole(train.scalars.at("epoch_loss"), epochs);
    whole(validation.scalars.at("epoch_loss"), epochs);
    whole(train.histograms.begin()->second, epochs);
    CHECK(train.records == 1 + epochs * (batches + 1));
  }
}

TEST_CASE("events end before what is torn, damaged or no event") {
  const Folder folder;
  const std::string path = folder / "events", first = io::first_event_record(1),
                    second = io::event_record(2, 300, {{"tag", 1}});
  const auto end = [&](const std::string& text) {
    write_bytes(path, text);
    return io::end_of_events(path, [](Index, std::string_view) { return true; });
  };
  const Index whole = std::ssize(first + second);
  CHECK(end(first + second) == whole);
  for (std::size_t cut = first.size(); cut < first.size() + second.size(); ++cut)
    CHECK(end((first + second).substr(0, cut)) == std::ssize(first));
  for (std::size_t at = 0; at < second.size(); ++at) {
    std::string damaged = second;
    damaged[at] = static_cast<char>(damaged[at] ^ 4);
    CHECK(end(first + damaged) == std::ssize(first));
  }
  write_bytes(path, first + second);
  CHECK(io::end_of_events(path, [](Index step, std::string_view tag) {
          return tag.empty() || (step != 300 && tag == "tag");
        }) == std::ssize(first));
}

TEST_CASE("events for the real reader: see read_events.py") {
  const Folder own;
  const char* const given = std::getenv("FOVEA_EVENTS");
  TensorBoard board(
      {.log_dir = given ? given : own / "logs", .histogram_freq = 1, .update_freq = 1});
  Sequential model = toy::model();
  const History history = model.fit(toy::data(10).x, toy::data(10).y, with(board, 3));
  if (given)
    for (const auto& [name, values] : history.history)
      for (const double value : values)
        std::printf("%s %.9g\n", name.c_str(), static_cast<double>(static_cast<float>(value)));
}

TEST_CASE("TensorBoard says what is wrong with its options and its folder") {
  const Folder folder;
  CHECK(refusal<ValueError>([] { TensorBoard({.log_dir = ""}); }) ==
        "TensorBoard: the path is empty");
  CHECK(refusal<ValueError>([] { TensorBoard({.update_freq = -1}); }) ==
        "TensorBoard: update_freq is -1; it must be at least 0");
  CHECK(refusal<ValueError>([] { TensorBoard({.histogram_freq = -2}); }) ==
        "TensorBoard: histogram_freq is -2; it must be at least 0");
  write_bytes(folder / "file", "");
  TensorBoard board({.log_dir = folder / "file"});
  Sequential model = toy::model();
  CHECK(refusal<IoError>([&] { board.on_train_begin(model); }) ==
        folder / "file/train" + ": cannot make the folder: Not a directory");
}
