// AttentionLayer in the readings per_position and query against keras.layers.AdditiveAttention, in
// every variant.
#include <doctest/doctest.h>

#include "fovea/nn/attention_layer.hpp"
#include "fovea/ops/ops.hpp"
#include "golden/golden.hpp"

using namespace fovea;

namespace {

struct Variant {
  const char* prefix;
  bool mask = false, query_mask = false, causal = false, scale = true;
};

const Variant variants[] = {{""},
                            {.prefix = "masked_", .mask = true},
                            {.prefix = "query_masked_", .mask = true, .query_mask = true},
                            {.prefix = "noscale_", .scale = false},
                            {.prefix = "causal_", .causal = true}};

AttentionLayer layer_of(const NumpyArchive& file, Reading reading, const Variant& variant) {
  const Tensor W1 = golden::parameter(file, "W1");
  const Index units = W1.shape()[1];
  AttentionLayer layer{
      .units = units, .reading = reading, .use_bias = false, .causal = variant.causal};
  layer.W1.kernel = W1;
  layer.W2.kernel = golden::parameter(file, "W2");
  layer.V.kernel = Tensor::parameter(variant.scale ? file.array("v").reshaped(Shape{units, 1})
                                                   : Array::full(Shape{units, 1}, 1));
  return layer;
}

// Weights of queries that are not asked for: Keras leaves them as they are, ours are 0.
Array without_masked_queries(const Array& weights, const Mask& queries) {
  Array result = weights.clone();
  const Index time = weights.shape()[2];
  for (Index i = 0; i < result.count(); ++i)
    if (!queries.keep()[static_cast<std::size_t>(i / time)]) result.mutable_data()[i] = 0;
  return result;
}

void check(const NumpyArchive& file, Reading reading, const Variant& variant) {
  const std::string prefix = variant.prefix;
  CAPTURE(prefix);
  const AttentionLayer layer = layer_of(file, reading, variant);
  const Tensor x = golden::parameter(file, "x");
  AttentionLayer::Options options{.weights = true};
  if (reading == Reading::query) options.query = golden::parameter(file, "query");
  if (variant.mask) options.mask.keep = file.mask("mask");
  if (variant.query_mask) options.mask.queries = file.mask("query_mask");

  const Attended attention = layer.attend(x, options);
  CHECK(golden::differs(attention.context.value(), file.array(prefix + "output"), 5e-6) == "");
  const Array weights = file.array(prefix + "weights");
  CHECK(golden::differs(
            attention.weights().value(),
            variant.query_mask ? without_masked_queries(weights, *options.mask.queries) : weights,
            5e-6) == "");

  sum(attention.context * Tensor(file.array(prefix + "cotangent"))).backward();
  CHECK(golden::differs(x.grad(), file.array(prefix + "d_x"), 1e-5) == "");
  CHECK(golden::differs(layer.W1.kernel.grad(), file.array(prefix + "d_W1"), 1e-5) == "");
  CHECK(golden::differs(layer.W2.kernel.grad(), file.array(prefix + "d_W2"), 1e-5) == "");
  if (options.query)
    CHECK(golden::differs(options.query->grad(), file.array(prefix + "d_query"), 1e-5) == "");
  if (variant.scale)
    CHECK(golden::differs(layer.V.kernel.grad().reshaped(Shape{layer.units}),
                          file.array(prefix + "d_v"), 1e-5) == "");
}

}  // namespace

TEST_CASE(
    "attention per position is Keras' AdditiveAttention, with its masks and causal order, value "
    "and gradient") {
  const NumpyArchive file = golden::open("additive_per_position");
  for (const Variant& variant : variants) check(file, Reading::per_position, variant);
}

TEST_CASE(
    "attention with a query is Keras' AdditiveAttention, with its masks, value and gradient") {
  const NumpyArchive file = golden::open("additive_query");
  for (const Variant& variant : variants)
    if (!variant.causal) check(file, Reading::query, variant);
}
