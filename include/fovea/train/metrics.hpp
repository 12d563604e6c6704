// Metrics: what a metric is, and the library's own. docs/metrics.md lists them.
#pragma once

#include "fovea/train/metrics/accuracy.hpp"
#include "fovea/train/metrics/auc.hpp"
#include "fovea/train/metrics/classes.hpp"
#include "fovea/train/metrics/metric.hpp"
#include "fovea/train/metrics/numbers.hpp"
#include "fovea/train/metrics/text.hpp"
