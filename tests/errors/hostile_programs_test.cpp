// Programs that would take the library down: sizes that wrap, objects that were moved from,
// callbacks that change the model under fit, loops over what has no elements. All end in a result
// or in an exception that says what to do.
#include <cmath>
#include <filesystem>
#include <limits>

#include "errors/wrong_programs.hpp"
#include "support/refusal.hpp"

using namespace wrong_programs;

namespace {

constexpr Index most = std::numeric_limits<Index>::max(), least = std::numeric_limits<Index>::min();

// While it lives, memory is scarce.
struct Cap {
  explicit Cap(Index bytes) { memory::set_cap(bytes); }
  ~Cap() { memory::set_cap(0); }
};

// A line through four points; fit does `act` after the first batch.
void fit_and(void (*act)(Model& model)) {
  struct Acting : Callback {
    void (*act)(Model&);
    void on_train_batch_end(Model& model, Index, const Logs&) override { act(model); }
  } acting;
  acting.act = act;
  Sequential model{Dense{1}};
  model.compile({.loss = MeanSquaredError{}});
  model.fit(Array::zeros({4, 3}), Array::zeros({4, 1}), {.callbacks = {&acting}, .verbose = 0});
}

Sequential built_model() {
  Sequential model{Dense{2}};
  model.build({3});
  return model;
}

// What is left of a T once another has been moved out of it.
template <class T>
T husk(T from) {
  const T taken = std::move(from);
  return from;  // NOLINT(bugprone-use-after-move): that is the point
}

struct OneValue {
  static constexpr const char* name = "one_value";
  Array operator()(const Array&, const Samples&) const { return Array::zeros({1}); }
};

}  // namespace

// A row is a mistake, a program and what it is told.

TEST_CASE("sizes beyond all memory are refused, not wrapped") {
  check({
      {"pads by all there is",
       [] {
         pad(of({2, 3}), {{most, most}, {5, 5}});
       },
       "ShapeError: pad: a size of 9223372036854775807 + 2 is more than the address space holds"},
      {"pads by two numbers whose sum wraps",
       [] {
         pad(of({2}), {{Index(1) << 55, most}});
       },
       "ShapeError: pad: a size of 36028797018963970 + 9223372036854775807 is more than the "
       "address space holds"},
      {"repeats without end", [] { repeat(of({4}), most); },
       "ShapeError: repeat: a size of 4 * 9223372036854775807 is more than the address space "
       "holds"},
      {"tiles without end",
       [] {
         tile(of({1, 4}), {1, most});
       },
       "ShapeError: tile: a size of 4 * 9223372036854775807 is more than the address space holds"},
      {"joins until the axis wraps",
       [] {
         concat(std::vector<Tensor>(200, of({Index(1) << 56, 0})), 0);
       },
       "ShapeError: concat: a size of 72057594037927936 + 72057594037927936 is more than the "
       "address space holds"},
      {"splits into sizes whose sum wraps",
       [] {
         split(of({10}), {most, most, 12});
       },
       "ShapeError: split: a size of 0 + 9223372036854775807 is more than the address space holds"},
      {"splits nothing into very many parts", [] { split(of({0}), most); },
       "ShapeError: split: axis -1 of (0,) has size 0, which 9223372036854775807 parts do not "
       "divide"},
      {"dilates without end",
       [] {
         conv1d(of({1, 4, 1}), of({3, 1, 1}), {.dilation_rate = most});
       },
       "ValueError: conv1d: window 3, dilation 9223372036854775807; a window may reach over 2^40 "
       "elements at most"},
      {"pools windows without end",
       [] {
         max_pool1d(of({4, 5, 3}),
                    {.pool_size = Index(1) << 62, .strides = 1, .padding = Padding::same});
       },
       "ValueError: max_pool1d: window 4611686018427387904, dilation 1; a window may reach over "
       "2^40 elements at most"},
      {"makes an LSTM of all units",
       [] {
         LSTM lstm{most};
         lstm.build({5, 3}, Rng(1));
       },
       "ValueError: LSTM: units is 9223372036854775807; it must be 1 to 2^40"},
      {"makes a GRU of all units",
       [] {
         GRU gru{most};
         gru.build({5, 3}, Rng(1));
       },
       "ValueError: GRU: units is 9223372036854775807; it must be 1 to 2^40"},
      {"prints a summary as wide as memory", [] { built_model().summary(Index(1) << 33); },
       "ValueError: summary: the width is 8589934592; it must be 16 to 1000"},
      {"has no memory for the weights that begin orthogonal",
       [] {
         const Cap cap(100 << 20);
         GRU gru{1 << 16};
         gru.build({5, 3}, Rng(1));
       },
       "MemoryError: a request of 51539607552 bytes would bring the 1572864 bytes in use above the "
       "cap of 104857600 bytes; raise it with "
       "memory::set_cap"},
  });
}

TEST_CASE("what was moved from, or never given, refuses") {
  check({
      {"reads an array that was moved from", [] { husk(Array::zeros({3})).at(0); },
       "IndexError: Array::at: position 0 of shape (0,), which has 0 elements"},
      {"computes with a tensor that was moved from", [] { exp(husk(of({3}))); },
       "StateError: this tensor is undefined; a module's parameters exist once it is built: "
       "call build, or put it into a Sequential"},
      {"predicts with a model that was moved from",
       [] {
         Sequential a = built_model(), b = std::move(a);
         a.predict(Array::zeros({2, 3}));
       },
       "StateError: sequential: predict: it is not built; call fit, or build with the shape of a "
       "sample"},
      {"calls a model that was moved from",
       [] {
         Sequential a = built_model(), b = std::move(a);
         a(Array::zeros({2, 3}));
       },
       "StateError: sequential: it is not built; call build with the shape of a sample, or fit"},
      {"prints a model that was moved from",
       [] {
         Sequential a = built_model(), b = std::move(a);
         a.summary();
       },
       "StateError: sequential: it has no parameters yet; call build with the shape of a sample, "
       "or fit, before summary"},
      {"asks a model that was moved from for its optimiser",
       [] {
         Sequential a = built_model();
         a.compile({.loss = MeanSquaredError{}});
         const Sequential b = std::move(a);
         a.optimizer().step();
       },
       "StateError: sequential: it has no optimizer yet; call compile"},
      {"calls a loss that there is not",
       [] {
         Loss()(of({2, 1}), Array::zeros({2, 1}));
       },
       "StateError: Loss: there is none; give one, such as MeanSquaredError{}"},
      {"asks no loss for its name", [] { Loss().name(); },
       "StateError: Loss: there is none; give one, such as MeanSquaredError{}"},
      {"lets no loss check", [] { Loss().check({2}, Array::zeros({2})); },
       "StateError: Loss: there is none; give one, such as MeanSquaredError{}"},
      {"asks an archive that was moved from",
       [] {
         NumpyArchive a(std::string(FOVEA_GOLDEN_DIR) + "/npy/stored.npz"), b = std::move(a);
         a.names();
       },
       "StateError: NumpyArchive: it was moved from; ask the one that it was moved to"},
      {"gives no reader", [] { NumpyArray("x", 200, nullptr); },
       "ValueError: x: no reader is given, which would fill a span with the next bytes"},
      {"gives a negative size", [] { NumpyArray("x", -5, [](std::span<std::byte>) {}); },
       "ValueError: x: a size of -5 bytes; it must be at least 0"},
      {"names a file with a NUL inside",
       [] { write_npy(std::string("a\0b", 3), Array::zeros({2})); },
       "ValueError: write_npy: the path holds a NUL: a\\0..."},
      {"reads a file with a NUL inside", [] { read_npy(std::string("a\0b", 3)); },
       "ValueError: read_npy: the path holds a NUL: a\\0..."},
      {"names no file", [] { write_npy("", Array::zeros({2})); },
       "ValueError: write_npy: the path is empty"},
  });
}

TEST_CASE("callbacks cannot change the model under fit") {
  check({
      {"compiles anew",
       [] { fit_and([](Model& model) { model.compile({.loss = MeanSquaredError{}}); }); },
       "StateError: sequential: compile: fit is running; wait until it returns"},
      {"builds for other samples",
       [] { fit_and([](Model& model) { dynamic_cast<Sequential&>(model).build({5}); }); },
       "StateError: sequential: build: fit is running; wait until it returns"},
      {"fits inside of fit",
       [] {
         fit_and([](Model& model) {
           model.fit(Array::zeros({4, 3}), Array::zeros({4, 1}), {.verbose = 0});
         });
       },
       "StateError: sequential: fit: fit is running; wait until it returns"},
      {"puts another model in its place",
       [] { fit_and([](Model& model) { model = Sequential{Dense{3}}; }); },
       "StateError: Sequential: assignment: fit is running; wait until it returns"},
      {"moves the model away",
       [] { fit_and([](Model& model) { const Model other = std::move(model); }); },
       "StateError: Sequential: move: fit is running; wait until it returns"},
      {"asks the model how good it is, which is fine",
       [] {
         fit_and([](Model& model) {
           model.predict(Array::zeros({2, 3}));
           model.evaluate(Array::zeros({2, 3}), Array::zeros({2, 1}));
         });
       },
       "nothing was thrown"},
      {"returns a single value from a metric",
       [] {
         Sequential model{Dense{1}};
         model.compile({.loss = MeanSquaredError{}, .metrics = {OneValue{}}});
         model.fit(Array::zeros({4, 3}), Array::zeros({4, 1}), {.verbose = 0});
       },
       "ShapeError: sequential: one_value: it gives values of shape (1,) for 4 samples; it must "
       "give one for each sample or position"},
  });
}

TEST_CASE("a model that was refused to be moved is whole, and can be fitted again") {
  struct Mover : Callback {
    void on_train_batch_end(Model& model, Index, const Logs&) override {
      model = Sequential{Dense{3}};
    }
  } mover;
  Sequential model{Dense{1}};
  model.compile({.loss = MeanSquaredError{}});
  const Array x = Array::zeros({4, 3}), y = Array::zeros({4, 1});
  CHECK_THROWS_AS(model.fit(x, y, {.callbacks = {&mover}, .verbose = 0}), StateError);
  CHECK(model.fit(x, y, {.verbose = 0})["loss"].size() == 1);
  model = Sequential{Dense{3}};
  CHECK_FALSE(model.built());
}

TEST_CASE(
    "a callback that watches what will not be measured is refused before anything is trained") {
  EarlyStopping stop;
  Sequential model{Dense{1}};
  model.compile({.loss = MeanSquaredError{}});
  model.build({3});
  const Array x = Array::full({4, 3}, 1), y = Array::zeros({4, 1}),
              before = parameters_of(model)[0].tensor.value().clone();
  CHECK_THROWS_AS(model.fit(x, y, {.callbacks = {&stop}, .verbose = 0}), ValueError);
  CHECK(std::ranges::equal(parameters_of(model)[0].tensor.value().values(), before.values()));
}

TEST_CASE(
    "a layer, an optimiser and a metric share what they hold, also with what they were moved to") {
  Layer layer(Dense{2});
  const Layer other = std::move(layer);
  CHECK(layer.build({3}, Rng(1)) == Shape{2});
  CHECK(other.count() == 8);
  Optimizer optimizer = Adam{};
  const Optimizer taken = std::move(optimizer);
  CHECK(optimizer.learning_rate() == taken.learning_rate());
}

TEST_CASE("a layer that had no memory for its weights can be built later") {
  GRU gru{64};
  {
    const Cap cap(memory::bytes_now() + 40'000);
    CHECK_THROWS_AS(gru.build({5, 3}, Rng(1)), MemoryError);
  }
  CHECK(support::refusal<StateError>([&] {
          gru(of({2, 5, 3}));
        }) ==
        "GRU: it is not built; call build with the shape of a sample, put it into a Sequential, or "
        "call it by a Caller inside a module");
  CHECK(gru.build({5, 3}, Rng(1)) == Shape{64});
  CHECK(gru(of({2, 5, 3})).shape() == Shape{2, 64});
}

TEST_CASE("steps and strides of any size") {
  const Tensor x({4}, {1, 2, 3, 4});
  CHECK(slice(x, {{.step = most}}).value().at(0) == 1);
  CHECK(slice(x, {{.step = least}}).value().at(0) == 4);
  CHECK(slice(x, {{.step = least}}).shape() == Shape{1});
  CHECK(conv1d(of({1, 4, 1}), of({3, 1, 1}), {.strides = most, .padding = Padding::same}).shape() ==
        Shape{1, 1, 1});
  CHECK(conv1d(of({1, 4, 1}), of({3, 1, 1}), {.strides = most}).shape() == Shape{1, 1, 1});
  CHECK(split(of({0}), 1).size() == 1);
}

TEST_CASE("windows far longer than the axis end soon") {
  const Tensor x({1, 3, 1}, {1, 2, 6});
  const Pool1DOptions wide{.pool_size = Index(1) << 40, .strides = 1, .padding = Padding::same};
  for (Index t = 0; t < 3; ++t) {
    CHECK(average_pool1d(x, wide).value().at(t) == 3);
    CHECK(max_pool1d(x, wide).value().at(t) == 6);
  }
  Tensor leaf = Tensor::parameter(x.value());
  sum(average_pool1d(leaf, wide) + max_pool1d(leaf, wide)).backward();
  CHECK(leaf.grad().at(0) == doctest::Approx(1));
  CHECK(leaf.grad().at(2) == doctest::Approx(4));
}

TEST_CASE("endlessly many rows of nothing end at once") {
  const Index many = Index(1) << 40;
  CHECK(top_k(of({many, 0}), 0).values.shape() == Shape{many, 0});
  CHECK(max_pool1d(of({many, 3, 0})).shape() == Shape{many, 1, 0});
  CHECK(average_pool1d(of({many, 3, 0})).shape() == Shape{many, 1, 0});
  CHECK(conv1d(of({many, 3, 0}), of({2, 0, 0})).shape() == Shape{many, 2, 0});
}

TEST_CASE("weights are put back into a model that has their shapes, or not at all") {
  const auto model = [](Index inputs, Index units) {
    Sequential result{Dense{2}, Dense{units}};
    result.compile({.loss = MeanSquaredError{}});
    result.build({inputs});
    return result;
  };
  RestoreBestWeights best("loss");
  Sequential source = model(3, 1), other = model(3, 4);
  source.fit(Array::full({4, 3}, 1), Array::zeros({4, 1}), {.callbacks = {&best}, .verbose = 0});
  const Array before = parameters_of(other)[0].tensor.value().clone();
  CHECK(support::refusal<ShapeError>([&] { best.restore(other); }) ==
        "RestoreBestWeights: dense_1/kernel is (2, 4) in this model; (2, 1) is remembered");
  CHECK(std::ranges::equal(parameters_of(other)[0].tensor.value().values(), before.values()));
}
