// All callbacks: what can happen between the batches and epochs of `fit`.
#pragma once

#include "fovea/train/callback.hpp"
#include "fovea/train/callbacks/early_stopping.hpp"
#include "fovea/train/callbacks/lambda_callback.hpp"
#include "fovea/train/callbacks/learning_rates.hpp"
#include "fovea/train/callbacks/loggers.hpp"
#include "fovea/train/callbacks/monitor.hpp"
#include "fovea/train/callbacks/restore_best_weights.hpp"
#include "fovea/train/callbacks/stop_on_signal.hpp"
#include "fovea/train/callbacks/tensorboard.hpp"
#include "fovea/train/callbacks/terminate_on_nan.hpp"
