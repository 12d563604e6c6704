// Sequences fed in pieces: each module is told where its piece begins.
#include <doctest/doctest.h>

#include <cmath>

#include "fovea/fovea.hpp"
#include "support/approx.hpp"
#include "support/generate.hpp"

using namespace fovea;
using support::bits_differ;

namespace {

// x + sin(position / 100^(2 i / features) + i) of feature i: (batch, time, features), the same.
struct Sinusoids {
  Tensor operator()(const Tensor& x, const Context& context = {}) const {
    const Index time = x.shape()[1], features = x.shape()[2];
    Array waves(Shape{1, time, features});
    for (Index t = 0; t < time; ++t)
      for (Index i = 0; i < features; ++i) {
        const auto position = static_cast<double>(context.first_position + t),
                   part = static_cast<double>(i) / static_cast<double>(features);
        waves.mutable_data()[t * features + i] = static_cast<real>(
            std::sin(position / std::pow(100, 2 * part) + static_cast<double>(i)));
      }
    return x + Tensor(waves);
  }
  static constexpr MaskFlow mask_flow() { return MaskFlow::keeps; }
};

// Calls its parts by a Caller, and the last one by in_layer.
struct Block {
  Sinusoids first;
  Sequential second{Sinusoids{}};

  Tensor operator()(const Tensor& x, const Context& context = {}) const {
    const Caller call(*this, context);
    const Tensor y = call(second, call(first, x) * real(2));
    return in_layer(context, "last", [&](const Context& inside) { return first(y, inside); });
  }
  static void parameters(auto& self, auto&& visit) {
    visit("first", self.first);
    visit("second", self.second);
  }
};

template <class Model>
void check_pieces(const Model& model, const Array& x) {
  const Tensor whole = model(x);
  for (Index cut = 1; cut < x.shape()[1]; ++cut) {
    const Tensor begin = model(slice(x, 1, 0, cut)),
                 end = model(slice(x, 1, cut, x.shape()[1]), Context{.first_position = cut}),
                 lost = model(slice(x, 1, cut, x.shape()[1]));
    CHECK(bits_differ(concat({begin, end}, 1).value(), whole.value()) == "");
    CHECK(bits_differ(end.value(), lost.value()) != "");
  }
}

}  // namespace

TEST_CASE(
    "a sequence that is fed in pieces meets the positions of the whole, through a Sequential, a "
    "Sequential inside, a Caller and in_layer") {
  const Array x = support::Generate("pieces", 0).array({3, 7, 4}, {.low = -1, .high = 1});
  Sequential flat{Sinusoids{}, Sinusoids{}}, nested{Sequential{Sinusoids{}}, Block{}};
  flat.build(Shape{7, 4});
  nested.build(Shape{7, 4});
  check_pieces(flat, x);
  check_pieces(nested, x);
  Block block;
  block.second.build(Shape{7, 4});
  check_pieces(block, x);
  Model model{Block{}};
  model.build(x);
  const auto call = [&](const Tensor& piece, const Context& context = {}) {
    return model(piece.value(), context)[0];
  };
  check_pieces(call, x);
}

TEST_CASE("pieces of a sequence drop independently of each other, and the first as ever") {
  const Array ones = Array::full(Shape{2, 8, 16}, 1);
  Dropout dropout{real(0.5)};
  dropout.build(Shape{8, 16}, Rng(3));
  AttentionLayer attention{.units = 4, .dropout = real(0.5)};
  attention.build(Shape{8, 16}, Rng(4));
  const auto context = [](Index first_position) {
    return Context{.training = true, .seed = 5, .step = 6, .first_position = first_position};
  };
  const auto differs = [&](const auto& layer) {
    const auto value = [&](const Context& c) { return layer(Tensor(ones), c).value(); };
    CHECK(bits_differ(value(context(0)), value({.training = true, .seed = 5, .step = 6})) == "");
    CHECK(bits_differ(value(context(8)), value(context(8))) == "");
    CHECK(bits_differ(value(context(0)), value(context(8))) != "");
    CHECK(bits_differ(value(context(8)), value(context(16))) != "");
  };
  differs(dropout);
  differs([&](const Tensor& x, const Context& c) { return attention(x, std::nullopt, c); });
}
