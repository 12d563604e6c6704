// The tape's side of tiled attention: what a call keeps for its gradients, and where heads stand.
#include "ops/dot_attention.hpp"

#include "fovea/ops/record_results.hpp"
#include "kernels/dot_attention.hpp"
#include "ops/attention_inputs.hpp"
#include "ops/gradient_target.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace ops {

namespace {

struct DotRule {
  AttentionSizes sizes;
  AttentionOptions options;  // without tensors
  Array q, k, v, bias, context, norm, weights;

  kernels::DotAttention attention() const {
    const AttentionSizes& s = sizes;
    return {s.by_heads(),
            rows_of(q.data(), s, s.heads, s.queries, s.width),
            rows_of(k.data(), s, s.key_heads, s.time, s.width),
            rows_of(v.data(), s, s.key_heads, s.time, s.value_width),
            score_scale(s, options),
            options.soft_cap,
            bias.data(),
            bias.data() ? strides_of(bias.shape()) : std::array<Index, 4>{},
            pattern_of(options.mask, s.queries, s.time),
            options.dropout,
            options.random ? &*options.random : nullptr,
            options.first_sample * s.heads * s.queries * s.time};
  }

  void operator()(const Array& dcontext, auto*... gradients) const {
    run(dcontext.data(), nullptr, {gradients...});
  }
  void operator()(const std::array<std::optional<Array>, 2>& d, auto*... gradients) const {
    run(d[0] ? d[0]->data() : nullptr, d[1] ? d[1]->data() : nullptr, {gradients...});
  }

  // The gradients of q, k, v and the bias; null where none is wanted.
  void run(const real* dcontext, const real* dweights, std::array<Gradient*, 4> wanted) const {
    const AttentionSizes& s = sizes;
    const auto [dq, dk, dv, of_bias] = wanted;
    const GradientTarget to_q(dq, {dk, dv}), to_k(dk, {dq, dv}), to_v(dv, {dq, dk});
    kernels::DotGradients to{rows_of(to_q.data, s, s.heads, s.queries, s.width),
                             rows_of(to_k.data, s, s.key_heads, s.time, s.width),
                             rows_of(to_v.data, s, s.key_heads, s.time, s.value_width),
                             to_q.add,
                             to_k.add,
                             to_v.add,
                             nullptr,
                             {}};
    Array dbias;
    if (of_bias) {
      dbias = Array(bias.shape());
      to.dbias = dbias.mutable_data();
      for (int axis = 0; axis < 4; ++axis)
        to.bias_sizes[static_cast<std::size_t>(axis)] = bias.shape()[axis];
    }
    kernels::dot_attention_slopes(
        attention(),
        {norm.data(), rows_of(context.data(), s, s.heads, s.queries, s.value_width),
         rows_of(dcontext, s, s.heads, s.queries, s.value_width), weights.data(), dweights},
        to);
    for (const GradientTarget* target : {&to_q, &to_k, &to_v}) target->finish();
    if (of_bias) of_bias->add(dbias);
  }
};

DotRule rule_of(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionSizes& s,
                AttentionOptions options) {
  const Array bias = options.bias.defined() ? options.bias.value() : Array();
  options.bias = options.score_weights = {};
  return {s,         options, q.value(), k.value(),
          v.value(), bias,    {},        Array(Shape{s.batch, s.heads, s.queries}),
          {}};
}

}  // namespace

Attended dot_attention(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionSizes& s,
                       const AttentionOptions& options) {
  DotRule rule = rule_of(q, k, v, s, options);
  rule.context = Array(context_shape(s));
  kernels::dot_attention(rule.attention(), 0, s.queries,
                         rows_of(rule.context.mutable_data(), s, s.heads, s.queries, s.value_width),
                         rule.norm.mutable_data());
  const Array context = rule.context;
  if (!options.weights)
    return Attended(record("attention", context, wrt({q, k, v, options.bias}, rule)));
  rule.weights = Array(s.headed ? Shape{s.batch, s.heads, s.queries, s.time}
                                : Shape{s.batch, s.queries, s.time});
  kernels::dot_attention_weights(rule.attention(), rule.norm.data(), 0, s.queries,
                                 rule.weights.mutable_data());
  const auto [shown, weights] =
      record("attention", std::array{context, rule.weights}, wrt({q, k, v, options.bias}, rule));
  return {shown, weights};
}

Array dot_attention_weights(const Tensor& q, const Tensor& k, const AttentionSizes& s,
                            const AttentionOptions& options, Index first, Index last) {
  DotRule rule = rule_of(q, k, k, s, options);
  Array weights(s.headed ? Shape{s.batch, s.heads, last - first, s.time}
                         : Shape{s.batch, last - first, s.time});
  kernels::dot_attention(rule.attention(), first, last, {}, rule.norm.mutable_data());
  kernels::dot_attention_weights(rule.attention(), rule.norm.data(), first, last,
                                 weights.mutable_data());
  return weights;
}

}}}  // namespace fovea::ops
