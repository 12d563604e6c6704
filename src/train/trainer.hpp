// The state of training: the options of compile, counts, and the parameters of the optimiser.
#pragma once

#include <atomic>

#include "fovea/train/find_learning_rate.hpp"
#include "fovea/train/model.hpp"
#include "train/call_name.hpp"
#include "train/means.hpp"
#include "train/pass.hpp"
#include "train/shards.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// The state behind a Model.
class Trainer {
 public:
  explicit Trainer(std::shared_ptr<Network> module) : network(std::move(module)) {}

  /// Throws StateError while fit runs, with the name of the call in front.
  void refuse_while_fit(const std::string& call) const;

  void set_name(const std::string& name);
  void set_hook(const std::string& path, ForwardHook hook);
  /// Makes the parameters by `build`, unless the model was built for samples of these shapes.
  void build(const std::vector<Shape>& samples,
             const std::function<void(const Rng& random)>& build);
  /// Builds for the shapes of samples, given in the order of the inputs.
  void build(const CallName& call, const SampleSet& x);
  /// Returns the samples in the order of the inputs. Throws for another number, kind or name.
  SampleSet inputs(const CallName& call, const SampleSet& x) const;
  void compile(CompileOptions options);
  History fit(Model& model, const SampleSet& x, const SampleSet& y, const FitOptions& options);
  /// Ends fit after the present batch. May be called from any thread.
  void stop_training() { stops_ = true; }
  Logs train_on_batch(const SampleSet& x, const SampleSet& y,
                      const std::vector<double>& sample_weight);
  Logs evaluate(const SampleSet& x, const SampleSet& y, Index batch_size,
                const std::vector<double>& sample_weight) const;
  std::vector<Array> predict(const SampleSet& x, Index batch_size) const;
  RateSweep find_rate(Model& model, const SampleSet& x, const SampleSet& y,
                      const FindLearningRateOptions& options);
  std::vector<Tensor> call(const SampleSet& x, const Context& context) const;
  std::string summary(Index width) const;
  /// Returns the compiled optimiser, the only option that is not constant.
  Optimizer& optimizer() const { return compiled->optimizer; }

  const std::shared_ptr<const ForwardHooks>& hooks() const { return hooks_; }
  const char* name() const { return network->path().c_str(); }

  std::shared_ptr<Network> network;
  std::unique_ptr<CompileOptions> compiled;  // null before compile; has one of `outputs` for each
  History history;

 private:
  // What training counts.
  struct Counters {
    History history;
    std::optional<std::uint64_t> drawn;
    std::uint64_t steps, epochs;
    bool all_listed;
    std::uint64_t attached;
  };
  struct Given;  // the samples of a call, in the order of the network

  void check_ready(const char* what) const;
  void check_built(const CallName& call) const;
  void check_learns(const CallName& call) const;
  SampleSet targets(const CallName& call, const SampleSet& y) const;
  Given ordered(const CallName& call, const SampleSet& x, const SampleSet& y,
                const std::vector<double>& weight) const;
  void check_data(const CallName& call, Given& data) const;
  std::vector<Trace::Output> traced(const CallName& call, const SampleSet& x) const;
  void name_parameters() const;
  History fit_checked(Model& model, const Given& data, const FitOptions& options,
                      const Given* validation);
  void epoch(Model& model, Pass& pass, Pass* validation, const Given& data,
             const Given* validation_data, const FitOptions& options, Index number);
  void train(Pass& pass, const Batch& batch, Means& means);
  RateSweep sweep(const SampleSet& x, const SampleSet& y, const FindLearningRateOptions& options);
  Counters counters() const;
  void set_counters(Counters counters);
  void attach_optimizer();
  void check_attached() const;
  Pass pass(Shards& shards, std::span<const Trace::Output> traced) const;
  bool are_those_it_was_built_for(const SampleSet& x) const;

  std::vector<Shape> samples_;          // of each input, that it was built for
  std::optional<std::uint64_t> drawn_;  // the seed of the initial weights, until they are trained
  std::shared_ptr<const ForwardHooks> hooks_;
  bool fit_runs_ = false;
  std::atomic<bool> stops_ = false;       // whether fit ends after the present batch
  std::uint64_t steps_ = 0;               // updates made since compile
  std::uint64_t epochs_ = 0;              // epochs begun since compile
  std::vector<NamedParameter> learning_;  // those of the optimiser, each once
  std::vector<const Node*> visited_;      // their nodes in the order of the list, some repeated
  bool all_listed_ = false;     // whether a step saw no tensor that learns and is not listed
  std::uint64_t attached_ = 0;  // the optimiser's count of attachments when it took on this model
  Shards shards_;               // memory of the shards, kept from batch to batch
};

}}  // namespace fovea
