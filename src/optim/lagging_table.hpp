// An update rule on the rows of a table, at a cost that depends on the rows touched and never on
// the table's size.
//
// Every row moves in every step, touched or not: slots decay, say, and the parameter follows them.
// Here the steps that a row has missed, with gradients of zero, are made when the row is next read,
// by the same arithmetic in the same order; so what is read is bit for bit what a sweep over the
// whole table in every step would have left.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <vector>

#include "fovea/autograd/tensor.hpp"
#include "fovea/memory/buffer.hpp"
#include "optim/step_history.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

class LaggingTable final : public LaggingRows {
 public:
  /// Takes over a table and its slots, all of which are up to date. The slots stay the optimiser's
  /// as well: what is written here is written there.
  LaggingTable(std::shared_ptr<const UpdateRule> rule, const Tensor& table,
               const std::vector<Array>& slots);

  /// Brings all rows up to date.
  ~LaggingTable() override;
  LaggingTable(const LaggingTable&) = delete;
  LaggingTable& operator=(const LaggingTable&) = delete;

  /// A step is made in parts. First what may fail: takes memory, and brings the rows that the
  /// gradient names up to date. Values that somebody has copied are copied now, slots into the
  /// optimiser's `slots` as well: rows that lag are written to from several threads. Throws
  /// MemoryError, or std::bad_alloc for the list of steps; until `step` nothing that can be read
  /// has changed.
  void prepare(const Gradient& gradient, std::vector<Array>& slots);
  /// Puts the rows that the gradient names in order, on the calling thread.
  void sort();
  /// Updates those rows; the others will be when they are read. The gradient must still be there.
  void step(const StepFactors& factors);
  /// Gives the memory back; also that of an attempt that failed.
  void finish();
  /// How many elements the step reads of its gradient.
  Index work() const { return whole_ ? rows_ * width_ : touched_ ? touched_->count * width_ : 0; }

  void settle(std::span<const std::int32_t> ids) override;
  void settle_all() override;
  void retire() override;

 private:
  Cells all_cells();
  Cells row_of(const Cells& all, Index row) const { return all.part(row * width_, width_); }
  void replay(const Cells& row, std::int32_t last, const Cells* ahead);
  void update_row(const Cells& all, Index row, const Cells* ahead);
  void update_rows_before(std::int32_t step);
  void wait_for(Index row) const;
  void copy_what_others_share(std::vector<Array>& slots);
  void take_rows(const Gradient& gradient);
  void step_whole(const StepFactors& factors);
  void step_touched(const StepFactors& factors);
  bool is_current(Index row) const {
    return std::atomic_ref(last_[static_cast<std::size_t>(row)]).load(std::memory_order_acquire) ==
           history_.now();
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

  std::shared_ptr<const UpdateRule> rule_;
  Tensor table_;
  std::vector<Array> slots_;
  Index rows_, width_;
  bool retired_ = false;

  StepHistory history_;
  std::vector<std::int32_t>
      last_;  // by row: the step up to which it is done; or -1, where a thread is at it
  std::atomic<std::int32_t> all_current_ = 0;  // the step at which all rows were last up to date
};

}}  // namespace fovea
