// The loop: epochs over updates (feed.hpp), each one step (step.cpp).
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iostream>

#include "fovea/base/error.hpp"
#include "fovea/runtime/runtime_info.hpp"
#include "train/checks.hpp"
#include "train/class_weight.hpp"
#include "train/feed.hpp"
#include "train/progress.hpp"
#include "train/trainer.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

std::vector<train::ProgressValue> progress_values(const Logs& logs) {
  std::vector<train::ProgressValue> values;
  for (const auto& [name, value] : logs) values.push_back({name, value});
  return values;
}

// Starts the progress of an epoch, unless fit is silent.
void show(std::optional<train::Progress>& progress, const FitOptions& options, Index number,
          Index batches) {
  if (options.verbose == 0) return;
  std::ostream& out = options.output ? *options.output : std::cout;
  progress.emplace(
      out, train::ProgressOptions{.terminal = options.verbose == 1 && train::is_terminal(out),
                                  .epoch = number + 1,
                                  .epochs = options.epochs,
                                  .steps = batches});
}

// Prints the advice once in a process.
void print_advice(std::ostream& out) {
  if (const std::string advice = advice_once(); !advice.empty()) out << "fovea: " << advice << '\n';
}

// Returns how many samples are trained on. Throws ValueError where validation_split leaves none.
Index kept_of(const CallName& call, Index samples, const FitOptions& options) {
  const auto kept =
      static_cast<Index>(std::floor(static_cast<double>(samples) * (1 - options.validation_split)));
  if (samples == 0)
    throw ValueError(fmt::format("{}: there are no samples to train on", call.text()));
  if (kept == 0)
    throw ValueError(fmt::format("{}: validation_split {} of {} samples leaves none to train on",
                                 call.text(), options.validation_split, samples));
  return kept;
}

SourceOptions training_options(const FitOptions& options, std::uint64_t seed) {
  return {.batch_size = options.batch_size,
          .batches_each = options.gradient_accumulation_steps,
          .shuffle = options.shuffle,
          .order = options.order,
          .seed = seed,
          .training = true};
}

// Returns what decides the batches of an epoch besides seed, number and size of them.
std::string order_text(const FitOptions& options) {
  std::string text =
      fmt::format("gradient_accumulation_steps {}, ", options.gradient_accumulation_steps);
  if (const auto* blocks = std::get_if<ShuffleInBlocks>(&options.order))
    return text + fmt::format("ShuffleInBlocks {} {}", blocks->block_size, blocks->blocks_together);
  if (const auto* buckets = std::get_if<BucketByLength>(&options.order))
    return text + fmt::format("BucketByLength {} {} {} {}", fmt::join(buckets->boundaries, " "),
                              buckets->window, fmt::join(buckets->inputs, " "),
                              fmt::join(buckets->targets, " "));
  return text + "ShuffleAll";
}

// Returns where a fit begins. A generator's updates take the place of samples.
train::FitPosition start_of(const FitOptions& options, Index samples) {
  const bool endless = samples == 0;
  return {.samples = endless ? options.steps_per_epoch : samples,
          .batch_size = endless ? 1 : options.batch_size,
          .shuffle = options.shuffle,
          .order = order_text(options)};
}

}  // namespace

// Marks fit as running, with its callbacks, while in scope.
struct Trainer::FitRuns {
  FitRuns(Trainer& t, const FitOptions& options, Feed& feed) : trainer(t) {
    auto writer = std::make_unique<BackgroundWriter>();
    trainer.position_ = start_of(options, feed.samples());
    trainer.writer_ = std::move(writer);  // nothing throws from here on
    trainer.fit_thread_ = std::this_thread::get_id();
    trainer.fit_runs_ = true;
    trainer.callbacks_ = &options.callbacks;
    trainer.feed_ = &feed;
    trainer.last_epoch_ = options.epochs;
    trainer.batches_ = 0;
  }
  ~FitRuns() {
    trainer.writer_.reset();  // waits
    trainer.fit_thread_ = std::thread::id();
    trainer.fit_runs_ = false;
    trainer.callbacks_ = nullptr;
    trainer.position_.reset();
    trainer.cut_.reset();
    trainer.feed_ = nullptr;
    trainer.means_ = nullptr;
  }
  FitRuns(const FitRuns&) = delete;
  Trainer& trainer;
};

// Runs one epoch: updates, validation, logs and progress. As in Keras, an epoch that is cut short
// is validated and logged like any other.
void Trainer::epoch(Model& model, Feed& feed, Feed* validation, const FitOptions& options,
                    Index number) {
  Means means(compiled->outputs);
  Index i = begin_epoch(means);
  const Index batches = batches_ = feed.begin(epochs_, i);
  if (i > batches)
    throw StateError(fmt::format(
        "{}: fit: the file that was loaded was saved behind batch {} of an epoch; this one has {}; "
        "give the same samples and options, or load with .resume = false to begin anew",
        name(), i, batches));
  std::optional<train::Progress> progress;
  show(progress, options, number, batches);
  ++epochs_;
  for (bool stopped = false; i < batches && !stopped; stopped = stops_, ++i) {
    for (Callback* callback : options.callbacks) callback->on_train_batch_begin(model, i);
    train(feed.update(i), means);
    position_->batch = i + 1;
    if (stop_asked_) stops_ = true;
    if (options.callbacks.empty() && !progress) continue;
    const Logs logs = means.running_logs();
    for (Callback* callback : options.callbacks) callback->on_train_batch_end(model, i, logs);
    if (progress) progress->update(i + 1, [&] { return progress_values(logs); });
  }
  if (i < batches) feed.leave();  // before others read, perhaps from the same dataset
  if (stops_ && i < batches && means.are_saved()) {
    train::ModelState here{.history = history};
    add_position(here);
    cut_ = std::move(here);
  }
  Logs logs = means.logs();
  if (validation)
    for (const auto& [name, value] : evaluate(*validation)) logs.set("val_" + name, value);
  if (progress) progress->finish(progress_values(logs), i);
  history.epoch.push_back(number);
  for (const auto& [name, value] : logs) history.history[name].push_back(value);
  means_ = nullptr;
  position_->epoch = number + 1;
  position_->begun = false;
  if (stop_asked_) stops_ = true;
  for (Callback* callback : options.callbacks) callback->on_epoch_end(model, number, logs);
}

// Runs all epochs. `validation` is null without validation data.
History Trainer::fit_checked(Model& model, Feed& feed, Feed* validation, const FitOptions& given) {
  FitOptions options = given;
  std::ranges::stable_sort(options.callbacks, {},
                           [](const Callback* each) { return each->turn(); });
  check_learns({name(), "fit"});
  Logs names = Means(compiled->outputs).logs();  // of no samples: only the names are used
  if (validation)
    for (const auto& [name, value] : Logs(names)) names.set("val_" + name, value);
  for (const Callback* callback : options.callbacks) callback->check_names(model, names);
  const FitRuns running(*this, options, feed);
  stops_ = stop_asked_ = false;
  if (!resume_) history = {};
  if (options.verbose > 0) print_advice(options.output ? *options.output : std::cout);
  const FitParams params{options.epochs, feed.updates()};
  for (Callback* callback : options.callbacks) callback->set_params(params);
  for (Callback* callback : options.callbacks) callback->on_train_begin(model);
  for (Index number = take_up(options.callbacks); number < options.epochs; ++number) {
    for (Callback* callback : options.callbacks)
      position_->begun ? callback->on_epoch_resumed(model, number)
                       : callback->on_epoch_begin(model, number);
    epoch(model, feed, validation, options, number);
    if (stops_) break;
  }
  finish_writing();
  for (Callback* callback : options.callbacks) callback->on_train_end(model);
  finish_writing();
  return history;
}

History Trainer::fit(Model& model, const SampleSet& x, const SampleSet& y,
                     const FitOptions& options) {
  const CallName call{name(), "fit"};
  check_fit(call, options);
  refuse_steps(call, options);
  check_weights(call, options.sample_weight, x.count(), true);
  check_counts(call, x, y);
  const Index count = x.count(), kept = kept_of(call, count, options);
  Given data = ordered(call, x, y, options.sample_weight), other;
  build(call, data.x);
  check_data(call, data);
  std::unique_ptr<Feed> validation = validation_feed(options, other);
  if (std::holds_alternative<BucketByLength>(options.order)) {
    const ArrayDataset arrays(x, y, options.sample_weight);
    return fit_dataset(model, arrays, options, validation.get(), 0);
  }
  if (kept < count) {
    other = {data.x.rows(kept, count), data.y.rows(kept, count), {}, data.traced};
    data.x = data.x.rows(0, kept);
    data.y = data.y.rows(0, kept);
    if (!data.weight.empty()) {
      other.weight.assign(data.weight.begin() + kept, data.weight.end());
      data.weight.resize(static_cast<std::size_t>(kept));
      check_weights({name(), "fit", "the samples before validation_split"}, data.weight, kept,
                    true);
      check_weights({name(), "fit", "the samples of validation_split"}, other.weight, count - kept,
                    true);
    }
    validation = array_feed(other, {.batch_size = options.batch_size});
  }
  weigh_classes(call, options.class_weight, data.y[0].samples, output_shape(data), data.weight);
  check_some_count(call, data.weight);
  const auto feed = array_feed(data, training_options(options, compiled->seed));
  return fit_checked(model, *feed, validation.get(), options);
}

History Trainer::fit(Model& model, const Dataset& data, const FitOptions& options) {
  const CallName call{name(), "fit"};
  check_fit(call, options);
  refuse_steps(call, options);
  refuse_weights(call, options, data.name());
  kept_of(call, data.count(), options);
  if (!network->built()) {
    constexpr Index first = 0;
    const std::string what = fmt::format("the first sample of {}", data.name());
    const SampleBatch one = loading({call.model, call.call, what.c_str()}, [&] {
      return data.rows({&first, 1});
    });
    build(call, ordered(call, one.x, one.y, {}).x);
  }
  Given other;
  const std::unique_ptr<Feed> validation = validation_feed(options, other);
  return fit_dataset(model, data, options, validation.get(), options.prefetch);
}

// Trains on the part of a dataset that validation_split leaves. `ahead` updates are prefetched.
History Trainer::fit_dataset(Model& model, const Dataset& data, const FitOptions& options,
                             Feed* validation, Index ahead) {
  const CallName call{name(), "fit"};
  const Index count = data.count(), kept = kept_of(call, count, options);
  const auto feed = [&](const char* part, Index begin, Index end, SourceOptions how) {
    const auto* class_weight = how.training ? &options.class_weight : nullptr;
    return std::make_unique<LoadedFeed>(
        *this, CallName{name(), "fit", part}, shards_,
        std::make_unique<DatasetSource>(data, begin, end, std::move(how)), ahead, class_weight);
  };
  std::unique_ptr<Feed> rest;
  if (kept < count)
    rest = feed("validation_split", kept, count, {.batch_size = options.batch_size});
  const auto training =
      loading(call, [&] { return feed("", 0, kept, training_options(options, compiled->seed)); });
  return fit_checked(model, *training, rest ? rest.get() : validation, options);
}

History Trainer::fit(Model& model, const GeneratedBatches& batches, const FitOptions& options) {
  const CallName call{name(), "fit"};
  check_fit(call, options);
  refuse_weights(call, options, batches.name());
  check_generated(call, options, batches.name());
  if (!network->built()) {
    const std::string what = fmt::format("the first batch of {}", batches.name());
    const SampleBatch one = loading({call.model, call.call, what.c_str()}, [&] {
      return batches(0, Rng(compiled->seed).split("generated batch", 0));
    });
    build(call, ordered(call, one.x, one.y, {}).x);
  }
  Given other;
  const std::unique_ptr<Feed> validation = validation_feed(options, other);
  LoadedFeed feed(*this, call, shards_,
                  generated_source(call, batches, options.steps_per_epoch,
                                   training_options(options, compiled->seed)),
                  options.prefetch, &options.class_weight);
  return fit_checked(model, feed, validation.get(), options);
}

// Returns the batches of validation_data, null where there is none. `arrays` takes what must stay
// in memory.
std::unique_ptr<Feed> Trainer::validation_feed(const FitOptions& options, Given& arrays) {
  if (!options.validation_data) return nullptr;
  const Validation& given = *options.validation_data;
  const CallName call{name(), "fit", "validation_data"};
  if (given.dataset)
    return std::make_unique<LoadedFeed>(
        *this, call, shards_,
        dataset_source(call, *given.dataset, {.batch_size = options.batch_size}), options.prefetch);
  check_weights(call, given.sample_weight, given.x.count(), true);
  arrays = ordered(call, given.x, given.y, given.sample_weight);
  check_data(call, arrays);
  return array_feed(arrays, {.batch_size = options.batch_size});
}

std::unique_ptr<Feed> Trainer::array_feed(const Given& data, SourceOptions options) {
  return std::make_unique<ArrayFeed>(pass(shards_, data.traced), data.x, data.y, data.weight,
                                     std::move(options));
}

}}  // namespace fovea
