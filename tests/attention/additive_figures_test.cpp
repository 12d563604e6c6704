// Additive attention: its gradients by differences, its accuracy, its memory and its edges.
#include <sys/resource.h>

#include <cstdio>

#include "attention/additive_attention.hpp"
#include "fovea/memory/buffer.hpp"
#include "kernels/additive_attention_tile.hpp"
#include "support/gradcheck.hpp"

using namespace fovea;
using namespace additive;

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

}  // namespace

TEST_CASE("gradients of additive attention are those of differences") {
  if (sizeof(real) == 4) return;  // too coarse
  Index comparisons = 0;
  for (Index trial = 0; trial < 300; ++trial) {
    Generate g("differences of additive attention", trial);
    Call call = draw_call(g, false);
    call.options.weights = false;
    std::vector<Array> at{call.q, call.k, call.values, call.v};
    if (call.bias.count() > 0) at.push_back(call.bias);
    const auto f = [&](std::span<const Tensor> x) {
      AttentionOptions options = call.options;
      options.score_weights = x[3];
      if (x.size() > 4) options.bias = x[4];
      return sum(attention(x[0], x[1], x[2], options).context * Tensor(call.dcontext));
    };
    INFO("trial ", trial, ", FOVEA_SEED=", support::seed());
    CHECK(support::gradcheck(f, at, g, comparisons) == "");
  }
  std::printf("figure: gradients of additive attention compared with differences = %lld\n",
              static_cast<long long>(comparisons));
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
  CHECK(use.ru_maxrss / 1024 < 600);
  CHECK(static_cast<double>(whole) <= 2.1 * static_cast<double>(half));
}

TEST_CASE("a bias of -infinity drops a position, and a query that keeps none gives 0") {
  Generate g("dropping bias", 0);
  const Index size = 70;
  const Mask pairs = g.mask(Shape{1, 1, size, size}, 0.5);
  Array bias = Array::zeros(pairs.shape());
  for (Index i = 0; i < bias.count(); ++i)
    if (i < size || !pairs.at(i))  // query 0 keeps nothing
      bias.mutable_data()[i] = -std::numeric_limits<real>::infinity();
  Mask kept = pairs;
  std::fill_n(kept.mutable_keep().begin(), size, std::uint8_t(0));
  Call call{{1, 1, 1, size, size, 5, 7, false},
            g.array(Shape{1, 1, size, 5}, {-1, 1}),
            g.array(Shape{1, 1, size, 5}, {-1, 1}),
            g.array(Shape{1, 1, size, 7}, {-1, 1}),
            g.array(Shape{5}, {-1, 1}),
            {},
            g.array(Shape{1, 1, size, 7}, {-1, 1}),
            Array::zeros(Shape{1, 1, size, size}),
            {.score = Score::additive, .weights = true}};
  Call biased = call;
  call.options.mask.pairs = kept;
  biased.bias = bias;
  const Results masked = fused(call), dropped = fused(biased);
  for (std::size_t i = 0; i < masked.size(); ++i)
    CHECK(support::bits_differ(dropped[i], masked[i]) == "");
  for (Index c = 0; c < 7; ++c) CHECK(masked[0].at(c) == 0);
  for (Index c = 0; c < 5; ++c) CHECK(masked[2].at(c) == 0);
  for (Index t = 0; t < size; ++t) CHECK(masked[1].at(t) == 0);
}
