// What surrounds the operations of a thread: whether they are recorded, in which layer they run, and who watches.
#pragma once

#include "fovea/array/array.hpp"

namespace fovea::inline FOVEA_PRECISION {

class Node;
class Sink;
class Observer;

/// What a thread's operations find around them. Work that is handed to another thread takes it along.
struct Surroundings {
  bool recording = true;         ///< whether results are recorded
  std::uint32_t graph = 0;       ///< number of the checkpoint that is being computed; 0 outside of any
  const char* layer = "";        ///< path of the layer that is being called: a string that is never freed
  Observer* observer = nullptr;  ///< who watches; null: nobody
};

/// This thread's.
const Surroundings& surroundings();

/// While it lives, this thread's operations find other surroundings.
class SurroundingsScope {
 public:
  explicit SurroundingsScope(const Surroundings& inside);  ///< until the scope ends
  ~SurroundingsScope();
  SurroundingsScope(const SurroundingsScope&) = delete;
  SurroundingsScope& operator=(const SurroundingsScope&) = delete;

 private:
  Surroundings outer_;
};

/// Watches, while it lives, the operations of the thread that made it and of the threads that this one hands work to; then it is called
/// by several at once. What watched before goes on watching.
class Observer {
 public:
  Observer();
  virtual ~Observer();

  /// An operation has its result, recorded or not.
  virtual void computed(const char* operation, const Array& value) = 0;

  /// An operation's rules have run: its inputs have their shares, those of leaves in the sink. Its own gradient is still there.
  virtual void differentiated(Node& node, Sink& sink) = 0;

  /// The training loop begins a step.
  virtual void at_step(Index) {}

  Observer* const outer;  ///< who watched before, or null

 private:
  const SurroundingsScope scope_;
};

/// Tell this thread's observers of a result, of rules that have run, or that a step begins.
void observe(const char* operation, const Array& value);
void observe(Node& node, Sink& sink);
void observe_step(Index step);

/// Whether operations on this thread are recorded.
inline bool grad_enabled() { return surroundings().recording; }

/// While it lives, operations on this thread give constants.
class NoGrad : SurroundingsScope {
 public:
  NoGrad() : SurroundingsScope({false, surroundings().graph, surroundings().layer, surroundings().observer}) {}
};

}  // namespace fovea
