// Rows of the table: recurrent layers.
#include <cmath>

#include "fovea/ops/recurrent.hpp"
#include "support/op_draws.hpp"

namespace support {

namespace {

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

wide sigmoid(wide x) { return 1 / (1 + std::exp(-x)); }

// x, kernel, recurrent_kernel and bias, and in half of the trials the states at the start. A GRU's
// reset acts where its bias says: two rows for the product, one for h.
Shapes recurrent(Generate& g, Index gates, Index states) {
  const bool without_time = g.chance(0.5);
  const Index batch = g.wants_empty() && !without_time ? 0 : g.integer(1, g.large() ? 40 : 9);
  const Index time = g.wants_empty() && without_time ? 0
                     : g.wants_ones()                ? 1
                                                     : g.integer(1, g.large() ? 24 : 6),
              features = g.integer(1, g.large() ? 40 : 5),
              units = g.large() ? g.integer(30, 70) : g.integer(1, g.chance(0.2) ? 20 : 5);
  Shapes shapes{Shape{batch, time, features}, Shape{features, gates * units},
                Shape{units, gates * units},
                gates == 3 && g.chance(0.5) ? Shape{2, gates * units} : Shape{gates * units}};
  if (g.chance(0.5)) shapes.insert(shapes.end(), at(states), Shape{batch, units});
  return shapes;
}
Shapes gru_shapes(Generate& g) { return recurrent(g, 3, 1); }
Shapes lstm_shapes(Generate& g) { return recurrent(g, 4, 2); }

fovea::UnrollOptions draw_options(const Shapes& shapes, Generate& g) {
  fovea::UnrollOptions options{.go_backwards = g.chance(0.5)};
  if (g.variant(3) != 0)
    options.mask = g.mask(Shape{shapes[0][0], shapes[0][1]}, g.variant(3) == 1 ? 0.7 : 0.2);
  return options;
}

// All results as one: (batch, time units), then the states.
Tensor joined(const fovea::Unrolled& all) {
  const Shape& shape = all.outputs.shape();
  std::vector<Tensor> parts{fovea::reshape(all.outputs, {shape[0], shape[1] * shape[2]})};
  parts.insert(parts.end(), all.states.begin(), all.states.end());
  return fovea::concat(parts, 1);
}

// One sample on its way through plain loops.
struct Sample {
  const std::vector<Plain>& in;
  Index features, units, gates;
  std::vector<wide> h, c;

  // Column j of x W, and of v U.
  wide of_x(const wide* x, Index j) const {
    wide sum = 0;
    for (Index f = 0; f < features; ++f) sum += x[f] * in[1].values[at(f * gates * units + j)];
    return sum;
  }
  wide of_h(const std::vector<wide>& v, Index j) const {
    wide sum = 0;
    for (Index u = 0; u < units; ++u) sum += v[at(u)] * in[2].values[at(u * gates * units + j)];
    return sum;
  }
  wide bias(Index j) const { return in[3].values[at(j)]; }

  void gru(const wide* x) {
    const bool after = in[3].shape.rank() == 2;
    const auto gate = [&](Index j) {
      return sigmoid(of_x(x, j) + of_h(h, j) + bias(j) + (after ? bias(3 * units + j) : 0));
    };
    std::vector<wide> next(at(units)), reset(at(units));
    for (Index u = 0; u < units; ++u) reset[at(u)] = gate(units + u) * h[at(u)];
    for (Index u = 0; u < units; ++u) {
      const Index j = 2 * units + u;
      const wide z = gate(u), from_h = after ? gate(units + u) * (of_h(h, j) + bias(3 * units + j))
                                             : of_h(reset, j);
      next[at(u)] = z * h[at(u)] + (1 - z) * std::tanh(of_x(x, j) + bias(j) + from_h);
    }
    h = next;
  }

  void lstm(const wide* x) {
    std::vector<wide> next(at(units));
    for (Index u = 0; u < units; ++u) {
      const auto gate = [&](Index i) {
        const Index j = i * units + u;
        return of_x(x, j) + of_h(h, j) + bias(j);
      };
      c[at(u)] = sigmoid(gate(1)) * c[at(u)] + sigmoid(gate(0)) * std::tanh(gate(2));
      next[at(u)] = sigmoid(gate(3)) * std::tanh(c[at(u)]);
    }
    h = next;
  }
};

Plain walk(const std::vector<Plain>& in, const fovea::UnrollOptions& options, bool is_gru) {
  const Index batch = in[0].shape[0], time = in[0].shape[1], features = in[0].shape[2],
              units = in[2].shape[0], width = (time + (is_gru ? 1 : 2)) * units;
  Plain y(Shape{batch, width});
  y.scales.assign(y.values.size(), 1 + static_cast<wide>(features + units) / 4);
  for (Index b = 0; b < batch; ++b) {
    const auto start = [&](std::size_t state) {
      if (in.size() <= state) return std::vector<wide>(at(units));
      const auto from = in[state].values.begin() + b * units;
      return std::vector<wide>(from, from + units);
    };
    Sample sample{in, features, units, is_gru ? 3 : 4, start(4), start(5)};
    wide* const row = y.values.data() + b * width;
    for (Index step = 0; step < time; ++step) {
      const Index p = options.go_backwards ? time - 1 - step : step;
      const wide* const x = in[0].values.data() + (b * time + p) * features;
      if (options.mask && !options.mask->at(b * time + p)) {
        if (step > 0) std::copy_n(row + (step - 1) * units, units, row + step * units);
        continue;
      }
      is_gru ? sample.gru(x) : sample.lstm(x);
      std::ranges::copy(sample.h, row + step * units);
    }
    std::ranges::copy(sample.h, row + time * units);
    if (!is_gru) std::ranges::copy(sample.c, row + (time + 1) * units);
  }
  return y;
}

Call gru_call(const Shapes& shapes, Generate& g) {
  const fovea::UnrollOptions options = draw_options(shapes, g);
  const auto reset = shapes[3].rank() == 2 ? fovea::Reset::after : fovea::Reset::before;
  return {[=](Inputs x) {
            fovea::UnrollOptions given = options;
            given.states.assign(x.begin() + 4, x.end());
            return joined(fovea::gru(x[0], x[1], x[2], x[3], given, reset));
          },
          [=](const auto& x) { return walk(x, options, true); },
          fmt::format("backwards {}{}", options.go_backwards, text(options.mask))};
}

Call lstm_call(const Shapes& shapes, Generate& g) {
  const fovea::UnrollOptions options = draw_options(shapes, g);
  return {[=](Inputs x) {
            fovea::UnrollOptions given = options;
            given.states.assign(x.begin() + 4, x.end());
            return joined(fovea::lstm(x[0], x[1], x[2], x[3], given));
          },
          [=](const auto& x) { return walk(x, options, false); },
          fmt::format("backwards {}{}", options.go_backwards, text(options.mask))};
}

}  // namespace

std::vector<OpCase> recurrent_cases() {
  return {{"gru", {-0.5, 0.5}, 16, gru_shapes, gru_call},
          {"lstm", {-0.5, 0.5}, 16, lstm_shapes, lstm_call}};
}

}  // namespace support
