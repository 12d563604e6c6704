// Adam on the rows of a table, at a cost that depends on the rows touched and never on the table's
// size.
//
// In Adam every row moves in every step, touched or not: moments decay, and the parameter follows
// them. Here the steps that a row missed, with gradients of zero, are made up for when the row is
// next read, by the same arithmetic in the same order; so what is read is bit for bit what a sweep
// over the whole table in every step would have left.
#pragma once

#include <atomic>
#include <optional>
#include <vector>

#include "fovea/autograd/node.hpp"
#include "fovea/autograd/tensor.hpp"
#include "fovea/memory/buffer.hpp"
#include "kernels/adam.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

class AdamRows final : public LaggingRows {
 public:
  struct Options {
    bool settles;      // see kernels::adam_replay
    bool stand_still;  // rows that are not touched do not move: another algorithm, LazyAdam
  };

  /// Takes over a table and its moments, all of which are up to date. The moments stay the
  /// optimiser's as well: what is written here is written there.
  AdamRows(const Tensor& table, const Array& mean, const Array& variance, Options options);

  /// Brings all rows up to date.
  ~AdamRows() override;
  AdamRows(const AdamRows&) = delete;
  AdamRows& operator=(const AdamRows&) = delete;

  /// A step is made in parts. First what may fail: takes memory, and brings the rows that the
  /// gradient names up to date. Numbers that somebody has copied are copied now, moments into the
  /// optimiser's `mean` and `variance` as well: rows that lag are written to from several threads.
  /// Throws MemoryError, or std::bad_alloc for the list of steps; until `step` nothing has changed.
  void prepare(const Gradient& gradient, Array& mean, Array& variance);
  /// Puts the rows that the gradient names in order, on the calling thread.
  void sort();
  /// Updates those rows; the others will be when they are read. The gradient must still be there.
  void step(const kernels::AdamStep& step);
  /// Gives the memory back; also that of an attempt that failed.
  void finish();
  /// How many numbers the step reads of its gradient.
  Index work() const { return whole_ ? rows_ * width_ : touched_ ? touched_->count * width_ : 0; }

  void settle(std::span<const std::int32_t> ids) override;
  void settle_all() override;
  void retire() override;

 private:
  void record(const kernels::AdamStep& step);
  void replay(Index row, std::int32_t last, std::optional<Index> ahead) noexcept;
  void settle_row(Index row,
                  std::optional<Index> ahead) noexcept;  // others wait for it to come to its end
  void wait_for(Index row) const;
  real* values() const { return static_cast<Leaf&>(*table_.node()).numbers.own_data(); }
  static void fetch(const real* numbers, Index count);
  void fetch_state(Index begin, Index count) const;
  void step_touched(const kernels::AdamStep& step);
  bool is_current(Index row) const {
    return std::atomic_ref(last_[static_cast<std::size_t>(row)]).load(std::memory_order_acquire) ==
           now_;
  }

  // The gradient of a step: whole, or rows, of which several may be of one id.
  struct Touched {
    explicit Touched(Index count);
    Index count, unique = 0;
    Buffer ids, order, scratch, unique_ids, starts;  // of 32-bit integers
    Buffer rows, sorted;  // of pointers to numbers, as given and in order
  };
  std::optional<Array> whole_;
  std::optional<Touched> touched_;

  Tensor table_;
  Array mean_, variance_;
  Index rows_, width_;
  Options options_;
  bool retired_ = false;

  std::int32_t now_ = 0;  // steps made
  std::vector<std::int32_t>
      last_;  // by row: the step up to which it is done; or -1, where a thread is at it
  std::atomic<std::int32_t> all_settled_ = 0;  // the step at which all rows were last up to date
  std::vector<kernels::AdamRun> runs_;         // all steps, equal ones together
  std::vector<std::int32_t> starts_;           // the number of each run's first step, from 1
  std::vector<std::pair<std::int32_t, real>>
      peaks_;  // (step, rate) with no larger rate after it: the largest rate from any step on
};

}}  // namespace fovea
