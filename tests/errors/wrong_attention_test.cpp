// Attention called wrongly: masks of the op, masks of layers, and weights that are asked for.
#include "errors/wrong_programs.hpp"

using namespace wrong_programs;

namespace {

// q, k and v of 2 samples, 5 queries and 6 positions.
void attend(const AttentionMask& mask) {
  attention(of({2, 5, 3}), of({2, 6, 3}), of({2, 6, 4}), {.mask = mask});
}

template <class Layer>
Layer built(Layer layer) {
  layer.build({5, 3}, Rng(1));
  return layer;
}

}  // namespace

TEST_CASE("a mask that does not fit is named with the call that got it") {
  check({
      {"keeps positions of another length",
       [] {
         attend({.keep = Mask(Shape{2, 5})});
       },
       "ShapeError: attention: expected a mask `keep` of shape (2, 6) for scores of (2, 1, 5, 6), "
       "got (2, 5); give a byte for each sample and position"},
      {"exchanges the mask of queries with that of positions",
       [] {
         attend({.queries = Mask(Shape{2, 6})});
       },
       "ShapeError: attention: expected a mask `queries` of shape (2, 5) for scores of "
       "(2, 1, 5, 6), got (2, 6); give a byte for each sample and query"},
      {"makes one query global", [] { attend({.window = 1, .global = Mask(Shape{6})}); },
       "ShapeError: attention: expected a mask `global` of shape (2, 6) for scores of "
       "(2, 1, 5, 6), got (6,); give a byte for each sample and position"},
      {"looks no farther than 0", [] { attend({.window = 0}); },
       "ValueError: attention: expected a window of at least 1, got 0; leave it out to look at any "
       "distance"},
      {"gives blocks of no size",
       [] {
         attend({.blocks = BlockTable{0, Mask(Shape{1, 1})}});
       },
       "ValueError: attention: expected blocks of at least 1, got 0; give a size"},
      {"gives a table of fewer blocks",
       [] {
         attend({.blocks = BlockTable{2, Mask(Shape{2, 3})}});
       },
       "ShapeError: attention: expected a table of blocks of shape (3, 3) for scores of "
       "(2, 1, 5, 6) in blocks of 2, got (2, 3); give a byte for each pair of blocks"},
      {"gives pairs without an axis of heads",
       [] {
         attend({.pairs = Mask(Shape{2, 5, 6})});
       },
       "ShapeError: attention: expected a mask `pairs` of shape (2, 1, 5, 6), with any axis as 1, "
       "got (2, 5, 6); give it four axes: batch, heads, queries, time"},
      {"masks scores of one's own wrongly",
       [] {
         attention_weights(of({2, 5, 6}), {.keep = Mask(Shape{2, 5})});
       },
       "ShapeError: attention_weights: expected a mask `keep` of shape (2, 6) for scores of "
       "(2, 5, 6), got (2, 5); give a byte for each sample and position"},
      {"masks the weights of some queries wrongly",
       [] {
         static_cast<void>(
             attention_weights(of({2, 5, 3}), of({2, 6, 3}), {.mask = {.window = 0}}, 0, 2));
       },
       "ValueError: attention_weights: expected a window of at least 1, got 0; leave it out to "
       "look at any distance"},
      {"writes a mask out for other scores",
       [] {
         static_cast<void>(AttentionMask{.keep = Mask(Shape{2, 5})}.dense({2, 5, 6}));
       },
       "ShapeError: AttentionMask::dense: expected a mask `keep` of shape (2, 6) for scores of "
       "(2, 5, 6), got (2, 5); give a byte for each sample and position"},
      {"masks keys of heads by the length of the queries",
       [] {
         built(MultiHeadAttention{.num_heads = 4, .key_dim = 2})
             .attend(of({2, 5, 3}), {.value = of({2, 6, 3}), .mask = {.keep = Mask(Shape{2, 5})}});
       },
       "ShapeError: attention: expected a mask `keep` of shape (2, 6) for scores of (2, 4, 5, 6), "
       "got (2, 5); give a byte for each sample and position"},
  });
}

TEST_CASE("a mask that orders positions is no mask of one query for the sequence") {
  check({
      {"lets a pool look at neighbours",
       [] {
         built(AttentionLayer{4}).attend(of({2, 5, 3}), {.mask = {.window = 2}});
       },
       "ValueError: AttentionLayer: one query looks at the whole sequence and stands nowhere in "
       "it, so its mask has no causal, window, align, global or blocks; give keep or pairs"},
      {"lets a learned query look back",
       [] {
         built(AttentionLayer{.units = 4, .reading = Reading::query, .learned_query = true})
             .attend(of({2, 5, 3}), {.mask = {.causal = true}});
       },
       "ValueError: AttentionLayer: one query looks at the whole sequence and stands nowhere in "
       "it, so its mask has no causal, window, align, global or blocks; give keep or pairs"},
      {"leaves out queries that are positions of x",
       [] {
         built(AttentionLayer{4, Reading::query})
             .attend(of({2, 5, 3}),
                     {.query = of({2, 4, 3}), .mask = {.queries = Mask(Shape{2, 5})}});
       },
       "ShapeError: AttentionLayer: the mask of queries has shape (2, 5); it must be (2, 4)"},
  });
}

TEST_CASE("weights that a layer has not are not given") {
  check({
      {"asks a pool for more queries than one",
       [] {
         Sequential model{Embedding{10, 4}, AttentionLayer{3}};
         model.build({3});
         static_cast<void>(model.attention(ids(), {.first_query = 1, .end_query = 3}));
       },
       "IndexError: sequential/attention_layer: AttentionLayer: queries 1 to 3 are asked for, of "
       "one for the whole sequence; ask for query 0, or name other layers in the "
       "AttentionRequest"},
      {"asks for a head too many",
       [] {
         Sequential model{Embedding{10, 4}, MultiHeadAttention{.num_heads = 2, .key_dim = 3}};
         model.build({3});
         static_cast<void>(model.attention(ids(), {.heads = {2}}));
       },
       "IndexError: sequential/multi_head_attention: MultiHeadAttention: head 2 is asked for, of "
       "2; heads are counted from 0"},
  });
}
