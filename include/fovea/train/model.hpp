// The loop that trains a module: compile, fit, evaluate, predict, with Keras' names and meaning.
#pragma once

#include <functional>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fovea/data/sample_set.hpp"
#include "fovea/nn/chain_network.hpp"
#include "fovea/nn/module_network.hpp"
#include "fovea/optim/optimizer.hpp"
#include "fovea/train/callbacks.hpp"
#include "fovea/train/losses.hpp"
#include "fovea/train/metrics.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

class Trainer;

/// What one output of a model is trained to.
struct OutputOptions {
  std::string name = {};             ///< of the output; empty: by position
  Loss loss = {};                    ///< must be given
  std::vector<Metric> metrics = {};  ///< watched, not trained on
  double weight = 1;                 ///< of this loss in the sum of all; finite, at least 0
};

/// What compile takes.
struct CompileOptions {
  Optimizer optimizer = Adam{};             ///< becomes the model's own
  Loss loss = {};                           ///< of a model with one output: must be given
  std::vector<Metric> metrics = {};         ///< of a model with one output
  std::uint64_t seed = 0;                   ///< of initial weights, shuffling and dropout
  std::vector<OutputOptions> outputs = {};  ///< in place of loss and metrics: one for each output
};

/// Samples to validate on.
struct Validation {
  SampleSet x;                             ///< what goes in
  SampleSet y;                             ///< what should come out
  std::vector<double> sample_weight = {};  ///< one for each sample; none: all 1
};

/// What fit takes besides the samples.
struct FitOptions {
  Index epochs = 1;       ///< passes over all samples
  Index batch_size = 32;  ///< samples in a step; the last batch may be smaller
  bool shuffle = true;    ///< anew each epoch, by the model's seed
  std::optional<Validation> validation_data = {};  ///< looked at after each epoch
  double validation_split =
      0;  ///< or this part of the samples, the last ones before shuffling, with their weights
  /// One for each sample, at least 0 and not all 0; none: all 1. The loss is the sum of weighted
  /// losses divided by the number of samples (of kept positions), as in Keras. A sample of weight 0
  /// takes no part: its target may be NaN, and it does not count in metrics.
  std::vector<double> sample_weight = {};
  std::vector<Callback*> callbacks = {};  ///< not owned
  int verbose =
      1;  ///< 0: silent; 1: Keras' bar on a terminal, one line an epoch elsewhere; 2: one line
  std::ostream* output = nullptr;  ///< of the progress; null: standard output
};

/// What was measured, epoch by epoch.
struct History {
  std::vector<Index> epoch;  ///< counted from 0
  std::map<std::string, std::vector<double>, std::less<>>
      history;  ///< by name, one value for each epoch

  /// The values of one name. Throws IndexError if there is none of that name.
  const std::vector<double>& operator[](std::string_view name) const&;
  std::vector<double> operator[](std::string_view name) const&& {
    return (*this)[name];
  }  ///< the same, of a temporary
};

/// What a model predicts: an array for each output, in order.
class Predictions {
 public:
  /// Refers to nothing: names and arrays are taken over.
  Predictions(std::vector<std::string> names, std::vector<Array> arrays)
      : names_(std::move(names)), arrays_(std::move(arrays)) {}

  std::size_t size() const { return arrays_.size(); }  ///< outputs
  /// The predictions of one output, (samples, ...). Throws IndexError where there is none.
  const Array& operator[](std::size_t output) const&;
  const Array& operator[](std::string_view output) const&;  ///< by name, on the same terms
  Array operator[](std::size_t output) const&& { return (*this)[output]; }       ///< of a temporary
  Array operator[](std::string_view output) const&& { return (*this)[output]; }  ///< of a temporary
  /// Those of a model with one output. Throws StateError for another.
  operator Array() const;  // NOLINT: implicit on purpose

 private:
  std::vector<std::string> names_;
  std::vector<Array> arrays_;
};

/// Trains a module. Model model{MyModule{...}} takes a struct whose call takes one input or several
/// and returns one tensor or several (nn/module.hpp, docs/models.md). The batch is cut into a
/// number of shards that depends on the batch and the module alone; each runs forward and backward
/// in one task, and their gradients are added along one fixed tree: the weights are the same bits
/// for any number of threads. Const members may be called from several threads at once; the others
/// are for one thread at a time.
class Model {
 public:
  /// Takes the module; from now on it is reached by `module`.
  template <class M>
  requires(!std::derived_from<std::remove_cvref_t<M>, Model> &&
           (networks::OneCall<M> || Module<M>)) explicit Model(M module)
      : Model(network_of(std::move(module))) {}
  Model(Model&& other);             ///< takes over; throws StateError while fit runs
  Model& operator=(Model&& other);  ///< takes over, on the same terms
  virtual ~Model();

  /// Names the model in paths, messages and the summary; at first that is its module's type, in
  /// small letters. Throws ValueError when empty, StateError once there are forward hooks.
  void set_name(const std::string& name);
  std::string name() const;  ///< the first name of every path

  /// The module, or null where it is of another type.
  template <class M>
  M* module() const {
    return static_cast<M*>(network().module(typeid(M)));
  }

  /// Makes all parameters for samples like these, of which one is looked at; what fit does by
  /// itself from its data. The seed is that of compile, or 0 before it; compile with another seed
  /// then throws. A second call for samples of the same shapes does nothing. Throws ValueError for
  /// another number or kind of inputs, ShapeError and ValueError with the layer's path.
  void build(const SampleSet& x);
  bool built() const;  ///< whether the parameters exist

  /// The outputs for a batch, recorded: for a loop of your own.
  std::vector<Tensor> operator()(const SampleSet& x, const Context& context = {}) const;

  /// Takes on optimiser, losses and metrics. Throws ValueError when there is no loss, when outputs
  /// are named that the module has not, when two values of the logs would have one name, and for a
  /// softmax over one unit, which never learns; StateError for a seed that the initial weights were
  /// not drawn with, unless they have been trained.
  void compile(CompileOptions options);

  /// Trains. Throws before the first batch for options out of range, counts, kinds or shapes that
  /// do not fit, and ids or labels out of range; ids of a struct are checked by its modules, batch
  /// by batch. Callbacks may evaluate and predict, and train_on_batch makes a step between the
  /// steps of fit; fit, compile, build for another shape, and moves throw StateError meanwhile.
  /// Logs: "loss" and the metrics' names; with several outputs "loss" is the weighted sum, and each
  /// output's are "title_loss", "title_accuracy".
  History fit(const SampleSet& x, const SampleSet& y, const FitOptions& options = {});

  /// One step on one batch; its loss and metrics before the step. Throws as fit does, but for
  /// weights that are all 0: they are a batch without a gradient, as there may be in fit.
  Logs train_on_batch(const SampleSet& x, const SampleSet& y,
                      const std::vector<double>& sample_weight = {});

  /// Loss and metrics by name: sums over all samples (kept positions) divided by their number,
  /// however they fall into batches. Samples may be of another shape than the model was built for,
  /// such as longer sequences, where every layer accepts it. Throws as fit does.
  Logs evaluate(const SampleSet& x, const SampleSet& y, Index batch_size = 32,
                const std::vector<double>& sample_weight = {}) const;

  /// Predictions, in the samples' order: (samples, ...) for each output.
  Predictions predict(const SampleSet& x, Index batch_size = 32) const;

  /// The weights of every attention layer for a batch, by layer path. Asking changes no number
  /// anywhere.
  AttentionWeights attention(const SampleSet& x) const;

  /// From now on what the layer at `path` ("sequential/dense", as in errors) gives passes `hook`;
  /// an empty one takes the hook away. Paths go on inside modules that call others by a Caller or
  /// `in_layer`. The last layer of a Sequential shows its logits while fit and evaluate compute the
  /// loss from them, those of a softmax or of a sigmoid. While a model has hooks, those of a
  /// Context are not called. Throws IndexError where the model has no such layer, StateError before
  /// it is built, unless its layers are known.
  void set_forward_hook(const std::string& path, ForwardHook hook);

  /// Keras' table of layers, shapes and parameter counts. Throws StateError before it is built.
  std::string summary(Index width = 88) const;

  /// The compiled optimiser. Throws StateError before compile.
  Optimizer& optimizer() &;

  /// What the last fit has measured, also when an exception ended it.
  const History& history() const&;
  History history() const&& { return history(); }  ///< the same, of a temporary

  /// Every parameter with its path, such as "attention_layer/W1/kernel"; layers of a Sequential are named
  /// as Keras does: "dense", "dense_1" ...
  static void parameters(auto& self, auto&& visit) {
    const auto each = [&](const ParameterPath& path, Tensor& tensor) { visit(path, tensor); };
    self.network().for_each(std::cref(each));  // by reference: no copy is made in memory
  }

 protected:
  explicit Model(std::shared_ptr<Network> network);  ///< trains what is in the network
  Network& network() const;                          ///< the module behind one interface
  Trainer& trainer() const;  ///< throws StateError for a model that was moved from
  void build_by(const std::vector<Shape>& samples,
                const std::function<void(const Rng& random)>& build);  ///< see build

 private:
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

  std::unique_ptr<Trainer> trainer_;
};

}}  // namespace fovea
