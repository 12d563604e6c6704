// What the calls of a model check before any work is done.
#pragma once

#include <exception>
#include <memory>
#include <new>
#include <vector>

#include "data/batch_source.hpp"
#include "fovea/train/model.hpp"
#include "train/call_name.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Throws ShapeError unless there are as many targets as samples.
void check_counts(const CallName& call, const SampleSet& x, const SampleSet& y);

/// Throws ShapeError unless there are as many weights as samples, and ValueError for a weight out
/// of range. With `some`, throws ValueError if all weights are 0.
void check_weights(const CallName& call, const std::vector<double>& weight, Index samples,
                   bool some);

/// Throws ValueError unless the size is at least 1.
void check_batch_size(const CallName& call, Index batch_size);

/// Throws ValueError for options of fit that are out of range.
void check_options(const CallName& call, const FitOptions& options);

/// Throws ValueError for the number of steps of an epoch, which only a generator needs.
void refuse_steps(const CallName& call, const FitOptions& options);

/// Throws ValueError for weights where each batch of `data` brings its own.
void refuse_weights(const CallName& call, const FitOptions& options, const std::string& data);

/// Throws ValueError for options that batches without an end cannot have.
void check_generated(const CallName& call, const FitOptions& options, const std::string& data);

/// Returns body(), which calls functions of a dataset. An Error that leaves it begins with the
/// call; another exception is nested in a DatasetError.
template <class Body>
auto loading(const CallName& call, const Body& body) {
  try {
    return body();
  } catch (Error& error) {
    error.add_path(call.text());
    throw;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& error) {
    std::throw_with_nested(DatasetError(fmt::format("{}: {}", call.text(), error.what())));
  }
}

/// Returns the batches of a dataset. Throws ValueError where it has no samples.
std::unique_ptr<BatchSource> dataset_source(const CallName& call, const Dataset& data,
                                            SourceOptions options);

/// Returns batches of a generator. Throws ValueError unless `steps` is at least 1.
std::unique_ptr<BatchSource> generated_source(const CallName& call, const GeneratedBatches& batches,
                                              Index steps, SourceOptions options);

}}  // namespace fovea
