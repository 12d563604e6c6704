#include "fovea/nn/multi_head_attention.hpp"

#include <fmt/format.h>

#include <cmath>

#include "fovea/base/error.hpp"
#include "nn/attend.hpp"
#include "nn/checks.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

constexpr const char* name = "MultiHeadAttention";

// The sizes that options of 0 stand for.
struct Sizes {
  Index key_heads, value_dim, value_features, key_features, output_dim;
};

Sizes sizes_of(const MultiHeadAttention& m, Index features) {
  const auto or_else = [](Index given, Index otherwise) { return given > 0 ? given : otherwise; };
  const Index value_features = or_else(m.value_features, features);
  return {or_else(m.num_key_value_heads, m.num_heads), or_else(m.value_dim, m.key_dim),
          value_features, or_else(m.key_features, value_features), or_else(m.output_dim, features)};
}

void check_options(const MultiHeadAttention& m) {
  if (m.num_heads < 1 || m.key_dim < 1)
    throw ValueError(fmt::format("{}: num_heads is {}, key_dim is {}; both must be at least 1",
                                 name, m.num_heads, m.key_dim));
  const auto at_least_0 = [](const char* option, Index given) {
    if (given < 0)
      throw ValueError(fmt::format("{}: {} is {}; it must be at least 0", name, option, given));
  };
  at_least_0("value_dim", m.value_dim);
  at_least_0("num_key_value_heads", m.num_key_value_heads);
  at_least_0("window", m.window);
  at_least_0("output_dim", m.output_dim);
  at_least_0("value_features", m.value_features);
  at_least_0("key_features", m.key_features);
  if (m.num_key_value_heads > 0 && m.num_heads % m.num_key_value_heads != 0)
    throw ValueError(fmt::format(
        "{}: {} heads cannot share {} heads of keys and values evenly; num_key_value_heads must "
        "divide num_heads",
        name, m.num_heads, m.num_key_value_heads));
  if (!(m.soft_cap >= 0) || !std::isfinite(m.soft_cap))
    throw ValueError(
        fmt::format("{}: soft_cap is {}; it must be finite and at least 0", name, m.soft_cap));
  check_dropout(name, m.dropout);
}

// Makes one projection; options of its own would contradict those of the layer.
void make(Dense& dense, const char* child, Index features, Index units, bool use_bias,
          const Rng& random) {
  if (dense.activation != Activation::linear || (dense.units != 0 && dense.units != units))
    throw ValueError(
        fmt::format("{}: {} is a linear map of {} units, by the options of the layer; leave out "
                    "its own",
                    name, child, units));
  dense.units = units;
  dense.use_bias = use_bias;
  dense.build(Shape{features}, random.split(child));
}

}  // namespace

Shape MultiHeadAttention::build(const Shape& sample, const Rng& random) {
  check_options(*this);
  check_sequence(name, sample);
  const Index features = sample[1];
  if (query.kernel.defined() && query.kernel.shape().rank() == 2 &&
      query.kernel.shape()[0] != features)
    throw ShapeError(fmt::format("{}: built for {} features; now a sample is {}", name,
                                 query.kernel.shape()[0], to_string(sample)));
  const Sizes s = sizes_of(*this, features);
  make(query, "query", features, num_heads * key_dim, use_bias, random);
  make(key, "key", s.key_features, s.key_heads * key_dim, use_bias, random);
  make(value, "value", s.value_features, s.key_heads * s.value_dim, use_bias, random);
  make(attention_output, "attention_output", num_heads * s.value_dim, s.output_dim, use_bias,
       random);
  if (!stream) stream = stream_of(random);
  return sample.with(1, s.output_dim);
}

Attended MultiHeadAttention::attend(const Tensor& x, const AttendOptions& options,
                                    const Context& context) const {
  check_built(name, attention_output.kernel);
  const AttendInputs given = attend_inputs(name, x, options);
  check_features(name, "the query", given.query.shape(), query.kernel.shape()[0]);
  check_features(name, "the key", given.key.shape(), key.kernel.shape()[0]);
  check_features(name, "the value", given.value.shape(), value.kernel.shape()[0]);
  const AttentionMask mask = narrowed(options.mask, causal, window);
  const AttendInputs seen = without_unseen(given, mask);
  const Attended heads = attend_in({name, dropout, stream, context},
                                   {query(seen.query), key(seen.key), value(seen.value)},
                                   {.soft_cap = soft_cap,
                                    .bias = options.bias,
                                    .mask = mask,
                                    .num_heads = num_heads,
                                    .num_key_value_heads = num_key_value_heads,
                                    .weights = options.weights});
  const Tensor result = attention_output(heads.context);
  return options.weights ? Attended(result, heads.weights()) : Attended(result);
}

Tensor MultiHeadAttention::operator()(const Tensor& x, const std::optional<Mask>& mask,
                                      const Context& context) const {
  return attend(x, {.mask = {.keep = mask, .queries = mask}}, context).context;
}

}}  // namespace fovea
