// Floating-point traps of the user's: with division by zero, invalid operation and overflow
// unmasked, no op raises one on ordinary numbers.
#include <doctest/doctest.h>

#include <cstdlib>  // says whether the C library is glibc

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__GLIBC__)
#define FOVEA_CANNOT_TRAP
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define FOVEA_CANNOT_TRAP
#endif
#endif

#ifndef FOVEA_CANNOT_TRAP
#include <fenv.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "fovea/nn/attention_layer.hpp"
#include "fovea/nn/recurrent.hpp"
#include "fovea/optim/adam.hpp"
#include "fovea/parallel/threads.hpp"
#include "support/op_run.hpp"

using namespace support;

namespace {

volatile std::sig_atomic_t part = 0;  // what a child is at

void report(int) { _exit(1 + part); }

// Traps in the calling thread, from here on.
struct Trapped {
  Trapped() {
    feclearexcept(FE_ALL_EXCEPT);
    feenableexcept(FE_DIVBYZERO | FE_INVALID | FE_OVERFLOW);
  }
  ~Trapped() { fedisableexcept(FE_ALL_EXCEPT); }
};

// Runs `work` in a child process; the part at which it raised a floating-point exception, -1 for
// none. Fails where it throws.
template <class Work>
int trapped_part(const Work& work) {
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    std::signal(SIGFPE, report);
    try {
      work();
    } catch (...) {
      _exit(255);
    }
    _exit(0);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  REQUIRE(WEXITSTATUS(status) != 255);
  return WEXITSTATUS(status) - 1;
}

struct OneThread {
  Index before = fovea::threads();
  OneThread() { fovea::set_threads(1); }
  ~OneThread() { fovea::set_threads(before); }
};

void step(const Array& parameter, const Array& gradient, const fovea::AdamOptions& options,
          bool by_rows) {
  const Tensor p = Tensor::parameter(parameter);
  fovea::Adam adam{options};
  adam.attach({{"p", p}});
  const fovea::Ids ids({2}, {0, 1});
  const Trapped trapped;
  for (int i = 0; i < 20; ++i) {
    adam.zero_grad();
    if (by_rows)
      p.gradient().add_rows(ids, gradient);
    else
      p.gradient().add(gradient);
    adam.step();
  }
  p.value();
}

void differentiate(const std::function<Tensor(const Tensor&)>& f, const Array& x) {
  const Tensor leaf = Tensor::parameter(x);
  const Trapped trapped;
  const Tensor y = f(leaf);
  y.backward(Array::full(y.shape(), 1));
}

}  // namespace

TEST_CASE("with traps unmasked the child process of this test sees the exceptions that it should") {
  volatile double zero = 0;
  CHECK(trapped_part([&] {
          part = 5;
          const Trapped trapped;
          zero = 1 / zero;
        }) == 5);
}

TEST_CASE(
    "no op of the table raises a floating-point exception on ordinary numbers, forward or "
    "backward, at any size") {
  const OneThread one;
  Index runs = 0;
  for (const OpCase& op : op_cases()) {
    constexpr int trials = 120;
    const int trial = trapped_part([&] {
      for (int i = 0; i < trials; ++i) {
        part = i;
        const DrawnCase drawn(op, i, Scale::small);
        const Trapped trapped;
        run(drawn);
      }
    });
    if (trial >= 0)
      FAIL_CHECK(DrawnCase(op, trial, Scale::small).text(), ", trial ", trial,
                 ": raises a floating-point exception");
    runs += trials;
  }
  std::printf("figure: op calls under traps = %lld\n", static_cast<long long>(runs));
}

TEST_CASE(
    "zeros, equal numbers, large logits and masks that keep nothing raise no floating-point "
    "exception") {
  using namespace fovea;
  const OneThread one;
  const std::pair<const char*, std::function<void(Index)>> cases[] = {
      {"norm of zeros",
       [](Index n) {
         differentiate([](const Tensor& x) { return norm(x, 1); }, Array::zeros({3, n}));
       }},
      {"std of equal numbers",
       [](Index n) {
         differentiate([](const Tensor& x) { return fovea::std(x, 1); }, Array::full({3, n}, 2));
       }},
      {"max of equal numbers",
       [](Index n) {
         differentiate([](const Tensor& x) { return max(x, 1); }, Array::full({3, n}, 2));
       }},
      {"layer_norm of equal numbers",
       [](Index n) {
         differentiate(
             [n](const Tensor& x) { return layer_norm(x, Array::full({n}, 1), Array::zeros({n})); },
             Array::full({3, n}, 2));
       }},
      {"softmax of 1e4",
       [](Index n) {
         differentiate([](const Tensor& x) { return softmax(x); }, Array::full({3, n}, real(-1e4)));
       }},
      {"log_softmax of 1e4",
       [](Index n) {
         differentiate([](const Tensor& x) { return log_softmax(x); },
                       Array::full({3, n}, real(-1e4)));
       }},
      {"logsumexp of 1e4",
       [](Index n) {
         differentiate([](const Tensor& x) { return logsumexp(x, 1); },
                       Array::full({3, n}, real(-1e4)));
       }},
      {"softmax of nothing",
       [](Index n) {
         differentiate(
             [n](const Tensor& x) {
               return softmax(
                   x, -1,
                   Mask(Shape{1, n}, std::vector<std::uint8_t>(static_cast<std::size_t>(n), 0)));
             },
             Array::full({3, n}, 2));
       }},
      {"softmax of nothing along the first axis",
       [](Index n) {
         differentiate(
             [](const Tensor& x) {
               return softmax(x, 0, Mask(Shape{3, 1}, {0, 0, 0}));
             },
             Array::full({3, n}, 2));
       }},
      {"cross-entropy of 1e4",
       [](Index n) {
         differentiate(
             [](const Tensor& x) {
               return sparse_categorical_crossentropy(x, Ids({3}, {0, 0, 0}),
                                                      {.label_smoothing = real(0.1)});
             },
             Array::full({3, n}, real(-1e4)));
       }},
      {"binary cross-entropy of 1e4",
       [](Index n) {
         differentiate(
             [n](const Tensor& x) {
               return binary_crossentropy(x, Array::full({3, n}, 1));
             },
             Array::full({3, n}, real(-1e4)));
       }},
      {"sigmoid of 1e4",
       [](Index n) {
         differentiate(
             [](const Tensor& x) {
               return sigmoid(x) + tanh(x) + gelu(x) + silu(x) + softplus(x) + elu(x);
             },
             Array::full({3, n}, real(1e4)));
       }},
      {"dropout of all",
       [](Index n) {
         differentiate([](const Tensor& x) { return dropout(x, 1, Rng(1)); },
                       Array::full({3, n}, 2));
       }},
      {"Adam",
       [](Index n) {
         step(Array::full({3, n}, 1), Array::full({3, n}, real(0.1)), {}, false);
       }},
      {"Adam in PyTorch's form, of zeros",
       [](Index n) {
         step(Array::zeros({3, n}), Array::zeros({3, n}),
              {.epsilon = 1e-8, .form = AdamForm::pytorch}, false);
       }},
      {"Adam by rows",
       [](Index n) {
         step(Array::full({3, n}, 1), Array::full({2, n}, real(0.1)), {.l2 = 0.1}, true);
       }},
      {"GRU",
       [](Index n) {
         GRU layer{3};
         layer.build(Shape{n, 2}, Rng(1));
         differentiate([&](const Tensor& x) { return layer(x); }, Array::full({3, n, 2}, 1));
       }},
      {"AttentionLayer",
       [](Index n) {
         AttentionLayer layer{3};
         layer.build(Shape{n, 2}, Rng(1));
         differentiate([&](const Tensor& x) { return layer(x); }, Array::full({3, n, 2}, 1));
       }},
  };
  for (const auto& [name, function] : cases) {
    const int failed = trapped_part([&, &work = function] {
      for (int size = 1; size < 40; ++size) {
        part = size;
        work(size);
      }
    });
    if (failed >= 0)
      FAIL_CHECK(std::string(name), " at size ", failed, ": raises a floating-point exception");
  }
}
#else
TEST_CASE("floating-point traps are not tested here: under sanitizers, or without feenableexcept") {
}
#endif
