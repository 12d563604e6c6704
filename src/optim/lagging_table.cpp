#include "optim/lagging_table.hpp"

#include <algorithm>
#include <thread>

#include "kernels/rows.hpp"
#include "optim/sweep.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

constexpr Index id_bytes = sizeof(std::int32_t), pointer_bytes = sizeof(const real*);
constexpr Index rows_a_piece = 32, rows_ahead = 2;
constexpr std::size_t parts_to_fetch = 16;  // more would push each other out of the cache
constexpr Index columns_a_time =
    64;  // of a row that is brought up to date, between requests for what comes next
constexpr std::int32_t in_work = -1;  // what `last_` is of a row that a thread brings up to date

// Requests memory that is needed soon: rows lie anywhere, and waiting for them costs more than
// their arithmetic. Inline, for compilers take a call that only prefetches for one without effect.
[[gnu::always_inline]] inline void prefetch(const real* begin, Index count) {
  constexpr Index line = 64 / sizeof(real);
  for (Index i = 0; i < count; i += line) __builtin_prefetch(begin + i, 1);
}

[[gnu::always_inline]] inline void prefetch(const Cells& cells) {
  prefetch(cells.parameter, cells.count);
  for (const real* slot : cells.slots)
    if (slot) prefetch(slot, cells.count);
}

}  // namespace

LaggingTable::LaggingTable(std::shared_ptr<const UpdateRule> rule, const Tensor& table,
                           const std::vector<Array>& slots)
    : rule_(std::move(rule)),
      table_(table),
      slots_(slots),
      rows_(table.shape()[0]),
      width_(table.shape().count() / std::max<Index>(1, table.shape()[0])),
      last_(static_cast<std::size_t>(rows_)) {
  table_.node()->lagging = this;
}

LaggingTable::~LaggingTable() {
  if (table_.node()->lagging != this) return;
  settle_all();
  table_.node()->lagging = nullptr;
}

// The whole table. Valid until values that somebody has copied are copied.
Cells LaggingTable::all_cells() {
  Cells result{static_cast<Leaf&>(*table_.node()).numbers.own_data(), {}, rows_ * width_};
  for (std::size_t i = 0; i < slots_.size(); ++i) result.slots[i] = slots_[i].own_data();
  return result;
}

// Brings one row from step `last` to the present, and requests row `ahead`, if there is one, on the
// way: the processor waits for few requests at once, and computes meanwhile.
void LaggingTable::replay(const Cells& row, std::int32_t last, const Cells* ahead) {
  const MissedSteps missed = history_.since(last);
  for (Index column = 0; column < width_; column += columns_a_time) {
    const Index columns = std::min(columns_a_time, width_ - column);
    if (ahead) prefetch(ahead->part(column, columns));
    rule_->replay(missed, row.part(column, columns));
  }
}

// Brings a row up to date, unless it is, or another thread is at it: who needs it waits for that.
void LaggingTable::update_row(const Cells& all, Index row, const Cells* ahead) {
  const std::atomic_ref standing(last_[static_cast<std::size_t>(row)]);
  std::int32_t last = standing.load(std::memory_order_relaxed);
  if (last == history_.now() || last == in_work ||
      !standing.compare_exchange_strong(last, in_work, std::memory_order_acquire))
    return;
  replay(row_of(all, row), last, ahead);
  standing.store(history_.now(), std::memory_order_release);
}

// Rows that another thread is at are left for the end, when it is mostly done with them: shards
// share their frequent rows.
void LaggingTable::settle(std::span<const std::int32_t> ids) {
  if (rule_->lazy() || all_current_.load(std::memory_order_acquire) == history_.now()) return;
  const Buffer scratch(static_cast<Index>(ids.size_bytes()));
  std::int32_t* const behind = scratch.as<std::int32_t>();
  const auto last =
      std::ranges::copy_if(ids, behind, [this](std::int32_t id) { return !is_current(id); }).out;
  if (last == behind) return;
  const parallel::FlushSubnormals flush;
  const Cells all = all_cells();
  parallel::for_range(last - behind, rows_a_piece, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      const bool has_ahead = i + rows_ahead < end && !is_current(behind[i + rows_ahead]);
      const Cells ahead = row_of(all, has_ahead ? behind[i + rows_ahead] : 0);
      update_row(all, behind[i], has_ahead ? &ahead : nullptr);
    }
    for (Index i = begin; i < end; ++i) wait_for(behind[i]);
  });
}

void LaggingTable::settle_all() {
  const std::int32_t now = history_.now();
  if (rule_->lazy() || all_current_.load(std::memory_order_acquire) == now) return;
  update_rows_before(now);
  all_current_.store(now, std::memory_order_release);
}

// Brings rows up to date that have not made step number `step`.
void LaggingTable::update_rows_before(std::int32_t step) {
  const parallel::FlushSubnormals flush;
  const Cells all = all_cells();
  parallel::for_range(rows_, 4 * rows_a_piece, [&](Index begin, Index end) {
    const auto is_behind = [&](Index row) {
      return std::atomic_ref(last_[static_cast<std::size_t>(row)]).load(std::memory_order_acquire) <
             step;
    };
    for (Index row = begin; row < end; ++row)
      if (is_behind(row)) update_row(all, row, nullptr);
    for (Index row = begin; row < end; ++row)
      if (is_behind(row)) wait_for(row);
  });
}

// Until another thread has brought the row up to date, which takes no more than the arithmetic of a
// row.
void LaggingTable::wait_for(Index row) const {
  while (!is_current(row)) std::this_thread::yield();
}

void LaggingTable::retire() {
  settle_all();
  retired_ = true;
}

LaggingTable::Touched::Touched(Index n)
    : count(n),
      ids(n * id_bytes),
      order(n * id_bytes),
      scratch(n * id_bytes),
      unique_ids(n * id_bytes),
      starts((n + 1) * id_bytes),
      rows(n * pointer_bytes),
      sorted(n * pointer_bytes) {}

void LaggingTable::finish() {
  touched_.reset();
  whole_.reset();
}

void LaggingTable::copy_what_others_share(std::vector<Array>& slots) {
  constexpr Index here_and_there = 2;
  static_cast<Leaf&>(*table_.node()).numbers.mutable_data();
  for (std::size_t i = 0; i < slots_.size(); ++i)
    if (slots_[i].shared(here_and_there)) slots_[i] = slots[i] = slots[i].clone();
}

void LaggingTable::prepare(const Gradient& gradient, std::vector<Array>& slots) {
  copy_what_others_share(slots);
  if (history_.full()) {
    update_rows_before(history_.middle());
    history_.drop(history_.middle());
  }
  history_.make_room();
  if (retired_) table_.value();  // rows that another optimiser lets lag
  const bool dense = !gradient.empty() && !gradient.has_rows_only();
  if (dense || (retired_ && !rule_->lazy())) {
    settle_all();
    whole_ = gradient.array();
  } else {
    take_rows(gradient);
  }
}

void LaggingTable::take_rows(const Gradient& gradient) {
  Index count = 0;
  for (const TouchedRows& part : gradient.parts()) {
    settle(part.ids.values());  // rows that the forward pass read are already
    count += part.ids.count();
  }
  Touched& next = touched_.emplace(count);
  Index filled = 0;
  for (const TouchedRows& part : gradient.parts()) {
    std::ranges::copy(part.ids.values(), next.ids.as<std::int32_t>() + filled);
    for (Index i = 0; i < part.ids.count(); ++i)
      next.rows.as<const real*>()[filled++] = part.values.data() + i * width_;
  }
}

void LaggingTable::sort() {
  if (!touched_) return;
  Touched& next = *touched_;
  std::int32_t* const order = next.order.as<std::int32_t>();
  kernels::sort_by_id(next.ids.as<std::int32_t>(), next.count, order,
                      next.scratch.as<std::int32_t>());
  next.unique =
      kernels::unique_runs(next.ids.as<std::int32_t>(), order, next.count,
                           next.unique_ids.as<std::int32_t>(), next.starts.as<std::int32_t>());
  for (Index i = 0; i < next.count; ++i)
    next.sorted.as<const real*>()[i] = next.rows.as<const real*>()[order[i]];
}

// The rows' parts are added up in the order in which they were recorded, then each row, which was
// up to date before this step, is updated.
void LaggingTable::step_touched(const StepFactors& factors) {
  const std::int32_t *const ids = touched_->unique_ids.as<std::int32_t>(),
                            *const starts = touched_->starts.as<std::int32_t>();
  const real* const* const parts = touched_->sorted.as<const real*>();
  const auto parts_of = [&](Index u) {
    return std::span<const real* const>(parts + starts[u], parts + starts[u + 1]);
  };
  const Cells all = all_cells();
  parallel::for_range(touched_->unique, rows_a_piece, [&](Index begin, Index end) {
    for (Index u = begin; u < end; ++u) {
      if (const Index ahead = u + rows_ahead; ahead < end) {
        prefetch(row_of(all, ids[ahead]));
        for (const real* part :
             parts_of(ahead).first(std::min<std::size_t>(parts_of(ahead).size(), parts_to_fetch)))
          prefetch(part, width_);
      }
      rule_->update_row(factors, parts_of(u), row_of(all, ids[u]));
      last_[static_cast<std::size_t>(ids[u])] = history_.now();
    }
  });
}

void LaggingTable::step_whole(const StepFactors& factors) {
  sweep(*rule_, factors, whole_->data(), all_cells());
  std::ranges::fill(last_, history_.now());
  all_current_ = history_.now();
}

void LaggingTable::step(const StepFactors& factors) {
  ++table_.node()->version;
  if (whole_ || rule_->lazy())
    history_.record_for_all();
  else
    history_.record(factors);
  whole_ ? step_whole(factors) : step_touched(factors);
}

}}  // namespace fovea
