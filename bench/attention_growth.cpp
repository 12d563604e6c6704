// What layers over a sequence cost, and how the cost grows with its length: additive attention, dot
// products over everything, causal, and in a window, beside a convolution and recurrence of the
// same width. Prints the table of docs/attention.md: milliseconds of a forward and a backward pass
// over one sequence, and MiB at the peak, inputs and parameters included.
//
//     attention_growth [threads] [longest]
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>

#include "fovea/fovea.hpp"

using namespace fovea;

namespace {

constexpr Index width = 128, heads = 4;

/// What one layer costs at one length.
struct Cost {
  double milliseconds, mebibytes;
};

/// A layer of the table, built.
struct Candidate {
  std::string name;
  Index parameters;
  std::function<Tensor(const Tensor& x)> call;
  std::function<void()> zero_grad;
};

template <class M>
std::function<Candidate()> candidate(const std::string& name, const M& options) {
  return [=] {
    M module = options;
    module.build(Shape{8, width}, Rng(1));
    return Candidate{name, parameter_count(module), [module](const Tensor& x) { return module(x); },
                     [module] { zero_grad(module); }};
  };
}

std::vector<std::function<Candidate()>> candidates() {
  const MultiHeadAttention dot{.num_heads = heads, .key_dim = width / heads};
  MultiHeadAttention causal = dot, window = dot;
  causal.causal = true;
  window.window = 64;
  const Conv1DOptions same{.padding = Padding::same};
  return {candidate("additive, pool", AttentionLayer{width / 2}),
          candidate("additive, per position",
                    AttentionLayer{.units = width / 2, .reading = Reading::per_position}),
          candidate("dot, full", dot),
          candidate("dot, causal", causal),
          candidate("dot, window 64", window),
          candidate("Conv1D of 5", Conv1D{.filters = width, .kernel_size = 5, .options = same}),
          candidate("GRU", GRU{.units = width, .return_sequences = true}),
          candidate("LSTM", LSTM{.units = width, .return_sequences = true})};
}

double seconds(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

// The median of a few passes, about half a second in all.
Cost cost(const Candidate& layer, Index time) {
  const Tensor x = Tensor::parameter(init::uniform(Shape{1, time, width}, -1, 1, Rng(2)));
  const auto pass = [&] {
    layer.zero_grad();
    x.zero_grad();
    sum(layer.call(x)).backward();
  };
  memory::reset_peak();
  std::vector<double> taken = {seconds(pass)};
  const double mebibytes = static_cast<double>(memory::bytes_peak()) / (1 << 20);
  const auto more = static_cast<int>(std::clamp(0.5 / taken[0], 2.0, 20.0));
  for (int i = 0; i < more; ++i) taken.push_back(seconds(pass));
  std::ranges::nth_element(taken, taken.begin() + static_cast<std::ptrdiff_t>(taken.size() / 2));
  return {1e3 * taken[taken.size() / 2], mebibytes};
}

}  // namespace

int main(int count, char** arguments) {
  if (count > 1) set_threads(std::atoll(arguments[1]));
  const Index longest = count > 2 ? std::atoll(arguments[2]) : 4096;
  std::printf("`%s`\n\n| ms / MiB, by length | parameters |", to_string(runtime_info()).c_str());
  for (Index time = 128; time <= longest; time *= 2)
    std::printf(" %lld |", static_cast<long long>(time));
  std::printf(" growth at the end |\n|---|---|");
  for (Index time = 128; time <= longest; time *= 2) std::printf("---|");
  std::printf("---|\n");
  for (const auto& make : candidates()) {
    const Candidate layer = make();
    std::printf("| %s | %lld |", layer.name.c_str(), static_cast<long long>(layer.parameters));
    Cost before{}, now{};
    for (Index time = 128; time <= longest; time *= 2) {
      before = now;
      now = cost(layer, time);
      std::printf(" %s |", fmt::format("{:.3g} / {:.3g}", now.milliseconds, now.mebibytes).c_str());
      std::fflush(stdout);
    }
    std::printf(" %s |\n",
                fmt::format("{:.1f} x / {:.1f} x", now.milliseconds / before.milliseconds,
                            now.mebibytes / before.mebibytes)
                    .c_str());
  }
}
