// TerminateOnNaN: the batch it names, and the two ways in which it ends a training.
#include <doctest/doctest.h>

#include <limits>

#include "support/refusal.hpp"
#include "train/models.hpp"
#include "train/toy.hpp"

using namespace fovea;
using support::refusal;

namespace {

// Ten samples in order, a feature of sample 6 is `bad`: with batches of 2 that is batch 3.
Array samples(double bad) {
  Array x = Array::full(Shape{10, 2}, 1);
  x.mutable_data()[12] = static_cast<real>(bad);
  return x;
}

const Array targets = Array::zeros(Shape{10, 1});

Sequential model() {
  Sequential model{Dense{1}};
  model.compile({.optimizer = SGD{{.learning_rate = 0.01}}, .loss = MeanSquaredError{}});
  return model;
}

FitOptions options(Callback& callback) {
  FitOptions options = toy::quiet(3, 2);
  options.shuffle = false;
  options.callbacks = {&callback};
  return options;
}

}  // namespace

TEST_CASE("TerminateOnNaN stops after the batch whose loss is not finite, and names it") {
  for (const double bad :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    TerminateOnNaN terminate;
    Sequential trained = model();
    const History history = trained.fit(samples(bad), targets, options(terminate));
    CHECK(history.epoch.size() == 1);
    CHECK(terminate.stopped_epoch() == 0);
    CHECK(terminate.stopped_batch() == 3);
    CHECK(trained.optimizer().as<SGD>()->steps() == 4);
    Sequential other = model();
    CHECK(other.fit(samples(0), targets, options(terminate)).epoch.size() == 3);
    CHECK(terminate.stopped_batch() == -1);
    CHECK(terminate.stopped_epoch() == -1);
  }
}

TEST_CASE("TerminateOnNaN throws where that is asked for") {
  TerminateOnNaN terminate({.raise_error = true});
  Sequential trained = model();
  const auto message = refusal<ValueError>([&] {
    trained.fit(samples(std::numeric_limits<double>::quiet_NaN()), targets, options(terminate));
  });
  CHECK(message ==
        "sequential: fit: TerminateOnNaN: the loss is nan with batch 3 of epoch 0, counted from 0; "
        "lower the learning rate, clip gradients, or let DetectAnomaly find the operation");
}

TEST_CASE("TerminateOnNaN names an epoch after the first, and does not mind metrics that are NaN") {
  TerminateOnNaN terminate;
  Sequential trained = model();
  terminate.on_train_begin(trained);
  terminate.on_epoch_begin(trained, 4);
  terminate.on_train_batch_end(trained, 0, {{"f1", std::numeric_limits<double>::quiet_NaN()}});
  terminate.on_train_batch_end(trained, 1,
                               {{"loss", 1}, {"f1", std::numeric_limits<double>::quiet_NaN()}});
  CHECK(terminate.stopped_batch() == -1);
  terminate.on_train_batch_end(trained, 2, {{"loss", -std::numeric_limits<double>::infinity()}});
  CHECK(terminate.stopped_epoch() == 4);
  CHECK(terminate.stopped_batch() == 2);
}
