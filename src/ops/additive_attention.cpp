// Attention with the additive score: value and gradient by kernels/additive_attention.hpp, equal to
// the composition of elementary ops, which the tests compare it with.
#include "ops/additive_attention.hpp"

#include "fovea/autograd/graph.hpp"
#include "fovea/ops/record_results.hpp"
#include "kernels/additive_attention.hpp"
#include "ops/attention_inputs.hpp"
#include "ops/gradient_target.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace ops {

namespace {

struct AdditiveAttention {
  AttentionSizes sizes;
  Array q, k, values, v, bias;
  AttentionMask mask;
  real soft_cap, dropout;
  std::optional<Rng> random;
  Index first_sample;
  Array context, largest, inverse, weights;

  kernels::AdditiveInputs inputs() const {
    const AttentionSizes& s = sizes;
    return {s.by_heads(),
            rows_of(q.data(), s, s.heads, s.queries, s.width),
            rows_of(k.data(), s, s.key_heads, s.time, s.width),
            rows_of(values.data(), s, s.key_heads, s.time, s.value_width),
            v.data(),
            pattern_of(mask, s.queries, s.time),
            {bias.data(), bias.data() ? strides_of(bias.shape()) : std::array<Index, 4>{}},
            soft_cap,
            dropout,
            random ? &*random : nullptr,
            first_sample * s.heads * s.queries * s.time};
  }

  void run() {
    kernels::additive_attention(inputs(), {rows_of(context.mutable_data(), sizes, sizes.heads,
                                                   sizes.queries, sizes.value_width),
                                           {largest.mutable_data(), inverse.mutable_data()},
                                           weights.data() ? weights.mutable_data() : nullptr,
                                           {0, sizes.queries}});
  }

  void operator()(const Array& dcontext, auto*... gradients) const {
    back(dcontext.data(), nullptr, {gradients...});
  }
  void operator()(const std::array<std::optional<Array>, 2>& d, auto*... gradients) const {
    back(d[0] ? d[0]->data() : nullptr, d[1] ? d[1]->data() : nullptr, {gradients...});
  }

  // The gradients of q, k, values, v and the bias; null where none is wanted.
  void back(const real* dcontext, const real* dweights, std::array<Gradient*, 5> wanted) const {
    const auto [dq, dk, dvalues, dv, dbias] = wanted;
    const AttentionSizes& s = sizes;
    const auto given = [&](const real* data) {
      return rows_of(data, s, s.heads, s.queries, s.value_width);
    };
    const kernels::AdditiveAdjoints adjoints{
        given(context.data()),
        {const_cast<real*>(largest.data()), const_cast<real*>(inverse.data())},
        given(dcontext),
        weights.data(),
        dweights};
    const GradientTarget to_q(dq, {dk, dvalues}), to_k(dk, {dq, dvalues}),
        to_values(dvalues, {dq, dk});
    Array sums(v.shape());
    kernels::additive_attention_slopes(
        inputs(), adjoints,
        {rows_of(to_q.data, s, s.heads, s.queries, s.width),
         rows_of(to_k.data, s, s.key_heads, s.time, s.width),
         rows_of(to_values.data, s, s.key_heads, s.time, s.value_width), to_q.add, to_k.add,
         to_values.add, dv ? sums.mutable_data() : nullptr});
    for (const GradientTarget* target : {&to_q, &to_k, &to_values}) target->finish();
    if (dv) dv->add(sums);
    if (!dbias) return;
    Array bias_sums = Array::zeros(bias.shape());
    kernels::additive_attention_bias_slopes(inputs(), adjoints, bias_sums.mutable_data());
    dbias->add(bias_sums);
  }
};

AdditiveAttention call_of(const Tensor& q, const Tensor& k, const Tensor& v,
                          const AttentionOptions& options, const AttentionSizes& s) {
  return {s,
          q.value(),
          k.value(),
          v.defined() ? v.value() : Array(),
          options.score_weights.value(),
          options.bias.defined() ? options.bias.value() : Array(),
          options.mask,
          options.soft_cap,
          options.dropout,
          options.random,
          options.first_sample,
          {},
          {},
          {},
          {}};
}

}  // namespace

Attended additive_attention(const Tensor& q, const Tensor& k, const Tensor& v,
                            const AttentionOptions& options, const AttentionSizes& s) {
  AdditiveAttention call = call_of(q, k, v, options, s);
  const Shape rows{s.batch, s.heads, s.queries};
  call.context = Array(context_shape(s));
  call.largest = Array(rows);
  call.inverse = Array(rows);
  if (options.weights)
    call.weights = Array(s.headed ? Shape{s.batch, s.heads, s.queries, s.time}
                                  : Shape{s.batch, s.queries, s.time});
  call.run();
  const Tensor &weights = options.score_weights, &bias = options.bias;
  if (!options.weights)
    return Attended(record("attention", call.context, wrt({q, k, v, weights, bias}, call)));
  const auto [context, shown] = record("attention", std::array{call.context, call.weights},
                                       wrt({q, k, v, weights, bias}, call));
  return {context, shown};
}

Array additive_attention_weights(const Tensor& q, const Tensor& k, const AttentionOptions& options,
                                 const AttentionSizes& s, Index first, Index last) {
  const AdditiveAttention call = call_of(q, k, Tensor(), options, s);
  Array weights(s.headed ? Shape{s.batch, s.heads, last - first, s.time}
                         : Shape{s.batch, last - first, s.time});
  kernels::additive_attention(
      call.inputs(),
      {{nullptr, 0, 0, 0}, {nullptr, nullptr}, weights.mutable_data(), {first, last}});
  return weights;
}

}}}  // namespace fovea::ops
