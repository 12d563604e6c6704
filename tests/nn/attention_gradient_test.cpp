// The gradient of attention by everything it depends on, in all readings and scores, against
// differences. Sharp in double, and done there only.
#include <doctest/doctest.h>

#include "fovea/nn/attention_layer.hpp"
#include "support/gradcheck.hpp"

using namespace fovea;
using support::Generate;

namespace {

// A layer whose parameters are `tensors`, in the order of its list.
AttentionLayer with_parameters(AttentionLayer layer, support::Inputs tensors, std::size_t first) {
  for_each_parameter(layer,
                     [&](const ParameterPath&, Tensor& tensor) { tensor = tensors[first++]; });
  return layer;
}

struct Sizes {
  Index batch, queries, time;
};

// A mask of some conditions; those that order positions only where queries stand among them.
AttentionMask draw_mask(Generate& g, const Sizes& s, bool stand) {
  AttentionMask mask;
  if (g.chance(0.5)) mask.keep = g.mask(Shape{s.batch, s.time}, 0.7);
  if (g.chance(0.3)) mask.queries = g.mask(Shape{s.batch, s.queries}, 0.7);
  if (g.chance(0.3)) mask.pairs = g.mask(Shape{s.batch, 1, s.queries, s.time}, 0.7);
  if (!stand) return mask;
  mask.causal = g.chance(0.3);
  if (g.chance(0.3)) mask.window = g.integer(1, 3);
  if (g.chance(0.3)) mask.global = g.mask(Shape{s.batch, s.time}, 0.3);
  if (g.chance(0.3)) mask.align = Alignment::last;
  if (g.chance(0.3)) {
    const auto blocks = [](Index count) { return (count + 1) / 2; };
    mask.blocks = BlockTable{2, g.mask(Shape{blocks(s.queries), blocks(s.time)}, 0.7)};
  }
  return mask;
}

}  // namespace

TEST_CASE(
    "gradients of attention by x, query and parameters are differences, in every reading, score "
    "and mask") {
  Index cases = 0, comparisons = 0;
  for (Index trial = 0; trial < 48; ++trial) {
    Generate g("attention gradient", trial);
    constexpr Score scores[] = {Score::additive, Score::dot, Score::scaled_dot, Score::general};
    const Score score = scores[trial % 4];
    const Reading reading = trial % 12 == 0  ? Reading::pool
                            : trial % 3 == 1 ? Reading::per_position
                                             : Reading::query;
    const bool learned = reading == Reading::query && trial % 2 == 0;
    const Index batch = g.integer(1, 3), time = g.integer(1, 5), features = g.integer(1, 5),
                queries = reading == Reading::query && !learned ? g.integer(1, 4)
                          : learned || reading == Reading::pool ? 1
                                                                : time;
    const AttentionLayer options{.units = score == Score::general ? 0 : g.integer(1, 5),
                                 .reading = reading,
                                 .score = score,
                                 .use_bias = g.chance(0.6),
                                 .causal = reading == Reading::per_position && g.chance(0.4),
                                 .learned_query = learned};
    CAPTURE(trial);
    AttentionLayer layer = options;
    layer.build(Shape{time, features}, Rng(static_cast<std::uint64_t>(trial)));

    AttentionLayer::Options what;
    const bool given = reading == Reading::query && !learned;
    what.mask = draw_mask(g, {batch, queries, time}, given || reading == Reading::per_position);
    const bool biased = g.chance(0.3);
    std::vector<Array> at = {g.array(Shape{batch, time, features}, {-1.5, 1.5})};
    if (given) at.push_back(g.array(Shape{batch, queries, features}, {-1.5, 1.5}));
    const std::size_t first = at.size();
    for (const NamedParameter& parameter : parameters_of(layer))
      at.push_back(g.array(parameter.tensor.shape(), {-1, 1}));
    if (biased) at.push_back(g.array(Shape{1, 1, g.chance(0.5) ? queries : 1, time}, {-1, 1}));

    const support::Function context = [&](support::Inputs inputs) {
      AttentionLayer::Options attended = what;
      if (given) attended.query = inputs[1];
      if (biased) attended.bias = inputs.back();
      return with_parameters(options, inputs, first).attend(inputs[0], attended).context;
    };
    CHECK(support::gradcheck(context, at, g, comparisons) == "");
    const support::Function weights = [&](support::Inputs inputs) {
      AttentionLayer::Options attended = what;
      attended.weights = true;
      if (given) attended.query = inputs[1];
      if (biased) attended.bias = inputs.back();
      return with_parameters(options, inputs, first).attend(inputs[0], attended).weights();
    };
    CHECK(support::gradcheck(weights, at, g, comparisons) == "");
    ++cases;
  }
  MESSAGE(cases << " layers, " << comparisons << " comparisons");
}

TEST_CASE(
    "the gradient through dropout of the weights is a difference too: the same weights are "
    "dropped") {
  Index comparisons = 0;
  Generate g("attention dropout", 0);
  const AttentionLayer options{.units = 3, .dropout = real(0.4), .stream = 1};
  AttentionLayer layer = options;
  layer.build(Shape{6, 4}, Rng(1));
  std::vector<Array> at = {g.array(Shape{2, 6, 4}, {-1.5, 1.5})};
  for (const NamedParameter& parameter : parameters_of(layer))
    at.push_back(g.array(parameter.tensor.shape(), {-1, 1}));
  const support::Function context = [&](support::Inputs inputs) {
    return with_parameters(options, inputs, 1)
        .attend(inputs[0], {}, Context{.training = true, .seed = 5, .step = 3, .path = "a"})
        .context;
  };
  CHECK(support::gradcheck(context, at, g, comparisons) == "");
}
