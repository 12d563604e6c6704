// The state of training: the options of compile, counts, and the parameters of the optimiser.
#pragma once

#include <atomic>
#include <thread>

#include "fovea/train/find_learning_rate.hpp"
#include "fovea/train/model.hpp"
#include "train/background_writer.hpp"
#include "train/call_name.hpp"
#include "train/means.hpp"
#include "train/model_state.hpp"
#include "train/pass.hpp"
#include "train/shards.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

class Feed;
class BatchSource;
struct SourceOptions;

/// A batch, and the pass for samples of its shape.
struct Piece {
  Pass* pass;
  Batch batch;
};

/// The state behind a Model.
class Trainer {
 public:
  explicit Trainer(std::shared_ptr<Network> module) : network(std::move(module)) {}

  /// Throws StateError while fit runs, with the name of the call in front.
  void refuse_while_fit(const std::string& call) const;

  void set_name(const std::string& name);
  void set_hook(const std::string& path, ForwardHook hook);
  /// Makes the parameters by `build`, unless the model was built for samples of these shapes.
  /// The seed is that of compile, unless one is given.
  void build(const std::vector<Shape>& samples, const std::function<void(const Rng& random)>& build,
             std::optional<std::uint64_t> seed = {});
  /// Builds for the shapes of samples, given in the order of the inputs.
  void build(const CallName& call, const SampleSet& x);
  /// Returns the samples in the order of the inputs. Throws for another number, kind or name.
  SampleSet inputs(const CallName& call, const SampleSet& x) const;
  void compile(CompileOptions options);
  History fit(Model& model, const SampleSet& x, const SampleSet& y, const FitOptions& options);
  History fit(Model& model, const Dataset& data, const FitOptions& options);
  History fit(Model& model, const GeneratedBatches& batches, const FitOptions& options);
  /// Ends fit after the present batch. May be called from any thread; callbacks of one moment all
  /// see the same.
  void stop_training() {
    stop_asked_ = true;
    if (fit_thread_.load() == std::this_thread::get_id()) stops_ = true;
  }
  Logs train_on_batch(const SampleSet& x, const SampleSet& y,
                      const std::vector<double>& sample_weight);
  Logs evaluate(const SampleSet& x, const SampleSet& y, Index batch_size,
                const std::vector<double>& sample_weight) const;
  Logs evaluate(const Dataset& data, Index batch_size) const;
  Logs evaluate(const GeneratedBatches& batches, Index steps) const;
  std::vector<Array> predict(const SampleSet& x, Index batch_size) const;
  std::vector<Array> predict(const Dataset& data, Index batch_size) const;
  std::vector<Array> predict(const GeneratedBatches& batches, Index steps) const;
  RateSweep find_rate(Model& model, const SampleSet& x, const SampleSet& y,
                      const FindLearningRateOptions& options);
  std::vector<Tensor> call(const SampleSet& x, const Context& context) const;
  std::string summary(Index width) const;

  /// Writes the model. Throws on the terms of Model::save.
  void save(const std::string& path, const SaveOptions& options) const;
  /// Writes a model to a path, as it was when the function was made.
  using Write = std::function<void(const std::string& path)>;
  /// Return what writes the model as it is now, or its weights alone; training may go on meanwhile.
  /// Throw as save does, but for what writing throws.
  Write saving(const SaveOptions& options) const;
  Write saving_weights() const;
  /// Does a job of a callback: while fit runs, in the background, behind those before. The end of
  /// fit waits for it; so does the next job of this owner. What it throws names the owner, and
  /// arrives at one of these, or where another callback adds a job.
  void write(const Callback& owner, std::function<void()> job);
  /// Waits for the jobs of callbacks. Throws what one of them threw.
  void finish_writing() const;
  /// Throws StateError, for a callback that saves within epochs, where a metric's state cannot be
  /// written down.
  void check_metrics_are_saved(const char* callback) const;
  /// Reads a model's file. Throws on the terms of Model::load; `in_fit`: a callback loads as fit
  /// begins.
  void load(const std::string& path, const ModelLoadOptions& options, bool in_fit = false);

  /// Returns the compiled optimiser, the only option that is not constant.
  Optimizer& optimizer() const { return compiled->optimizer; }

  /// Returns whether fit ends after the present batch.
  bool stops() const { return stops_; }
  /// Returns whether the epoch that runs, or the last one, ends before its last batch.
  bool is_cut_short() const { return stops_ && position_ && position_->batch < batches_; }
  /// Returns whether fit has run all its epochs, or a callback has ended it for good.
  bool is_complete() const;

  const std::shared_ptr<const ForwardHooks>& hooks() const { return hooks_; }
  const char* name() const { return network->path().c_str(); }

  std::shared_ptr<Network> network;
  std::unique_ptr<CompileOptions> compiled;  // null before compile; has one of `outputs` for each
  History history;

 private:
  friend class LoadedFeed;

  // The samples of a call, in the order of the network.
  struct Given {
    SampleSet x, y;
    std::vector<double> weight = {};
    std::vector<Trace::Output> traced = {};  // if samples are not those the model was built for
  };

  // What training counts.
  struct Counters {
    History history;
    std::optional<std::uint64_t> drawn;
    std::uint64_t steps, epochs;
    bool all_listed;
    std::uint64_t attached;
  };

  struct FitRuns;  // while fit runs

  void check_ready(const char* what) const;
  std::string loaded_options() const;
  void check_built(const CallName& call) const;
  void check_learns(const CallName& call) const;
  SampleSet targets(const CallName& call, const SampleSet& y) const;
  Given ordered(const CallName& call, const SampleSet& x, const SampleSet& y,
                const std::vector<double>& weight) const;
  void check_data(const CallName& call, Given& data) const;
  void check_inputs(const CallName& call, const SampleSet& x) const;
  void check_targets(const CallName& call, const Given& data) const;
  std::vector<Trace::Output> traced(const CallName& call, const SampleSet& x) const;
  const std::vector<Trace::Output>& traced(const Given& data) const;
  Shape output_shape(const Given& data) const;
  void name_parameters() const;
  void check_fit(const CallName& call, const FitOptions& options) const;
  History fit_dataset(Model& model, const Dataset& data, const FitOptions& options,
                      Feed* validation, Index ahead);
  std::unique_ptr<Feed> validation_feed(const FitOptions& options, Given& arrays);
  std::unique_ptr<Feed> array_feed(const Given& data, SourceOptions options);
  History fit_checked(Model& model, Feed& feed, Feed* validation, const FitOptions& options);
  void epoch(Model& model, Feed& feed, Feed* validation, const FitOptions& options, Index number);
  void train(std::span<Piece> pieces, Means& means);
  Logs evaluate(Feed& feed) const;
  Logs evaluate(std::unique_ptr<BatchSource> source) const;
  std::vector<Array> predict(std::unique_ptr<BatchSource> source) const;
  void check_listed(const Piece& piece);
  RateSweep sweep(const SampleSet& x, const SampleSet& y, const FindLearningRateOptions& options);
  Counters counters() const;
  void set_counters(Counters counters);
  void attach_optimizer();
  bool is_attached() const;
  void check_attached() const;
  train::ModelState state() const;
  std::optional<train::CompiledNames> compiled_names() const;
  void add_position(train::ModelState& state) const;
  std::string structure(bool needed) const;
  void build_as(const train::ModelState& state);
  void check_seed(const char* call, std::uint64_t seed, std::uint64_t saved) const;
  void take(const train::TrainingState& training);
  void check_goes_on(const train::FitPosition& saved) const;
  Index take_up(const std::vector<Callback*>& callbacks);
  Index begin_epoch(Means& means);
  Pass pass(Shards& shards, std::span<const Trace::Output> traced) const;
  bool are_those_it_was_built_for(const SampleSet& x) const;

  std::vector<Shape> samples_;          // of each input, that it was built for
  std::optional<std::uint64_t> drawn_;  // the seed of the initial weights, until they are trained
  std::shared_ptr<const ForwardHooks> hooks_;
  bool fit_runs_ = false;
  std::optional<train::FitPosition> position_;          // of the fit that runs
  Index last_epoch_ = 0;                                // of the fit that runs
  Index batches_ = 0;                                   // of the epoch that runs
  Feed* feed_ = nullptr;                                // of the fit that runs
  const Means* means_ = nullptr;                        // of the epoch that runs
  const std::vector<Callback*>* callbacks_ = nullptr;   // of the fit that runs
  std::optional<train::ModelState> resume_;             // loaded: where the next fit begins
  std::optional<train::TrainingState> before_compile_;  // loaded: waits for compile
  std::optional<train::CompiledNames> loaded_names_;    // of a file, until compile
  std::vector<bool> takes_ids_;                         // of each input, what it was built with
  std::uint64_t built_seed_ = 0;                        // of the initial weights
  std::atomic<bool> stop_asked_ = false;                // by any thread
  std::atomic<std::thread::id> fit_thread_ = {};        // while fit runs
  bool stops_ = false;                                  // whether fit ends after the present batch
  std::unique_ptr<BackgroundWriter> writer_;            // while fit runs
  std::optional<train::ModelState> cut_;                // where an epoch was cut short
  std::uint64_t steps_ = 0;                             // updates made since compile
  std::uint64_t epochs_ = 0;                            // epochs begun since compile
  std::vector<NamedParameter> learning_;                // those of the optimiser, each once
  std::vector<const Node*> visited_;  // their nodes in the order of the list, some repeated
  bool all_listed_ = false;           // whether a step saw no tensor that learns and is not listed
  std::uint64_t attached_ = 0;  // the optimiser's count of attachments when it took on this model
  Shards shards_;               // memory of the shards, kept from batch to batch
};

}}  // namespace fovea
