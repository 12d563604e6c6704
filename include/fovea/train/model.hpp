// The loop that trains a module: compile, fit, evaluate, predict, with Keras' names and meaning.
#pragma once

#include <functional>
#include <iosfwd>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fovea/data/batch_order.hpp"
#include "fovea/data/dataset.hpp"
#include "fovea/data/sample_set.hpp"
#include "fovea/nn/chain_network.hpp"
#include "fovea/nn/module_network.hpp"
#include "fovea/optim/optimizer.hpp"
#include "fovea/train/callbacks.hpp"
#include "fovea/train/losses.hpp"
#include "fovea/train/metrics.hpp"
#include "fovea/train/model_file.hpp"
#include "fovea/train/weights.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

class Trainer;
struct FindLearningRateOptions;
struct RateSweep;

/// The loss, metrics and weight of one output of a model.
struct OutputOptions {
  /// The name of the output; empty: by position.
  std::string name = {};
  /// The loss. Has no default: compile throws without one.
  Loss loss = {};
  /// The metrics, which are watched and not trained on.
  std::vector<Metric> metrics = {};
  /// The weight of this loss in the sum of all: finite, at least 0.
  double weight = 1;
  /// The metrics in which sample weights count, as in Keras: 0 or not is all that they are in
  /// `metrics`.
  std::vector<Metric> weighted_metrics = {};
};

/// The options of compile.
struct CompileOptions {
  /// The optimiser, which becomes the model's own.
  Optimizer optimizer = Adam{};
  /// The loss of a model with one output. Has no default: compile throws without one.
  Loss loss = {};
  /// The metrics of a model with one output.
  std::vector<Metric> metrics = {};
  /// Its metrics in which sample weights count.
  std::vector<Metric> weighted_metrics = {};
  /// The seed of initial weights, shuffling and dropout.
  std::uint64_t seed = 0;
  /// One for each output of a model with several, in place of loss and both kinds of metrics.
  std::vector<OutputOptions> outputs = {};
};

/// Samples to validate on.
struct Validation {
  /// The inputs.
  SampleSet x = {};
  /// The targets.
  SampleSet y = {};
  /// The weights, one for each sample; none: all 1.
  std::vector<double> sample_weight = {};
  /// In place of the arrays, a dataset, which is not owned.
  const Dataset* dataset = nullptr;
};

/// The options of fit.
struct FitOptions {
  /// Passes over all samples.
  Index epochs = 1;
  /// Samples in a batch. The last batch may be smaller. GeneratedBatches decide themselves.
  Index batch_size = 32;
  /// Batches whose gradients make one update: that of one batch with the samples of all of them, in
  /// the memory that one needs. Weights and masks count as in the large batch, and the last update
  /// of an epoch may be smaller. Callbacks and progress see updates, not batches as in Keras.
  Index gradient_accumulation_steps = 1;
  /// Whether the samples are shuffled before each epoch, by the model's seed.
  bool shuffle = true;
  /// How samples are put into batches.
  BatchOrder order = ShuffleAll{};
  /// Updates in an epoch of GeneratedBatches; not for samples that have a number.
  Index steps_per_epoch = 0;
  /// Updates of a Dataset or of GeneratedBatches that a thread loads before they are needed; 0: no
  /// thread. The results are the same.
  Index prefetch = 2;
  /// The samples that are evaluated after each epoch.
  std::optional<Validation> validation_data = {};
  /// The part of the samples to validate on, where there is no validation_data: the last ones
  /// before shuffling, with their weights.
  double validation_split = 0;
  /// One for each sample, at least 0 and not all 0; none: all 1. The loss is the sum of weighted
  /// losses divided by the number of samples (of kept positions), as in Keras. A sample of weight 0
  /// takes no part: its target may be NaN, and it does not count in metrics.
  std::vector<double> sample_weight = {};
  /// Weights of classes in training, such as {{1, 5.0}}, finite and at least 0; others have weight
  /// 1. The weight of a sample is multiplied by that of its class: its label, or the largest of its
  /// one-hot row. As in Keras, but sample_weight may be given as well. Validation is not weighted.
  std::map<Index, double> class_weight = {};
  /// The callbacks, which are not owned.
  std::vector<Callback*> callbacks = {};
  /// 0: silent; 1: Keras' bar on a terminal, one line an epoch elsewhere; 2: one line an epoch.
  int verbose = 1;
  /// Where the progress is written; null: standard output.
  std::ostream* output = nullptr;
};

/// The losses and metrics of a fit, epoch by epoch.
struct History {
  /// The numbers of the epochs, from 0.
  std::vector<Index> epoch;
  /// The values by name, one for each epoch.
  std::map<std::string, std::vector<double>, std::less<>> history;

  /// Returns the values of one name. Throws IndexError where there is none of that name.
  const std::vector<double>& operator[](std::string_view name) const&;
  /// The same, of a temporary.
  std::vector<double> operator[](std::string_view name) const&& { return (*this)[name]; }
};

/// Returns a table: a line of names, then one line for each epoch.
std::string to_string(const History& history);
/// Writes to_string(history).
std::ostream& operator<<(std::ostream& stream, const History& history);

/// The predictions of a model: an array for each output, in order.
class Predictions {
 public:
  /// Takes over names and arrays.
  Predictions(std::vector<std::string> names, std::vector<Array> arrays)
      : names_(std::move(names)), arrays_(std::move(arrays)) {}

  /// Returns the number of outputs.
  std::size_t size() const { return arrays_.size(); }
  /// Returns the predictions of one output, (samples, ...). Throws IndexError where there is none.
  const Array& operator[](std::size_t output) const&;
  /// The same, by name.
  const Array& operator[](std::string_view output) const&;
  /// The same, of a temporary.
  Array operator[](std::size_t output) const&& { return (*this)[output]; }
  /// The same, by name, of a temporary.
  Array operator[](std::string_view output) const&& { return (*this)[output]; }
  /// Returns the predictions of a model with one output. Throws StateError for another model.
  operator Array() const;  // NOLINT: implicit on purpose

 private:
  std::vector<std::string> names_;
  std::vector<Array> arrays_;
};

/// Trains a module. Model model{MyModule{...}} takes a struct whose call takes one input or several
/// and returns one tensor or several (nn/module.hpp, docs/models.md).
///
/// The batch is cut into shards, whose number depends on the batch and the module alone. Each shard
/// runs forward and backward in one task, and the gradients are accumulated along one fixed tree.
/// So the weights are the same bits for any number of threads. Const members may be called from
/// several threads at once; the others are for one thread at a time.
class Model {
 public:
  /// Takes the module over; `module` returns it.
  template <class M>
  requires(!std::derived_from<std::remove_cvref_t<M>, Model> &&
           (networks::OneCall<M> || Module<M>)) explicit Model(M module)
      : Model(network_of(std::move(module))) {}
  /// Takes over. Throws StateError while fit runs.
  Model(Model&& other);
  /// Takes over. Throws StateError while fit of either model runs.
  Model& operator=(Model&& other);
  virtual ~Model();

  /// Names the model in paths, messages and the summary; at first that is its module's type, in
  /// small letters. Throws ValueError when empty, StateError once there are forward hooks.
  void set_name(const std::string& name);
  /// Returns the first name of every path.
  std::string name() const;

  /// Returns the module, or null where it is of another type.
  template <class M>
  M* module() const {
    return static_cast<M*>(network().module(typeid(M)));
  }

  /// Makes all parameters for samples like these, of which the first is read. fit does so from its
  /// data. The seed is that of compile, or 0 before it; compile with another seed then throws. A
  /// second call for samples of the same shapes does nothing. Throws ValueError for another number
  /// or kind of inputs, ShapeError and ValueError with the layer's path.
  void build(const SampleSet& x);
  /// Returns whether the parameters exist.
  bool built() const;

  /// Returns the outputs for a batch, recorded: for a training loop of your own.
  std::vector<Tensor> operator()(const SampleSet& x, const Context& context = {}) const;

  /// Takes optimiser, losses and metrics. Throws ValueError when there is no loss, when the module
  /// has no output of a name that is given, when two values of the logs would have one name, and
  /// for a softmax over one unit, which never learns. Throws StateError for a seed that the initial
  /// weights were not drawn with, unless they have been trained.
  void compile(CompileOptions options);

  /// Trains. Throws before the first batch for options out of range, counts, kinds or shapes that
  /// do not fit, and ids or labels out of range. Ids of a struct are checked by its modules, batch
  /// by batch.
  ///
  /// After load of a file that was saved while a fit ran, goes on in the middle of that one: give
  /// the same samples and options. An epoch that had begun does not call on_epoch_begin again.
  ///
  /// Callbacks may evaluate and predict; train_on_batch makes a step between the steps of fit.
  /// fit, compile, build for another shape, and moves throw StateError meanwhile. Logs hold "loss"
  /// and the metrics' names. With several outputs "loss" is the weighted sum, and those of an
  /// output are called "title_loss", "title_accuracy".
  History fit(const SampleSet& x, const SampleSet& y, const FitOptions& options = {});

  /// Trains on a dataset (docs/datasets.md). Samples are checked batch by batch, when they are
  /// loaded. Messages name the batch and the dataset; an exception of the dataset that is not one
  /// of fovea's becomes a DatasetError, in which it is nested.
  History fit(const Dataset& data, const FitOptions& options = {});

  /// Trains on batches without an end, on the same terms. Updates are numbered over the epochs
  /// since compile, and are made of gradient_accumulation_steps batches each.
  History fit(const GeneratedBatches& batches, const FitOptions& options);

  /// Ends the fit that is running after its present batch, as Keras does: the epoch so far is
  /// validated and logged, `on_epoch_end` and `on_train_end` of the callbacks are called, and fit
  /// returns. May be called from any thread. Has no effect where no fit is running: fit forgets
  /// earlier calls when it begins.
  void stop_training();

  /// Makes one step on one batch, and returns its losses and metrics before the step. Throws as fit
  /// does, except that all weights may be 0: the batch then has a gradient of 0, as a batch in the
  /// middle of fit may.
  Logs train_on_batch(const SampleSet& x, const SampleSet& y,
                      const std::vector<double>& sample_weight = {});

  /// Returns losses and metrics by name, over all samples (kept positions), however they fall into
  /// batches. Samples may be of another shape than the model was built for, such as longer
  /// sequences, where every layer accepts it. Throws as fit does.
  Logs evaluate(const SampleSet& x, const SampleSet& y, Index batch_size = 32,
                const std::vector<double>& sample_weight = {}) const;
  /// The same, over a dataset.
  Logs evaluate(const Dataset& data, Index batch_size = 32) const;
  /// The same, over the first `steps` batches of a generator.
  Logs evaluate(const GeneratedBatches& batches, Index steps) const;

  /// Returns predictions in the order of the samples: (samples, ...) for each output.
  Predictions predict(const SampleSet& x, Index batch_size = 32) const;
  /// The same, for a dataset, whose targets are not used.
  Predictions predict(const Dataset& data, Index batch_size = 32) const;
  /// The same, for the first `steps` batches of a generator.
  Predictions predict(const GeneratedBatches& batches, Index steps) const;

  /// Returns attention weights for a batch, by layer path: those of every layer, head and query, or
  /// what a request names:
  ///
  ///     model.attention(x, {.layers = {"sequential/encoder"}, .heads = {0}, .end_query = 10})
  ///
  /// Results of the model stay the same bits where weights are asked for. Throws IndexError for a
  /// path without attention layers, and for heads and queries that are not there.
  AttentionWeights attention(const SampleSet& x, const AttentionRequest& request = {}) const;

  /// Has every output of the layer at `path` ("sequential/dense", as in errors) pass through
  /// `hook`; an empty hook removes the one before. Modules inside modules have paths where they are
  /// called by a Caller or `in_layer`. In fit and evaluate the hook of a last layer with a softmax
  /// or sigmoid receives its logits, from which the loss is computed; in predict it receives the
  /// activation. While a model has hooks, those of a Context are not called. Throws IndexError
  /// where the model has no such layer, and StateError before it is built, unless its layers are
  /// known.
  void set_forward_hook(const std::string& path, ForwardHook hook);

  /// Returns Keras' table of layers, shapes and parameter counts. Throws StateError before the
  /// model is built.
  std::string summary(Index width = 88) const;

  /// Returns the compiled optimiser. Throws StateError before compile.
  Optimizer& optimizer() &;

  /// Returns the losses and metrics of the last fit, also where an exception ended it.
  const History& history() const&;
  /// The same, of a temporary.
  History history() const&& { return history(); }

  /// Writes the weights; see save_weights.
  void save_weights(const std::string& path) const;
  /// Reads the weights; see load_weights. Throws StateError before the model is built.
  void load_weights(const std::string& path, const LoadOptions& options = {});

  /// Writes all that a training needs to go on in the same bits, or a model to predict: weights,
  /// optimiser, counts of steps and epochs, seeds, history and, while fit runs, its epoch, batch,
  /// means so far and the states of its callbacks. At every moment `path` names the old file or the
  /// whole new one, on the terms of write_npy.
  ///
  /// Throws StateError before the model is built, and for an optimiser, or while fit runs a metric,
  /// whose state cannot be saved; ValueError and IoError as write_safetensors.
  void save(const std::string& path, const SaveOptions& options = {}) const;
  /// Reads a file of `save` into a model of the same structure. Builds it if need be. Where it is
  /// not compiled, compile takes up the optimiser. Options that are code stay those of the program:
  /// the optimiser's and the callbacks' own, schedules, losses.
  ///
  /// Throws ValueError as load_weights, StateError for another optimiser or seed and while fit
  /// runs, FormatError and IoError. Then weights and optimiser are those they were.
  void load(const std::string& path, const ModelLoadOptions& options = {});

  /// Visits every parameter with its path, such as "attention_layer/W1/kernel"; layers of a
  /// Sequential are named as Keras does: "dense", "dense_1" ...
  static void parameters(auto& self, auto&& visit) {
    const auto each = [&](const ParameterPath& path, Tensor& tensor) { visit(path, tensor); };
    self.network().for_each(std::cref(each));  // by reference: no copy is made in memory
  }

 protected:
  /// Trains the module of the network.
  explicit Model(std::shared_ptr<Network> network);
  /// Returns the module behind one interface.
  Network& network() const;
  /// Returns the state behind the model. Throws StateError for a model that was moved from.
  Trainer& trainer() const;
  /// Makes the parameters by `build`; see build.
  void build_by(const std::vector<Shape>& samples,
                const std::function<void(const Rng& random)>& build);

 private:
  friend RateSweep find_learning_rate(Model& model, const SampleSet& x, const SampleSet& y,
                                      const FindLearningRateOptions& options);

  template <class M>
  static std::shared_ptr<Network> network_of(M module) {
    if constexpr (networks::OneCall<M> && !requires(const Tensor& x) { module.linear(x); }) {
      return std::make_shared<ModuleNetwork<M>>(std::move(module));
    } else {
      std::string type = type_name(typeid(M));
      Chain chain(snake_case(type));
      chain.add(Layer(std::move(module)));
      return std::make_shared<ChainNetwork>(std::move(chain), std::move(type));
    }
  }

  friend class BackupAndRestore;  // these write in the background, and load as fit begins
  friend class ModelCheckpoint;

  std::unique_ptr<Trainer> trainer_;
};

}}  // namespace fovea
