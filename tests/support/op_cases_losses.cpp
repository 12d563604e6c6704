// Rows of the losses. Predictions and targets are drawn from one range: the formulas hold for any
// targets.
#include <cmath>

#include "support/op_draws.hpp"

namespace support {

namespace {

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

const wide low = real(1e-7), high = real(1) - real(1e-7);

// Predictions and targets, with something along the last axis.
Shapes samples(Generate& g) {
  const Shape shape = g.shape(1, 4);
  const Shape filled = shape[-1] > 0 ? shape : shape.with(-1, 3).with(0, shape.rank() > 1 ? 0 : 3);
  return {filled, filled};
}

// The sum over the last axis of f(p, t); its rounding is measured by the sum of size(p, t), |f|
// unless given.
using Term = std::function<wide(wide, wide)>;
Plain sum_of(const Plain& p, const Plain& t, const Term& f, const Term& size = {}) {
  Plain loss(p.shape.without(-1));
  loss.scales.resize(loss.values.size());
  for (Index i = 0; i < p.shape.count(); ++i) {
    const std::size_t sample = at(i / p.shape[-1]);
    const wide term = f(p.values[at(i)], t.values[at(i)]);
    loss.values[sample] += term;
    loss.scales[sample] += size ? size(p.values[at(i)], t.values[at(i)]) : std::abs(term);
  }
  return loss;
}

Plain mean_of(const Plain& p, const Plain& t, const Term& f, const Term& size = {}) {
  Plain loss = sum_of(p, t, f, size);
  for (wide& value : loss.values) value /= static_cast<wide>(p.shape[-1]);
  for (wide& scale : loss.scales) scale /= static_cast<wide>(p.shape[-1]);
  return loss;
}

Plain clipped_logarithms(const Plain& p) {
  return plain::map(p, [](wide v) { return std::log(std::clamp(v, low, high)); });
}

// sum_c t_c (log sum e^z - z_c) for the distribution that each label stands for.
Plain cross_entropy_of_labels(const Plain& z, const Ids& labels,
                              const fovea::SparseCrossentropyOptions& options) {
  const Plain logs = plain::log_softmax(z, z.shape.rank() - 1, {});
  const Index classes = z.shape[-1];
  Plain loss(labels.shape());
  loss.scales.resize(loss.values.size());
  const wide smoothing = options.label_smoothing;
  for (Index i = 0; i < z.shape.count(); ++i) {
    const Index sample = i / classes, c = i % classes, label = labels.at(sample);
    if (label == options.ignored_label) continue;
    wide t = (1 - smoothing) * (c == label) + smoothing / static_cast<wide>(classes);
    if (options.class_weights.defined()) t *= options.class_weights.value().data()[c];
    loss.values[at(sample)] -= t * logs.values[at(i)];
    loss.scales[at(sample)] += t * logs.scales[at(i)];
  }
  return loss;
}

using SparseLoss = Tensor (*)(const Tensor&, const Ids&, const fovea::SparseCrossentropyOptions&);

// Each option in half of the cases; an ignored label may be a class or none.
auto labelled(SparseLoss op, Plain (*logits_of)(const Plain&)) {
  return [=](const Shapes& shapes, Generate& g) {
    const Index classes = shapes[0][-1];
    Ids labels = g.ids(shapes[0].without(-1), classes);
    fovea::SparseCrossentropyOptions options;
    if (g.variant(2) == 1) options.label_smoothing = real(0.1);
    if (g.variant(4) >= 2) options.class_weights = g.array({classes}, {0.2, 2});
    if (g.chance(0.5)) {
      options.ignored_label = classes > 0 && g.chance(0.5) ? g.integer(0, classes - 1) : -100;
      std::vector<std::int32_t> values(labels.values().begin(), labels.values().end());
      for (std::int32_t& value : values)
        if (g.chance(0.3)) value = static_cast<std::int32_t>(*options.ignored_label);
      labels = Ids(labels.shape(), values);
    }
    return Call{
        [=](Inputs x) { return op(x[0], labels, options); },
        [=](const auto& x) { return cross_entropy_of_labels(logits_of(x[0]), labels, options); },
        fmt::format(
            "smoothing {}, class weights {}, ignored {}, labels ({})", options.label_smoothing,
            options.class_weights.defined(), options.ignored_label.value_or(-1),
            fmt::join(labels.values().first(std::min<std::size_t>(64, labels.values().size())),
                      ", "))};
  };
}

// Dense targets t (1 - smoothing) + smoothing / classes; `logarithms` of the predictions.
Plain cross_entropy_of_targets(const Plain& logarithms, const Plain& t, wide smoothing) {
  const wide even = smoothing / static_cast<wide>(t.shape[-1]);
  Plain loss =
      sum_of(logarithms, t, [=](wide l, wide p) { return -(p * (1 - smoothing) + even) * l; });
  for (std::size_t i = 0; i < loss.scales.size(); ++i) loss.scales[i] *= 2;
  for (wide& scale : loss.scales) scale += 12;
  return loss;
}

using DenseLoss = Tensor (*)(const Tensor&, const Tensor&, fovea::CrossentropyOptions);

auto smoothed(DenseLoss op, Plain (*exact)(const Plain&, const Plain&, wide)) {
  return [=](const Shapes&, Generate& g) {
    const real smoothing = g.variant(2) == 0 ? real(0) : real(0.25);
    return Call{[=](Inputs x) {
                  return smoothing == 0 ? op(x[0], x[1], {})
                                        : op(x[0], x[1], {.label_smoothing = smoothing});
                },
                [=](const auto& x) { return exact(x[0], x[1], smoothing); },
                fmt::format("smoothing {}", smoothing)};
  };
}

Plain dense_logits(const Plain& z, const Plain& t, wide smoothing) {
  return cross_entropy_of_targets(plain::log_softmax(z, z.shape.rank() - 1, {}), t, smoothing);
}

Plain dense_probabilities(const Plain& p, const Plain& t, wide smoothing) {
  const Plain even = plain::zip(p, plain::sum(p, {p.shape.rank() - 1}, true),
                                [](wide a, wide b) { return a / b; });
  return cross_entropy_of_targets(clipped_logarithms(even), t, smoothing);
}

Plain binary_logits(const Plain& z, const Plain& t, wide smoothing) {
  return mean_of(
      z, t,
      [=](wide x, wide y) {
        return std::log1p(std::exp(x)) - x * (y * (1 - smoothing) + smoothing / 2);
      },
      [](wide x, wide y) { return 1 + std::abs(x) + std::abs(x * y); });
}

Plain binary_probabilities(const Plain& p, const Plain& t, wide smoothing) {
  return mean_of(
      p, t,
      [=](wide x, wide y) {
        const wide wanted = y * (1 - smoothing) + smoothing / 2;
        return -wanted * std::log(x) - (1 - wanted) * std::log1p(-x);
      },
      [](wide x, wide) { return std::abs(std::log(x)) + std::abs(std::log1p(-x)); });
}

auto of_difference(Tensor (*op)(const Tensor&, const Tensor&), wide (*exact)(wide)) {
  return [=](const Shapes&, Generate&) {
    return Call{[=](Inputs x) { return op(x[0], x[1]); },
                [=](const auto& x) {
                  return mean_of(x[0], x[1], [=](wide p, wide t) { return exact(p - t); });
                }};
  };
}

Call huber_call(const Shapes&, Generate& g) {
  const real delta = g.variant(2) == 0 ? real(1) : static_cast<real>(g.uniform(0.3, 3));
  const auto exact = [=](wide p, wide t) {
    const wide d = std::abs(p - t);
    return d <= delta ? d * d / 2 : delta * (d - wide(delta) / 2);
  };
  return {[=](Inputs x) {
            return delta == 1 ? fovea::huber(x[0], x[1]) : fovea::huber(x[0], x[1], delta);
          },
          [=](const auto& x) { return mean_of(x[0], x[1], exact); },
          fmt::format("delta {}", delta)};
}

Call kl_divergence_call(const Shapes&, Generate&) {
  return {[](Inputs x) { return fovea::kl_divergence(x[0], x[1]); },
          [](const auto& x) {
            return sum_of(
                x[0], x[1], [](wide p, wide t) { return t * std::log(t / p); },
                [](wide p, wide t) { return t * (1 + std::abs(std::log(t / p))); });
          }};
}

}  // namespace

std::vector<OpCase> loss_cases() {
  const Range numbers = {-3, 3}, probabilities = {0.02, 0.98};
  return {
      {"sparse_categorical_crossentropy", numbers, 6, predictions,
       labelled(fovea::sparse_categorical_crossentropy, [](const Plain& z) { return z; })},
      {"sparse_categorical_crossentropy_from_probabilities", probabilities, 8, predictions,
       labelled(fovea::sparse_categorical_crossentropy_from_probabilities, clipped_logarithms)},
      {"categorical_crossentropy", numbers, 6, samples,
       smoothed(fovea::categorical_crossentropy, dense_logits)},
      {"categorical_crossentropy_from_probabilities", probabilities, 6, samples,
       smoothed(fovea::categorical_crossentropy_from_probabilities, dense_probabilities)},
      {"binary_crossentropy", numbers, 6, samples,
       smoothed(fovea::binary_crossentropy, binary_logits)},
      {"binary_crossentropy_from_probabilities", probabilities, 8, samples,
       smoothed(fovea::binary_crossentropy_from_probabilities, binary_probabilities)},
      {"mean_squared_error", numbers, 8, samples,
       of_difference(fovea::mean_squared_error, [](wide d) { return d * d; })},
      {"mean_absolute_error", numbers, 8, samples,
       of_difference(fovea::mean_absolute_error, std::abs)},
      {"huber", numbers, 8, samples, huber_call},
      {"kl_divergence", probabilities, 8, samples, kl_divergence_call},
  };
}

}  // namespace support
