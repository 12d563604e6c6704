// Wrong layers and what they are told, word for word. Models are in wrong_models_test.cpp.
#include <limits>

#include "errors/wrong_programs.hpp"

using namespace wrong_programs;

namespace {

// A layer built by itself, as in a loop of one's own.
template <class Module>
Module built(Module module, const Shape& sample) {
  module.build(sample, Rng(1));
  return module;
}

}  // namespace

// A row is a mistake, a program and what it is told.

TEST_CASE("layers with wrong options") {
  check({
      {"makes a Dense of no units", [] { built(Dense{0}, {3}); },
       "ValueError: Dense: units is 0; it must be at least 1"},
      {"embeds a vocabulary that was never counted",
       [] {
         built(Embedding{0, 4}, {3});
       },
       "ValueError: Embedding: input_dim is 0, output_dim is 4; both must be at least 1"},
      {"drops out with a percentage", [] { built(Dropout{20}, {3}); },
       "ValueError: Dropout: the rate is 20; it must be 0 to 1"},
      {"drops attention weights with a percentage",
       [] {
         built(AttentionLayer{.units = 4, .dropout = 20}, {5, 3});
       },
       "ValueError: AttentionLayer: dropout is 20; it must be 0 to 1"},
      {"pools with the dot score",
       [] {
         built(AttentionLayer{4, Reading::pool, Score::dot}, {5, 3});
       },
       "ValueError: AttentionLayer: the reading pool scores each position by itself, which only "
       "the additive score can; use the reading "
       "query with learned_query"},
      {"gives the general score units",
       [] {
         built(AttentionLayer{4, Reading::query, Score::general}, {5, 3});
       },
       "ValueError: AttentionLayer: units is 4 with the general score, which has none; use 0"},
      {"pools causally",
       [] {
         built(AttentionLayer{.units = 4, .causal = true}, {5, 3});
       },
       "ValueError: AttentionLayer: causal orders positions against each other; it needs the "
       "reading per_position"},
      {"wants a learned query without the reading for it",
       [] {
         built(AttentionLayer{.units = 4, .learned_query = true}, {5, 3});
       },
       "ValueError: AttentionLayer: learned_query needs the reading query"},
      {"convolves without filters",
       [] {
         built(Conv1D{0, 3}, {10, 3});
       },
       "ValueError: Conv1D: filters is 0; it must be at least 1"},
      {"convolves with windows of size 0",
       [] {
         built(Conv1D{8, 0}, {10, 3});
       },
       "ValueError: Conv1D: a window size is 0; it must be at least 1"},
      {"makes an LSTM of no units",
       [] {
         built(LSTM{-1}, {5, 3});
       },
       "ValueError: LSTM: units is -1; it must be 1 to 2^40"},
      {"makes up an activation",
       [] {
         built(Dense{4, Activation(99)}, {3});
       },
       "ValueError: Activation: there is none with the value 99"},
      {"makes up a reading",
       [] {
         built(AttentionLayer{4, Reading(7)}, {5, 3});
       },
       "ValueError: AttentionLayer: there is no Reading with the value 7"},
      {"makes up a score",
       [] {
         built(AttentionLayer{4, Reading::query, Score(9)}, {5, 3});
       },
       "ValueError: AttentionLayer: there is no Score with the value 9"},
      {"gives a projection of attention an activation",
       [] {
         built(AttentionLayer{.units = 4, .W1 = {.units = 4, .activation = Activation::relu}},
               {5, 3});
       },
       "ValueError: AttentionLayer: W1 is linear; leave out the activation, or write a module of "
       "your own"},
      {"gives a projection of attention another width",
       [] {
         built(AttentionLayer{.units = 4, .W2 = {.units = 8}}, {5, 3});
       },
       "ValueError: AttentionLayer: expected W2 with the layer's own units 4 and use_bias true, "
       "got "
       "8 and true; give them to the AttentionLayer, before its W1, W2 and V"},
      {"leaves out the bias of the scores alone",
       [] {
         built(AttentionLayer{.units = 4, .V = {.units = 1, .use_bias = false}}, {5, 3});
       },
       "ValueError: AttentionLayer: expected V with the layer's own units 1 and use_bias true, got "
       "1 and false; give them to the AttentionLayer, before its W1, W2 and V"},
      {"normalises with a negative epsilon", [] { built(LayerNormalization{-1}, {3}); },
       "ValueError: LayerNormalization: epsilon is -1; it must be at least 0"},
  });
}

TEST_CASE("attention with heads and without projections, given wrong options") {
  check({
      {"has no heads",
       [] {
         built(MultiHeadAttention{.num_heads = 0, .key_dim = 4}, {5, 3});
       },
       "ValueError: MultiHeadAttention: num_heads is 0, key_dim is 4; both must be at least 1"},
      {"leaves out key_dim, as PyTorch's module does",
       [] {
         built(MultiHeadAttention{.num_heads = 8}, {5, 3});
       },
       "ValueError: MultiHeadAttention: num_heads is 8, key_dim is 0; both must be at least 1"},
      {"shares heads unevenly",
       [] {
         built(MultiHeadAttention{.num_heads = 4, .key_dim = 2, .num_key_value_heads = 3}, {5, 3});
       },
       "ValueError: MultiHeadAttention: 4 heads cannot share 3 heads of keys and values evenly; "
       "num_key_value_heads must divide num_heads"},
      {"gives a negative window",
       [] {
         built(MultiHeadAttention{.num_heads = 4, .key_dim = 2, .window = -1}, {5, 3});
       },
       "ValueError: MultiHeadAttention: window is -1; it must be at least 0"},
      {"caps scores at infinity",
       [] {
         built(
             MultiHeadAttention{
                 .num_heads = 4, .key_dim = 2, .soft_cap = std::numeric_limits<real>::infinity()},
             {5, 3});
       },
       "ValueError: MultiHeadAttention: soft_cap is inf; it must be finite and at least 0"},
      {"drops weights of heads with a percentage",
       [] {
         built(MultiHeadAttention{.num_heads = 4, .key_dim = 2, .dropout = 20}, {5, 3});
       },
       "ValueError: MultiHeadAttention: dropout is 20; it must be 0 to 1"},
      {"gives a projection an activation",
       [] {
         built(MultiHeadAttention{.num_heads = 4,
                                  .key_dim = 2,
                                  .query = {.units = 8, .activation = Activation::relu}},
               {5, 3});
       },
       "ValueError: MultiHeadAttention: query is a linear map of 8 units, by the options of the "
       "layer; leave out its own"},
      {"attends with heads to single vectors",
       [] { built(MultiHeadAttention{.num_heads = 4, .key_dim = 2}, {3}); },
       "ShapeError: MultiHeadAttention: a sample is (3,); it must be (time, features)"},
      {"builds heads anew for other features",
       [] {
         built(built(MultiHeadAttention{.num_heads = 4, .key_dim = 2}, {5, 3}), {5, 4});
       },
       "ShapeError: MultiHeadAttention: built for 3 features; now a sample is (5, 4)"},
      {"scores in a way that Attention has not",
       [] {
         built(Attention{.score_mode = ScoreMode(3)}, {5, 3});
       },
       "ValueError: Attention: there is no ScoreMode with the value 3"},
      {"slides a window over a pool",
       [] {
         built(AttentionLayer{.units = 4, .window = 3}, {5, 3});
       },
       "ValueError: AttentionLayer: window is 3; it is at least 0, and above 0 in the reading "
       "per_position"},
  });
}

TEST_CASE("attention with heads and without projections, called wrongly") {
  check({
      {"calls heads before they are built",
       [] {
         MultiHeadAttention{.num_heads = 4, .key_dim = 2}(of({2, 5, 3}));
       },
       "StateError: MultiHeadAttention: it is not built; call build with the shape of a sample, "
       "put it into a Sequential, or call it by a Caller inside a module"},
      {"calls AdditiveAttention before it is built",
       [] {
         AdditiveAttention{}(of({2, 5, 3}));
       },
       "StateError: AdditiveAttention: it is not built; call build with the shape of a sample, put "
       "it into a Sequential, or call it by a Caller inside a module"},
      {"attends to a memory of other features",
       [] {
         built(MultiHeadAttention{.num_heads = 4, .key_dim = 2}, {5, 3})
             .attend(of({2, 5, 3}), {.value = of({2, 6, 7})});
       },
       "ShapeError: MultiHeadAttention: the key is (2, 6, 7), built for 3 features; the last size "
       "of the key must be 3"},
      {"attends to a memory of another batch",
       [] {
         built(MultiHeadAttention{.num_heads = 4, .key_dim = 2}, {5, 3})
             .attend(of({2, 5, 3}), {.value = of({1, 6, 3})});
       },
       "ShapeError: MultiHeadAttention: the value is (1, 6, 3), the query (2, 5, 3); they must be "
       "of one batch"},
      {"gives fewer keys than values",
       [] {
         Attention{}.attend(of({2, 5, 3}), {.value = of({2, 6, 3}), .key = of({2, 4, 3})});
       },
       "ShapeError: Attention: the key is (2, 4, 3), the value (2, 6, 3); each position has one of "
       "both"},
      {"gives a query without an axis of positions",
       [] {
         Attention{}(of({2, 3}));
       },
       "ShapeError: Attention: the query is (2, 3); it must be (batch, length, features)"},
      {"scores keys of another width by their sums",
       [] {
         built(AdditiveAttention{}, {5, 3}).attend(of({2, 5, 3}), {.value = of({2, 6, 4})});
       },
       "ShapeError: attention: q is 3 wide and k 4; their sum needs the same width"},
  });
}

TEST_CASE("layers called wrongly in a loop of one's own") {
  check({
      {"calls a layer before it is built",
       [] {
         Dense{4}(of({2, 3}));
       },
       "StateError: Dense: it is not built; call build with the shape of a sample, put it into a "
       "Sequential, or call it by a Caller inside a module"},
      {"calls an attention layer before it is built",
       [] {
         AttentionLayer{4}(of({2, 5, 3}));
       },
       "StateError: AttentionLayer: it is not built; call build with the shape of a sample, put it "
       "into a Sequential, or call it by a Caller inside a module"},
      {"gives Dense other features",
       [] {
         built(Dense{4}, {3})(of({2, 5}));
       },
       "ShapeError: Dense: x is (2, 5), built for 3 features; the last size of x must be 3"},
      {"gives a GRU other features",
       [] {
         built(GRU{4}, {5, 3})(of({2, 5, 4}));
       },
       "ShapeError: GRU: x is (2, 5, 4), built for 3 features; the last size of x must be 3"},
      {"gives a query of other features",
       [] {
         built(AttentionLayer{4, Reading::query}, {5, 3})
             .attend(of({2, 5, 3}), {.query = of({2, 1, 7})});
       },
       "ShapeError: AttentionLayer: the query is (2, 1, 7), built for 3 features; the last size of "
       "the query must be 3"},
      {"looks up an id that an Embedding has not",
       [] {
         built(Embedding{10, 4}, {3})(Ids({1, 1}, {10}));
       },
       "IndexError: Embedding: the id at position 0 of ids of shape (1, 1) is 10; input_dim is 10, "
       "so ids are 0 to 9"},
      {"pools single vectors", [] { built(MaxPooling1D{}, {3}); },
       "ShapeError: MaxPooling1D: a sample is (3,); it must be (time, channels)"},
      {"builds a layer with the batch axis",
       [] {
         built(AttentionLayer{4}, {32, 5, 3});
       },
       "ShapeError: AttentionLayer: a sample is (32, 5, 3); it must be (time, features)"},
      {"builds a layer anew for other features", [] { built(built(Dense{4}, {3}), {5}); },
       "ShapeError: Dense: built for 3 inputs and 4 units; now a sample is (5,) and units is 4"},
      {"builds a recurrent layer for single vectors", [] { built(GRU{4}, {3}); },
       "ShapeError: GRU: a sample is (3,); it must be (time, features)"},
      {"builds Conv2D for images without channels",
       [] {
         built(Conv2D{8, {3, 3}}, {28, 28});
       },
       "ShapeError: Conv2D: a sample is (28, 28); it must be (rows, columns, channels)"},
      {"goes past a layer that changes the width", [] { built(Residual<Dense>{Dense{5}}, {3}); },
       "ShapeError: Residual: the module makes (5,) of a sample (3,); the two are added and must "
       "be equal"},
      {"attends to a batch of vectors",
       [] {
         built(AttentionLayer{4}, {5, 3})(of({2, 3}));
       },
       "ShapeError: AttentionLayer: x is (2, 3); it must be (batch, time, features)"},
      {"masks for another length",
       [] {
         built(AttentionLayer{4}, {5, 3})(of({2, 5, 3}), Mask(Shape{2, 4}));
       },
       "ShapeError: AttentionLayer: the mask has shape (2, 4); it must be (2, 5)"},
      {"reads against a query and gives none",
       [] {
         built(AttentionLayer{4, Reading::query}, {5, 3})(of({2, 5, 3}));
       },
       "StateError: AttentionLayer: the reading is query, and there is none; give one to attend, "
       "or set learned_query"},
      {"gives a query to a layer that pools",
       [] {
         built(AttentionLayer{4}, {5, 3}).attend(of({2, 5, 3}), {.query = of({2, 1, 3})});
       },
       "ValueError: AttentionLayer: a query is given, but the layer's reading is not query"},
      {"gives a query without an axis of queries",
       [] {
         built(AttentionLayer{4, Reading::query}, {5, 3})
             .attend(of({2, 5, 3}), {.query = of({2, 3})});
       },
       "ShapeError: AttentionLayer: the query is (2, 3); it must be (2, queries, features)"},
      {"gives an LSTM the state of a GRU",
       [] {
         built(LSTM{4}, {5, 3}).unroll(of({2, 5, 3}), {.states = {of({2, 4})}});
       },
       "ValueError: LSTM: 1 states are given; it has 2; give h and c"},
      {"walks along a sequence of length 0",
       [] {
         built(GRU{4}, {5, 3})(of({2, 0, 3}));
       },
       "ValueError: GRU: a sequence of length 0 has no last position"},
  });
}

TEST_CASE("layers in the wrong order") {
  check({
      {"puts Dense on ids",
       [] {
         Sequential model{Dense{4}};
         model.build({3});
         model.predict(ids().rows(0, 1));
       },
       "ValueError: sequential/dense: Dense expected real numbers, got ids of shape (1, 3); put "
       "an Embedding before it"},
      {"feeds numbers to an Embedding",
       [] {
         trained().predict(Array::zeros({1, 3}));
       },
       "ValueError: sequential/embedding: Embedding expected ids, got real numbers of shape (1, "
       "3); give Ids"},
      {"attends to vectors", [] { Sequential{AttentionLayer{4}}.build({3}); },
       "ShapeError: sequential/attention_layer: AttentionLayer: a sample is (3,); it must be "
       "(time, features)"},
      {"attends behind a GRU that gives only its last state",
       [] {
         Sequential{GRU{4}, AttentionLayer{3}}.build({5, 3});
       },
       "ShapeError: sequential/attention_layer: AttentionLayer: a sample is (4,); it must be "
       "(time, features)"},
      {"pools twice",
       [] {
         Sequential{Embedding{10, 4}, AttentionLayer{3}, GlobalAveragePooling1D{}}.build({3});
       },
       "ShapeError: sequential/global_average_pooling1d: GlobalAveragePooling1D: a sample is (4,); "
       "it "
       "must be (time, features)"},
      {"gets the second of two Dense layers wrong",
       [] {
         Sequential{Dense{8}, Dense{0}}.build({3});
       },
       "ValueError: sequential/dense_1: Dense: units is 0; it must be at least 1"},
      {"slides a window longer than the sequence",
       [] {
         Sequential{Embedding{10, 4}, Conv1D{8, 5}}.build({3});
       },
       "ShapeError: sequential/conv1d: conv1d: a sample of x is (3, 4), and a window reaches over "
       "5 along its axis 0; pad it, or use "
       "Padding::same"},
      {"lets a convolution lose the mask of the padding",
       [] {
         Sequential model{Embedding{10, 4, true}, Conv1D{8, 2}};
         model.build({3});
         model.predict(ids());
       },
       "StateError: sequential/conv1d: Conv1D got a mask, which it would lose; put a DropMask "
       "before it if padding is to count from here on, or have the module declare a mask_flow"},
  });
}
