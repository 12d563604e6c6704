// The nodes of the graph, and counted references to them.
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
  /// Adds a reference to the node.
  explicit NodePtr(Node* node) noexcept;
  /// Adds a reference to the node of `other`.
  NodePtr(const NodePtr& other) noexcept : NodePtr(other.node_) {}
  /// Takes over the reference; `other` becomes empty.
  NodePtr(NodePtr&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}
  /// Adds a reference to the node of a copy, or takes over that of a temporary.
  NodePtr& operator=(NodePtr other) noexcept {
    std::swap(node_, other.node_);
    return *this;
  }
  ~NodePtr();

  Node* get() const { return node_; }                          ///< null when empty
  Node* operator->() const { return node_; }                   ///< must not be empty
  Node& operator*() const { return *node_; }                   ///< must not be empty
  explicit operator bool() const { return node_ != nullptr; }  ///< false when empty

 private:
  Node* node_ = nullptr;
};

/// The destination of the gradients of leaves: the leaves themselves. Derived classes choose
/// another, such as one shard of a batch.
class Sink {
 public:
  virtual ~Sink() = default;

  /// Returns the gradient to which the gradient of a leaf is added.
  virtual Gradient& target(Node& leaf);
};

/// A table whose optimiser brings rows up to date only when they are read. All members can be
/// called from several threads.
class LaggingRows {
 public:
  virtual ~LaggingRows() = default;

  /// Brings these rows up to date. Each id must be a row of the table.
  virtual void settle(std::span<const std::int32_t> ids) = 0;

  /// Brings all rows up to date.
  virtual void settle_all() = 0;

  /// Brings all rows up to date, for good: another optimiser takes over.
  virtual void retire() = 0;
};

/// An input of a recorded operation: its node, and the version of its values that was read.
struct Edge {
  NodePtr parent;             ///< null for a constant
  std::uint32_t version = 0;  ///< of the parent's values when they were read
  bool wanted = false;        ///< whether the parent required a gradient then

  Edge() = default;
  /// Refers to a node in its present version.
  explicit Edge(const NodePtr& node);
};

/// One recorded operation, or a leaf (which has no edges).
class Node {
 public:
  /// Constructs a node in the present surroundings. `operation` must be a literal.
  Node(const char* operation, const Shape& shape)
      : name(operation),
        layer(surroundings().layer),
        graph(surroundings().graph),
        gradient(shape) {}
  virtual ~Node() = default;

  /// Allocates nodes in recycled blocks. Throws MemoryError.
  static void* operator new(std::size_t bytes) {
    return memory::acquire(static_cast<Index>(bytes))->data();
  }
  /// Returns the block to its pool.
  static void operator delete(void* node) {
    memory::release(static_cast<memory::Block*>(node) - 1);
  }

  /// Returns whether this is a Leaf: a parameter, not a result.
  bool is_leaf() const { return leaf; }

  /// Returns the inputs in the order of the rules; empty for a leaf and after release_rules.
  virtual std::span<Edge> edges() { return {}; }

  /// Passes dL/d(this) to each rule. A rule adds its term to the gradients of parents or, for
  /// leaves, to the sink.
  virtual void run_rules(const Array&, Sink&) {}

  /// Destroys the rules, what they captured, and the edges.
  virtual void release_rules() {}

  /// Returns where a rule adds its term for an input; null where no gradient flows.
  static Gradient* target(const Edge& edge, Sink& sink) {
    if (!edge.wanted || !edge.parent->requires_grad) return nullptr;
    return edge.parent->is_leaf() ? &sink.target(*edge.parent) : &edge.parent->gradient;
  }

  const char* name;                ///< of the operation
  const char* layer;               ///< the path of the layer that computed the node, or of a leaf
  std::uint32_t graph;             ///< the number of the recomputation that computed the node
  std::uint32_t number = 0;        ///< one more than the largest of the parents; 0 for a leaf
  std::uint32_t version = 0;       ///< of a leaf: the number of writes to its values
  bool leaf = true;                ///< cleared by operations
  bool requires_grad = true;       ///< cleared for a frozen leaf
  bool released = false;           ///< whether rules and edges are gone
  LaggingRows* lagging = nullptr;  ///< of a leaf: set while its rows can be out of date
  Gradient gradient;               ///< of a leaf: accumulated; else: while backward runs
  std::atomic<std::uint32_t> references = 0;  ///< NodePtrs to this node
  std::uint64_t visit = 0;                    ///< the latest backward that visited the node
  Node* next_dead = nullptr;                  ///< the next node to be destroyed
};

/// A parameter, or an input of a recomputation. The node holds the values, so all handles see a
/// write.
class Leaf final : public Node {
 public:
  /// Constructs a leaf with these values. `kind` must be a literal.
  Leaf(const char* kind, Array value) : Node(kind, value.shape()), numbers(std::move(value)) {}

  /// The values. Rows of a table can be out of date; bring them up to date before copying.
  Array numbers;
};

inline Edge::Edge(const NodePtr& node)
    : parent(node), version(node ? node->version : 0), wanted(node && node->requires_grad) {}

inline Gradient& Sink::target(Node& leaf) { return leaf.gradient; }

/// Returns the name of a node in messages: "the parameter dense/kernel", "the result of exp".
std::string to_string(const Node& node);

// A node with at most one reference is known to no other thread, so it needs no read-modify-write.
inline NodePtr::NodePtr(Node* node) noexcept : node_(node) {
  if (!node_) return;
  if (node_->references.load(std::memory_order_relaxed) == 0)
    node_->references.store(1, std::memory_order_relaxed);
  else
    node_->references.fetch_add(1, std::memory_order_relaxed);
}

/// Destroys a node without references, and then its parents, in a loop: a chain can have millions
/// of nodes.
void destroy(Node* node) noexcept;

inline NodePtr::~NodePtr() {
  if (node_ && (node_->references.load(std::memory_order_acquire) == 1 ||
                node_->references.fetch_sub(1, std::memory_order_acq_rel) == 1))
    destroy(node_);
}

}}  // namespace fovea
