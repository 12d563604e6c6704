// Learning rates that change between epochs. Those that change with the step are schedules of the
// optimiser (optim/schedules.hpp).
#pragma once

#include <functional>
#include <type_traits>
#include <utility>

#include "fovea/train/callbacks/monitor.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// A function from an epoch and the present rate to the new rate.
template <class F>
concept RateOfEpochAndRate = std::is_invocable_r_v<double, const F&, Index, double>;

/// A function from an epoch to its rate.
template <class F>
concept RateOfEpoch = std::is_invocable_r_v<double, const F&, Index> && !RateOfEpochAndRate<F>;

/// Sets the learning rate before each epoch. Keras' LearningRateScheduler. It has no state of its
/// own: the rate is part of the optimiser's.
///
///     LearningRateScheduler halve([](Index epoch, double rate) {
///       return epoch % 10 == 9 ? rate / 2 : rate;
///     });
class LearningRateScheduler : public Callback {
 public:
  /// Takes a function of the epoch, from 0, and the present rate, that returns the new rate. Throws
  /// ValueError for an empty one.
  template <RateOfEpochAndRate Schedule>
  explicit LearningRateScheduler(Schedule schedule) : schedule_(std::move(schedule)) {
    check();
  }
  /// Takes a function of the epoch alone.
  template <RateOfEpoch Schedule>
  explicit LearningRateScheduler(Schedule schedule)
      : schedule_(of_epoch_alone(std::move(schedule))) {
    check();
  }

  /// Throws StateError where the optimiser has a schedule, which would be lost.
  void on_train_begin(Model& model) override;
  /// Sets the rate. Throws ValueError for one that is negative or not finite.
  void on_epoch_begin(Model& model, Index epoch) override;

 private:
  static std::function<double(Index, double)> of_epoch_alone(std::function<double(Index)> schedule);
  void check() const;

  std::function<double(Index, double)> schedule_;
};

/// What ReduceLROnPlateau takes.
struct ReduceLROnPlateauOptions {
  std::string monitor = "val_loss";         ///< what is watched
  double factor = 0.1;                      ///< of the rate before; at least 0, below 1
  Index patience = 10;                      ///< epochs without a better value, until it is reduced
  MonitorMode mode = MonitorMode::by_name;  ///< which values are better
  double min_delta = 1e-4;                  ///< by how much a value must be better to count as such
  Index cooldown = 0;  ///< epochs after a reduction in which nothing is counted
  double min_lr = 0;   ///< below which the rate does not fall
};

/// Multiplies the learning rate by `factor` when a value has not improved by more than min_delta
/// for `patience` epochs in a row. Keras' ReduceLROnPlateau, but that NaN is worse than any number.
/// The groups of an optimiser with rates of their own keep these.
class ReduceLROnPlateau : public Callback {
 public:
  /// Throws ValueError for options out of range.
  explicit ReduceLROnPlateau(ReduceLROnPlateauOptions options = {});

  /// Throws ValueError without the value, and where its name does not tell which values are
  /// better.
  void check_names(const Model& model, const Logs& names) const override;
  /// Forgets the values of an earlier training. Throws StateError where the optimiser has a
  /// schedule, which would be lost.
  void on_train_begin(Model& model) override;
  /// Reduces the rate where the value has not improved for long enough. Throws ValueError without
  /// the value.
  void on_epoch_end(Model& model, Index epoch, const Logs& logs) override;
  std::string state_name() const override;
  CallbackState state() const override;
  void load_state(const CallbackState& state) override;

 private:
  Monitor monitor_;
  ReduceLROnPlateauOptions options_;
  double best_ = 0;
  Index waited_ = 0, cooldown_ = 0;
};

}}  // namespace fovea
