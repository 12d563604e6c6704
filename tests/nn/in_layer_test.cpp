// Modules inside modules: paths, hooks, frozen parameters.
#include "fovea/nn/in_layer.hpp"

#include <doctest/doctest.h>

#include "fovea/fovea.hpp"
#include "support/approx.hpp"
#include "support/refusal.hpp"
#include "train/toy.hpp"

using namespace fovea;
using support::bits_differ, support::refusal;

namespace {

struct Block {  // two layers with names of their own
  Dense up, down;
  Shape build(const Shape& sample, const Rng& random) {
    return down.build(up.build(sample, random.split("up")), random.split("down"));
  }
  Tensor operator()(const Tensor& x, const Context& context = {}) const {
    const Tensor wide = in_layer(context, "up", [&](const Context&) { return up(x); });
    return in_layer(context, "down", [&](const Context& inside) { return down(wide, inside); });
  }
  static void parameters(auto& self, auto&& visit) {
    visit("up", self.up);
    visit("down", self.down);
  }
};

Array ones(Index rows, Index columns) { return Array::full(Shape{rows, columns}, 1); }

}  // namespace

TEST_CASE("errors inside a block name the whole path") {
  Sequential model{Block{{8}, {3}}};
  model.build(Shape{4});
  model.layers()[0].as<Block>()->down.kernel = Tensor(ones(5, 3));
  const std::string message = refusal<ShapeError>([&] { model(ones(2, 4)); });
  CHECK_MESSAGE(message.starts_with("sequential/block/down: "), message);
}

TEST_CASE("a forward hook sees a layer's output by path, also inside a block, and may replace it") {
  Sequential model{Block{{8}, {3}}, Dense{2}};
  model.build(Shape{4});
  const Array before = model(ones(2, 4)).value();
  std::vector<Shape> seen;
  const auto look = [&](const Tensor& output) {
    seen.push_back(output.shape());
    return output;
  };
  for (const char* path :
       {"sequential/block", "sequential/block/up", "sequential/block/down", "sequential/dense"})
    model.set_forward_hook(path, look);
  CHECK(bits_differ(model(ones(2, 4)).value(), before) == "");
  CHECK(seen == std::vector<Shape>{Shape{2, 8}, Shape{2, 3}, Shape{2, 3}, Shape{2, 2}});

  model.set_forward_hook("sequential/dense", [](const Tensor& output) { return output * real(2); });
  CHECK(bits_differ(model(ones(2, 4)).value(), (Tensor(before) * real(2)).value()) == "");
  model.set_forward_hook("sequential/dense", {});
  CHECK(bits_differ(model(ones(2, 4)).value(), before) == "");
}

TEST_CASE("hooks that are wrong are refused") {
  Sequential model{Dense{2}};
  model.build(Shape{4});
  CHECK(refusal<IndexError>([&] {
          model.set_forward_hook("dense", [](const Tensor& y) { return y; });
        }) == "sequential: there is no layer \"dense\"; there are: sequential/dense");
  model.set_forward_hook("sequential/dense", [](const Tensor& y) { return sum(y); });
  const Context own{.hooks =
                        std::make_shared<ForwardHooks>(ForwardHooks{{"sequential/dense", {}}})};
  CHECK(refusal<ValueError>([&] {
          Sequential other{Dense{2}};
          other.build(Shape{4});
          other(ones(1, 4), own);
        }) == "sequential/dense: forward hook: it is empty; remove it from the hooks");
  CHECK(refusal<ShapeError>([&] { model(ones(1, 4)); }) ==
        "sequential/dense: forward hook: it was given (1, 2) and gives (); give a tensor of the "
        "same shape");
}

TEST_CASE(
    "a hook that calls its own model is refused, also from a shard's thread; one that calls "
    "another model is not") {
  Sequential model{Dense{2}}, other{Dense{2}};
  model.build(Shape{4});
  other.build(Shape{4});
  int calls = 0;
  other.set_forward_hook("sequential/dense", [&](const Tensor& y) {
    ++calls;
    return y;
  });
  model.set_forward_hook("sequential/dense", [&](const Tensor& y) {
    other(ones(1, 4));
    return y;
  });
  model(ones(1, 4));
  CHECK(calls == 1);
  const std::string message =
      "forward hook: it calls itself, through the model whose layer it hooks; compute from what it "
      "is given, or call another model made of the same layers";
  model.set_forward_hook("sequential/dense", [&](const Tensor& y) {
    model.predict(ones(2048, 4));
    return y;
  });
  CHECK(refusal<StateError>([&] { model(ones(1, 4)); }).ends_with(message));
  other.set_forward_hook("sequential/dense", [&](const Tensor& y) {
    model(ones(1, 4));
    return y;
  });
  model.set_forward_hook("sequential/dense", [&](const Tensor& y) {
    other(ones(1, 4));
    return y;
  });
  CHECK(refusal<StateError>([&] { model(ones(1, 4)); }).ends_with(message));
}

TEST_CASE("hooks run in every shard of fit, and a hook that only looks changes no bit") {
  const toy::Data data = toy::data(600);
  Sequential watched = toy::model(), alone = toy::model();
  std::atomic<Index> samples = 0;
  watched.set_forward_hook("sequential/attention_layer", [&](const Tensor& context) {
    samples += context.shape()[0];
    return context;
  });
  watched.fit(data.x, data.y, toy::quiet(1, 300));
  alone.fit(data.x, data.y, toy::quiet(1, 300));
  CHECK(samples == 600);
  CHECK(toy::bits_differ(toy::weights(watched), toy::weights(alone)) == "");
}

TEST_CASE("a layer's hooked gradient flows back through it") {
  Sequential model{Dense{2}};
  model.build(Shape{3});
  Array seen;
  model.set_forward_hook("sequential/dense", [&](const Tensor& output) {
    return register_hook(output, [&](const Array& d) {
      seen = d;
      return d;
    });
  });
  sum(model(ones(1, 3)) * real(3)).backward();
  CHECK(bits_differ(seen, Array(Shape{1, 2}, {3, 3})) == "");
}

TEST_CASE("freezing reaches all handles of a parameter") {
  Dense dense{2};
  dense.build(Shape{3}, Rng(1));
  const Dense copy = dense;
  set_trainable(dense, false);
  CHECK(!copy.kernel.requires_grad());
  CHECK(!copy(ones(1, 3)).requires_grad());
  set_trainable(dense, true);
  CHECK(copy(ones(1, 3)).requires_grad());
}

TEST_CASE("a frozen parameter that is written to between forward and backward is noticed") {
  Dense dense{2};
  dense.build(Shape{3}, Rng(1));
  dense.kernel.set_requires_grad(false);
  const Tensor x = Tensor::parameter(ones(1, 3));
  const Tensor loss = sum(dense(x));
  dense.kernel.assign(Array::zeros(Shape{3, 2}));
  CHECK(refusal<StateError>([&] { loss.backward(); }) ==
        "backward: an input of linear, a parameter of shape (3, 2), was written to after the "
        "forward pass; run the forward pass again");
}

TEST_CASE("numbers that were taken from a parameter stay when it is written to") {
  Tensor w = Tensor::parameter(Array(Shape{2}, {2, 3}));
  const Tensor x = Tensor::parameter(Array(Shape{2}, {1, 1}));
  const Tensor detached = w.detach();
  w.set_requires_grad(false);
  const Tensor reshaped = reshape(w, {1, 2}),
               hooked = register_hook(w, [](const Array&d) { return d; });
  const Tensor loss = sum(detached * x) + sum(reshaped * x) + sum(hooked * x);
  w.assign(Array(Shape{2}, {100, 100}));
  loss.backward();
  CHECK(bits_differ(x.grad(), Array(Shape{2}, {6, 9})) == "");
  CHECK(bits_differ(detached.value(), Array(Shape{2}, {2, 3})) == "");
}

TEST_CASE("a parameter that thaws begins without a gradient") {
  Tensor w = Tensor::parameter(Array(Shape{2}, {2, 3}));
  sum(w).backward();
  w.set_requires_grad(false);
  w.set_requires_grad(true);
  CHECK(bits_differ(w.grad(), Array(Shape{2}, {0, 0})) == "");
}

TEST_CASE(
    "a parameter that was frozen in the forward pass gets no gradient from it, whatever the "
    "operation") {
  Tensor w = Tensor::parameter(Array(Shape{2}, {2, 3})),
         x = Tensor::parameter(Array(Shape{2}, {1, 4}));
  w.set_requires_grad(false);
  const Tensor loss = sum(layer_norm(x, w, x)) + sum(x * w) + sum(concat({x, w}));
  w.set_requires_grad(true);
  loss.backward();
  CHECK(bits_differ(w.grad(), Array(Shape{2}, {0, 0})) == "");
}

TEST_CASE("constants may stand among the parameters, and stay constants") {
  Embedding embedding{3, 2};
  embedding.embeddings = Tensor(Array::full(Shape{3, 2}, 1));  // given, not to be learned
  Sequential model{embedding, GlobalAveragePooling1D{}, Dense{1}};
  model.build(Shape{4});
  CHECK(parameters_of(model).size() == 3);
  set_trainable(model, true);
  CHECK(!model.layers()[0].as<Embedding>()->embeddings.requires_grad());
}

TEST_CASE("a constant that is written to keeps its old numbers for the graph that needs them") {
  Tensor factor(Array(Shape{2}, {2, 3}));
  const Tensor x = Tensor::parameter(Array(Shape{2}, {1, 1})), loss = sum(x * factor);
  factor.assign(Array(Shape{2}, {7, 7}));
  loss.backward();
  CHECK(bits_differ(x.grad(), Array(Shape{2}, {2, 3})) == "");
}
