// What a user would pass to pictures and statistics of attention, and what is said.
#include <cmath>

#include "errors/wrong_programs.hpp"

using namespace wrong_programs;

namespace {

AttentionMap map(const Array& weights) {
  const auto tokens = [](Index size) { return std::vector<std::string>(std::size_t(size), "t"); };
  return {"layer", weights, tokens(weights.shape()[-2]), tokens(weights.shape()[-1]), {}};
}

// Rows that sum to 1.
Array even(const Shape& shape) { return Array::full(shape, real(1) / real(shape[-1])); }

Array with_value(const Shape& shape, real value) {
  Array weights = even(shape);
  weights.mutable_data()[shape.count() - 1] = value;
  return weights;
}

AttentionMap with_gradient(const Array& gradient) {
  AttentionMap result = map(even({1, 2, 2}));
  result.gradient_times_weight = gradient;
  return result;
}

void statistics(const Array& weights, const AttentionStatisticsOptions& options = {}) {
  attention_statistics(weights_of_queries(weights), weights.shape()[-2], options);
}

}  // namespace

TEST_CASE("weights that are none, and maps that do not fit, are named with their place") {
  check({
      {"takes scores for weights",
       [] {
         statistics(with_value({1, 2, 2, 4}, -1));
       },
       "ValueError: attention_statistics: expected weights that are finite and at least 0, got -1 "
       "for sample 0, head 1, query 1, position 3; take them behind the softmax"},
      {"takes weights with a NaN",
       [] {
         attention_page({map(with_value({1, 2, 2}, NAN))});
       },
       "ValueError: attention_page: expected weights that are finite and at least 0, got nan for "
       "sample 0, head 0, query 1, position 1; take them behind the softmax"},
      {"takes weights behind dropout",
       [] {
         attention_heat_map_svg(map(with_value({1, 2, 4}, 0)), 0);
       },
       "ValueError: attention_heat_map_svg: expected weights that sum to 1, or to 0 where a query "
       "looks at nothing, got a sum of 0.75 for sample 0, head 0, query 1; take them before "
       "dropout, with all positions"},
      {"asks for a head that does not exist",
       [] {
         attention_heat_map_svg(map(even({2, 2, 2})), 2);
       },
       "IndexError: attention_heat_map_svg: expected a head from 0 to 1, got 2"},
      {"draws a matrix of a million and more cells",
       [] {
         attention_heat_map_svg(map(even({1, 1025, 1024})), 0);
       },
       "ValueError: attention_heat_map_svg: expected at most 1048576 cells, got 1025 by 1024; show "
       "a part of them, or use attention_statistics"},
      {"gives one token too few",
       [] {
         AttentionMap wrong = map(even({1, 2, 3}));
         wrong.keys.pop_back();
         attention_page({wrong});
       },
       "ShapeError: attention_page: expected weights (heads, 2, 2) for 2 tokens of queries and 2 "
       "of keys, got (1, 2, 3); give one token for each row and column"},
      {"gives gradients of another layer",
       [] {
         attention_page({with_gradient(even({2, 2, 2}))});
       },
       "ShapeError: attention_page: expected gradient_times_weight (1, 2, 2), as the weights, got "
       "(2, 2, 2)"},
      {"gives gradients that overflowed",
       [] {
         attention_page({with_gradient(with_value({1, 2, 2}, INFINITY))});
       },
       "ValueError: attention_page: expected gradient_times_weight that is finite, got inf at 3"},
      {"makes a page of nothing", [] { attention_page({}); },
       "ValueError: attention_page: there is no map; give one for each layer"},
      {"makes a page of 4 bits",
       [] {
         attention_page({map(even({1, 1, 1}))}, {.bits = 4});
       },
       "ValueError: attention_page: expected 8 or 16 bits, got 4"},
      {"makes a page without heads",
       [] {
         attention_page({map(even({0, 1, 1}))});
       },
       "ShapeError: attention_page: expected weights of at least one head, got (0, 1, 1)"},
      {"asks for a sample behind the last",
       [] {
         attention_map("l", even({2, 3, 3}), 2, {"a"}, {"b"});
       },
       "IndexError: attention_map: expected a sample from 0 to 1, got 2"},
      {"has more tokens than positions",
       [] {
         attention_map("l", even({2, 1, 2}), 0, {"a"}, {"b", "c", "d"});
       },
       "ShapeError: attention_map: expected at most 1 tokens of queries and 2 of keys for weights "
       "(2, 1, 2), got 1 and 3"},
  });
}

TEST_CASE("statistics, rollout and shaded words say what they expect") {
  check({
      {"streams from a source that forgets the heads",
       [] {
         attention_statistics([](Index, Index) { return even({3, 3}); }, 3);
       },
       "ShapeError: attention_statistics: expected weights (batch, heads, 3, time) of queries [0, "
       "3), as many in each range, got (3, 3)"},
      {"gives no source", [] { attention_statistics({}, 3); },
       "ValueError: attention_statistics: the source of weights is empty"},
      {"gives a share in percent",
       [] {
         statistics(even({1, 1, 1, 2}), {.span_share = 90});
       },
       "ValueError: attention_statistics: expected a span_share above 0 and up to 1, got 90; 0.9 "
       "stands for 90 % of the weight"},
      {"asks for none at once",
       [] {
         statistics(even({1, 1, 1, 2}), {.queries_at_once = 0});
       },
       "ValueError: attention_statistics: expected queries_at_once of at least 1, got 0"},
      {"asks for the top -1",
       [] {
         statistics(even({1, 1, 1, 2}), {.top = -1});
       },
       "ValueError: attention_statistics: expected a `top` of at least 0, got -1; 0 keeps none"},
      {"rolls out nothing", [] { attention_rollout({}); },
       "ValueError: attention_rollout: there is no layer; give the weights of each, the first one "
       "first"},
      {"rolls out cross-attention",
       [] {
         attention_rollout({even({1, 2, 3, 3}), even({1, 2, 3, 4})});
       },
       "ShapeError: attention_rollout: expected self-attention (batch, heads, time, time), of the "
       "same batch and time in each layer, got (1, 2, 3, 4) after (1, 2, 3, 3)"},
      {"rolls out with the mask of queries and keys",
       [] {
         attention_rollout({even({1, 2, 3, 3})}, {.keep = Mask({3}, {1, 1, 1})});
       },
       "ShapeError: attention_rollout: expected a mask (1, 3), got (3,)"},
      {"multiplies by values of another length",
       [] {
         gradient_times_weight(even({1, 2, 5}), even({1, 2, 3}), even({1, 4, 5}));
       },
       "ShapeError: gradient_times_weight: expected a gradient (batch, heads, queries, width), "
       "weights (batch, heads, queries, time) and values (batch, heads, time, width), or one of "
       "the other forms of attention, got (1, 2, 5), (1, 2, 3) and (1, 4, 5)"},
      {"shades words without weights",
       [] {
         attention_text(std::vector<ShadedText>{{"c", {"a", "b"}, {1}}});
       },
       "ValueError: attention_text: expected a weight for each of 2 words, got 1 weights"},
      {"shades words by scores",
       [] {
         attention_text(std::vector<ShadedText>{{"c", {"a", "b"}, {1, -1}}});
       },
       "ValueError: attention_text: expected weights that are finite and at least 0, got -1 for "
       "word 1"},
      {"asks for a narrow terminal", [] { attention_text({}, {.width = 10}); },
       "ValueError: attention_text: expected a width of at least 20 columns, got 10"},
  });
}
