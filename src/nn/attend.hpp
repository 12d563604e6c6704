// What layers of attention share around the op `attention`: their inputs, dropout, and weights that
// the context asks for.
#pragma once

#include <optional>

#include "fovea/nn/attention.hpp"
#include "fovea/nn/context.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// The three inputs of attention.
struct AttendInputs {
  Tensor query, key, value;
};

/// Returns the inputs of a call. Throws ShapeError unless each is (batch, length, features), of one
/// batch, with a key for each value.
AttendInputs attend_inputs(const char* layer, const Tensor& query, const AttendOptions& options);

/// Returns the inputs with zeros at queries that look at nothing and at positions that no query
/// looks at, where these are not all finite: a projection would multiply them by gradients of 0.
AttendInputs without_unseen(const AttendInputs& inputs, const AttentionMask& mask);

/// Returns a mask with the layer's own conditions as well; a window of 0 is none.
AttentionMask narrowed(AttentionMask mask, bool causal, Index window);

/// Throws ValueError for a dropout that is no probability.
void check_dropout(const char* layer, real dropout);
/// Throws ShapeError unless a sample is (time, features).
void check_sequence(const char* layer, const Shape& sample);

/// A layer of attention in a call.
struct AttendingLayer {
  const char* name;                     ///< for messages
  real dropout;                         ///< on the weights, while training
  std::optional<std::uint64_t> stream;  ///< of its dropout
  const Context& context;               ///< of the call
};

/// Returns whether the context asks for the weights of its layer.
bool asks_for_weights(const Context& context);
/// Throws IndexError unless a request is for the one query of a layer that gives it no axis.
void check_one_query(const char* layer, const AttentionRequest& request);

/// Returns attention(q, k, v, options) with the layer's dropout, and puts the weights that the
/// context asks for where it says. Asking changes no bit of the result. Weights of one query for a
/// sequence, which the layer gives no axis, have none.
Attended attend_in(const AttendingLayer& layer, const AttendInputs& projected,
                   AttentionOptions options, bool one_query = false);

}}  // namespace fovea
