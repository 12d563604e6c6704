#include "train/feed.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "fovea/base/error.hpp"
#include "train/checks.hpp"
#include "train/class_weight.hpp"
#include "train/data_checksum.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

ArrayFeed::ArrayFeed(Pass pass, const SampleSet& x, const SampleSet& y,
                     const std::vector<double>& weight, SourceOptions options)
    : pass_(std::move(pass)), x_(x), y_(y), weight_(weight), options_(std::move(options)) {}

PlanOptions ArrayFeed::plan_options() const {
  return {.samples = x_.count(),
          .batch_size = samples_of_update(options_.batch_size, options_.batches_each, x_.count()),
          .shuffle = options_.shuffle,
          .order = options_.order,
          .seed = options_.seed,
          .lengths = lengths_};
}

std::string ArrayFeed::sum() const {
  train::DataChecksum checksum;
  checksum.add(x_);
  checksum.add(y_);
  checksum.add(weight_);
  return checksum.text();
}

Index ArrayFeed::begin(std::uint64_t epoch, Index) {
  plan_ = batch_plan(plan_options(), epoch);
  return plan_.count();
}

std::span<Piece> ArrayFeed::update(Index number) {
  const std::span<const Index> all = plan_.batch(number);
  const auto size =
      static_cast<std::size_t>(std::min(options_.batch_size, static_cast<Index>(all.size())));
  pieces_.clear();
  for (std::size_t begin = 0; begin < all.size(); begin += size)
    pieces_.push_back(
        {&pass_,
         pass_.batch(x_, y_, weight_, all.subspan(begin, std::min(size, all.size() - begin)))});
  return pieces_;
}

LoadedFeed::LoadedFeed(const Trainer& trainer, CallName call, Shards& shards,
                       std::unique_ptr<BatchSource> source, Index ahead,
                       const std::map<Index, double>* class_weight)
    : trainer_(trainer),
      call_(call),
      shards_(shards),
      source_(std::move(source)),
      class_weight_(class_weight),
      prefetch_(*source_, ahead) {}

Index LoadedFeed::begin(std::uint64_t epoch, Index first) { return prefetch_.begin(epoch, first); }

std::string LoadedFeed::sum() const {
  const std::string label = fmt::format("some samples of {}", source_->name());
  const std::vector<SampleBatch> some =
      loading({call_.model, call_.call, label.c_str()}, [&] { return source_->some(); });
  if (some.empty()) return {};
  train::DataChecksum checksum;
  for (const SampleBatch& sample : some) {
    checksum.add(sample.x);
    checksum.add(sample.y);
    checksum.add(sample.sample_weight);
  }
  return checksum.text();
}

// Forgets the batches of before, and all shapes where there were many.
void LoadedFeed::clear() {
  constexpr std::size_t most = 64;
  pieces_.clear();
  if (shaped_.size() > most) shaped_.clear();
}

// Returns the next update. What is thrown is named by the call, the batch and the dataset.
std::vector<SampleBatch> LoadedFeed::loaded(Index number) {
  label_ = fmt::format("{}{}batch {} of {}", call_.data, *call_.data ? ": " : "", number,
                       source_->name());
  const CallName call{call_.model, call_.call, label_.c_str()};
  return loading(call, [&] { return prefetch_.next(); });
}

// Returns the pass for the shapes of the samples. Traces the layers for shapes that are new.
LoadedFeed::Shaped& LoadedFeed::shaped(const CallName& call, const SampleSet& x) {
  std::vector<Shape> shapes;
  for (std::size_t i = 0; i < x.size(); ++i) shapes.push_back(x[i].samples.shape().without(0));
  const auto found = std::ranges::find(shaped_, shapes, &Shaped::shapes);
  if (found != shaped_.end()) return *found;
  std::vector<Trace::Output> traced = trainer_.traced(call, x);
  Pass pass = trainer_.pass(shards_, traced);
  shaped_.push_back({std::move(shapes), std::move(traced), std::move(pass)});
  return shaped_.back();
}

std::span<Piece> LoadedFeed::update(Index number) {
  clear();
  for (SampleBatch& batch : loaded(number)) {
    const CallName call{call_.model, call_.call, label_.c_str()};
    check_weights(call, batch.sample_weight, batch.x.count(), false);
    Trainer::Given data = trainer_.ordered(call, batch.x, batch.y, batch.sample_weight);
    trainer_.check_inputs(call, data.x);
    Shaped& fitting = shaped(call, data.x);
    data.traced = fitting.traced;
    trainer_.check_targets(call, data);
    if (class_weight_)
      weigh_classes(call, *class_weight_, data.y[0].samples, trainer_.output_shape(data),
                    data.weight);
    pieces_.push_back({&fitting.pass, fitting.pass.batch(data.x, data.y,
                                                         memory::List<double>(data.weight.begin(),
                                                                              data.weight.end()))});
  }
  return pieces_;
}

std::span<Piece> LoadedFeed::inputs(Index number) {
  clear();
  for (SampleBatch& batch : loaded(number)) {
    const CallName call{call_.model, call_.call, label_.c_str()};
    SampleSet x = trainer_.inputs(call, batch.x);
    trainer_.check_inputs(call, x);
    Pass& pass = shaped(call, x).pass;
    pieces_.push_back({&pass, Batch{std::move(x), {}}});
  }
  return pieces_;
}

}}  // namespace fovea
