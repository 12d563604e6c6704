// Batches that a thread loads before they are needed.
#include "data/prefetch.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <thread>

#include "data/datasets.hpp"

using namespace fovea;
using namespace datasets;

namespace {

// Takes its time, and counts who is inside.
struct Slow : Own {
  using Own::Own;
  mutable std::atomic<Index> inside = 0, largest = 0;
  mutable std::atomic<bool> elsewhere = false;
  std::thread::id home = std::this_thread::get_id();

  SampleBatch rows(std::span<const Index> positions) const override {
    largest = std::max(largest.load(), ++inside);
    elsewhere = elsewhere || std::this_thread::get_id() != home;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    --inside;
    return Own::rows(positions);
  }
};

Ids ids_of(const std::vector<SampleBatch>& update) { return update.at(0).x[0].samples.ids(); }

struct Throwing : Callback {
  void on_train_batch_end(Model&, Index batch, const Logs&) override {
    if (batch == 1) throw std::runtime_error("enough");
  }
};

struct Stopping : Callback {
  void on_train_batch_end(Model& model, Index batch, const Logs&) override {
    if (batch == 1) model.stop_training();
  }
};

}  // namespace

TEST_CASE("an epoch may begin at any update, and be left for another one") {
  const toy::Data both = toy::data(100);
  const Own data(both.x, both.y);
  const SourceOptions options{.batch_size = 8, .shuffle = true, .seed = 3};
  DatasetSource source(data, 0, 100, options), same(data, 0, 100, options);
  for (const Index ahead : {0, 1, 3, 100}) {
    Prefetch prefetch(source, ahead);
    for (const auto& [epoch, first, taken] :
         {std::array<Index, 3>{2, 0, 13}, {3, 5, 4}, {1, 12, 1}, {4, 3, 0}, {0, 7, 2}}) {
      CHECK(prefetch.begin(static_cast<std::uint64_t>(epoch), first) == 13);
      CHECK(same.begin(static_cast<std::uint64_t>(epoch)) == 13);
      for (Index i = first; i < first + taken; ++i)
        CHECK(std::ranges::equal(ids_of(prefetch.next()).values(), ids_of(same.load(i)).values()));
    }
  }
}

TEST_CASE("one thread loads, ahead of fit, and is gone when fit returns or throws") {
  const toy::Data both = toy::data(80);
  for (const bool throws : {false, true})
    for (const Index ahead : {0, 3}) {
      const Slow data(both.x, both.y);
      Sequential model = toy::model();
      Throwing callback;
      FitOptions options = toy::quiet(2, 8);
      options.prefetch = ahead;
      if (throws) options.callbacks = {&callback};
      if (throws)
        CHECK_THROWS_AS(model.fit(data, options), std::runtime_error);
      else
        model.fit(data, options);
      CHECK(data.inside == 0);
      CHECK(data.largest == 1);
      CHECK(data.elsewhere == (ahead > 0));
      CHECK(data.reads <= (throws ? 3 + ahead : 20));
    }
}

TEST_CASE("an epoch that is cut short loads no more when the rest of its dataset validates") {
  const toy::Data both = toy::data(160);
  for (Index trial = 0; trial < 5; ++trial) {
    const Slow data(both.x, both.y);
    Sequential model = toy::model();
    Stopping callback;
    FitOptions options = toy::quiet(1, 8);
    options.prefetch = 10;
    options.validation_split = 0.5;
    options.callbacks = {&callback};
    CHECK(model.fit(data, options).history.contains("val_loss"));
    CHECK(data.largest == 1);
    CHECK(data.elsewhere);
  }
}
