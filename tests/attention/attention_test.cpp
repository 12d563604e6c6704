// Attention of each score, fused, against the composition of elementary ops.
#include <cstdio>

#include "attention/drawn_attention.hpp"
#include "fovea/parallel/threads.hpp"

using namespace fovea;
using namespace drawn;
using support::bits_differ;

namespace {

const char* const names[] = {"context", "weights", "dq", "dk", "dvalues", "dscore_weights or dbias",
                             "dbias"};

constexpr Score scores[] = {Score::additive, Score::dot, Score::scaled_dot, Score::general};

Results oracle(const Call& call) {
  return results(call, [&](const Tensor& q, const Tensor& k, const Tensor& v,
                           const AttentionOptions& options) {
    return composed(call.sizes, q, k, v, options);
  });
}

void check_close(const Call& call, double tolerance) {
  const Results got = fused(call), expected = oracle(call);
  REQUIRE(got.size() == expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    INFO(names[i]);
    CHECK(got[i].shape() == expected[i].shape());
    CHECK(distance(got[i], expected[i]) < tolerance);
  }
}

void check_bits(const Results& got, const Results& expected) {
  for (std::size_t i = 0; i < got.size(); ++i) {
    INFO(names[i]);
    CHECK(bits_differ(got[i], expected[i]) == "");
  }
}

constexpr double tolerance_of_ops = sizeof(real) == 4 ? 2e-5 : 1e-12;

}  // namespace

TEST_CASE("attention of each score is the composition of its ops, value and gradient") {
  for (const Score score : scores)
    for (Index trial = 0; trial < 300; ++trial) {
      Generate g("attention", static_cast<Index>(score) * 300 + trial);
      const bool tiles = trial % 10 == 0;
      INFO("score ", static_cast<int>(score), ", trial ", trial, ", FOVEA_SEED=", support::seed());
      check_close(draw_call(g, score, tiles), tolerance_of_ops);
    }
}

TEST_CASE("dot products of 1e4 are weighed as by the composition") {
  for (Index trial = 0; trial < 40; ++trial) {
    Generate g("large dot products", trial);
    INFO("trial ", trial, ", FOVEA_SEED=", support::seed());
    check_close(draw_call(g, Score::dot, trial % 6 == 0, 60), sizeof(real) == 4 ? 2e-2 : 1e-10);
  }
}

TEST_CASE("additive attention holds beyond the limits of the exponential form") {
  for (Index trial = 0; trial < 60; ++trial) {
    Generate g("large additive attention", trial);
    INFO("trial ", trial, ", FOVEA_SEED=", support::seed());
    check_close(draw_call(g, Score::additive, trial % 6 == 0, trial % 2 == 0 ? 30 : 1e4),
                tolerance_of_ops);
  }
}

TEST_CASE("attention of each score has the same bits on any number of threads") {
  for (const Score score : scores)
    for (Index trial = 0; trial < 3; ++trial) {
      Generate g("threads of attention", static_cast<Index>(score) * 3 + trial);
      const Call call = draw_call(g, score, true);
      set_threads(1);
      const Results one = fused(call);
      for (const Index count : {2, 3, 8}) {
        set_threads(count);
        check_bits(fused(call), one);
      }
    }
  set_threads(2);
}

TEST_CASE("a tensor that is several of q, k and v has the sum of their gradients") {
  for (Index trial = 0; trial < 64; ++trial) {
    Generate g("one tensor as several", trial);
    const Index size = trial % 8 == 0 ? g.integer(60, 150) : g.integer(1, 7), width = 6;
    const Shape shape{2, 2, size, width};
    const Array x = g.array(shape, {-1, 1}), y = g.array(shape, {-1, 1});
    AttentionOptions options{.score = scores[trial % 4], .weights = g.chance(0.5)};
    if (options.score == Score::additive)
      options.score_weights = Tensor(g.array(Shape{width}, {-1, 1}));
    if (options.score == Score::general)
      options.score_weights = Tensor(g.array(Shape{width, width}, {-1, 1}));
    const auto gradients = [&](const Tensor& q, const Tensor& k, const Tensor& v) {
      const Attended attended = attention(q, k, v, options);
      Tensor loss = sum(attended.context * attended.context);
      if (options.weights) loss = loss + sum(attended.weights() * attended.weights());
      loss.backward();
    };
    const int which = static_cast<int>(trial / 4 % 4);  // q = k, q = v, k = v, all
    const std::array<bool, 3> same{which != 2, which != 1, which != 0};
    std::array<Tensor, 3> apart, joined;
    const Tensor one = Tensor::parameter(x);
    for (std::size_t i = 0; i < 3; ++i) {
      apart[i] = Tensor::parameter(same[i] ? x : y);
      joined[i] = same[i] ? one : Tensor::parameter(y);
    }
    gradients(apart[0], apart[1], apart[2]);
    gradients(joined[0], joined[1], joined[2]);
    Array total = Array::zeros(shape);
    for (std::size_t i = 0; i < 3; ++i)
      for (Index e = 0; same[i] && e < total.count(); ++e)
        total.mutable_data()[e] += apart[i].grad().at(e);
    INFO("trial ", trial, ", FOVEA_SEED=", support::seed());
    CHECK(distance(one.grad(), total) < tolerance_of_ops);
  }
}

TEST_CASE("weights that are requested change no bit, and a range of them is a part of all") {
  for (Index trial = 0; trial < 80; ++trial) {
    Generate g("weights of attention", trial);
    Call call = draw_call(g, scores[trial % 4], trial % 5 == 0);
    call.options.weights = true;
    call.dweights = Array::zeros(call.sizes.scores());
    Results with = fused(call);
    AttentionOptions options = call.options;
    if (call.score_weights.count() > 0) options.score_weights = Tensor(call.score_weights);
    if (call.bias.count() > 0) options.bias = Tensor(call.bias);
    const Index first = g.integer(0, call.sizes.queries),
                last = g.integer(first, call.sizes.queries);
    CHECK(bits_differ(attention_weights(Tensor(call.q), Tensor(call.k), options, first, last),
                      slice(Tensor(with[1]), -2, first, last).value()) == "");
    call.options.weights = false;
    with[1] = Array();
    check_bits(with, fused(call));
  }
}

TEST_CASE("a NaN under a mask changes no bit of attention, forward or backward") {
  const int masks = 1000;
  int changed = 0;
  for (Index trial = 0; trial < masks; ++trial) {
    Generate g("NaN in attention", trial);
    const Score score = scores[trial % 4];
    Call call = draw_call(g, score, trial % 50 < 4);
    while (call.sizes.split) call = draw_call(g, score, trial % 50 < 4);
    const Sizes& s = call.sizes;
    call.options.weights = false;
    const Mask kept = call.options.mask.dense(s.scores());
    const Results clean = fused(call);
    const Index per = s.queries * s.time;
    const auto plant = [](Array& x, Index row, Index wide) {
      for (Index c = 0; c < wide; ++c)
        x.mutable_data()[row * wide + c] = std::numeric_limits<real>::quiet_NaN();
    };
    Call spoiled = call;
    spoiled.k = call.k.clone();
    spoiled.values = call.values.clone();
    spoiled.q = call.q.clone();
    spoiled.dcontext = call.dcontext.clone();
    for (Index b = 0; b < s.batch; ++b) {
      for (Index h = 0; h < s.key_heads; ++h)
        for (Index t = 0; t < s.time; ++t) {
          bool looked = false;
          for (Index i = 0; i < s.heads / s.key_heads * s.queries; ++i)
            looked |=
                kept.at((b * s.heads + h * (s.heads / s.key_heads)) * per + i * s.time + t) != 0;
          if (looked) continue;
          plant(spoiled.k, (b * s.key_heads + h) * s.time + t, s.width);
          plant(spoiled.values, (b * s.key_heads + h) * s.time + t, s.value_width);
        }
      for (Index h = 0; h < s.heads; ++h)
        for (Index i = 0; i < s.queries; ++i) {
          bool looks = false;
          for (Index t = 0; t < s.time; ++t)
            looks |= kept.at(((b * s.heads + h) * s.queries + i) * s.time + t) != 0;
          if (looks) continue;
          plant(spoiled.q, (b * s.heads + h) * s.queries + i, s.width);
          plant(spoiled.dcontext, (b * s.heads + h) * s.queries + i, s.value_width);
        }
    }
    const Results dirty = fused(spoiled);
    for (std::size_t i = 0; i < clean.size(); ++i)
      if (bits_differ(dirty[i], clean[i]) != "") {
        INFO("score ", static_cast<int>(score), ", trial ", trial, ", ", names[i]);
        CHECK(bits_differ(dirty[i], clean[i]) == "");
        ++changed;
      }
  }
  std::printf("figure: random masks with NaN under them, attention = %d, changed = %d\n", masks,
              changed);
  CHECK(changed == 0);
}
