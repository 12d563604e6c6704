// The state of a thread that its operations depend on: whether they are recorded, in which layer
// they run, and which observers watch them.
#pragma once

#include "fovea/array/array.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

class Node;
class Sink;
class Observer;

/// The state that a thread's operations depend on. Work that moves to another thread takes a copy
/// with it.
struct Surroundings {
  bool recording = true;    ///< whether results are recorded
  std::uint32_t graph = 0;  ///< the number of the present recomputation; 0 outside of any
  /// The path of the layer that is being called; never freed.
  const char* layer = "";
  Observer* observer = nullptr;  ///< the newest observer, or null
  /// The forward hook that is running, or null. Used by nn/ only.
  const void* hook = nullptr;
};

/// Returns the surroundings of this thread.
Surroundings& surroundings();

/// Replaces the surroundings of this thread while in scope.
class SurroundingsScope {
 public:
  /// Replaces the surroundings by `inside`.
  explicit SurroundingsScope(const Surroundings& inside)
      : outer_(std::exchange(surroundings(), inside)) {}
  ~SurroundingsScope() { surroundings() = outer_; }
  SurroundingsScope(const SurroundingsScope&) = delete;
  SurroundingsScope& operator=(const SurroundingsScope&) = delete;

 private:
  Surroundings outer_;
};

/// Watches the operations of the thread that constructed the observer, while in scope. In `fit` the
/// observer watches those of all shards, called by several threads at once.
///
/// Outer observers go on watching. Operations of an observer itself are not watched. An exception
/// of an observer leaves through the watched operation. Construct and destroy on the same thread.
class Observer {
 public:
  Observer() : outer(std::exchange(surroundings().observer, this)) {}
  virtual ~Observer();
  Observer(const Observer&) = delete;
  Observer& operator=(const Observer&) = delete;

  /// Is called after an operation has computed its result, recorded or not.
  virtual void computed(const char* operation, const Array& value) = 0;

  /// Is called after an operation's rules have run. The gradients of its inputs include their
  /// terms, those of leaves in the sink, and its own gradient still exists.
  virtual void differentiated(Node& node, Sink& sink) = 0;

  /// Is called when the training loop begins a step, and with -1 when the loop ends.
  virtual void at_step(Index) {}

  Observer* outer;  ///< the next older observer, or null
};

/// Calls tell(observer) for each of this thread's observers, newest first. Operations inside `tell`
/// are not watched.
template <class Tell>
void tell_observers(const Tell& tell) {
  const Surroundings here = surroundings();
  const SurroundingsScope unwatched({here.recording, here.graph, here.layer, nullptr, here.hook});
  for (Observer* observer = here.observer; observer; observer = observer->outer) tell(*observer);
}

/// Returns whether operations on this thread are recorded.
inline bool grad_enabled() { return surroundings().recording; }

/// Disables recording on this thread while in scope: results are constants.
class NoGrad {
 public:
  NoGrad() : outer_(std::exchange(surroundings().recording, false)) {}
  ~NoGrad() { surroundings().recording = outer_; }
  NoGrad(const NoGrad&) = delete;
  NoGrad& operator=(const NoGrad&) = delete;

 private:
  bool outer_;
};

}}  // namespace fovea
