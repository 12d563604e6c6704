#include "fovea/nn/attention_layer.hpp"

#include <fmt/format.h>

#include "fovea/base/error.hpp"
#include "fovea/nn/init.hpp"
#include "fovea/ops/ops.hpp"
#include "nn/attend.hpp"
#include "nn/checks.hpp"
#include "nn/masked.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

void check_options(const AttentionLayer& layer) {
  if (layer.reading < Reading::pool || layer.reading > Reading::query)
    throw ValueError(fmt::format("AttentionLayer: there is no Reading with the value {}",
                                 static_cast<int>(layer.reading)));
  if (layer.score < Score::additive || layer.score > Score::general)
    throw ValueError(fmt::format("AttentionLayer: there is no Score with the value {}",
                                 static_cast<int>(layer.score)));
  const bool general = layer.score == Score::general;
  if (general && layer.units != 0)
    throw ValueError(fmt::format(
        "AttentionLayer: units is {} with the general score, which has none; use 0", layer.units));
  if (!general && layer.units < 1)
    throw ValueError(
        fmt::format("AttentionLayer: units is {}; it must be at least 1", layer.units));
  if (layer.reading == Reading::pool && layer.score != Score::additive)
    throw ValueError(
        "AttentionLayer: the reading pool scores each position by itself, which only the additive "
        "score can; use the reading query with learned_query");
  if (layer.causal && layer.reading != Reading::per_position)
    throw ValueError(
        "AttentionLayer: causal orders positions against each other; it needs the reading "
        "per_position");
  if (layer.learned_query && layer.reading != Reading::query)
    throw ValueError("AttentionLayer: learned_query needs the reading query");
  if (layer.window < 0 || (layer.window > 0 && layer.reading != Reading::per_position))
    throw ValueError(fmt::format(
        "AttentionLayer: window is {}; it is at least 0, and above 0 in the reading per_position",
        layer.window));
  check_dropout("AttentionLayer", layer.dropout);
}

// Throws for options of a layer inside that are not those of the attention layer, which makes it.
void check_inside(const AttentionLayer& layer) {
  const AttentionLayer own{.units = layer.units, .score = layer.score, .use_bias = layer.use_bias};
  const auto check = [](const char* name, const Dense& given, const Dense& made) {
    if (given.activation != Activation::linear)
      throw ValueError(
          fmt::format("AttentionLayer: {} is linear; leave out the activation, or write a module "
                      "of your own",
                      name));
    if (given.units != made.units || given.use_bias != made.use_bias)
      throw ValueError(fmt::format(
          "AttentionLayer: expected {} with the layer's own units {} and use_bias {}, got {} and "
          "{}; give them to the AttentionLayer, before its W1, W2 and V",
          name, made.units, made.use_bias, given.units, given.use_bias));
  };
  check("W1", layer.W1, own.W1);
  check("W2", layer.W2, own.W2);
  check("V", layer.V, own.V);
}

// Returns x kernel + bias. Two ops, since the one op of Dense rounds its sums in another order.
Tensor project(const Tensor& x, const Dense& dense) {
  const Tensor product = matmul(x, dense.kernel);
  return dense.bias.defined() ? product + dense.bias : product;
}

// The positions that are kept or finite.
Mask kept_or_finite(const Tensor& x, const Mask& keep) {
  Mask result = keep;
  std::uint8_t* const bytes = result.mutable_keep().data();
  const auto width = static_cast<std::size_t>(x.shape()[2]);
  for (Index i = 0; i < keep.count(); ++i)
    if (all_finite(x.value().values().subspan(static_cast<std::size_t>(i) * width, width)))
      bytes[i] = 1;
  return result;
}

// Returns the queries, (batch, queries, features): each position, the given query, or the learned
// one. A masked position is a query as well; where it is not finite, that query is zeros.
Tensor asking(const AttentionLayer& layer, const Tensor& x,
              const AttentionLayer::Options& options) {
  if (layer.reading == Reading::per_position) {
    const bool clean = !options.mask.keep || all_finite(x.value().values());
    return clean ? x : without_dropped(x, kept_or_finite(x, *options.mask.keep));
  }
  if (options.query) return *options.query;
  return reshape(layer.query, {1, 1, x.shape()[2]}) +
         Tensor(Array::zeros(Shape{x.shape()[0], 1, 1}));
}

void check_mask(const char* what, const std::optional<Mask>& mask, const Shape& expected) {
  if (mask && mask->shape() != expected)
    throw ShapeError(fmt::format("AttentionLayer: the {} has shape {}; it must be {}", what,
                                 to_string(mask->shape()), to_string(expected)));
}

// One query for a sequence has no place in it.
bool has_one_query(const AttentionLayer& layer, const AttentionLayer::Options& options) {
  return layer.reading == Reading::pool || (layer.reading == Reading::query && !options.query);
}

bool orders_positions(const AttentionMask& mask) {
  return mask.causal || mask.window || mask.global || mask.blocks || mask.align != Alignment::first;
}

// Checks what every reading requires of a call.
void check_call(const AttentionLayer& layer, const Tensor& x,
                const AttentionLayer::Options& options) {
  check_built("AttentionLayer", layer.W1.kernel);
  if (x.shape().rank() != 3)
    throw ShapeError(fmt::format("AttentionLayer: x is {}; it must be (batch, time, features)",
                                 to_string(x.shape())));
  check_features("AttentionLayer", "x", x.shape(), layer.W1.kernel.shape()[0]);
  if (options.query && layer.reading != Reading::query)
    throw ValueError("AttentionLayer: a query is given, but the layer's reading is not query");
  if (has_one_query(layer, options) && orders_positions(options.mask))
    throw ValueError(
        "AttentionLayer: one query looks at the whole sequence and stands nowhere in it, so its "
        "mask has no causal, window, align, global or blocks; give keep or pairs");
  check_mask("mask", options.mask.keep, x.shape().without(-1));
}

// Returns the queries, (batch, queries, features), after checking them.
Tensor checked_queries(const AttentionLayer& layer, const Tensor& x,
                       const AttentionLayer::Options& options) {
  if (layer.reading == Reading::query && !options.query && !layer.learned_query)
    throw StateError(
        "AttentionLayer: the reading is query, and there is none; give one to attend, or set "
        "learned_query");
  const Tensor queries = asking(layer, x, options);
  if (queries.shape().rank() != 3 || queries.shape()[0] != x.shape()[0])
    throw ShapeError(
        fmt::format("AttentionLayer: the query is {}; it must be ({}, queries, features)",
                    to_string(queries.shape()), x.shape()[0]));
  check_features(
      "AttentionLayer", "the query", queries.shape(),
      layer.score == Score::general ? layer.W1.kernel.shape()[1] : layer.W2.kernel.shape()[0]);
  return queries;
}

// Whether the op additive_pool computes all of a call.
bool is_fused_pool(const AttentionLayer& layer, const AttentionLayer::Options& options,
                   const Context& context) {
  return layer.reading == Reading::pool && !options.mask.queries && !options.mask.pairs &&
         !options.bias.defined() && !(context.training && layer.dropout > 0);
}

// Computes the reading pool in one op.
Attended fused_pool(const AttentionLayer& layer, const Tensor& x,
                    const AttentionLayer::Options& options, const Context& context) {
  const bool asked = asks_for_weights(context);
  if (asked) check_one_query("AttentionLayer", context.weights->request);
  const Attended pooled = additive_pool(
      x, layer.W1.kernel, layer.W1.bias, layer.W2.kernel, layer.W2.bias, layer.V.kernel,
      {.mask = options.mask.keep, .weights = options.weights || asked});
  if (asked) context.weights->insert_or_assign(std::string(context.path), pooled.weights().value());
  return options.weights ? pooled : Attended(pooled.context);
}

// What the op attention scores and sums: queries, keys and values.
AttendInputs projected(const AttentionLayer& layer, const Tensor& x,
                       const AttentionLayer::Options& options, const AttentionMask& mask) {
  const bool pools = layer.reading == Reading::pool;
  const Tensor queries = pools ? Tensor(Array::zeros(Shape{x.shape()[0], 1, layer.units}))
                               : checked_queries(layer, x, options);
  check_mask("mask of queries", mask.queries, queries.shape().without(-1));
  const Tensor values = without_dropped(x, mask.keep);
  const AttendInputs seen = without_unseen({queries, values, values}, mask);
  if (pools)
    return {seen.query, project(seen.key, layer.W1) + project(seen.key, layer.W2), seen.value};
  if (layer.score == Score::general) return seen;
  return {project(seen.query, layer.W2), project(seen.key, layer.W1), seen.value};
}

// The v or W of the score.
Tensor score_weights(const AttentionLayer& layer) {
  if (layer.score == Score::additive) return reshape(layer.V.kernel, {layer.units});
  return layer.score == Score::general ? transpose(layer.W1.kernel) : Tensor();
}

// Makes the parameters of a layer inside. A kernel draws from the stream of its layer, not from one
// split off that stream: a split would change what a seed draws.
void make(Dense& dense, Index inputs, Index units, bool use_bias, const Rng& random) {
  dense.units = units;
  dense.use_bias = use_bias;
  dense.bias = use_bias ? Tensor::parameter(Array::zeros(Shape{units})) : Tensor();
  dense.kernel = Tensor::parameter(init::glorot_uniform(Shape{inputs, units}, random));
}

}  // namespace

Shape AttentionLayer::build(const Shape& sample, const Rng& random) {
  check_options(*this);
  if (!W1.kernel.defined()) check_inside(*this);
  check_sequence("AttentionLayer", sample);
  const Index features = sample[1];
  const bool general = score == Score::general;
  if (!stream) stream = stream_of(random);
  if (!W1.kernel.defined()) {  // made last: a kernel says that all parameters exist
    if (!general) make(W2, features, units, use_bias, random.split("W2"));
    if (score == Score::additive) make(V, units, 1, use_bias, random.split("v"));
    if (learned_query)
      query = Tensor::parameter(init::glorot_uniform(Shape{1, features}, random.split("query"))
                                    .reshaped(Shape{features}));
    make(W1, features, general ? features : units, use_bias && !general, random.split("W1"));
  }
  if (W1.kernel.shape()[0] != features)
    throw ShapeError(fmt::format("AttentionLayer: built for {} features; now a sample is {}",
                                 W1.kernel.shape()[0], to_string(sample)));
  return reading == Reading::per_position ? sample : Shape{features};
}

Attended AttentionLayer::attend(const Tensor& x, const Options& options,
                                const Context& context) const {
  check_call(*this, x, options);
  if (is_fused_pool(*this, options, context)) return fused_pool(*this, x, options, context);
  const AttentionMask mask = narrowed(options.mask, causal, window);
  const AttendInputs inputs = projected(*this, x, options, mask);
  const bool one = has_one_query(*this, options);
  const Attended all = attend_in({"AttentionLayer", dropout, stream, context}, inputs,
                                 {.score = score,
                                  .score_weights = score_weights(*this),
                                  .bias = options.bias,
                                  .mask = mask,
                                  .weights = options.weights},
                                 one);
  if (!one) return all;
  const Index batch = x.shape()[0], time = x.shape()[1], features = x.shape()[2];
  const Tensor sums = reshape(all.context, {batch, features});
  return options.weights ? Attended(sums, reshape(all.weights(), {batch, time})) : Attended(sums);
}

Tensor AttentionLayer::operator()(const Tensor& x, const std::optional<Mask>& mask,
                                  const Context& context) const {
  return attend(x, {.mask = {.keep = mask}}, context).context;
}

}}  // namespace fovea
