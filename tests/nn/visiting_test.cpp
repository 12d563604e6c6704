// How parameters are found: lists of modules, and what would hide some, which does not compile
// (tests/installed shows with which words).
#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <optional>

#include "fovea/nn/dense.hpp"
#include "fovea/nn/dropout.hpp"
#include "fovea/nn/layer.hpp"
#include "fovea/nn/residual.hpp"
#include "fovea/ops/ops.hpp"
#include "fovea/optim/adam.hpp"

using namespace fovea;

namespace {

struct Block {
  Dense dense{3};
  Dropout dropout{0};
  Shape build(const Shape& sample, const Rng& random) { return dense.build(sample, random); }
  Tensor operator()(const Tensor& x, const Context& = {}) const { return x + dense(x); }
  static void parameters(auto& self, auto&& visit) {
    visit("dense", self.dense);
    visit("dropout", self.dropout);
  }
};

struct Stack {
  std::vector<Block> blocks = std::vector<Block>(2);
  std::array<Dense, 2> ends = {Dense{3}, Dense{2, Activation::linear, false}};
  std::vector<Tensor> scales;
  std::vector<std::vector<Dense>> towers = {{Dense{3}}, {}};

  Shape build(const Shape& sample, const Rng& random) {
    for (std::size_t i = 0; i < blocks.size(); ++i)
      blocks[i].build(sample, random.split("block", i));
    scales = {Tensor::parameter(Array::full(Shape{1}, 1)),
              Tensor::parameter(Array::full(Shape{1}, 2))};
    towers[0][0].build(sample, random.split("tower"));
    return ends[1].build(ends[0].build(sample, random.split("first")), random.split("last"));
  }
  Tensor operator()(const Tensor& x, const Context& = {}) const {
    Tensor y = x;
    for (const Block& block : blocks) y = block(y);
    return ends[1](ends[0](towers[0][0](y))) * scales[0] * scales[1];
  }
  static void parameters(auto& self, auto&& visit) {
    visit("blocks", self.blocks);
    visit("ends", self.ends);
    visit("scales", self.scales);
    visit("towers", self.towers);
  }
};

struct Scale {
  Tensor operator()(const Tensor& x, const Context& = {}) const { return x * 2; }
};
struct Hiding {  // by being private
  Tensor operator()(const Tensor& x, const Context& = {}) const { return x * weight; }

 private:
  Tensor weight;
  static void parameters(auto& self, auto&& visit) { visit("weight", self.weight); }
};
struct NotStatic {
  Tensor weight;
  Tensor operator()(const Tensor& x, const Context& = {}) const { return x * weight; }
  void parameters(auto&& visit) { visit("weight", weight); }
};
struct OfOneKind {  // for a module that is not constant: the optimiser, which asks a constant one,
                    // would find none
  Tensor weight;
  Tensor operator()(const Tensor& x, const Context& = {}) const { return x * weight; }
  static void parameters(OfOneKind& self, auto&& visit) { visit("weight", self.weight); }
};
struct Final final {
  Tensor operator()(const Tensor& x, const Context& = {}) const { return x; }
};
struct FinalList final {
  Dense dense{2};
  Tensor operator()(const Tensor& x, const Context& = {}) const { return dense(x); }
  static void parameters(auto& self, auto&& visit) { visit("dense", self.dense); }
};
struct Derived : Block {};

template <class M>
constexpr bool hidden =
    visiting_of<M> == Visiting::hidden&& visiting_of<const M> == Visiting::hidden;
template <class M>
constexpr bool none = visiting_of<M> == Visiting::none&& visiting_of<const M> == Visiting::none;
template <class M>
constexpr bool listed =
    visiting_of<M> == Visiting::parameters&& visiting_of<const M> == Visiting::parameters;

[[maybe_unused]] const auto lambda = [](const Tensor& x, const Context&) { return x; };
[[maybe_unused]] const auto generic = [factor = real(2)](const auto& x, const Context&) {
  return x * factor;
};

}  // namespace

static_assert(listed<Block> && listed<Stack> && listed<Derived> && listed<FinalList> &&
              listed<Residual<Dense>> && listed<Dense>);
static_assert(none<Scale> && none<Dropout> && none<std::remove_const_t<decltype(lambda)>> &&
              none<std::remove_const_t<decltype(generic)>> &&
              none<Tensor (*)(const Tensor&, const Context&)>);
static_assert(hidden<Hiding> && hidden<NotStatic> &&
              visiting_of<const OfOneKind> == Visiting::hidden && hidden<Final>);
static_assert(hidden<real> && hidden<Index> && hidden<std::string> && hidden<Array> &&
              hidden<Dense*> && hidden<std::unique_ptr<Dense>> && hidden<std::shared_ptr<Dense>> &&
              hidden<std::optional<Dense>> && hidden<std::map<std::string, Dense>> &&
              hidden<std::function<Tensor(const Tensor&, const Context&)>> &&
              hidden<std::reference_wrapper<Dense>>);

TEST_CASE(
    "lists of modules and of parameters are visited, with paths such as blocks/0/dense/kernel, and "
    "learn") {
  Stack stack;
  CHECK(parameters_of(stack).empty());
  stack.build(Shape{3}, Rng(1));
  std::string paths;
  for (const NamedParameter& parameter : parameters_of(stack)) paths += parameter.path + " ";
  CHECK(paths ==
        "blocks/0/dense/kernel blocks/0/dense/bias blocks/1/dense/kernel blocks/1/dense/bias "
        "ends/0/kernel ends/0/bias ends/1/kernel scales/0 scales/1 towers/0/0/kernel "
        "towers/0/0/bias ");
  CHECK(parameter_count(stack) == 4 * 12 + 6 + 2);

  Adam adam;
  adam.attach(stack);
  std::vector<Array> before;
  for (const NamedParameter& parameter : parameters_of(stack))
    before.push_back(parameter.tensor.value());
  sum(square(stack(Array::full(Shape{4, 3}, 1)))).backward();
  adam.step();
  for (std::size_t i = 0; i < before.size(); ++i)
    CHECK(parameters_of(stack)[i].tensor.value().at(0) != before[i].at(0));

  set_trainable(stack, false);
  CHECK(!stack.blocks[1].dense.kernel.requires_grad());
  CHECK(!stack.scales[0].requires_grad());
  std::string of_a_layer;
  Layer(stack).for_each(
      [&](const ParameterPath& path, Tensor&) { of_a_layer += std::string(path) + " "; });
  CHECK(of_a_layer == paths);
  const std::vector<Dense> alone(2, stack.ends[0]);
  CHECK(parameters_of(alone)[3].path == "1/bias");
}
