// The nodes of the graph of computation, and counted references to them.
#pragma once

#include <atomic>
#include <span>

#include "fovea/autograd/gradient.hpp"
#include "fovea/autograd/surroundings.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

class Node;

/// A counted reference to a node of the graph.
class NodePtr {
 public:
  NodePtr() = default;
  explicit NodePtr(Node* node) noexcept;                            ///< counts one reference more
  NodePtr(const NodePtr& other) noexcept : NodePtr(other.node_) {}  ///< shares
  NodePtr(NodePtr&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}  ///< takes over
  /// Shares, or takes over.
  NodePtr& operator=(NodePtr other) noexcept {
    std::swap(node_, other.node_);
    return *this;
  }
  ~NodePtr();

  Node* get() const { return node_; }                          ///< null when empty
  Node* operator->() const { return node_; }                   ///< must not be empty
  Node& operator*() const { return *node_; }                   ///< must not be empty
  explicit operator bool() const { return node_ != nullptr; }  ///< whether there is a node

 private:
  Node* node_ = nullptr;
};

/// Where the gradients of leaves go: the leaves themselves, or, in a class that overrides it,
/// somewhere else, such as one shard of a batch.
class Sink {
 public:
  virtual ~Sink() = default;

  /// The gradient to add to for a leaf.
  virtual Gradient& target(Node& leaf);
};

/// Brings a table up to date whose optimiser lets rows lag behind until somebody reads them.
/// Reading through it is safe from several threads.
class LaggingRows {
 public:
  virtual ~LaggingRows() = default;

  /// Brings these rows up to date. Ids must be rows of the table.
  virtual void settle(std::span<const std::int32_t> ids) = 0;

  /// Brings all rows up to date.
  virtual void settle_all() = 0;

  /// Another optimiser takes over: brings all rows up to date, and never lets one lag again.
  virtual void retire() = 0;
};

/// An input of a recorded operation: its node and the version of its numbers that was read.
struct Edge {
  NodePtr parent;             ///< null for a constant
  std::uint32_t version = 0;  ///< of the parent's numbers, when they were read
  bool wanted = false;        ///< whether the parent gathered gradients then

  Edge() = default;
  explicit Edge(const NodePtr& node);  ///< to a node as it is now
};

/// One recorded operation, or a leaf (which has no edges).
class Node {
 public:
  /// Refers to the literal `operation`.
  Node(const char* operation, const Shape& shape)
      : name(operation),
        layer(surroundings().layer),
        graph(surroundings().graph),
        gradient(shape) {}
  virtual ~Node() = default;

  /// Nodes live in recycled blocks.
  static void* operator new(std::size_t bytes) {
    return memory::acquire(static_cast<Index>(bytes))->data();
  }
  static void operator delete(void* node) {
    memory::release(static_cast<memory::Block*>(node) - 1);
  }  ///< back to the pool

  bool is_leaf() const { return leaf; }  ///< a parameter, not a result: a Leaf

  /// Operations of the inputs, in the order of the rules; empty for a leaf and once released.
  virtual std::span<Edge> edges() { return {}; }

  /// Hands dL/d(this) to each rule, which adds its share to the parents' gradients or, for leaves,
  /// to the sink.
  virtual void run_rules(const Array&, Sink&) {}

  /// Lets go of rules, what they captured, and the edges.
  virtual void release_rules() {}

  /// Where a rule adds its share for an input; null where no gradient flows.
  static Gradient* target(const Edge& edge, Sink& sink) {
    if (!edge.wanted || !edge.parent->requires_grad) return nullptr;
    return edge.parent->is_leaf() ? &sink.target(*edge.parent) : &edge.parent->gradient;
  }

  const char* name;     ///< of the operation: a literal
  const char* layer;    ///< path of the layer in which it was computed, or of a leaf in its model
  std::uint32_t graph;  ///< of the checkpoint that it was computed in
  std::uint32_t number = 0;        ///< one more than the largest of its parents; 0 for a parameter
  std::uint32_t version = 0;       ///< of a leaf's numbers: counts writes in place
  bool leaf = true;                ///< operations clear it
  bool requires_grad = true;       ///< cleared for a frozen leaf
  bool released = false;           ///< whether rules and edges are gone
  LaggingRows* lagging = nullptr;  ///< of a leaf: set while its rows may lag behind
  Gradient gradient;               ///< of a leaf: gathered; of an operation: while backward runs
  std::atomic<std::uint32_t> references = 0;  ///< NodePtrs to this node
  std::uint64_t visit = 0;                    ///< the backward run that has seen this node
  Node* next_dead = nullptr;                  ///< the list of nodes to be destroyed
};

/// A parameter, or an input of a checkpoint. Its numbers are here, once, so that all handles see
/// what is written to them.
class Leaf final : public Node {
 public:
  Leaf(const char* kind, Array value)
      : Node(kind, value.shape()), numbers(std::move(value)) {}  ///< refers to the literal `kind`

  Array numbers;  ///< rows may lag; who copies them has brought all up to date
};

inline Edge::Edge(const NodePtr& node)
    : parent(node), version(node ? node->version : 0), wanted(node && node->requires_grad) {}

inline Gradient& Sink::target(Node& leaf) { return leaf.gradient; }

/// How messages call it: "the parameter dense/weight", "a parameter", "the result of exp".
std::string to_string(const Node& node);

// Nobody else knows a node of which there is one reference, or none: no read-modify-write is needed
// there.
inline NodePtr::NodePtr(Node* node) noexcept : node_(node) {
  if (!node_) return;
  if (node_->references.load(std::memory_order_relaxed) == 0)
    node_->references.store(1, std::memory_order_relaxed);
  else
    node_->references.fetch_add(1, std::memory_order_relaxed);
}

/// Destroys a node that nothing refers to any more, and then its parents, in a loop: chains may be
/// millions long.
void destroy(Node* node) noexcept;

inline NodePtr::~NodePtr() {
  if (node_ && (node_->references.load(std::memory_order_acquire) == 1 ||
                node_->references.fetch_sub(1, std::memory_order_acq_rel) == 1))
    destroy(node_);
}

}}  // namespace fovea
