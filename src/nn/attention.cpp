#include "fovea/nn/attention.hpp"

#include <fmt/format.h>

#include "fovea/base/error.hpp"
#include "fovea/nn/init.hpp"
#include "fovea/ops/ops.hpp"
#include "nn/attend.hpp"
#include "nn/checks.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

Tensor one() { return Tensor::parameter(Array::full(Shape(), 1)); }

void check_scale(const Tensor& scale, const char* what, const Shape& x) {
  check_features("AdditiveAttention", what, x, scale.shape().count());
}

// The options of the op that both layers share.
AttentionOptions op_options(const AttendOptions& options, bool causal, Score score) {
  return {.score = score,
          .bias = options.bias,
          .mask = narrowed(options.mask, causal, 0),
          .weights = options.weights};
}

// The mask of self-attention over a sequence with padding.
AttendOptions over_itself(const std::optional<Mask>& mask) {
  return {.mask = {.keep = mask, .queries = mask}};
}

}  // namespace

Shape Attention::build(const Shape& sample, const Rng& random) {
  check_dropout("Attention", dropout);
  if (score_mode < ScoreMode::dot || score_mode > ScoreMode::concat)
    throw ValueError(fmt::format("Attention: there is no ScoreMode with the value {}",
                                 static_cast<int>(score_mode)));
  check_sequence("Attention", sample);
  if (use_scale && !scale.defined()) scale = one();
  if (score_mode == ScoreMode::concat && !concat_score_weight.defined())
    concat_score_weight = one();
  if (!stream) stream = stream_of(random);  // last: a stream says that all parameters exist
  return sample;
}

Attended Attention::attend(const Tensor& query, const AttendOptions& options,
                           const Context& context) const {
  const bool concat = score_mode == ScoreMode::concat;
  if (use_scale) check_built("Attention", scale);
  if (concat) check_built("Attention", concat_score_weight);
  AttentionOptions how = op_options(options, causal, concat ? Score::additive : Score::dot);
  AttendInputs inputs = without_unseen(attend_inputs("Attention", query, options), how.mask);
  if (concat)
    how.score_weights =
        concat_score_weight * Tensor(Array::full(Shape{inputs.query.shape()[2]}, 1));
  if (use_scale) {
    inputs.query = inputs.query * scale;
    if (concat) inputs.key = inputs.key * scale;
  }
  return attend_in({"Attention", dropout, stream, context}, inputs, how);
}

Tensor Attention::operator()(const Tensor& x, const std::optional<Mask>& mask,
                             const Context& context) const {
  return attend(x, over_itself(mask), context).context;
}

Shape AdditiveAttention::build(const Shape& sample, const Rng& random) {
  check_dropout("AdditiveAttention", dropout);
  check_sequence("AdditiveAttention", sample);
  if (!stream) stream = stream_of(random);
  const Index features = sample[1];
  if (use_scale && !scale.defined())  // Keras' limit for one axis: fans of `features` both
    scale = Tensor::parameter(init::glorot_uniform(Shape{features, features}, random.split("scale"))
                                  .rows(0, 1)
                                  .reshaped(Shape{features}));
  if (use_scale) check_scale(scale, "a sample", sample);
  return sample;
}

Attended AdditiveAttention::attend(const Tensor& query, const AttendOptions& options,
                                   const Context& context) const {
  if (use_scale) check_built("AdditiveAttention", scale);
  const AttendInputs inputs = attend_inputs("AdditiveAttention", query, options);
  if (use_scale) check_scale(scale, "the query", query.shape());
  AttentionOptions how = op_options(options, causal, Score::additive);
  how.score_weights = use_scale ? scale : Tensor(Array::full(Shape{query.shape()[2]}, 1));
  return attend_in({"AdditiveAttention", dropout, stream, context}, inputs, how);
}

Tensor AdditiveAttention::operator()(const Tensor& x, const std::optional<Mask>& mask,
                                     const Context& context) const {
  return attend(x, over_itself(mask), context).context;
}

}}  // namespace fovea
