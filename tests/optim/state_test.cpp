// State of optimisers: a training that is resumed goes on with the same bits.
#include <doctest/doctest.h>

#include <memory>

#include "fovea/memory/buffer.hpp"
#include "fovea/optim/optimizer.hpp"
#include "optim/momentum.hpp"
#include "support/approx.hpp"
#include "support/generate.hpp"

using namespace fovea;
using support::bits_differ;
using support::Generate;

namespace {

// Two tables of one path, of which some rows are touched, a dense parameter, and one that is
// attached on the way.
struct SmallModel {
  std::vector<Tensor> parameters;
  Optimizer optimizer;

  explicit SmallModel(Optimizer o) : optimizer(std::move(o)) {
    Generate g("resumed", 0);
    for (const Shape& shape : {Shape{12, 5}, Shape{7, 3}, Shape{4, 4}, Shape{9}})
      parameters.push_back(Tensor::parameter(g.array(shape, {-1, 1})));
  }
  template <class O>
  void attach_first() {
    optimizer.as<O>()->attach(
        {{"table", parameters[0]}, {"table", parameters[1]}, {"dense/kernel", parameters[2]}});
  }
  template <class O>
  void attach_late() {
    optimizer.as<O>()->attach({{"late", parameters[3]}});
  }
  void train(Index begin, Index end) {
    for (Index step = begin; step < end; ++step) {
      Generate g("resumed, step", step);
      for (const Tensor& p : parameters) p.zero_grad();
      for (std::size_t i = 0; i < 2; ++i) {
        const Shape& shape = parameters[i].shape();
        parameters[i].gradient().add_rows(g.ids(Shape{2}, shape[0]),
                                          g.array(Shape{2, shape[1]}, {-1, 1}));
      }
      for (std::size_t i = 2; i < 4; ++i)
        parameters[i].gradient().add(g.array(parameters[i].shape(), {-1, 1}));
      optimizer.step();
    }
  }
};

// Trains in one go, and in two of which the second starts from the state of the first.
template <class O, class Options>
void check_resumed(const Options& options) {
  SmallModel whole{O(options)}, first{O(options)}, second{O(options)};
  for (SmallModel* model : {&whole, &first}) {
    model->attach_first<O>();
    model->train(0, 5);
    model->attach_late<O>();
    model->train(5, 25);
  }
  const OptimizerState state = first.optimizer.state();
  std::vector<Array> values;
  for (const Tensor& p : first.parameters) values.push_back(p.value());
  first.train(25, 40);  // the state and the values stay as they were
  second.attach_first<O>();
  second.attach_late<O>();
  second.train(0, 3);  // what it has is forgotten
  for (std::size_t i = 0; i < values.size(); ++i) second.parameters[i].assign(values[i]);
  second.optimizer.as<O>()->load_state(state);
  CHECK(second.optimizer.as<O>()->steps() == 25);
  whole.train(25, 60);
  second.train(25, 60);
  for (std::size_t i = 0; i < values.size(); ++i) {
    CAPTURE(i);
    CHECK(bits_differ(second.parameters[i].value(), whole.parameters[i].value()) == "");
  }
  const OptimizerState a = whole.optimizer.state(), b = second.optimizer.state();
  CHECK(a.counters == b.counters);
  for (const auto& [name, array] : a.arrays) CHECK(bits_differ(b.arrays.at(name), array) == "");
}

Adam trained_adam(const Tensor& p) {
  Adam adam;
  adam.attach({{"p", p}});
  p.gradient().add(Array::full(p.shape(), 1));
  adam.step();
  return adam;
}

}  // namespace

TEST_CASE("a training that is resumed from its state has the bits of one that went on") {
  for (const AdamOptions& options :
       {AdamOptions{}, AdamOptions{.learning_rate = 0.01, .form = AdamForm::pytorch, .l2 = 0.1},
        AdamOptions{.weight_decay = 0.1, .lazy = true},
        AdamOptions{.learning_rate = [](Index step) { return 0.1 / double(1 + step); }}})
    check_resumed<Adam>(options);
  check_resumed<toy::Momentum>(toy::MomentumOptions{});
}

TEST_CASE("a state names arrays and counters by the parameters' paths, up to date") {
  SmallModel model{toy::Momentum{{.learning_rate = 0.25}}};
  model.attach_first<toy::Momentum>();
  model.train(0, 3);
  model.attach_late<toy::Momentum>();
  model.train(3, 10);
  const OptimizerState state = model.optimizer.state();
  CHECK(state.optimizer == "Momentum");
  CHECK(state.learning_rate == 0.25);
  std::vector<std::string> names;
  for (const auto& [name, array] : state.arrays) names.push_back(name);
  CHECK(names == std::vector<std::string>{"dense/kernel/velocity", "late/velocity",
                                          "table#2/velocity", "table/velocity"});
  CHECK(state.counters == decltype(state.counters){{"steps", 10},
                                                   {"dense/kernel/steps", 10},
                                                   {"late/steps", 7},
                                                   {"table#2/steps", 10},
                                                   {"table/steps", 10}});
  CHECK(state.arrays.at("table/velocity").shape() == Shape{12, 5});
  CHECK(model.optimizer.slot_elements() == 12 * 5 + 7 * 3 + 4 * 4 + 9);
}

TEST_CASE("paths that repeat and look like numbered ones are still told apart") {
  Adam adam;
  std::vector<NamedParameter> parameters;
  for (const char* path : {"p", "p#2", "p", "p"})
    parameters.push_back({path, Tensor::parameter(Array::zeros(Shape{1}))});
  adam.attach(parameters);
  CHECK(adam.state().counters.size() == 5);
  CHECK(adam.state().arrays.contains("p#4/mean"));
}

TEST_CASE("the rate of a state is taken where it is a number, and a schedule stays") {
  Adam changed = trained_adam(Tensor::parameter(Array::zeros(Shape{2})));
  changed.set_learning_rate(0.125);
  Adam number = trained_adam(Tensor::parameter(Array::zeros(Shape{2})));
  number.load_state(changed.state());
  CHECK(number.learning_rate() == 0.125);
  number.set_learning_rate([](Index) { return 0.5; });
  CHECK(!number.state().learning_rate);
  number.load_state(changed.state());
  CHECK(number.learning_rate() == 0.5);
}

TEST_CASE("a state of another optimiser, other parameters, shapes or counters is refused") {
  const Tensor p = Tensor::parameter(Array::zeros(Shape{2, 3}));
  Adam adam = trained_adam(p);
  const OptimizerState right = adam.state();
  const Array before = p.value().clone();
  const auto refused = [&](auto change) -> std::string {
    OptimizerState state = right;
    change(state);
    try {
      adam.load_state(state);
    } catch (const Error& error) {
      CHECK(adam.steps() == 1);
      CHECK(bits_differ(adam.slots()[0]["mean"], right.arrays.at("p/mean")) == "");
      return error.what();
    }
    return "nothing was thrown";
  };
  CHECK(refused([](OptimizerState& s) { s.optimizer = "Momentum"; }) ==
        "Adam: load_state: expected the state of Adam, got that of Momentum; load it into an "
        "optimizer of the same kind, or go on with new slots: take the weights alone by "
        "load_weights");
  CHECK(refused([](OptimizerState& s) { s = {}; }) ==
        "Adam: load_state: expected the state of Adam, got that of none; load it into an "
        "optimizer of the same kind, or go on with new slots: take the weights alone by "
        "load_weights");
  CHECK(refused([](OptimizerState& s) { s.arrays.erase("p/variance"); }) ==
        "Adam: load_state: expected an array \"p/variance\", got none; attach the parameters that "
        "were attached when the state was made, in the same order");
  CHECK(refused([](OptimizerState& s) { s.arrays.emplace("q/mean", Array(Shape{1})); }) ==
        "Adam: load_state: expected no array \"q/mean\"; attach the parameters that were attached "
        "when the state was made, in the same order");
  CHECK(refused([](OptimizerState& s) {
          s.arrays.at("p/mean") = Array::zeros(Shape{3, 2});
        }) ==
        "Adam: load_state: expected \"p/mean\" of shape (2, 3), got (3, 2); load the state of the "
        "same model");
  CHECK(refused([](OptimizerState& s) { s.counters.erase("p/steps"); }) ==
        "Adam: load_state: expected a counter \"p/steps\", got none; attach the parameters that "
        "were attached when the state was made, in the same order");
  CHECK(refused([](OptimizerState& s) { s.counters.at("steps") = -1; }) ==
        "Adam: load_state: steps is -1; it must be at least 0");
  CHECK(refused([](OptimizerState& s) { s.counters.at("p/steps") = 2; }) ==
        "Adam: load_state: p/steps is 2; it must be at most steps, 1");
  CHECK(refused([](OptimizerState& s) { s.learning_rate = -1; }) ==
        "Adam: learning_rate is -1; it must be at least 0 and finite");
  CHECK(refused([](OptimizerState&) {}) == "nothing was thrown");
  CHECK(bits_differ(p.value(), before) == "");
}

TEST_CASE("loading a state brings rows up to date by the old slots, and moves nothing") {
  Generate g("loading", 0);
  const Tensor rows = Tensor::parameter(g.array(Shape{5, 4}, {-1, 1})), full = rows.clone();
  Adam on_rows, on_full;
  on_rows.attach({{"table", rows}});
  on_full.attach({{"table", full}});
  const OptimizerState start = on_rows.state();
  for (int i = 0; i < 10; ++i) {
    rows.zero_grad();
    full.zero_grad();
    rows.gradient().add_rows(Ids(Shape{1}, {i == 0 ? 0 : 1}), g.array(Shape{1, 4}, {-1, 1}));
    full.gradient().add(rows.gradient().array());
    on_rows.step();
    on_full.step();
  }
  CHECK(bits_differ(on_rows.state().arrays.at("table/mean"),
                    on_full.state().arrays.at("table/mean")) == "");
  const std::vector<SlotOptimizer::Slot> kept = on_rows.slots();  // they hold on to the table
  on_rows.load_state(start);
  CHECK(bits_differ(rows.value(), full.value()) == "");
  CHECK(on_rows.steps() == 0);
  CHECK(on_rows.slots()[0]["mean"].at(4) == 0);
}

TEST_CASE("an optimiser that was moved from is empty, and can be used anew") {
  const Tensor p = Tensor::parameter(Array::zeros(Shape{2}));
  Adam first = trained_adam(p);
  const Adam second = std::move(first);
  CHECK(second.steps() == 1);
  CHECK(first.steps() == 0);  // NOLINT: what becomes of it is the question
  CHECK_THROWS_AS(first.step(), StateError);
  first.attach({{"p", p}});
  first.step();
  CHECK(first.steps() == 1);
}

TEST_CASE("an optimiser of any type has a state where its type has one") {
  struct Still {
    void attach(const std::vector<NamedParameter>&) {}
    void step() {}
    double learning_rate() const { return 0; }
    void set_learning_rate(double) {}
  };
  Optimizer still = Still{};
  CHECK(still.slot_elements() == 0);
  CHECK_THROWS_WITH_AS(still.state(),
                       "state: the optimizer has none; give its type state() and load_state(state)",
                       StateError);
  CHECK_THROWS_WITH_AS(
      still.load_state({}),
      "load_state: the optimizer has none; give its type state() and load_state(state)",
      StateError);
}

TEST_CASE("a state that is loaded before anything is attached is loaded in time, or refused") {
  const Tensor p = Tensor::parameter(Array::zeros(Shape{2})), q = p.clone();
  const OptimizerState state = trained_adam(p).state();
  q.gradient().add(Array::full(Shape{2}, 1));
  for (const bool by_hand : {false, true}) {
    Optimizer optimizer = Adam{};
    optimizer.load_state(state);
    if (by_hand)
      optimizer.as<Adam>()->attach({{"p", q}});
    else
      optimizer.attach({{"p", q}});
    optimizer.step();
    CHECK(optimizer.as<Adam>()->steps() == 2);
  }
  Optimizer wrong = Adam{};
  wrong.load_state(state);
  const Array before = q.value().clone();
  for (int i = 0; i < 2; ++i) CHECK_THROWS_AS(wrong.attach({{"other", q}}), StateError);
  CHECK_THROWS_AS(Optimizer(wrong).load_state({}), StateError);
  CHECK(bits_differ(q.value(), before) == "");
}
