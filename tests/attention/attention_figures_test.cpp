// Attention: its gradients by differences, its accuracy, its memory and its edges.
#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>

#include "attention/drawn_attention.hpp"
#include "fovea/memory/buffer.hpp"
#include "kernels/additive_attention_tile.hpp"
#include "support/gradcheck.hpp"

using namespace fovea;
using namespace drawn;
using support::bits_differ;

namespace {

// The largest number of bytes in use, forward and backward, beyond those of the inputs.
Index peak(Index batch, Index time) {
  const Index units = 64;
  Generate g("memory of additive attention", time);
  const Tensor q = Tensor::parameter(g.array(Shape{batch, time, units}, {-1, 1})),
               v = Tensor::parameter(g.array(Shape{units}, {-1, 1}));
  memory::reset_peak();
  sum(attention(q, q, q, {.score = Score::additive, .score_weights = v}).context).backward();
  return memory::bytes_peak();
}

// Sanitizers need memory of their own.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr long most_mebibytes = 4096;
#else
constexpr long most_mebibytes = 600;
#endif

// A call of one sample and head, of queries and keys of 5 numbers and values of 7.
Call one_head(Generate& g, Score score, Index size) {
  Call call{{1, 1, 1, size, size, 5, 7, false},
            g.array(Shape{1, 1, size, 5}, {-1, 1}),
            g.array(Shape{1, 1, size, 5}, {-1, 1}),
            g.array(Shape{1, 1, size, 7}, {-1, 1}),
            {},
            {},
            g.array(Shape{1, 1, size, 7}, {-1, 1}),
            Array::zeros(Shape{1, 1, size, size}),
            {.score = score}};
  if (score == Score::additive) call.score_weights = g.array(Shape{5}, {-1, 1});
  return call;
}

}  // namespace

TEST_CASE("gradients of attention of each score are those of differences") {
  if (sizeof(real) == 4) return;  // too coarse
  const char* const asked = std::getenv("FOVEA_GRADIENT_CHECKS");
  const Index trials = asked ? std::atoll(asked) : 600;
  Index comparisons = 0;
  for (Index trial = 0; trial < trials; ++trial) {
    Generate g("differences of attention", trial);
    Call call = draw_call(g, static_cast<Score>(trial % 4), false);
    call.options.weights = false;
    std::vector<Array> at{call.q, call.k, call.values};
    const bool weighed = call.score_weights.count() > 0;
    if (weighed) at.push_back(call.score_weights);
    if (call.bias.count() > 0) at.push_back(call.bias);
    const auto f = [&](std::span<const Tensor> x) {
      AttentionOptions options = call.options;
      if (weighed) options.score_weights = x[3];
      if (call.bias.count() > 0) options.bias = x.back();
      return sum(attention(x[0], x[1], x[2], options).context * Tensor(call.dcontext));
    };
    INFO("trial ", trial, ", FOVEA_SEED=", support::seed());
    CHECK(support::gradcheck(f, at, g, comparisons) == "");
  }
  std::printf("figure: attention gradient checks = %lld, elements compared = %lld\n",
              static_cast<long long>(trials), static_cast<long long>(comparisons));
}

TEST_CASE("the exponential form is as accurate as a tanh") {
  Generate g("exponential form", 0);
  const Index lead = kernels::padded(1), size = kernels::tile_size;
  std::vector<real> a(static_cast<std::size_t>(size * lead)),
      b = a, transposed(static_cast<std::size_t>(size)),
      scores(static_cast<std::size_t>(size * size));
  std::vector<std::uint8_t> beyond(static_cast<std::size_t>(size));
  const real one = 1;
  double most = 0;
  for (int round = 0; round < 50; ++round) {
    const double scale = g.uniform(0.3, 19);
    const Array q = g.array(Shape{size}, {-scale, scale}),
                k = g.array(Shape{size}, {-scale, scale});
    kernels::double_exponentials(q.data(), size, 1, 1, a.data(), beyond.data());
    kernels::double_exponentials(k.data(), size, 1, 1, b.data(), beyond.data());
    for (Index j = 0; j < size; ++j)
      transposed[static_cast<std::size_t>(j)] = b[static_cast<std::size_t>(j * lead)];
    kernels::additive_scores({size, size, 1, a.data(), transposed.data(), &one, scores.data()});
    for (Index i = 0; i < size * size; ++i)
      most = std::max(most, std::abs(static_cast<double>(scores[static_cast<std::size_t>(i)]) -
                                     std::tanh(static_cast<double>(q.at(i / size)) +
                                               static_cast<double>(k.at(i % size)))));
  }
  std::printf("figure: error of the exponential form of tanh = %.2e\n", most);
  CHECK(most < (sizeof(real) == 4 ? 2.5e-7 : 5e-16));
}

TEST_CASE("additive attention needs memory linear in the length") {
  if (sizeof(real) == 8) return;
  const Index half = peak(32, 512), whole = peak(32, 1024);
  rusage use = {};
  getrusage(RUSAGE_SELF, &use);
  std::printf(
      "figure: additive attention B=32 T=1024, 64 units: MiB of the process = %ld, growth "
      "from T=512 = %.2f\n",
      use.ru_maxrss / 1024, static_cast<double>(whole) / static_cast<double>(half));
  CHECK(use.ru_maxrss / 1024 < most_mebibytes);
  CHECK(static_cast<double>(whole) <= 2.1 * static_cast<double>(half));
}

TEST_CASE("dot attention needs memory linear in the length") {
  if (sizeof(real) == 8) return;
  const char* const asked = std::getenv("FOVEA_ATTENTION_LENGTH");  // 16384 takes half a minute
  const Index longest = asked ? std::atoll(asked) : 4096;
  const auto peak_of = [](Index time) {
    Generate g("memory of dot attention", time);
    const Tensor q = Tensor::parameter(g.array(Shape{1, 8, time, 64}, {-1, 1})),
                 k = Tensor::parameter(g.array(Shape{1, 8, time, 64}, {-1, 1})),
                 v = Tensor::parameter(g.array(Shape{1, 8, time, 64}, {-1, 1}));
    memory::reset_peak();
    sum(attention(q, k, v, {.mask = {.causal = true}}).context).backward();
    return memory::bytes_peak();
  };
  const Index whole = peak_of(longest);
  rusage use = {};
  getrusage(RUSAGE_SELF, &use);
  const Index half = peak_of(longest / 2);
  std::printf(
      "figure: dot attention of 8 heads of 64, T=%lld causal: MiB of the process = %ld, growth "
      "from half the length = %.2f\n",
      static_cast<long long>(longest), use.ru_maxrss / 1024,
      static_cast<double>(whole) / static_cast<double>(half));
  CHECK(use.ru_maxrss / 1024 < most_mebibytes);
  CHECK(static_cast<double>(whole) <= 2.1 * static_cast<double>(half));
}

TEST_CASE("a NaN that some queries do not look at leaves their part alone, to the bit") {
  for (const Score score : {Score::dot, Score::scaled_dot, Score::additive})
    for (const Index at : {3, 70, 149}) {
      Generate g("NaN behind a causal mask", at);
      const Index size = 150, width = 9;
      const Shape shape{1, 1, size, width};
      Call call{{1, 1, 1, size, size, width, width, false},
                g.array(shape, {-1, 1}),
                g.array(shape, {-1, 1}),
                g.array(shape, {-1, 1}),
                {},
                {},
                g.array(shape, {-1, 1}),
                {},
                {.score = score, .mask = {.causal = true}}};
      if (score == Score::additive) call.score_weights = g.array(Shape{width}, {-1, 1});
      Call spoiled = call;
      spoiled.k = call.k.clone();
      spoiled.values = call.values.clone();
      spoiled.k.mutable_data()[at * width + 2] = std::numeric_limits<real>::quiet_NaN();
      spoiled.values.mutable_data()[at * width] = std::numeric_limits<real>::infinity();
      const Results clean = fused(call), dirty = fused(spoiled);
      const auto rows_differ = [&](std::size_t i, Index begin, Index end) {
        const auto part = [&](const Results& r) {
          return slice(Tensor(r[i]), -2, begin, end).value();
        };
        return bits_differ(part(clean), part(dirty));
      };
      CHECK(rows_differ(0, 0, at) == "");
      CHECK(rows_differ(2, 0, at) == "");
      CHECK(std::isnan(dirty[0].at(at * width)));
    }
}

TEST_CASE("keys that the scale makes infinite are multiplied by q as they are") {
  Generate g("large keys", 0);
  Call call = one_head(g, Score::dot, 20);
  const real large = std::numeric_limits<real>::max();
  call.q = Array::full(call.q.shape(), 8 / large);
  call.k = Array::zeros(call.k.shape());
  for (Index f = 0; f < 5; ++f) call.k.mutable_data()[3 * 5 + f] = large;  // scores 40, others 0
  const Array context = fused(call)[0];
  for (Index at = 0; at < context.count(); ++at)
    CHECK(context.at(at) == doctest::Approx(call.values.at(3 * 7 + at % 7)));
}

TEST_CASE("a NaN in a query that looks at positions changes nothing of the others") {
  for (const Score score : {Score::additive, Score::dot}) {
    Generate g("NaN in a query", static_cast<Index>(score));
    const Index size = g.integer(80, 140), query = g.integer(5, 60);
    Call call = one_head(g, score, size);
    call.options.mask.causal = true;
    const Results clean = fused(call);
    call.q.mutable_data()[query * 5] = std::numeric_limits<real>::quiet_NaN();
    const Results spoiled = fused(call);
    INFO("score ", static_cast<int>(score), ", query ", query, " of ", size);
    for (const std::size_t i : {std::size_t(3), std::size_t(4)})  // gradients of k, of values
      for (Index at = (query + 1) * (i == 3 ? 5 : 7); at < clean[i].count(); ++at)
        REQUIRE(spoiled[i].at(at) == clean[i].at(at));
    for (Index at = 0; at < clean[0].count(); ++at)
      if (at / 7 != query) REQUIRE(spoiled[0].at(at) == clean[0].at(at));
  }
}

TEST_CASE("a bias of -infinity drops a position, and a query that keeps none gives 0") {
  for (const Score score : {Score::additive, Score::dot}) {
    Generate g("dropping bias", 0);
    const Index size = 70;
    const Mask pairs = g.mask(Shape{1, 1, size, size}, 0.5);
    Array bias = Array::zeros(pairs.shape());
    for (Index i = 0; i < bias.count(); ++i)
      if (i < size || !pairs.at(i))  // query 0 keeps nothing
        bias.mutable_data()[i] = -std::numeric_limits<real>::infinity();
    Mask kept = pairs;
    std::fill_n(kept.mutable_keep().begin(), size, std::uint8_t(0));
    Call call = one_head(g, score, size);
    call.options.weights = true;
    Call biased = call;
    call.options.mask.pairs = kept;
    biased.bias = bias;
    std::fill_n(biased.q.mutable_data(), 5, std::numeric_limits<real>::quiet_NaN());
    std::fill_n(biased.dcontext.mutable_data(), 7, std::numeric_limits<real>::infinity());
    const Results masked = fused(call), dropped = fused(biased);
    for (std::size_t i = 0; i < masked.size(); ++i) CHECK(bits_differ(dropped[i], masked[i]) == "");
    for (Index c = 0; c < 7; ++c) CHECK(masked[0].at(c) == 0);
    for (Index c = 0; c < 5; ++c) CHECK(masked[2].at(c) == 0);
    for (Index t = 0; t < size; ++t) CHECK(masked[1].at(t) == 0);
  }
}
