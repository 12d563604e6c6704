// Memory. An array made and released, by turns with malloc and free of as many bytes, neither
// touched: times_malloc is how many times as long as ours malloc takes. Then a step of the
// documented model after warm-up, by train_on_batch and in a loop of one's own: bytes in use at the
// peak, and for each step page faults and calls of operator new.
#include <fmt/format.h>
#include <sys/resource.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "by_turns.hpp"
#include "fovea/fovea.hpp"
#include "run.hpp"
#include "tokens.hpp"

namespace {

std::atomic<long> allocations = 0;

void* allocate(std::size_t bytes, std::size_t alignment) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return std::aligned_alloc(
      alignment, (std::max<std::size_t>(bytes, 1) + alignment - 1) / alignment * alignment);
}

void* allocate_or_throw(std::size_t bytes, std::size_t alignment) {
  if (void* memory = allocate(bytes, alignment)) return memory;
  throw std::bad_alloc();
}

}  // namespace

// The other forms of new and delete call these.
void* operator new(std::size_t bytes) {
  return allocate_or_throw(bytes, alignof(std::max_align_t));
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return allocate_or_throw(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

using namespace fovea;

namespace {

void add_array(Index bytes) {
  const auto compare = [bytes] {
    const Shape shape{bytes / static_cast<Index>(sizeof(real))};
    return bench::by_turns({[=] {
                             Array array(shape);
                             benchmark::DoNotOptimize(array.mutable_data());
                           }},
                           {[=] {
                             void* memory = std::malloc(static_cast<std::size_t>(bytes));
                             benchmark::DoNotOptimize(memory);
                             std::free(memory);
                           }});
  };
  bench::add(fmt::format("array/bytes:{}", bytes), compare,
             [](benchmark::State& state, const bench::Comparison& comparison) {
               state.counters["malloc_ns"] = comparison.bar_seconds * 1e9;
               state.counters["times_malloc"] = comparison.times_bar;
             });
}

constexpr Index batch = 32, time_steps = 100, batches = 64, classes = 10;

struct Batch {
  Ids tokens, labels;
};

std::vector<Batch> draw_batches(Index vocab) {
  const Ids tokens = bench::draw_tokens(Shape{batches * batch, time_steps}, vocab, true),
            labels = bench::draw_labels(batches * batch, classes);
  std::vector<Batch> list;
  for (Index i = 0; i < batches; ++i)
    list.push_back(
        {tokens.rows(i * batch, (i + 1) * batch), labels.rows(i * batch, (i + 1) * batch)});
  return list;
}

struct Trained {
  Sequential model;

  explicit Trained(Index vocab)
      : model{Embedding{vocab, 128}, AttentionLayer{64}, Dense{classes, Activation::softmax}} {
    model.compile(
        {.optimizer = Adam{}, .loss = SparseCategoricalCrossentropy{}, .metrics = {Accuracy{}}});
    model.build({time_steps});
  }

  void step(const Batch& data) { model.train_on_batch(data.tokens, data.labels); }
};

struct Loop {
  Embedding embedding;
  AttentionLayer attention{64};
  Dense dense{classes};
  Adam adam;

  explicit Loop(Index vocab) : embedding{vocab, 128} {
    dense.build(attention.build(embedding.build({time_steps}, Rng(1)), Rng(2)), Rng(3));
    adam.attach(*this);
  }

  void step(const Batch& data) {
    const Tensor loss = mean(
        sparse_categorical_crossentropy(dense(attention(embedding(data.tokens))), data.labels));
    adam.zero_grad();
    loss.backward();
    adam.step();
  }

  static void parameters(auto& self, auto&& visit) {
    visit("embedding", self.embedding);
    visit("attention_layer", self.attention);
    visit("dense", self.dense);
  }
};

long page_faults() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt;
}

template <class Model>
void steps(benchmark::State& state, Index vocab) {
  Model model(vocab);
  const std::vector<Batch> data = draw_batches(vocab);
  for (std::size_t i = 0; i < 2 * data.size(); ++i) model.step(data[i % data.size()]);
  memory::reset_peak();
  const long faults = page_faults(), calls = allocations;
  std::size_t next = 0;
  for (auto _ : state) model.step(data[next++ % data.size()]);
  const auto a_step = [&](long count) {
    return static_cast<double>(count) / static_cast<double>(state.iterations());
  };
  state.counters["page_faults"] = a_step(page_faults() - faults);
  state.counters["allocations"] = a_step(allocations - calls);
  state.counters["bytes_peak"] =
      benchmark::Counter(static_cast<double>(memory::bytes_peak()), benchmark::Counter::kDefaults,
                         benchmark::Counter::kIs1024);
}

template <class Model>
void add_steps(const char* name, Index vocab) {
  benchmark::RegisterBenchmark(
      fmt::format("{}/batch:{}/time:{}/vocab:{}", name, batch, time_steps, vocab).c_str(),
      [vocab](benchmark::State& state) { steps<Model>(state, vocab); })
      ->UseRealTime()
      ->Unit(benchmark::kMillisecond);
}

}  // namespace

int main(int argc, char** argv) {
  for (Index bytes = 64; bytes <= 64 * 1024 * 1024; bytes *= 4) add_array(bytes);
  for (const Index vocab : {10'000, 100'000}) {
    add_steps<Trained>("train_on_batch", vocab);
    add_steps<Loop>("own_loop", vocab);
  }
  bench::run(argc, argv);
}
