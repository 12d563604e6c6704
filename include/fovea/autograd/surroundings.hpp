// What surrounds the operations of a thread: whether they are recorded, in which layer they run,
// and who watches.
#pragma once

#include "fovea/array/array.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

class Node;
class Sink;
class Observer;

/// What a thread's operations find around them. Work that is handed to another thread takes it
/// along.
struct Surroundings {
  bool recording = true;    ///< whether results are recorded
  std::uint32_t graph = 0;  ///< number of the checkpoint that is being computed; 0 outside of any
  const char* layer = "";  ///< path of the layer that is being called: a string that is never freed
  Observer* observer = nullptr;  ///< who watches; null: nobody
  const void* hook =
      nullptr;  ///< the forward hook that runs, for the layer of modules alone; null: none
};

/// This thread's.
Surroundings& surroundings();

/// While it lives, this thread's operations find other surroundings.
class SurroundingsScope {
 public:
  explicit SurroundingsScope(const Surroundings& inside)
      : outer_(std::exchange(surroundings(), inside)) {}  ///< until the scope ends
  ~SurroundingsScope() { surroundings() = outer_; }
  SurroundingsScope(const SurroundingsScope&) = delete;
  SurroundingsScope& operator=(const SurroundingsScope&) = delete;

 private:
  Surroundings outer_;
};

/// Watches, while it lives, the operations of the thread that made it, on which it also ends, and
/// of the shards of `fit`; then it is called by several threads at once. What watched before goes
/// on watching. What an observer computes itself is not watched; what it throws comes out of the
/// operation.
class Observer {
 public:
  Observer() : outer(std::exchange(surroundings().observer, this)) {}
  virtual ~Observer();
  Observer(const Observer&) = delete;
  Observer& operator=(const Observer&) = delete;

  /// An operation has its result, recorded or not.
  virtual void computed(const char* operation, const Array& value) = 0;

  /// An operation's rules have run: its inputs have their shares, those of leaves in the sink. Its
  /// own gradient is still there.
  virtual void differentiated(Node& node, Sink& sink) = 0;

  /// The training loop begins a step; -1: it has ended.
  virtual void at_step(Index) {}

  Observer* outer;  ///< who watched before, or null
};

/// Calls tell(observer) for each of this thread's observers, the last made first, while nobody
/// watches.
template <class Tell>
void tell_observers(const Tell& tell) {
  const Surroundings here = surroundings();
  const SurroundingsScope unwatched({here.recording, here.graph, here.layer, nullptr, here.hook});
  for (Observer* observer = here.observer; observer; observer = observer->outer) tell(*observer);
}

/// Whether operations on this thread are recorded.
inline bool grad_enabled() { return surroundings().recording; }

/// While it lives, operations on this thread give constants.
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
