#include "ops/attention_sizes.hpp"

#include <fmt/format.h>

#include <cmath>

#include "fovea/base/error.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace ops {

namespace {

// Throws for options that are no numbers of their kind, whatever the shapes.
void check_options(const AttentionOptions& options) {
  if (options.score < Score::additive || options.score > Score::general)
    throw ValueError(fmt::format("attention: there is no Score with the value {}",
                                 static_cast<int>(options.score)));
  if (options.num_heads < 0 || options.num_key_value_heads < 0)
    throw ValueError(fmt::format(
        "attention: expected num_heads and num_key_value_heads of at least 0, got {} and {}",
        options.num_heads, options.num_key_value_heads));
  if (!(options.dropout >= 0 && options.dropout <= 1))
    throw ValueError(
        fmt::format("attention: expected a dropout of 0 to 1, got {}", options.dropout));
  if (options.dropout > 0 && !options.random)
    throw ValueError("attention: dropout needs random numbers; give them as `random`");
  if (!(options.soft_cap >= 0) || !std::isfinite(options.soft_cap))
    throw ValueError(fmt::format("attention: expected a finite soft_cap of at least 0, got {}",
                                 options.soft_cap));
  if (options.scale && !std::isfinite(*options.scale))
    throw ValueError(fmt::format("attention: expected a finite scale, got {}", *options.scale));
  if (options.scale && options.score == Score::additive)
    throw ValueError(
        "attention: the additive score has no scale; leave it out, or multiply score_weights");
}

// Throws unless score_weights are those that the score needs.
void check_score_weights(const AttentionSizes& s, Index key_width,
                         const AttentionOptions& options) {
  const bool needed = options.score == Score::additive || options.score == Score::general;
  if (needed != options.score_weights.defined())
    throw ValueError(needed ? "attention: the additive and the general score need score_weights"
                            : "attention: the dot scores have no score_weights; leave them out");
  if (!needed) {
    if (s.width != key_width)
      throw ShapeError(
          fmt::format("attention: q is {} wide and k {}; dot products need the same width", s.width,
                      key_width));
    return;
  }
  const Shape expected =
      options.score == Score::additive ? Shape{s.width} : Shape{s.width, key_width};
  if (options.score_weights.shape() != expected)
    throw ShapeError(fmt::format("attention: expected score_weights of shape {}, got {}",
                                 to_string(expected), to_string(options.score_weights.shape())));
  if (options.score == Score::additive && s.width != key_width)
    throw ShapeError(fmt::format("attention: q is {} wide and k {}; their sum needs the same width",
                                 s.width, key_width));
}

// Throws unless the bias broadcasts to the scores.
void check_bias(const AttentionSizes& s, const Tensor& bias) {
  if (!bias.defined()) return;
  const Shape scores{s.batch, s.heads, s.queries, s.time};
  bool fits = bias.shape().rank() == 4;
  for (int axis = 0; fits && axis < 4; ++axis)
    fits = bias.shape()[axis] == 1 || bias.shape()[axis] == scores[axis];
  if (!fits)
    throw ShapeError(
        fmt::format("attention: expected a bias of shape {}, with any axis as 1, got {}",
                    to_string(scores), to_string(bias.shape())));
}

[[noreturn]] void throw_shapes(const Shape& q, const Shape& k, const Shape& v) {
  throw ShapeError(fmt::format(
      "attention: q is {}, k {}, v {}; expected (batch, queries, width), (batch, time, width), "
      "(batch, time, value width), or all with heads as second axis",
      to_string(q), to_string(k), to_string(v)));
}

// Throws unless heads divide what holds them.
void check_heads(const AttentionSizes& s, const Shape& q, const Shape& k, const Shape& v,
                 const AttentionOptions& options) {
  if (options.num_key_value_heads > 0 && !s.headed)
    throw ValueError("attention: num_key_value_heads needs num_heads, or q, k and v of rank 4");
  if (!s.split && ((options.num_heads > 0 && options.num_heads != s.heads) ||
                   (options.num_key_value_heads > 0 && options.num_key_value_heads != s.key_heads)))
    throw ValueError(fmt::format(
        "attention: q has {} heads and k {}, but num_heads is {} and num_key_value_heads {}; "
        "leave both out",
        s.heads, s.key_heads, options.num_heads, options.num_key_value_heads));
  if (s.key_heads > 0 ? s.heads % s.key_heads != 0 : s.heads != 0)
    throw ShapeError(fmt::format("attention: {} query heads cannot share {} key heads evenly",
                                 s.heads, s.key_heads));
  if (s.split && (q[2] % s.heads != 0 || k[2] % s.key_heads != 0 || v[2] % s.key_heads != 0))
    throw ShapeError(fmt::format(
        "attention: q, k and v are {}, {} and {} wide; these do not divide into {} and {} heads",
        q[2], k[2], v[2], s.heads, s.key_heads));
}

}  // namespace

AttentionSizes attention_sizes(const Shape& q, const Shape& k, const Shape* v,
                               const AttentionOptions& options) {
  check_options(options);
  const Shape& values = v ? *v : k;
  const int rank = q.rank();
  if ((rank != 3 && rank != 4) || k.rank() != rank || values.rank() != rank || q[0] != k[0] ||
      k[0] != values[0] || k[-2] != values[-2] || (rank == 4 && k[1] != values[1]))
    throw_shapes(q, k, values);
  AttentionSizes s{};
  s.split = rank == 3 && options.num_heads > 0;
  s.headed = rank == 4 || s.split;
  s.batch = q[0];
  s.heads = rank == 4 ? q[1] : std::max<Index>(1, options.num_heads);
  s.key_heads = rank == 4                         ? k[1]
                : options.num_key_value_heads > 0 ? options.num_key_value_heads
                                                  : s.heads;
  s.queries = q[-2];
  s.time = k[-2];
  check_heads(s, q, k, values, options);
  s.width = s.split ? q[2] / s.heads : q[-1];
  s.value_width = s.split ? values[2] / s.key_heads : values[-1];
  check_score_weights(s, s.split ? k[2] / s.key_heads : k[-1], options);
  check_bias(s, options.bias);
  return s;
}

Shape context_shape(const AttentionSizes& s) {
  if (!s.headed) return {s.batch, s.queries, s.value_width};
  if (s.split) return {s.batch, s.queries, s.heads * s.value_width};
  return {s.batch, s.heads, s.queries, s.value_width};
}

real score_scale(const AttentionSizes& s, const AttentionOptions& options) {
  if (options.scale) return *options.scale;
  return options.score == Score::scaled_dot && s.width > 0
             ? 1 / std::sqrt(static_cast<real>(s.width))
             : real(1);
}

}}}  // namespace fovea::ops
