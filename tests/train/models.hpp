// Models of several inputs and outputs, as users write them.
#pragma once

#include "support/refusal.hpp"
#include "train/toy.hpp"

namespace models {

using namespace fovea;

/// An encoder and a decoder that is told the right word before (teacher forcing): words of one
/// sequence to those of another.
struct Translator {
  static constexpr const char* input_names[] = {"source", "target"};

  Index words;
  Embedding source{words, 8, true}, target{words, 8, true};
  GRU encoder{16}, decoder{.units = 16, .return_sequences = true};
  Dropout dropout{real(0.1)};
  Dense next{words, Activation::softmax};

  Signal operator()(const Ids& from, const Ids& to, const Context& context = {}) const {
    const Caller call(*this, context);
    const Tensor thought = call(encoder, call(source, from), source.mask(from));
    const Tensor before = call(target, to);
    const Tensor state = call.within(decoder, before, [&](const Context&) {
      return decoder.unroll(before, {.states = {thought}}).outputs;
    });
    return {call(next, call(dropout, state)), target.mask(to)};
  }

  static void parameters(auto& self, auto&& visit) {
    visit("source", self.source);
    visit("target", self.target);
    visit("encoder", self.encoder);
    visit("decoder", self.decoder);
    visit("dropout", self.dropout);
    visit("next", self.next);
  }
};

/// The price of something from its description and its measures.
struct Appraiser {
  static constexpr const char* input_names[] = {"text", "measures"};

  Sequential text{Embedding{toy::vocabulary, 6, true}, AttentionLayer{5}};
  Dense hidden{8, Activation::relu}, price{1};

  Tensor operator()(const Ids& ids, const Tensor& numbers, const Context& context = {}) const {
    const Caller call(*this, context);
    return call(price, call(hidden, concat({call(text, ids), numbers}, 1)));
  }

  static void parameters(auto& self, auto&& visit) {
    visit("text", self.text);
    visit("hidden", self.hidden);
    visit("price", self.price);
  }
};

/// What a text is about, and whether it is urgent: two heads on one body.
struct TwoHeads {
  static constexpr const char* output_names[] = {"topic", "urgent"};

  Embedding embedding{toy::vocabulary, 6, true};
  AttentionLayer attention{5};
  Dense topic{toy::classes, Activation::softmax}, urgent{1, Activation::sigmoid};

  std::pair<Tensor, Tensor> operator()(const Ids& ids, const Context& context = {}) const {
    const Caller call(*this, context);
    const Tensor body = call(attention, call(embedding, ids), embedding.mask(ids));
    return {call(topic, body), call(urgent, body)};
  }

  static void parameters(auto& self, auto&& visit) {
    visit("embedding", self.embedding);
    visit("attention", self.attention);
    visit("topic", self.topic);
    visit("urgent", self.urgent);
  }
};

/// Sequences of 1 to `time` words, 0 behind; what the decoder is told; and the words backwards.
struct Sentences {
  Ids source, told, target;
};

inline Sentences sentences(Index samples, Index time, Index words, Index trial = 0) {
  support::Generate g("sentences", trial);
  const auto place = [time](Index i, Index t) { return static_cast<std::size_t>(i * time + t); };
  std::vector<std::int32_t> source(static_cast<std::size_t>(samples * time), 0), told = source,
                                                                                 target = source;
  for (Index i = 0; i < samples; ++i) {
    const Index length = g.integer(1, time);
    for (Index t = 0; t < length; ++t)
      source[place(i, t)] = static_cast<std::int32_t>(g.integer(2, words - 1));
    for (Index t = 0; t < length; ++t) target[place(i, t)] = source[place(i, length - 1 - t)];
    told[place(i, 0)] = 1;
    for (Index t = 1; t < length; ++t) told[place(i, t)] = target[place(i, t - 1)];
  }
  const Shape shape{samples, time};
  return {Ids(shape, source), Ids(shape, told), Ids(shape, target)};
}

inline Array measures(Index samples) {
  return support::Generate("measures", 0).array(Shape{samples, 3}, {-1, 1});
}

// A price that depends on both inputs.
inline Array prices(const toy::Data& text, const Array& numbers) {
  Array result(Shape{numbers.shape()[0], 1});
  for (Index i = 0; i < result.count(); ++i)
    result.mutable_data()[i] = static_cast<real>(text.y.at(i)) + 2 * numbers.at(3 * i + 1);
  return result;
}

// Whether a text is of class 0: 1 or 0.
inline Array first_class(const Ids& y) {
  Array result(Shape{y.count(), 1});
  for (Index i = 0; i < y.count(); ++i) result.mutable_data()[i] = y.at(i) == 0 ? real(1) : real(0);
  return result;
}

inline Model two_heads(double weight = 0.5) {
  Model model{TwoHeads{}};
  model.compile({.optimizer = Adam{{.learning_rate = 0.02}},
                 .seed = 3,
                 .outputs = {{"urgent", BinaryCrossentropy{}, {Accuracy{}}, weight},
                             {"topic", SparseCategoricalCrossentropy{}, {Accuracy{}}}}});
  return model;
}

/// A trunk and two outputs of the same kind.
struct Pair {
  Dense trunk{3}, first{3}, second{3};
  static constexpr const char* output_names[] = {"first", "second"};

  std::tuple<Tensor, Tensor> operator()(const Tensor& x, const Context& context = {}) const {
    const Caller call(*this, context);
    const Tensor shared = call(trunk, x);
    return {call(first, shared), call(second, shared)};
  }
  static void parameters(auto& self, auto&& visit) {
    visit("trunk", self.trunk);
    visit("first", self.first);
    visit("second", self.second);
  }
};

// Two outputs, of labels and of numbers.
struct Two {
  static constexpr const char* output_names[] = {"kind", "size"};
  Dense kind{3, Activation::softmax}, size{1};
  std::pair<Tensor, Tensor> operator()(const Tensor& x, const Context& context = {}) const {
    const Caller call(*this, context);
    return {call(kind, x), call(size, x)};
  }
  static void parameters(auto& self, auto&& visit) {
    visit("kind", self.kind);
    visit("size", self.size);
  }
};

}  // namespace models
