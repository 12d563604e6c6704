// What users of other libraries fell into: temporaries, seeds that come too late, names, masks that
// repeat, the user's floating-point mode.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <type_traits>

#include "fovea/io/npy.hpp"
#include "train/toy.hpp"

using namespace fovea;
using support::bits_differ;

namespace {

template <class T>
constexpr bool by_value = !std::is_reference_v<T> && !std::is_pointer_v<T>;
template <class T>
constexpr bool is_span = false;
template <class T, std::size_t Extent>
constexpr bool is_span<std::span<T, Extent>> = true;

// What a call gives of a temporary is a value, and of a named object a look into it.
#define OF_A_TEMPORARY(Type, call)                                                 \
  static_assert(by_value<decltype(std::declval<Type>().call)> &&                   \
                !is_span<decltype(std::declval<Type>().call)>);                    \
  static_assert(by_value<decltype(std::declval<const Type>().call)>);              \
  static_assert(std::is_reference_v<decltype(std::declval<const Type&>().call)> || \
                is_span<decltype(std::declval<const Type&>().call)>);
OF_A_TEMPORARY(History, operator[](""))
OF_A_TEMPORARY(AttentionWeights, operator[](""))
OF_A_TEMPORARY(Array, shape())
OF_A_TEMPORARY(Array, values())
OF_A_TEMPORARY(Ids, values())
OF_A_TEMPORARY(Mask, values())
OF_A_TEMPORARY(Mask, keep())
OF_A_TEMPORARY(Shape, sizes())
OF_A_TEMPORARY(Axes, list())
OF_A_TEMPORARY(Tensor, value())
OF_A_TEMPORARY(Tensor, shape())
OF_A_TEMPORARY(Tensor, node())
OF_A_TEMPORARY(Tensor, rows_value(std::declval<const Ids&>()))
OF_A_TEMPORARY(Gradient, shape())
OF_A_TEMPORARY(Gradient, parts())
OF_A_TEMPORARY(Samples, shape())
OF_A_TEMPORARY(Samples, ids())
OF_A_TEMPORARY(Samples, array())
OF_A_TEMPORARY(Error, path())
OF_A_TEMPORARY(NumpyArchive, names())
OF_A_TEMPORARY(NumpyArray, header())
OF_A_TEMPORARY(NumpyArray, shape())
OF_A_TEMPORARY(Layer, type())
OF_A_TEMPORARY(Layer, name())
OF_A_TEMPORARY(Adam, slots())
OF_A_TEMPORARY(SlotOptimizer::Slot, operator[]("mean"))
OF_A_TEMPORARY(Sequential, layers())
OF_A_TEMPORARY(Sequential, history())
static_assert(by_value<decltype(std::declval<Logs>()["loss"])> &&
              by_value<decltype(std::declval<const Logs&>()["loss"])>);

// What would be written to dies: it does not compile.
#define WRITES(Type, call)                       \
  ([]<class T>(T*) {                             \
    return requires { std::declval<T>().call; }; \
  }(static_cast<Type*>(nullptr)))
static_assert(!WRITES(Array, mutable_values()) && !WRITES(Array, mutable_data()) &&
              !WRITES(Array, mutable_view()) && !WRITES(Mask, mutable_keep()) &&
              !WRITES(Tensor, mutable_value()) && !WRITES(Sequential, optimizer()) &&
              !WRITES(Gradient, gathered()));

Sequential noisy(std::uint64_t seed) { return toy::model({.dropout = real(0.3), .seed = seed}); }

bool subnormals_are_kept() {
  volatile float smallest = std::numeric_limits<float>::min(),
                 subnormal = std::numeric_limits<float>::denorm_min();
  volatile float half = smallest * 0.5f, scaled = subnormal * 1e30f;
  return half != 0 && scaled != 0;
}

struct Modes : Callback {
  mutable int calls = 0, kept = 0;
  void see() const {
    ++calls;
    kept += subnormals_are_kept();
  }
  void check_names(const Model&, const Logs&) const override { see(); }
  void on_train_begin(Model&) override { see(); }
  void on_epoch_begin(Model&, Index) override { see(); }
  void on_train_batch_end(Model&, Index, const Logs&) override { see(); }
  void on_epoch_end(Model&, Index, const Logs&) override { see(); }
  void on_train_end(Model&) override { see(); }
  void on_train_batch_begin(Model&, Index) override { see(); }
};

}  // namespace

TEST_CASE(
    "the history of a call of fit, its attention and its predictions may be walked through without "
    "a name") {
  Sequential model = noisy(1);
  const toy::Data data = toy::data(16);
  std::size_t epochs = 0;
  for (const double loss : model.fit(data.x, data.y, toy::quiet(3, 8))["loss"])
    epochs += std::isfinite(loss);
  CHECK(epochs == 3);
  const std::string path = "sequential/attention_layer";
  double sum = 0;
  for (const real weight : model.attention(data.x)[path].values())
    sum += static_cast<double>(weight);
  CHECK(sum == doctest::Approx(16));
  Index size = 0;
  for (const Index n : model.predict(data.x).shape().sizes()) size += n;
  CHECK(size == 16 + toy::classes);
  CHECK(model.evaluate(data.x, data.y)["loss"] > 0);
  CHECK_THROWS_WITH_AS(model.evaluate(data.x, data.y)["los"],
                       "Logs: there is no \"los\"; there are: accuracy, loss", IndexError);
}

TEST_CASE(
    "Logs are a map whose values are set by name and computed when they are read, and asked for "
    "what is not there throw") {
  Logs logs = {{"loss", 1}};
  int asked = 0;
  logs.set("accuracy", 2);
  logs.set_later("auc", [&] { return ++asked; });
  logs.set("loss", 3);
  CHECK(logs["loss"] == 3);
  CHECK(logs.find("accuracy")->second == 2);
  CHECK_THROWS_AS(logs["val_loss"], IndexError);
  CHECK(logs.find("val_loss") == logs.end());
  CHECK((logs.contains("auc") && logs.size() == 3));
  CHECK(asked == 0);
  const Logs copy = logs;
  CHECK(copy["auc"] == 1);
  CHECK(logs["auc"] == 1);
  CHECK(logs == Logs{{"accuracy", 2}, {"auc", 1}, {"loss", 3}});
  CHECK(asked == 1);
}

TEST_CASE(
    "a loop of one's own with the optimiser's contexts is fit, dropout included, and draws anew in "
    "each step and pass") {
  const toy::Data data = toy::data(24);
  Sequential fitted = noisy(5), own = noisy(5);
  Adam adam{{.learning_rate = 0.02}};
  adam.attach(own);
  for (int step = 0; step < 4; ++step) {
    fitted.train_on_batch(data.x, data.y);
    adam.zero_grad();
    mean(SparseCategoricalCrossentropy{}(own(data.x, adam.context(5)), data.y)).backward();
    adam.step();
  }
  for (std::size_t i = 0; i < toy::weights(own).size(); ++i)
    for (Index k = 0; k < toy::weights(own)[i].count(); ++k)
      CHECK(toy::weights(own)[i].at(k) ==
            doctest::Approx(static_cast<double>(toy::weights(fitted)[i].at(k))).epsilon(1e-3));

  const Context first = adam.context(), second = adam.context();
  CHECK(bits_differ(own(data.x, first).value(), own(data.x, second).value()) != "");
  CHECK(bits_differ(own(data.x, first).value(), own(data.x, first).value()) == "");
}

TEST_CASE(
    "a model called with {.training = true} alone is refused by its dropout, with what to write") {
  const toy::Data data = toy::data(4);
  try {
    noisy(1)(data.x, {.training = true});
    FAIL("not refused");
  } catch (const StateError& error) {
    CHECK(
        std::string(error.what()) ==
        "sequential/attention_layer: the context has no step, so dropout would draw the same "
        "elements in each; call with optimizer.context(), or set .step to the number of the step");
  }
  CHECK(toy::model()(data.x, {.training = true}).shape() ==
        Shape{4, toy::classes});  // draws nothing
}

TEST_CASE("a seed that comes after build is refused until the weights are trained, not ignored") {
  const auto options = [](std::uint64_t seed) {
    return CompileOptions{.loss = MeanSquaredError{}, .seed = seed};
  };
  Sequential model{Dense{2}};
  model.build(Shape{3});
  CHECK_THROWS_WITH_AS(
      model.compile(options(7)),
      "sequential: compile: the seed is 7, but the model is built, and its initial weights were "
      "drawn with seed 0; compile before build, or give that seed",
      StateError);
  model.compile(options(0));
  Sequential other{Dense{2}};
  other.compile(options(7));
  other.build(Shape{3});
  CHECK_THROWS_AS(other.compile(options(8)), StateError);
  other.compile(options(7));
  other.train_on_batch(Array::full(Shape{2, 3}, 1), Array::full(Shape{2, 2}, 1));
  other.compile(options(8));  // goes on with the weights; shuffling and dropout are drawn anew
  CHECK(bits_differ(toy::weights(model)[0], toy::weights(other)[0]) != "");
}

TEST_CASE(
    "an optimiser that a model is compiled with once more begins anew, and one with parameters of "
    "the user's keeps those") {
  const toy::Data data = toy::data(8);
  const Tensor own = Tensor::parameter(Array(Shape{1}, {1}));
  Adam adam;
  adam.attach({{"own", own}});
  const CompileOptions options{.optimizer = std::move(adam),
                               .loss = SparseCategoricalCrossentropy{}};
  Sequential model{Embedding{toy::vocabulary, 4}, AttentionLayer{3},
                   Dense{toy::classes, Activation::softmax}};
  model.compile(options);
  model.train_on_batch(data.x, data.y);
  const std::size_t slots = parameters_of(model).size();
  CHECK(model.optimizer().as<Adam>()->slots().size() == slots + 1);
  CHECK(model.optimizer().as<Adam>()->slots()[0].path == "own");
  model.train_on_batch(data.x, data.y);
  model.compile(options);
  model.train_on_batch(data.x, data.y);
  CHECK(model.optimizer().as<Adam>()->steps() == 1);
  CHECK(model.optimizer().as<Adam>()->slots().size() == slots);
}

TEST_CASE("names of layers stand in paths, parameters, the summary and errors") {
  Sequential model{named("up", [](const Tensor& x, const Context&) { return x * 2; }),
                   [](const Tensor& x, const Context&) { return x; }, named("head", Dense{2}),
                   Dense{2}};
  model.build(Shape{3});
  CHECK(parameters_of(model)[0].path == "head/kernel");
  CHECK(parameters_of(model)[2].path == "dense/kernel");
  const std::string summary = model.summary();
  for (const char* name : {"up (lambda)", "lambda (lambda)", "head (Dense)", "dense (Dense)"})
    CHECK_MESSAGE(summary.find(name) != std::string::npos, name, summary);
  model.set_forward_hook("sequential/up", [](const Tensor& x) { return x; });
  Sequential twice{named("a", Dense{2})};
  CHECK_THROWS_WITH_AS(twice.add(named("a", Dense{3})),
                       "sequential: two layers are named \"a\"; give each a name of its own",
                       ValueError);
}

TEST_CASE(
    "callbacks run in the user's floating-point mode: subnormals are numbers there, and after "
    "fit") {
  Sequential model = noisy(1);
  const toy::Data data = toy::data(8);
  Modes modes;
  FitOptions options = toy::quiet(2, 4);
  options.callbacks = {&modes};
  options.validation_data = Validation{data.x, data.y};
  REQUIRE(subnormals_are_kept());
  model.fit(data.x, data.y, options);
  CHECK(modes.calls >= 12);
  CHECK(modes.kept == modes.calls);
  model.train_on_batch(data.x, data.y);
  CHECK(subnormals_are_kept());
}
