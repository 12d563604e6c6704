// Optimisers on the 200 gradients that Keras and PyTorch were given.
#pragma once

#include <doctest/doctest.h>

#include <cstdio>
#include <functional>
#include <memory>
#include <vector>

#include "fovea/ops/ops.hpp"
#include "fovea/optim/optimizer.hpp"
#include "golden/golden.hpp"

namespace golden {

/// One case of `*_optimizers.npz`.
struct Run {
  const char* file;
  const char* name;
  std::function<std::unique_ptr<fovea::SlotOptimizer>()> make;
  std::vector<std::pair<const char*, const char*>> slots;  // theirs, ours
  double t = 5e-6;
};

template <class O, class Options>
std::function<std::unique_ptr<fovea::SlotOptimizer>()> maker(const Options& options) {
  return [options] { return std::make_unique<O>(options); };
}

inline fovea::Array joined(const fovea::Array& first, const fovea::Array& second) {
  return fovea::concat({fovea::Tensor(first), fovea::Tensor(second)}, 0).value();
}

/// Trains as the framework did, and compares parameters on the way and slots at the end. Returns
/// how many arrays were compared.
inline long compare(const Run& run) {
  using namespace fovea;
  CAPTURE(std::string(run.file));
  CAPTURE(std::string(run.name));
  const NumpyArchive file = open(std::string(run.file) + "_optimizers");
  const Array initial = file.array("initial"), gradients = file.array("gradients"),
              expected = file.array(run.name);
  const Ids steps = file.ids("steps");
  const Index split = file.ids("split").at(0), width = initial.count();
  const Tensor first = Tensor::parameter(initial.rows(0, split)),
               second = Tensor::parameter(initial.rows(split, width));
  const std::unique_ptr<SlotOptimizer> optimizer = run.make();
  optimizer->attach({{"first", first}, {"second", second}});
  long checked = 0;
  for (Index step = 1; step <= gradients.shape()[0]; ++step) {
    const Array gradient = gradients.rows(step - 1, step).reshaped(Shape{width});
    optimizer->zero_grad();
    first.gradient().add(gradient.rows(0, split));
    second.gradient().add(gradient.rows(split, width));
    optimizer->step();
    if (checked == steps.count() || step != steps.at(checked)) continue;
    CAPTURE(step);
    CHECK(differs(joined(first.value(), second.value()),
                  expected.rows(checked, checked + 1).reshaped(Shape{width}), run.t) == "");
    ++checked;
  }
  CHECK(checked == steps.count());
  for (const auto& slot : run.slots) {
    const std::string theirs = std::string(run.name) + "__" + slot.first;
    CAPTURE(theirs);
    CHECK(differs(joined(optimizer->slots()[0][slot.second], optimizer->slots()[1][slot.second]),
                  file.array(theirs), run.t) == "");
    ++checked;
  }
  return checked;
}

}  // namespace golden
