#include "nn/attend.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "fovea/autograd/surroundings.hpp"
#include "fovea/base/error.hpp"
#include "fovea/ops/ops.hpp"
#include "nn/checks.hpp"
#include "nn/masked.hpp"
#include "ops/attention_inputs.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

void check_input(const char* layer, const char* what, const Shape& shape, const Shape& query) {
  if (shape.rank() != 3)
    throw ShapeError(fmt::format("{}: the {} is {}; it must be (batch, length, features)", layer,
                                 what, to_string(shape)));
  if (shape[0] != query[0])
    throw ShapeError(fmt::format("{}: the {} is {}, the query {}; they must be of one batch", layer,
                                 what, to_string(shape), to_string(query)));
}

// The part [begin, end) of an axis, or all of an axis of size 1.
Mask part(const Mask& mask, int axis, Index begin, Index end) {
  if (mask.shape()[axis] == 1) return mask;
  const Index size = mask.shape()[axis],
              inner =
                  Shape(mask.shape().sizes().subspan(static_cast<std::size_t>(axis) + 1)).count();
  Mask result(mask.shape().with(axis, end - begin));
  std::uint8_t* to = result.mutable_keep().data();
  const Index count = inner * (end - begin);
  for (Index outer = 0; outer < mask.count(); outer += inner * size, to += count)
    std::copy_n(mask.data() + outer + begin * inner, count, to);
  return result;
}

// Attention of one query head, with the key head that it shares.
struct OneHead {
  Tensor q, k;
  AttentionOptions options;
};

OneHead one_head(const Tensor& q, const Tensor& k, AttentionOptions options, Index head) {
  const Index heads = options.num_heads, key_heads = options.num_key_value_heads > 0
                                                         ? options.num_key_value_heads
                                                         : options.num_heads;
  const Index key_head = head / (heads / key_heads), width = q.shape()[2] / heads,
              key_width = k.shape()[2] / key_heads;
  options.num_heads = 1;
  options.num_key_value_heads = 0;
  if (options.bias.defined() && options.bias.shape()[1] > 1)
    options.bias = slice(options.bias, 1, head, head + 1);
  if (options.mask.pairs) options.mask.pairs = part(*options.mask.pairs, 1, head, head + 1);
  return {slice(q, 2, head * width, (head + 1) * width),
          slice(k, 2, key_head * key_width, (key_head + 1) * key_width), std::move(options)};
}

// The part of the weights that is asked for.
struct Part {
  std::vector<Index> heads;  ///< empty: all
  Index first, end;          ///< queries
};

// Throws IndexError for heads and queries that are not there.
Part part_of(const char* layer, const AttentionRequest& request, Index heads, Index queries) {
  const Index first = request.first_query, end = request.end_query.value_or(queries);
  if (first < 0 || first > end || end > queries)
    throw IndexError(
        fmt::format("{}: queries {} to {} are asked for, of {}; give the AttentionRequest some "
                    "that are there",
                    layer, first, end, queries));
  if (heads == 0) return {{}, first, end};
  for (const Index head : request.heads)
    if (head < 0 || head >= heads)
      throw IndexError(fmt::format("{}: head {} is asked for, of {}; heads are counted from 0",
                                   layer, head, heads));
  return {request.heads, first, end};
}

// Computes a part of the weights.
Array computed(const Part& part, const Tensor& q, const Tensor& k,
               const AttentionOptions& options) {
  if (part.heads.empty()) return attention_weights(q, k, options, part.first, part.end);
  std::vector<Tensor> parts;
  for (const Index head : part.heads) {
    const OneHead one = one_head(q, k, options, head);
    parts.emplace_back(attention_weights(one.q, one.k, one.options, part.first, part.end));
  }
  return parts.size() == 1 ? parts[0].value() : concat(parts, 1).value();
}

// Takes a part of all weights, (batch, heads, queries, time) or (batch, queries, time).
Array taken(const Part& part, const Tensor& weights) {
  const NoGrad no_grad;
  const int axis = weights.shape().rank() - 2;
  const bool whole = part.first == 0 && part.end == weights.shape()[axis];
  const Tensor some = whole ? weights : slice(weights, axis, part.first, part.end);
  if (part.heads.empty()) return some.value();
  std::vector<Tensor> parts;
  for (const Index head : part.heads) parts.push_back(slice(some, 1, head, head + 1));
  return parts.size() == 1 ? parts[0].value() : concat(parts, 1).value();
}

// Which queries look at a position, and which positions a query looks at.
struct Seen {
  Mask queries, positions;
};

Seen seen(const AttentionMask& mask, Index batch, Index queries, Index time) {
  const Index heads = mask.pairs ? mask.pairs->shape()[1] : 1;
  ops::check_mask("attention", Shape{batch, heads, queries, time}, mask);
  const kernels::AttentionPattern pattern = ops::pattern_of(mask, queries, time);
  Seen result{Mask(Shape{batch, queries}), Mask(Shape{batch, time})};
  std::uint8_t *const looks = result.queries.mutable_keep().data(),
                      *const met = result.positions.mutable_keep().data();
  std::fill_n(looks, batch * queries, std::uint8_t(0));
  std::fill_n(met, batch * time, std::uint8_t(0));
  for (Index sample = 0; sample < batch; ++sample)
    for (Index head = 0; head < heads; ++head)
      for (Index query = 0; query < queries; ++query)
        for (Index position = 0; position < time; ++position)
          if (pattern.keeps(sample, head, query, position))
            looks[sample * queries + query] = met[sample * time + position] = 1;
  return result;
}

bool same(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && a.node().get() == b.node().get() &&
         a.value().data() == b.value().data();
}

}  // namespace

AttendInputs attend_inputs(const char* layer, const Tensor& query, const AttendOptions& options) {
  const Tensor& value = options.value ? *options.value : query;
  const Tensor& key = options.key ? *options.key : value;
  check_input(layer, "query", query.shape(), query.shape());
  check_input(layer, "value", value.shape(), query.shape());
  check_input(layer, "key", key.shape(), query.shape());
  if (key.shape()[1] != value.shape()[1])
    throw ShapeError(fmt::format("{}: the key is {}, the value {}; each position has one of both",
                                 layer, to_string(key.shape()), to_string(value.shape())));
  return {query, key, value};
}

// Inputs that are one tensor stay one: its gradient is a sum in the same order, and so the same
// bits, with and without zeros in it.
AttendInputs without_unseen(const AttendInputs& inputs, const AttentionMask& mask) {
  const auto finite = [](const Tensor& x) { return all_finite(x.value().values()); };
  if (mask.keeps_all() || (finite(inputs.query) && finite(inputs.key) && finite(inputs.value)))
    return inputs;
  const Shape &query = inputs.query.shape(), &key = inputs.key.shape();
  const Seen looked = seen(mask, query[0], query[1], key[1]);
  Mask needed = looked.positions;
  const bool self = same(inputs.query, inputs.value);
  for (Index i = 0; self && i < needed.count(); ++i)
    if (looked.queries.data()[i]) needed.mutable_keep()[static_cast<std::size_t>(i)] = 1;
  const Tensor value = without_dropped(inputs.value, needed);
  return {self ? value : without_dropped(inputs.query, looked.queries),
          same(inputs.key, inputs.value) ? value : without_dropped(inputs.key, looked.positions),
          value};
}

AttentionMask narrowed(AttentionMask mask, bool causal, Index window) {
  mask.causal = mask.causal || causal;
  if (window > 0) mask.window = mask.window ? std::min(*mask.window, window) : window;
  return mask;
}

void check_dropout(const char* layer, real dropout) {
  if (!(dropout >= 0 && dropout <= 1))
    throw ValueError(fmt::format("{}: dropout is {}; it must be 0 to 1", layer, dropout));
}

void check_sequence(const char* layer, const Shape& sample) {
  if (sample.rank() != 2)
    throw ShapeError(
        fmt::format("{}: a sample is {}; it must be (time, features)", layer, to_string(sample)));
}

bool asks_for_weights(const Context& context) {
  return context.weights && context.weights->request.asks(context.path);
}

void check_one_query(const char* layer, const AttentionRequest& request) {
  const Index first = request.first_query, end = request.end_query.value_or(1);
  if (first != 0 || end != 1)
    throw IndexError(fmt::format(
        "{}: queries {} to {} are asked for, of one for the whole sequence; ask for query 0, or "
        "name other layers in the AttentionRequest",
        layer, first, end));
}

// All weights that are asked for are a result of the op, which computes them beside the context. A
// part of them is computed alone, unless the layer's caller has all of them anyway.
Attended attend_in(const AttendingLayer& layer, const AttendInputs& projected,
                   AttentionOptions options, bool one_query) {
  const auto& [q, k, v] = projected;
  const Context& context = layer.context;
  const bool asked = asks_for_weights(context), shown = options.weights;
  Part part = {};
  if (asked) {
    const AttentionRequest& request = context.weights->request;
    if (one_query) check_one_query(layer.name, request);
    part = part_of(layer.name, request, options.num_heads, q.shape()[1]);
    options.weights = shown || (part.heads.empty() && part.first == 0 && part.end == q.shape()[1]);
  }
  AttentionOptions dropping = options;
  if (context.training && layer.dropout > 0) {
    dropping.dropout = layer.dropout;
    dropping.random = drops(layer.name, context, layer.stream);
    dropping.first_sample = context.first_sample;
  }
  const Attended all = attention(q, k, v, dropping);
  if (asked) {
    Array weights = options.weights ? taken(part, all.weights()) : computed(part, q, k, options);
    if (one_query) weights = weights.reshaped(Shape{weights.shape()[0], weights.shape()[2]});
    context.weights->insert_or_assign(std::string(context.path), std::move(weights));
  }
  return shown ? all : Attended(all.context);
}

}}  // namespace fovea
