#include "fovea/train/callbacks/terminate_on_nan.hpp"

#include <fmt/format.h>

#include <cmath>

#include "fovea/base/error.hpp"
#include "fovea/train/model.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

void TerminateOnNaN::on_train_begin(Model&) {
  epoch_ = 0;
  stopped_epoch_ = -1;
  stopped_batch_ = -1;
}

void TerminateOnNaN::on_train_batch_end(Model& model, Index batch, const Logs& logs) {
  const auto loss = logs.find("loss");
  if (loss == logs.end() || std::isfinite(loss->second)) return;
  if (stopped_batch_ < 0) {
    stopped_epoch_ = epoch_;
    stopped_batch_ = batch;
  }
  if (options_.raise_error)
    throw ValueError(fmt::format(
        "{}: fit: TerminateOnNaN: the loss is {} with batch {} of epoch {}, counted from 0; lower "
        "the learning rate, clip gradients, or let DetectAnomaly find the operation",
        model.name(), std::isnan(loss->second) ? "nan" : fmt::format("{}", loss->second),
        stopped_batch_, stopped_epoch_));
  model.stop_training();
}

}}  // namespace fovea
