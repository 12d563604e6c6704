#include "optim/adam_rows.hpp"

#include <algorithm>
#include <thread>

#include "kernels/rows.hpp"
#include "parallel/parallel.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

constexpr Index id_bytes = sizeof(std::int32_t), pointer_bytes = sizeof(const real*);
constexpr Index rows_a_piece = 32, rows_ahead = 2;
constexpr std::size_t parts_to_fetch = 16;  // more would push each other out of the cache
constexpr Index columns_a_time =
    64;  // of a row that catches up, between requests for what comes next
constexpr std::int32_t in_work = -1;  // what `last_` is of a row that a thread brings up to date

}  // namespace

AdamRows::AdamRows(const Tensor& table, const Array& mean, const Array& variance, Options options)
    : table_(table),
      mean_(mean),
      variance_(variance),
      rows_(table.shape()[0]),
      width_(table.shape().count() / std::max<Index>(1, table.shape()[0])),
      options_(options),
      last_(static_cast<std::size_t>(rows_)) {
  table_.node()->lagging = this;
}

AdamRows::~AdamRows() {
  if (table_.node()->lagging != this) return;
  settle_all();
  table_.node()->lagging = nullptr;
}

// Equal steps are kept once, so the list stops growing when the bias corrections have become 1 and
// the rate stands still.
void AdamRows::record(const kernels::AdamStep& step) {
  ++table_.node()->version;
  ++now_;
  if (runs_.empty() || runs_.back().step != step) {
    runs_.push_back({step, 0});
    starts_.push_back(now_);
  }
  ++runs_.back().count;
  while (!peaks_.empty() && peaks_.back().second <= step.rate) peaks_.pop_back();
  peaks_.emplace_back(now_, step.rate);
}

// Brings one row from step `last` to the present, and asks for row `ahead`, if there is one, on the
// way: the processor can wait for no more than a few numbers at once, and reckons meanwhile.
void AdamRows::replay(Index row, std::int32_t last, std::optional<Index> ahead) noexcept {
  const auto first =
      static_cast<std::size_t>(std::ranges::upper_bound(starts_, last + 1) - starts_.begin() - 1);
  const auto peak =
      std::ranges::lower_bound(peaks_, last + 1, {}, &std::pair<std::int32_t, real>::first);
  std::span<const kernels::AdamRun> runs = std::span(runs_).subspan(first);
  for (Index column = 0; column < width_; column += columns_a_time) {
    const Index at = row * width_ + column, columns = std::min(columns_a_time, width_ - column);
    if (ahead) fetch_state(*ahead * width_ + column, columns);
    kernels::adam_replay(runs, last + 1 - starts_[first], options_.settles, peak->second,
                         runs.back().step.root_scale, values() + at, mean_.own_data() + at,
                         variance_.own_data() + at, columns);
  }
}

// Asks for numbers that are needed soon: rows lie anywhere in memory, and waiting for them costs
// more than their arithmetic.
void AdamRows::fetch(const real* numbers, Index count) {
  constexpr Index line = 64 / sizeof(real);
  for (Index i = 0; i < count; i += line) __builtin_prefetch(numbers + i, 1);
}

void AdamRows::fetch_state(Index begin, Index count) const {
  for (const real* numbers : {static_cast<const real*>(values()), mean_.data(), variance_.data()})
    fetch(numbers + begin, count);
}

// Brings a row up to date, unless it is, or another thread is at it.
void AdamRows::settle_row(Index row, std::optional<Index> ahead) noexcept {
  const std::atomic_ref standing(last_[static_cast<std::size_t>(row)]);
  std::int32_t last = standing.load(std::memory_order_relaxed);
  if (last == now_ || last == in_work ||
      !standing.compare_exchange_strong(last, in_work, std::memory_order_acquire))
    return;
  replay(row, last, ahead);
  standing.store(now_, std::memory_order_release);
}

// Rows that another thread is at are left for the end, when it is mostly done with them: shards
// share their frequent rows.
void AdamRows::settle(std::span<const std::int32_t> ids) {
  if (options_.stand_still || all_settled_.load(std::memory_order_acquire) == now_) return;
  const Buffer scratch(static_cast<Index>(ids.size_bytes()));
  std::int32_t* const behind = scratch.as<std::int32_t>();
  const auto last =
      std::ranges::copy_if(ids, behind, [this](std::int32_t id) { return !is_current(id); }).out;
  if (last == behind) return;
  const parallel::FlushSubnormals flush;
  parallel::for_range(last - behind, rows_a_piece, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      const bool has_ahead = i + rows_ahead < end && !is_current(behind[i + rows_ahead]);
      settle_row(behind[i],
                 has_ahead ? std::optional<Index>(behind[i + rows_ahead]) : std::nullopt);
    }
    for (Index i = begin; i < end; ++i) wait_for(behind[i]);
  });
}

void AdamRows::settle_all() {
  const std::int32_t now = now_;
  if (options_.stand_still || all_settled_.load(std::memory_order_acquire) == now) return;
  const parallel::FlushSubnormals flush;
  parallel::for_range(rows_, 4 * rows_a_piece, [&](Index begin, Index end) {
    for (Index row = begin; row < end; ++row) settle_row(row, std::nullopt);
    for (Index row = begin; row < end; ++row) wait_for(row);
  });
  all_settled_.store(now, std::memory_order_release);
}

// Until another thread has brought the row up to date, which takes no more than the arithmetic of a
// row.
void AdamRows::wait_for(Index row) const {
  while (!is_current(row)) std::this_thread::yield();
}

void AdamRows::retire() {
  settle_all();
  retired_ = true;
}

AdamRows::Touched::Touched(Index n)
    : count(n),
      ids(n * id_bytes),
      order(n * id_bytes),
      scratch(n * id_bytes),
      unique_ids(n * id_bytes),
      starts((n + 1) * id_bytes),
      rows(n * pointer_bytes),
      sorted(n * pointer_bytes) {}

void AdamRows::finish() {
  touched_.reset();
  whole_.reset();
}

void AdamRows::prepare(const Gradient& gradient, Array& mean, Array& variance) {
  const auto make_room = [](auto& list) {
    if (list.size() == list.capacity()) list.reserve(2 * list.size() + 1);
  };
  constexpr Index here_and_there = 2;
  static_cast<Leaf&>(*table_.node()).numbers.mutable_data();
  if (mean_.shared(here_and_there)) mean_ = mean = mean.clone();
  if (variance_.shared(here_and_there)) variance_ = variance = variance.clone();
  make_room(runs_);
  make_room(starts_);
  make_room(peaks_);
  const bool dense = !gradient.empty() && !gradient.has_rows_only();
  if (dense || retired_) {
    settle_all();
    table_.value();  // rows that another optimiser lets lag
  }
  Index count = 0;
  for (const TouchedRows& part : gradient.parts()) {
    settle(part.ids.values());  // rows that the forward pass read are already
    count += part.ids.count();
  }
  if (dense || retired_) {
    whole_ = gradient.array();
    return;
  }
  Touched& next = touched_.emplace(count);
  Index filled = 0;
  for (const TouchedRows& part : gradient.parts()) {
    std::ranges::copy(part.ids.values(), next.ids.as<std::int32_t>() + filled);
    for (Index i = 0; i < part.ids.count(); ++i)
      next.rows.as<const real*>()[filled++] = part.values.data() + i * width_;
  }
}

void AdamRows::sort() {
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
void AdamRows::step_touched(const kernels::AdamStep& step) {
  const std::int32_t *const ids = touched_->unique_ids.as<std::int32_t>(),
                            *const starts = touched_->starts.as<std::int32_t>();
  const real* const* const parts = touched_->sorted.as<const real*>();
  const auto parts_of = [&](Index u) {
    return std::span<const real* const>(parts + starts[u], parts + starts[u + 1]);
  };
  parallel::for_range(touched_->unique, rows_a_piece, [&](Index begin, Index end) {
    for (Index u = begin; u < end; ++u) {
      if (const Index ahead = u + rows_ahead; ahead < end) {
        fetch_state(ids[ahead] * width_, width_);
        for (const real* part :
             parts_of(ahead).first(std::min<std::size_t>(parts_of(ahead).size(), parts_to_fetch)))
          fetch(part, width_);
      }
      const Index row = ids[u];
      kernels::adam_row(step, parts_of(u), values() + row * width_, mean_.own_data() + row * width_,
                        variance_.own_data() + row * width_, width_);
      last_[static_cast<std::size_t>(row)] = now_;
    }
  });
}

void AdamRows::step(const kernels::AdamStep& step) {
  record(step);
  if (whole_) {
    kernels::adam(step, whole_->data(), values(), mean_.own_data(), variance_.own_data(),
                  rows_ * width_);
    std::ranges::fill(last_, now_);
    all_settled_ = now_;
  } else {
    step_touched(step);
  }
}

}}  // namespace fovea
