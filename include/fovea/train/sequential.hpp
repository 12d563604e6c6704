// A chain of layers, and the loop that trains it: compile, fit, evaluate, predict, with Keras'
// names and meaning.
#pragma once

#include <functional>
#include <iosfwd>
#include <optional>

#include "fovea/nn/layer.hpp"
#include "fovea/optim/optimizer.hpp"
#include "fovea/train/callbacks.hpp"
#include "fovea/train/losses.hpp"
#include "fovea/train/metrics.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

class Shards;
class Pass;
class Means;
struct Batch;
struct CallName;

/// What compile takes.
struct CompileOptions {
  Optimizer optimizer = Adam{};      ///< becomes the model's own
  Loss loss = {};                    ///< must be given
  std::vector<Metric> metrics = {};  ///< watched, not trained on
  std::uint64_t seed =
      0;  ///< of initial weights, shuffling and dropout, each with a stream of its own
};

/// Samples to validate on.
struct Validation {
  /// What goes in.
  Samples x, y;                            ///< what should come out
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

/// Says whether fit runs. The first member of a model: meanwhile nobody can move it, or move
/// another into it.
class FitRuns {
 public:
  /// While it lives, fit runs.
  struct Scope {
    explicit Scope(FitRuns& runs) : now(runs.now_) { now = true; }  ///< until the scope ends
    ~Scope() { now = false; }
    Scope(const Scope&) = delete;
    bool& now;  ///< of the model
  };

  FitRuns() = default;
  FitRuns(FitRuns&& other) {
    other.refuse("Sequential: move");
  }  ///< throws StateError while fit runs
  /// Throws StateError while fit of either model runs.
  FitRuns& operator=(FitRuns&& other) {
    refuse("Sequential: assignment");
    other.refuse("Sequential: move");
    return *this;
  }

  /// Throws StateError while fit runs, with the name of the call in front.
  void refuse(const std::string& call) const;

 private:
  bool now_ = false;
};

/// Layers called one after another. The batch is cut into a number of shards that depends on the
/// batch and the model alone; each runs forward and backward in one task, and their gradients are
/// added along one fixed tree: the weights are the same bits for any number of threads. Const
/// members may be called from several threads at once; the others are for one thread at a time.
class Sequential {
 public:
  /// Modules, or layers, in the order in which they are called.
  template <class... Modules>
  requires((Module<Modules> ||
            std::same_as<Modules, Layer>)&&...) explicit Sequential(Modules... modules) {
    (add(Layer(std::move(modules))), ...);
  }
  Sequential(Sequential&&) =
      default;  ///< takes over: `other` has no layers any more; throws StateError while fit runs
  Sequential& operator=(Sequential&&) = default;  ///< takes over, on the same terms

  /// Puts a layer behind the others, under the name that `named` gave it, or one made of its type.
  /// Throws StateError once built, and ValueError when there is a layer of the given name.
  void add(Layer layer);

  /// The name in paths and in the summary. Throws ValueError when empty, StateError once there are
  /// forward hooks.
  void set_name(std::string name);
  std::string name() const { return name_; }  ///< "sequential" at first

  const std::vector<Layer>& layers() const& { return layers_; }  ///< in order
  std::vector<Layer> layers() const&& { return layers_; }        ///< the same, of a temporary

  /// Makes all parameters for samples of a shape, the batch axis left out; what fit does by itself
  /// from its data. The seed is that of compile, or 0 before it; compile with another seed then
  /// throws. A second call with the same shape does nothing. Throws ShapeError and ValueError with
  /// the layer's path.
  void build(const Shape& sample);
  bool built() const { return !outputs_.empty(); }  ///< whether the parameters exist

  /// The prediction for a batch, recorded: for a loop of your own.
  Tensor operator()(const Samples& x, const Context& context = {}) const;

  /// Takes on optimiser, loss and metrics. Throws ValueError when there is no loss, when two of
  /// loss and metrics have one name, and for a softmax over one unit, which never learns;
  /// StateError for a seed that the initial weights were not drawn with, unless they have been
  /// trained.
  void compile(CompileOptions options);

  /// Trains. Throws before the first batch for options out of range, counts or shapes that do not
  /// fit, and ids or labels out of range. Callbacks may evaluate and predict, and train_on_batch
  /// makes a step between the steps of fit; fit, compile, build for another shape, and moves throw
  /// StateError meanwhile.
  History fit(const Samples& x, const Samples& y, const FitOptions& options = {});

  /// One step on one batch; its loss and metrics before the step. Throws as fit does, but for
  /// weights that are all 0: they are a batch without a gradient, as there may be in fit.
  Logs train_on_batch(const Samples& x, const Samples& y,
                      const std::vector<double>& sample_weight = {});

  /// Loss and metrics by name: sums over all samples (kept positions) divided by their number,
  /// however they fall into batches. Samples may be of another shape than the model was built for,
  /// such as longer sequences, where every layer accepts it. Throws as fit does.
  Logs evaluate(const Samples& x, const Samples& y, Index batch_size = 32,
                const std::vector<double>& sample_weight = {}) const;

  /// Predictions, in the samples' order: (samples, ...).
  Array predict(const Samples& x, Index batch_size = 32) const;

  /// The weights of every attention layer for a batch, by layer path. Asking changes no number
  /// anywhere.
  AttentionWeights attention(const Samples& x) const;

  /// From now on what the layer at `path` ("sequential/dense", as in errors) gives passes `hook`;
  /// an empty one takes the hook away. Paths go on inside modules that call others by `in_layer`;
  /// whether there is such a path inside a layer is not known here. The last layer shows its logits
  /// while fit and evaluate compute the loss from them, those of a softmax or of a sigmoid. While a
  /// model has hooks, those of a Context are not called. Throws IndexError where the model has no
  /// such layer.
  void set_forward_hook(const std::string& path, ForwardHook hook);

  /// Keras' table of layers, shapes and parameter counts. Throws StateError before it is built.
  std::string summary(Index width = 88) const;

  /// The compiled optimiser. Throws StateError before compile.
  Optimizer& optimizer() &;

  /// What the last fit has measured, also when an exception ended it.
  const History& history() const& { return history_; }
  History history() const&& { return history_; }  ///< the same, of a temporary

  /// Every parameter with its path, such as "attention_layer/W1"; layers are named as Keras does:
  /// "dense", "dense_1" ...
  static void parameters(auto& self, auto&& visit) {
    for (std::size_t i = 0; i < self.layers_.size(); ++i) {
      const auto named = [&](const ParameterPath& path, Tensor& tensor) {
        visit(ParameterPath(self.names_[i], path), tensor);
      };
      self.layers_[i].for_each(std::cref(named));  // by reference: no copy is made in memory
    }
  }

 private:
  friend class Pass;

  void name_parameters();
  void check_ready(const char* what) const;
  std::vector<Shape> check_data(const CallName& call, const Samples& x, const Samples& y,
                                const std::vector<double>& weight) const;
  std::vector<Shape> shapes_for(const CallName& call, const Samples& x) const;
  void check_input(const CallName& call, const Samples& x) const;
  void check_learns(const CallName& call) const;
  Shards& shards();
  History fit_checked(const Samples& x, const Samples& y, const FitOptions& options,
                      const std::vector<Shape>& shapes);
  void epoch(Pass& pass, Pass& validation, const Samples& x, const Samples& y,
             const FitOptions& options, Index number);
  void train(Pass& pass, const Batch& batch, Means& means);
  void attach_optimizer();
  void check_attached() const;
  static Signal signal(const Samples& x);
  Signal forward(Signal signal, const Context& context, bool for_logits) const;
  std::size_t last_layer() const;
  std::optional<Mask> final_mask(const Samples& x) const;

  FitRuns fit_runs_;  // stays the first: a model that is refused to be moved is whole
  const char* name_ = "sequential";  // interned
  std::vector<Layer> layers_;
  std::vector<std::string> names_;  // of the layers, unique
  std::vector<Shape> outputs_;      // of the layers, for one sample; none before it is built
  std::vector<const char*> paths_;  // interned
  std::shared_ptr<const ForwardHooks> hooks_;
  Shape input_;

  std::unique_ptr<CompileOptions> compiled_;  // null before compile
  std::optional<std::uint64_t> drawn_;    // the seed of the initial weights, until they are trained
  std::uint64_t steps_ = 0;               // updates made since compile
  std::vector<NamedParameter> learning_;  // the parameters that the optimiser took on, each once
  std::vector<const Node*> visited_;      // their nodes as for_each_parameter meets them, some more
                                          // than once; `learning_` keeps them alive
  std::uint64_t attached_ = 0;  // the optimiser's count of attachments when it took on this model
  std::uint64_t epochs_ = 0;    // epochs begun since compile
  History history_;
  std::shared_ptr<Shards> shards_;  // memory of the shards, kept from batch to batch
};

}}  // namespace fovea
