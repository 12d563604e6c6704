// Two contestants by turns, in blocks of calls within one run, so that both meet the same clock,
// caches and neighbours.
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace bench {

/// What is timed, and what goes before each block of it, untimed.
struct Contestant {
  std::function<void()> call;
  std::function<void()> before = [] {};
};

/// Medians over the blocks: seconds for one call of each, and how many times as long as ours the
/// bar takes.
struct Comparison {
  double seconds, bar_seconds, times_bar;
};

/// How long to compare. Blocks of a call that takes longer than block_seconds have one call.
struct Turns {
  double block_seconds = 0.005;
  double warm_seconds = 0;  // of calls that are not timed, before each block: a system may need
                            // some to give each thread its processor
  double total_seconds = 0.4;
  std::size_t least = 7;  // blocks, whatever they take
};

inline double median(std::vector<double> values) {
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2));
  return values[values.size() / 2];
}

template <class Work>
double seconds_of(const Work& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Seconds for one call, from a block of calls. A block of several begins with one or more that are
/// not timed.
inline double block(const Contestant& contestant, long calls, double warm_seconds = 0) {
  contestant.before();
  for (double warm = 0; calls > 1 && warm <= warm_seconds;)
    warm += std::max(1e-9, seconds_of(contestant.call));
  const double seconds = seconds_of([&] {
    for (long i = 0; i < calls; ++i) contestant.call();
  });
  return seconds / static_cast<double>(calls);
}

/// How many calls make a block. The first call of all is not timed.
inline long calls_in_a_block(const Contestant& contestant, double block_seconds) {
  block(contestant, 1);
  long calls = 1;
  for (double seconds = 0;
       (seconds = block(contestant, calls) * static_cast<double>(calls)) < block_seconds;)
    calls = static_cast<long>(static_cast<double>(calls) *
                              std::clamp(1.2 * block_seconds / seconds, 1.5, 100.0)) +
            1;
  return calls;
}

inline Comparison by_turns(const Contestant& ours, const Contestant& bar, const Turns& turns = {}) {
  const long our_calls = calls_in_a_block(ours, turns.block_seconds),
             bar_calls = calls_in_a_block(bar, turns.block_seconds);
  std::vector<double> seconds, bar_seconds, times;
  const auto start = std::chrono::steady_clock::now();
  while (times.size() < turns.least ||
         std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() <
             turns.total_seconds) {
    seconds.push_back(block(ours, our_calls, turns.warm_seconds));
    bar_seconds.push_back(block(bar, bar_calls, turns.warm_seconds));
    times.push_back(bar_seconds.back() / seconds.back());
  }
  return {median(seconds), median(bar_seconds), median(times)};
}

/// Registers a benchmark that reports `compare`'s seconds as its time; `report` sets counters.
template <class Compare, class Report>
benchmark::internal::Benchmark* add(const std::string& name, Compare compare, Report report) {
  const auto run = [=](benchmark::State& state) {
    const Comparison comparison = compare();
    for (auto _ : state) state.SetIterationTime(comparison.seconds);
    report(state, comparison);
  };
  return benchmark::RegisterBenchmark(name.c_str(), run)->UseManualTime()->Iterations(1);
}

}  // namespace bench
