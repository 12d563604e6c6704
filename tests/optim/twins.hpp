// A table under two optimisers of one kind: by rows, and swept in full.
#pragma once

#include <doctest/doctest.h>

#include <string>

#include "fovea/base/error.hpp"
#include "fovea/memory/buffer.hpp"
#include "fovea/ops/ops.hpp"
#include "support/approx.hpp"

namespace optim_twins {

using namespace fovea;

/// The same table twice: one with gradients by rows, one swept in every step.
template <class Optimizer>
struct Twins {
  Tensor rows, full;
  Optimizer on_rows, on_full;

  template <class Options>
  Twins(const Array& table, const Options& options)
      : rows(Tensor::parameter(table)),
        full(Tensor::parameter(table)),
        on_rows(options),
        on_full(options) {
    on_rows.attach({{"table", rows}});
    on_full.attach({{"table", full}});
  }

  /// One step with row i of `values` as the gradient of row ids.at(i); read through the graph, as a
  /// model does, or added from outside.
  void step(const Ids& ids, const Array& values, bool through_graph = false) {
    on_rows.zero_grad();
    on_full.zero_grad();
    if (through_graph)
      sum(gather_rows(rows, ids) * Tensor(values)).backward();
    else
      rows.gradient().add_rows(ids, values);
    full.gradient().add(rows.gradient().array());
    on_rows.step();
    on_full.step();
  }

  /// Where the slots differ, read through the optimisers; empty where they do not.
  std::string slots_differ() const {
    for (std::size_t i = 0; i < on_full.slots()[0].arrays.size(); ++i)
      if (const std::string slot =
              support::bits_differ(on_rows.slots()[0].arrays[i], on_full.slots()[0].arrays[i]);
          !slot.empty())
        return "slot " + std::to_string(i) + ": " + slot;
    return "";
  }

  /// Where the tables differ, or else the slots.
  std::string differ() const {
    const std::string table = support::bits_differ(rows.value(), full.value());
    return !table.empty() ? "table: " + table : slots_differ();
  }
};

/// Makes a step under a cap on memory that rises until the step succeeds. Returns how often the
/// step failed before.
template <class Optimizer>
int step_under_rising_cap(Optimizer& optimizer) {
  struct Cap {
    ~Cap() { memory::set_cap(0); }
  } const lifted;
  for (int failures = 0;; ++failures) {
    REQUIRE(failures < 1000);
    memory::set_cap(memory::bytes_now() + 64 * failures);
    try {
      optimizer.step();
      return failures;
    } catch (const MemoryError&) {
    }
  }
}

}  // namespace optim_twins
