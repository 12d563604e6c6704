// Operations for tests of the engine: plain loops, recorded the way an author of operations does
// it, and a log of rules that ran.
#pragma once

#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "fovea/autograd/graph.hpp"
#include "fovea/ops/record_many.hpp"

namespace tiny {

using namespace fovea;

inline std::vector<real> numbers(const Array& array) {
  return {array.values().begin(), array.values().end()};
}

template <class Function>
Array map(const Array& x, Function function) {
  Array y(x.shape());
  for (Index i = 0; i < x.count(); ++i) y.mutable_data()[i] = function(i);
  return y;
}

// to += from(i), or to = from(i) where nothing is there yet.
template <class Function>
void add_each(Gradient& to, Function from) {
  const Gradient::Target target = to.dense();
  for (Index i = 0; i < target.view.shape.count(); ++i)
    target.view.data[i] = target.add ? target.view.data[i] + from(i) : from(i);
}

// y = factor x
inline Tensor scaled(const Tensor& x, real factor) {
  return record("scaled", map(x.value(), [&](Index i) { return factor * x.value().at(i); }),
                wrt(x, [factor](const Array& dy, Gradient& dx) {
                  add_each(dx, [&](Index i) { return factor * dy.at(i); });
                }));
}

// c = a + b; the gradient is handed on without a copy
inline Tensor plus(const Tensor& a, const Tensor& b) {
  return record("plus", map(a.value(), [&](Index i) { return a.value().at(i) + b.value().at(i); }),
                wrt(a, [](const Array& dc, Gradient& da) { da.add(dc); }),
                wrt(b, [](const Array& dc, Gradient& db) { db.add(dc); }));
}

// c = a b, element by element
inline Tensor times(const Tensor& a, const Tensor& b) {
  return record("times", map(a.value(), [&](Index i) { return a.value().at(i) * b.value().at(i); }),
                wrt(a,
                    [b = b.value()](const Array& dc, Gradient& da) {
                      add_each(da, [&](Index i) { return dc.at(i) * b.at(i); });
                    }),
                wrt(b, [a = a.value()](const Array& dc, Gradient& db) {
                  add_each(db, [&](Index i) { return dc.at(i) * a.at(i); });
                }));
}

// the sum of all elements, as a tensor of rank 0
inline Tensor total(const Tensor& x) {
  real sum = 0;
  for (const real value : x.value().values()) sum += value;
  return record("total", Array(Shape(), {sum}), wrt(x, [](const Array& dy, Gradient& dx) {
                  add_each(dx, [&](Index) { return dy.at(0); });
                }));
}

// The sum of its inputs, all of one shape; each rule adds `name` to the log when it runs.
inline Tensor logged(const char* name, std::vector<std::string>& log,
                     const std::vector<Tensor>& inputs) {
  Array sum = Array::zeros(inputs[0].shape());
  for (const Tensor& input : inputs)
    for (Index i = 0; i < sum.count(); ++i) sum.mutable_data()[i] += input.value().at(i);
  return record_many(name, sum, inputs,
                     [name, &log](const Array& dy, std::size_t input, Gradient& dx) {
                       log.push_back(name + std::to_string(input));
                       dx.add(dy);
                     });
}

inline bool same_bits(const Array& a, const Array& b) {
  return a.shape() == b.shape() &&
         std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.count()) * sizeof(real)) == 0;
}

/// Gathers the gradients of leaves by itself.
class Shard final : public Sink {
 public:
  Gradient& target(Node& leaf) override {
    return gradients_.try_emplace(&leaf, leaf.gradient.shape()).first->second;
  }
  Array of(const Tensor& leaf) const { return gradients_.at(leaf.node().get()).array(); }
  std::size_t count() const { return gradients_.size(); }

 private:
  std::map<Node*, Gradient> gradients_;
};

}  // namespace tiny
